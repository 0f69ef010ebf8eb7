"""docs/operations.md, "Upgrading" and "Changing cluster.yaml": every process is replaced while projects run."""

import pytest

pytestmark = [pytest.mark.endurance, pytest.mark.timeout(240)]

MORE = """
  dockers:
    modules: [crew_hands]
    skills: {stow: {}}
"""


async def test_processes_are_replaced_in_the_order_of_an_upgrade_and_nobody_notices(deployment):
    handle = await deployment.submit(120)
    await deployment.until_done(handle, 10)
    await deployment.renew("worker crew", "lead crew", "director")
    assert await handle.result() == {"count": 120}
    assert await deployment.dead_letters("crew") == {}
    assert "rows are what the events make" in await deployment.warren("ledger", "rebuild")


async def test_a_skill_and_a_team_come_and_go_while_a_project_runs(deployment):
    before = deployment.file.read_text()
    handle = await deployment.submit(120)
    await deployment.until_done(handle, 10)

    deployment.file.write_text(before + "      stow: {}" + MORE)
    await deployment.warren("topology", "declare")
    await deployment.start(
        lead_dockers=("teamlead", "--team", "dockers"), worker_dockers=("worker", "--team", "dockers")
    )
    await deployment.renew("worker crew", "lead crew", "director")
    for team in ("crew", "dockers"):
        assert await (await deployment.submit(3, team=team, skill="stow")).result() == {"count": 3}
    await deployment.warren("topology", "check")

    deployment.file.write_text(before)
    await deployment.renew("new director")
    await deployment.stop("lead dockers", "worker dockers")
    await deployment.renew("new worker crew", "new lead crew")
    left = await deployment.warren("topology", "check", code=4)
    assert "queue warren.work.crew.stow exists, but the cluster file has no use for it" in left
    assert "would be removed: queue warren.lead.dockers" in await deployment.warren("topology", "prune", code=4)
    await deployment.warren("topology", "prune", "--yes")
    assert "nothing is left over" in await deployment.warren("topology", "prune")
    await deployment.warren("topology", "check")

    assert await handle.result() == {"count": 120}
    assert await deployment.dead_letters("crew") == {}


async def test_a_queue_that_still_holds_something_is_not_pruned(deployment):
    whole = deployment.file.read_text()
    deployment.file.write_text(whole + MORE)
    await deployment.warren("topology", "declare")
    await deployment.start(director_2=("director",), lead_dockers=("teamlead", "--team", "dockers"))
    await deployment.stop("director")
    handle = await deployment.submit(1, team="dockers", skill="stow")
    await deployment.until_planned(handle)
    await deployment.stop("lead dockers")
    deployment.file.write_text(whole)
    said = await deployment.warren("topology", "prune", "--yes", code=4)
    assert "kept: queue warren.work.dockers.stow has 1 message and 0 consumers" in said
    assert "removed: queue warren.lead.dockers" in said

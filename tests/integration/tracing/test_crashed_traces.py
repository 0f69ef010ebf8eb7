"""A project's trace does not depend on the life of any process that had a part in it."""

import time

import pytest

from warren.testing.patience import wait_until

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.chaos]

PROTOCOL = "grpc"
COMMANDS = {
    "director": ("director",),
    "lead scouts": ("teamlead", "--team", "scouts"),
    "worker scouts": ("worker", "--team", "scouts"),
}
WHOLE = """
invoke_workflow plan
  assignment scouts
    wait warren.lead.scouts
    map
      task parting
        wait warren.work.scouts.parting
        invoke_agent parting
      task parting
        wait warren.work.scouts.parting
        invoke_agent parting
      task parting
        wait warren.work.scouts.parting
        invoke_agent parting
"""
PARTING = {"kind": "call", "skill": "parting", "input": {"file": "input.file", "n": "item"}}


@pytest.mark.parametrize("role", COMMANDS)
async def test_a_killed_process_leaves_no_gap_in_the_trace(role, cluster, client, whole_trace, tmp_path):
    gate = tmp_path / "gate"
    gate.touch()
    plan = {"kind": "delegate", "team": "scouts", "plan": {"kind": "map", "items": "input.items", "do": PARTING}}
    handle = await client.submit(plan=plan, input={"items": [1, 2, 3], "file": str(gate)})
    accepted_s = time.time()
    await wait_until((tmp_path / "gate.begun").exists, timeout_s=20)
    cluster.kill(role)
    killed_s = time.time()
    cluster.start(role, *COMMANDS[role])
    gate.unlink()
    assert await handle.result() == {"items": [{"n": 1}, {"n": 2}, {"n": 3}]}
    trace = await whole_trace(handle.id, spans=13)
    [root], [assignment] = trace.roots(), trace.named("assignment scouts")
    for span in (root, assignment):
        assert span.start_ns / 1e9 <= accepted_s + 1
        assert span.end_ns / 1e9 > killed_s
    assert trace.outline() == WHOLE.strip().splitlines()
    if role == "worker scouts":
        events = [name for attempt in trace.named("invoke_agent parting") for name, _, _ in attempt.events]
        assert "warren.redelivered" in events

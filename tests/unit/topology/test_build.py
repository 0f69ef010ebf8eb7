from collections import Counter

import pytest

from topology import Cluster, Profile, build, names

SCOUTS_DEAD = ["lead.scouts", "lead.scouts.results", "work.scouts.list-files", "work.scouts.measure"]
OWN_EXCHANGES = [names.TASKS, names.RESULTS, names.REPLIES, names.EVENTS, names.CONTROL, names.retry_name(15)]
PARKING = {"warren.dead.director", "warren.dead.scouts", "warren.dead.press", "warren.unroutable"}
DLX = "x-dead-letter-exchange"


@pytest.mark.parametrize(
    ("exchange", "key", "queues"),
    [
        (names.INGRESS, "project.survey", {"warren.projects"}),
        (names.INGRESS, "command.cancel", {"warren.director"}),
        (names.INGRESS, "query.status", {"warren.director"}),
        (names.INGRESS, "nonsense", {"warren.unroutable"}),
        (names.INGRESS, "project.survey.more", {"warren.unroutable"}),
        (names.TASKS, "assign.scouts", {"warren.lead.scouts"}),
        (names.TASKS, "task.scouts.measure", {"warren.work.scouts.measure"}),
        (names.TASKS, "task.press.measure", set()),
        (names.RESULTS, "result.director", {"warren.director"}),
        (names.RESULTS, "result.scouts", {"warren.lead.scouts.results"}),
        (names.RESULTS, "result.nobody", set()),
        (names.REPLIES, "reply.nobody", set()),
        (names.EVENTS, "task.succeeded.scouts.measure", {"warren.history"}),
        (names.DEAD, "projects", {"warren.dead.director"}),
        (names.DEAD, "director", {"warren.dead.director"}),
        (names.DEAD, "lead.scouts", {"warren.dead.scouts", "warren.director"}),
        (names.DEAD, "lead.scouts.results", {"warren.dead.scouts"}),
        (names.DEAD, "work.scouts.measure", {"warren.dead.scouts", "warren.lead.scouts.results"}),
        (names.DEAD, "work.gone.measure", {"warren.unroutable"}),
        (names.UNROUTABLE, "anything", {"warren.unroutable"}),
    ],
)
def test_a_key_leads_to_the_queues_of_the_design(router, exchange: str, key: str, queues: set[str]):
    assert router.route(exchange, key) == queues


def test_a_team_named_results_takes_nobody_elses_messages(profile: Profile, cluster: Cluster):
    twisted = {"results": cluster.teams["scouts"], "retry": cluster.teams["press"]}
    topology = build(cluster.model_copy(update={"profile": profile, "teams": twisted}))
    assert max(Counter(queue.name for queue in topology.queues).values()) == 1


def test_every_name_is_declared_once_and_before_it_is_bound(router):
    topology = router.topology
    for items in (topology.exchanges, topology.queues, topology.bindings):
        assert max(Counter(map(str, items)).values()) == 1
    places = {("exchange", name) for name in router.exchanges} | {("queue", name) for name in router.queues}
    for binding in topology.bindings:
        assert binding.source in router.exchanges
        assert (binding.destination_kind, binding.destination) in places


@pytest.mark.parametrize("exchange", OWN_EXCHANGES)
def test_what_warren_publishes_itself_is_never_swallowed_by_an_alternate_exchange(router, exchange: str):
    assert "alternate-exchange" not in router.exchanges[exchange].arguments


def test_every_queue_that_is_worked_on_parks_its_dead_letters_in_a_queue(router):
    worked = {name: queue for name, queue in router.queues.items() if queue.arguments.get(DLX) == names.DEAD}
    assert len(worked) == 2 + 4 + 3
    for name, queue in worked.items():
        assert queue.arguments["x-dead-letter-routing-key"] == names.queue_token(name)
        assert router.route(names.DEAD, names.queue_token(name)) & PARKING


def test_what_is_parked_stays_parked(router):
    for name in PARKING:
        assert DLX not in router.queues[name].arguments


def test_classic_queues_get_no_argument_of_another_type(cluster: Cluster):
    allowed = {"x-queue-type", DLX, "x-dead-letter-routing-key", "x-max-priority", "x-message-ttl"}
    for queue in build(cluster).queues:
        if queue.arguments["x-queue-type"] != "stream":
            assert queue.arguments["x-queue-type"] == "classic"
            assert set(queue.arguments) <= allowed


def test_quorum_queues_dead_letter_at_least_once_and_have_no_classic_priorities(cluster: Cluster):
    for queue in build(cluster.model_copy(update={"profile": "quorum"})).queues:
        assert queue.arguments["x-queue-type"] in {"quorum", "stream"}
        assert "x-max-priority" not in queue.arguments
        if DLX in queue.arguments:
            assert queue.arguments["x-dead-letter-strategy"] == "at-least-once"
            assert queue.arguments["x-overflow"] == "reject-publish"


def test_work_waits_by_priority_in_the_classic_profile(cluster: Cluster):
    queues = {queue.name: queue for queue in build(cluster).queues}
    for name in ("warren.projects", "warren.director", "warren.lead.scouts", "warren.work.scouts.measure"):
        assert queues[name].arguments["x-max-priority"] == 9


def test_all_queues_of_a_team_can_be_retried_into(router):
    for token in [*SCOUTS_DEAD, "projects", "director"]:
        assert router.route(names.RETRY_OUT, names.retry_key(7, f"warren.{token}")) == {f"warren.{token}"}

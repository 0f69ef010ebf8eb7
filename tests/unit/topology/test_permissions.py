"""Who may do what, by the rules alone; what a real broker makes of them is in tests/integration/permissions."""

import re
from itertools import product

import pytest

from topology import Cluster, ClusterFileError, build, names, parse_cluster
from topology.permissions import DIRECTOR_USER, lead_user, users, worker_user
from topology.user import NOTHING, exactly, literal

HOLES = re.compile(r"\.\*|\.\+|(?<!\\)\.(?![*+])")
"""What lets more pass than it seems to: any characters, or a dot that is not escaped."""


@pytest.fixture
def known(cluster: Cluster):
    return {user.name: user for user in users(cluster, ["acme"])}


def allows(pattern: str, word: str) -> bool:
    """As the broker does it: a search for the pattern anywhere."""
    return re.search(pattern, word) is not None


def test_there_is_a_user_for_each_role_of_each_team(cluster: Cluster, known):
    teams = [make(team) for team, make in product(cluster.teams, (lead_user, worker_user))]
    assert known.keys() == {DIRECTOR_USER, *teams, "acme", "warren-operator", "warren-scaler"}


def test_every_pattern_is_anchored_and_has_no_hole(known):
    for user in known.values():
        patterns = [user.configure, user.write, user.read]
        patterns += [pattern for topic in user.topics for pattern in (topic.write, topic.read)]
        for pattern in patterns:
            assert pattern.startswith("^")
            assert pattern.endswith("$")
            if user.name != "warren-operator":
                assert not HOLES.search(pattern.replace(r"[a-z0-9_-]", "").replace("[A-Za-z0-9_-]", "")), pattern


def test_every_exchange_that_a_user_may_use_has_a_rule_for_its_keys(cluster: Cluster, known):
    exchanges = [exchange.name for exchange in build(cluster).exchanges if exchange.kind == "topic"]
    for user in known.values():
        ruled = {topic.exchange: topic for topic in user.topics}
        for name in exchanges:
            if user.name == "warren-operator":
                continue
            assert allows(user.write, name) <= (name in ruled), (user.name, name)
            assert name not in ruled or allows(user.write, name) or ruled[name].write == NOTHING, (user.name, name)
            assert allows(user.read, name) == (name in ruled and ruled[name].read != NOTHING), (user.name, name)


def test_the_director_may_look_at_the_ladder_and_put_nothing_on_it(known):
    rules = {topic.exchange: topic for topic in known[DIRECTOR_USER].topics}
    for level in range(names.RETRY_LEVELS):
        ladder = names.retry_name(level)
        assert allows(known[DIRECTOR_USER].write, ladder)
        assert (rules[ladder].write, rules[ladder].read) == (NOTHING, NOTHING)
        assert not allows(known[DIRECTOR_USER].read, ladder)


def test_only_the_director_writes_to_the_default_exchange(known):
    assert [name for name, user in known.items() if allows(user.write, "amq.default")] == [DIRECTOR_USER]


def test_each_queue_of_work_is_read_by_one_role(cluster: Cluster, known):
    for queue in build(cluster).queues:
        readers = [name for name, user in known.items() if allows(user.read, queue.name) and name != "warren-operator"]
        stored = queue.name.startswith(("warren.dead.", "warren.retry.")) or queue.name in {
            names.UNROUTABLE_QUEUE,
            names.HISTORY_STREAM,
        }
        assert len(readers) == (0 if stored else 1), (queue.name, readers)


def test_every_retry_that_a_worker_makes_passes_and_no_other(cluster: Cluster, known):
    ladder = next(topic for topic in known["warren-worker-scouts"].topics if topic.exchange == "warren.retry.15")
    assert allows(ladder.write, names.retry_key(names.RETRY_MAX_UNITS, "warren.work.scouts.measure"))
    assert allows(ladder.write, names.retry_key(0, "warren.work.scouts.list-files"))
    assert not allows(ladder.write, names.retry_key(5, "warren.work.press.write_report"))
    assert not allows(ladder.write, names.retry_key(5, "warren.projects"))


def test_a_team_without_skills_has_a_worker_that_may_do_nothing_but_listen():
    cluster = parse_cluster("{version: 1, teams: {idle: }}", "-")
    worker = next(user for user in users(cluster) if user.name == "warren-worker-idle")
    assert {topic.exchange: topic.write for topic in worker.topics} == {
        "warren.results": r"^result\.idle$",
        "warren.retry.15": NOTHING,
        "warren.dead": NOTHING,
        "warren.events": r"^agent\.(started|draining|stopped)\.worker$",
        "warren.control": NOTHING,
    }


def test_a_publisher_reads_its_own_replies_and_those_of_no_name_that_begins_like_it(known):
    replies = next(topic for topic in known["acme"].topics if topic.exchange == "warren.replies").read
    assert allows(replies, "reply.acme")
    assert allows(replies, "reply.acme--1f")
    for other in ("reply.acme2", "reply.acme-2", "reply.acm", "reply.umbrella", "reply.acme.x", "reply.*", "#"):
        assert not allows(replies, other)


@pytest.mark.parametrize("name", ["", "Acme", "a b", "acme--1", "warren-director", "x" * 41, "a.b", "reply.#", "é"])
def test_a_name_that_would_open_more_is_no_publisher(cluster: Cluster, name: str):
    with pytest.raises(ClusterFileError, match="publisher"):
        users(cluster, [name])


def test_names_are_taken_literally():
    assert exactly([literal("warren.tasks")]) == r"^warren\.tasks$"
    assert not allows(exactly([literal("warren.tasks")]), "warrenxtasks")
    assert exactly([]) == NOTHING
    assert not allows(NOTHING, "anything")

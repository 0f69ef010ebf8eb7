"""Who may do what on the broker: a user per role and team, with the rights for what the role does and no others.

A stolen password of a worker opens that worker's queues and the results of its team; of a team lead, its team; of a
publisher, the ingress. Only the director writes to the default exchange, for replies to AMQP's direct reply-to.

Brokers from 4.3 let only those look at the depth of a queue who have some right on it. Director and leads may write to
the queues that they watch: that means to bind them, which also takes the right to read an exchange, and they have
none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from topology import names
from topology.cluster import Cluster
from topology.errors import ClusterFileError, Problem
from topology.user import SERVER_NAMED, TopicRight, User, exactly, literal

DIRECTOR_USER: Final = "warren-director"
OPERATOR_USER: Final = "warren-operator"
SCALER_USER: Final = "warren-scaler"
OWN_PREFIX: Final = "warren-"

EVERYTHING: Final = r"^warren\..*$"
DEFAULT_EXCHANGE: Final = r"amq\.default"
TOKEN: Final = names.TOKEN.pattern
PROJECT_EVENT: Final = r"project\.(accepted|succeeded|failed|cancelled|expired|reopened)"
ENDED: Final = "(succeeded|failed|cancelled|expired)"
AGENT_STATUS: Final = "(started|draining|stopped)"
CLIENT_SEPARATOR: Final = "--"
"""Between a publisher's name and what tells its processes apart, in the client's token."""


def lead_user(team: str) -> str:
    return f"{OWN_PREFIX}lead-{team}"


def worker_user(team: str) -> str:
    return f"{OWN_PREFIX}worker-{team}"


def users(cluster: Cluster, publishers: Iterable[str] = ()) -> tuple[User, ...]:
    """All users of a cluster. Raises ClusterFileError for a publisher's name that cannot be one.

    `publishers` are the names of other systems that submit projects.
    """
    return (
        _director(cluster),
        *(lead for team in cluster.teams for lead in _team(cluster, team)),
        *(_publisher(_checked(name)) for name in publishers),
        User(OPERATOR_USER, EVERYTHING, EVERYTHING, EVERYTHING, tags=("policymaker",)),
        User(SCALER_USER, tags=("monitoring",)),
    )


def _team(cluster: Cluster, team: str) -> Iterator[User]:
    skills = tuple(cluster.teams[team].skills)
    yield _lead(team, skills, tuple(cluster.teams))
    yield _worker(team, skills)


def _director(cluster: Cluster) -> User:
    own = (names.PROJECTS_QUEUE, names.DIRECTOR_QUEUE)
    topics = (
        TopicRight(names.TASKS, write=exactly(literal(names.assign_key(team)) for team in cluster.teams)),
        TopicRight(names.REPLIES, write=exactly([rf"reply\.{TOKEN}"])),
        TopicRight(
            names.EVENTS, write=exactly([PROJECT_EVENT, *_ended_assignments(cluster.teams), _agents("director")])
        ),
        TopicRight(names.CONTROL, write=exactly([names.EVERYBODY])),
        TopicRight(names.DEAD, write=_dead(own)),
    )
    dead = [literal(names.dead_queue(owner)) for owner in (names.DIRECTOR, *cluster.teams)]
    # the ladder's queues, which it watches, have the names of exchanges, to which it has nothing to publish
    ladder = tuple(TopicRight(names.retry_name(level)) for level in range(names.RETRY_LEVELS))
    return User(
        DIRECTOR_USER,
        write=exactly([*_exchanges((*topics, *ladder)), *dead, DEFAULT_EXCHANGE]),
        read=exactly(map(literal, own)),
        topics=(*topics, *ladder),
    )


def _lead(team: str, skills: tuple[str, ...], teams: tuple[str, ...]) -> User:
    own = (names.lead_queue(team), names.lead_results_queue(team))
    tasks = [names.task_key(team, skill) for skill in skills] + [names.assign_key(other) for other in teams]
    results = [names.result_key(owner) for owner in (names.DIRECTOR, *teams)]
    topics = (
        TopicRight(names.TASKS, write=exactly(map(literal, tasks))),
        TopicRight(names.RESULTS, write=exactly(map(literal, results))),
        TopicRight(names.EVENTS, write=exactly(_led(team, skills, teams))),
        TopicRight(names.CONTROL, write=exactly([names.EVERYBODY])),
        TopicRight(names.DEAD, write=_dead(own)),
    )
    watched = [literal(names.work_queue(team, skill)) for skill in skills]
    return User(
        lead_user(team),
        write=exactly([*_exchanges(topics), *watched]),
        read=exactly(map(literal, own)),
        topics=topics,
    )


def _worker(team: str, skills: tuple[str, ...]) -> User:
    queues = [names.work_queue(team, skill) for skill in skills]
    topics = (
        TopicRight(names.RESULTS, write=exactly([literal(names.result_key(team))])),
        TopicRight(names.retry_name(names.RETRY_LEVELS - 1), write=exactly(map(_retried, queues))),
        TopicRight(names.DEAD, write=_dead(queues)),
        TopicRight(names.EVENTS, write=exactly([*_progress(team, skills), _agents("worker")])),
    )
    control = TopicRight(names.CONTROL, read=exactly(_addresses(team)))
    return User(
        worker_user(team),
        configure=exactly([SERVER_NAMED]),
        write=exactly([*_exchanges(topics), SERVER_NAMED]),
        read=exactly([*map(literal, queues), literal(names.CONTROL), SERVER_NAMED]),
        topics=(*topics, control),
    )


def _led(team: str, skills: Iterable[str], teams: Iterable[str]) -> Iterator[str]:
    """The events of a lead: of its assignments and tasks, and of assignments that it gave to others and saw expire."""
    yield rf"assignment\.started\.{literal(team)}"
    yield from _ended_assignments(teams)
    yield from (rf"task\.{ENDED}\.{literal(team)}\.{literal(skill)}" for skill in skills)
    yield _agents("teamlead")


def _ended_assignments(teams: Iterable[str]) -> list[str]:
    return [rf"assignment\.{ENDED}\.{literal(team)}" for team in teams]


def _progress(team: str, skills: Iterable[str]) -> list[str]:
    return [literal(f"task.progressed.{team}.{skill}") for skill in skills]


def _agents(role: str) -> str:
    return rf"agent\.{AGENT_STATUS}\.{role}"


def _addresses(team: str) -> list[str]:
    """The keys on which a worker is told something. The ids of processes are not known beforehand."""
    known = (names.EVERYBODY, names.role_control_key("worker"), names.team_control_key(team))
    return [*map(literal, known), rf"agent\.{TOKEN}"]


def _retried(queue: str) -> str:
    """The keys that bring a message back to a queue after any delay."""
    return rf"({names.NO_LEVEL}|[0-9]+)\.{literal(names.retry_word(queue))}(\.[01])*"


def _publisher(name: str) -> User:
    own_replies = rf"^reply\.{name}({CLIENT_SEPARATOR}[a-z0-9_-]+)?$"
    ingress = TopicRight(names.INGRESS, write=rf"^(project|command|query)\.{TOKEN}$")
    return User(
        name,
        configure=exactly([SERVER_NAMED]),
        write=exactly([literal(names.INGRESS), SERVER_NAMED]),
        read=exactly([literal(names.REPLIES), SERVER_NAMED]),
        topics=(ingress, TopicRight(names.REPLIES, read=own_replies)),
    )


def _checked(publisher: str) -> str:
    if not names.is_token(publisher) or CLIENT_SEPARATOR in publisher or publisher.startswith(OWN_PREFIX):
        text = (
            f"{publisher[:80]!r} cannot be a publisher's name: 1 to 40 characters out of a-z, 0-9, _ and -, "
            f"without {CLIENT_SEPARATOR!r} in it and not beginning with {OWN_PREFIX!r}"
        )
        raise ClusterFileError("the publishers", Problem(text))
    return publisher


def _exchanges(topics: Iterable[TopicRight]) -> list[str]:
    return [literal(topic.exchange) for topic in topics]


def _dead(queues: Iterable[str]) -> str:
    return exactly(literal(names.queue_token(queue)) for queue in queues)

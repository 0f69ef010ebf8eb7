"""From the cluster file to everything that has to exist in its vhost."""

from __future__ import annotations

from collections.abc import Iterable

from topology import names, queue_arguments
from topology.cluster import Cluster
from topology.declaration import Binding, Exchange, Queue, Topology
from topology.profile import Profile
from topology.retry_ladder import ladder

_UNROUTED = {"alternate-exchange": names.UNROUTABLE}

EXCHANGES = (
    Exchange(names.UNROUTABLE, "fanout"),
    Exchange(names.INGRESS, arguments=_UNROUTED),
    # what Warren itself publishes here is mandatory: an alternate exchange would swallow the error
    Exchange(names.TASKS),
    Exchange(names.RESULTS),
    Exchange(names.REPLIES),
    Exchange(names.EVENTS),
    Exchange(names.CONTROL),
    # an unroutable dead letter would be lost, or hold up the queue that it comes from
    Exchange(names.DEAD, arguments=_UNROUTED),
)


def build(cluster: Cluster) -> Topology:
    """All exchanges, queues and bindings, in an order in which they can be declared."""
    profile = cluster.profile
    teams = [_team(profile, team, tuple(settings.skills)) for team, settings in cluster.teams.items()]
    director = _director(profile, tuple(cluster.teams))
    retried = [queue.name for part in (director, *teams) for queue in part.queues if _is_retried(queue)]
    return _joined(_shared(profile), director, *teams, ladder(profile, retried))


def _shared(profile: Profile) -> Topology:
    return Topology(
        exchanges=EXCHANGES,
        queues=(
            Queue(names.UNROUTABLE_QUEUE, queue_arguments.parking(profile)),
            Queue(names.HISTORY_STREAM, queue_arguments.HISTORY),
        ),
        bindings=(
            Binding(names.UNROUTABLE, names.UNROUTABLE_QUEUE, ""),
            Binding(names.EVENTS, names.HISTORY_STREAM, "#"),
        ),
    )


def _director(profile: Profile, teams: tuple[str, ...]) -> Topology:
    own = (names.PROJECTS_QUEUE, names.DIRECTOR_QUEUE)
    dead = names.dead_queue(names.DIRECTOR)
    return Topology(
        queues=(
            *(Queue(queue, queue_arguments.inbox(profile, queue)) for queue in own),
            Queue(dead, queue_arguments.parking(profile)),
        ),
        bindings=(
            Binding(names.INGRESS, names.PROJECTS_QUEUE, names.project_key("*")),
            Binding(names.INGRESS, names.DIRECTOR_QUEUE, names.command_key("*")),
            Binding(names.INGRESS, names.DIRECTOR_QUEUE, names.query_key("*")),
            Binding(names.RESULTS, names.DIRECTOR_QUEUE, names.DIRECTOR_RESULT_KEY),
            *_dead_letters(own, dead),
            *_dead_letters(map(names.lead_queue, teams), names.DIRECTOR_QUEUE),
        ),
    )


def _team(profile: Profile, team: str, skills: tuple[str, ...]) -> Topology:
    lead, results, dead = names.lead_queue(team), names.lead_results_queue(team), names.dead_queue(team)
    work = {skill: names.work_queue(team, skill) for skill in skills}
    return Topology(
        queues=(
            Queue(lead, queue_arguments.inbox(profile, lead)),
            Queue(results, queue_arguments.results(profile, results)),
            *(Queue(queue, queue_arguments.work(profile, queue)) for queue in work.values()),
            Queue(dead, queue_arguments.parking(profile)),
        ),
        bindings=(
            Binding(names.TASKS, lead, names.assign_key(team)),
            Binding(names.RESULTS, results, names.result_key(team)),
            *(Binding(names.TASKS, queue, names.task_key(team, skill)) for skill, queue in work.items()),
            *_dead_letters((lead, results, *work.values()), dead),
            *_dead_letters(work.values(), results),
        ),
    )


def _dead_letters(sources: Iterable[str], destination: str) -> list[Binding]:
    return [Binding(names.DEAD, destination, names.queue_token(source)) for source in sources]


def _is_retried(queue: Queue) -> bool:
    """Whoever parks its dead letters also retries; what only stores messages does not."""
    return queue.arguments.get("x-dead-letter-exchange") == names.DEAD


def _joined(*parts: Topology) -> Topology:
    return Topology(
        exchanges=tuple(exchange for part in parts for exchange in part.exchanges),
        queues=tuple(queue for part in parts for queue in part.queues),
        bindings=tuple(binding for part in parts for binding in part.bindings),
    )

"""What `warren doctor` looks at in a deployment that runs: who consumes, who may do what, and what time it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Final
from uuid import uuid4

from topology import names
from topology.build import build
from topology.cluster import Cluster
from topology.permissions import OWN_PREFIX, users
from topology.user import User
from warren.broker.port import Broker, Outgoing, Properties, QueueDepth
from warren.broker.rabbit.inspection import Inspection, Rights, inspect
from warren.cli.finding import Finding, listed
from warren.cli.printing import counted
from warren.errors import BrokerUnavailable, QueueMissing, WarrenError
from warren.ledger.look import Look
from warren.messages.codec import encode
from warren.messages.query import Query
from warren.telemetry.redaction import redacted

ANSWER_S: Final = 5.0
TOLERATED_S: Final = 2.0
"""What clocks may differ by; the broker's is read to about a second."""
HARMFUL_S: Final = 5.0
"""From here on coordinators send again what is only on its way, and deadlines are visibly wrong."""
REFUSED: Final = "ACCESS_REFUSED"
LOOK_AS: Final = "look as a user with rights on everything that begins with `warren.`, such as warren-operator"
SYNCHRONISE: Final = "synchronise the clocks of all machines (chrony, ntpd): deadlines and retries are counted by them"


async def deployment(cluster: Cluster, broker: Broker, amqp_url: str, management_url: str | None) -> list[Finding]:
    """Everything about a running deployment that can be seen over its broker."""
    try:
        depths = dict([depth async for depth in _depths(cluster, broker)])
    except BrokerUnavailable as error:
        return [Finding("queues", "bad", redacted(str(error)), LOOK_AS)]
    findings = [*queues(cluster, depths), *await director(broker, depths.get(names.DIRECTOR_QUEUE))]
    if management_url is None:
        remedy = "name the management API in WARREN_MANAGEMENT_URL"
        return [*findings, Finding("permissions", "note", "not compared with the broker", remedy)]
    try:
        inspection = await inspect(management_url, amqp_url)
    except WarrenError as error:
        return [*findings, Finding("management API", "bad", redacted(str(error)), "check WARREN_MANAGEMENT_URL")]
    return [
        *findings,
        versions(inspection),
        *alarms(inspection),
        *permissions(cluster, inspection.rights),
        _clock("broker", inspection.ahead_s),
    ]


def ledger(seen: Look) -> Iterator[Finding]:
    """A ledger's versions and clock."""
    if seen.revision == seen.wanted:
        yield Finding("ledger", "ok", f"{seen.database}, schema {seen.revision}")
    else:
        remedy = "run `warren ledger migrate` of the version that the roles run, or bring all to one version"
        found = f"{seen.database}, schema {seen.revision or 'none'}; this version of Warren works with {seen.wanted}"
        yield Finding("ledger", "bad", found, remedy)
    if seen.now_s is not None:
        yield _clock("ledger", seen.now_s - time.time())


def versions(inspection: Inspection) -> Finding:
    found = f"RabbitMQ {inspection.rabbitmq}, Erlang {inspection.erlang}"
    if len(set(inspection.nodes.values())) > 1:
        nodes = ", ".join(f"{node} {version}" for node, version in sorted(inspection.nodes.items()))
        return Finding("versions", "note", f"the broker's nodes differ: {nodes}", "finish the upgrade of the broker")
    return Finding("versions", "ok", f"{found}, {counted(len(inspection.nodes) or 1, 'node')}")


def alarms(inspection: Inspection) -> Iterator[Finding]:
    """Whatever else is found is then a consequence: nobody can publish."""
    if inspection.alarms:
        remedy = "it blocks whoever publishes until there is room: free disk, read or bound the queues that grow"
        yield Finding("alarms", "bad", "; ".join(inspection.alarms), remedy)


def permissions(cluster: Cluster, rights: Rights | None) -> Iterator[Finding]:
    """Whether the users of the cluster file have their rights, and no others."""
    if rights is None:
        yield Finding("permissions", "note", "not seen", "look as a broker user with the tag administrator")
        return
    wanted = {user.name: user for user in users(cluster)}
    yield from _strangers(rights, wanted)
    missing = sorted(name for name in wanted if (name, "") not in rights)
    if len(missing) == len(wanted):
        remedy = "give each role its own: `warren users passwords` and `warren users apply`"
        yield Finding("permissions", "note", "none of the cluster's users exists; the roles share one", remedy)
        return
    differing = sorted(name for name, user in wanted.items() if name not in missing and _of(name, rights) != _due(user))
    if missing or differing:
        found = [f"{name} is missing" for name in missing] + [f"{name} has other rights" for name in differing]
        yield Finding("permissions", "bad", listed(found), "`warren users apply` sets them as they should be")
    else:
        yield Finding("permissions", "ok", f"{len(wanted)} users have their rights and no others")


def _strangers(rights: Rights, wanted: Mapping[str, User]) -> Iterator[Finding]:
    """Users of a team that went keep their password and their rights until somebody takes them away."""
    known = {name for name, _ in rights}
    gone = sorted(name for name in known - wanted.keys() if name.startswith(OWN_PREFIX))
    if gone:
        remedy = "if they are of teams that went: `rabbitmqctl delete_user NAME`"
        yield Finding("permissions", "bad", listed([f"{name} is no user of the cluster file" for name in gone]), remedy)


def queues(cluster: Cluster, depths: Mapping[str, QueueDepth | None]) -> Iterator[Finding]:
    """Who consumes, and what has piled up where nobody does."""
    troubles = [*_unattended(cluster, depths), *_parked(cluster, depths)]
    yield from troubles
    if not any(trouble.level == "bad" for trouble in troubles):
        consumers = sum(depth.consumers for depth in depths.values() if depth is not None)
        yield Finding("consumers", "ok", f"{consumers} on {len(depths)} queues")


async def director(broker: Broker, depth: QueueDepth | None) -> list[Finding]:
    """Whether a director answers, and its clock; `depth` is that of the queue where it is asked."""
    key = names.reply_key(f"doctor--{uuid4().hex[:12]}")
    question = Outgoing(
        names.INGRESS,
        names.query_key("projects"),
        encode(Query(noun="projects", limit=1, reply_to=key)),
        Properties(type=Query.TYPE, priority=9, expiration_ms=int(ANSWER_S * 1000)),
    )
    try:
        async with broker.inbox([(names.REPLIES, key)]) as inbox, asyncio.timeout(ANSWER_S):
            asked = time.monotonic()
            await broker.publish([question])
            (reply, *_) = await inbox.receive(1)
            took_s = time.monotonic() - asked
    except (TimeoutError, WarrenError) as error:
        reason = redacted(str(error)) or broker.waiting_for or f"no answer within {ANSWER_S:g} s"
        return [Finding("director", "bad", reason, LOOK_AS if REFUSED in reason else _remedy(depth))]
    answered = Finding("director", "ok", f"answers within {took_s * 1000:.0f} ms")
    if reply.properties.timestamp_s is None:
        return [answered]
    return [answered, _clock("director", reply.properties.timestamp_s + 0.5 - time.time())]


def _remedy(depth: QueueDepth | None) -> str:
    if depth is None:
        return "`warren topology declare`, then start a director"
    if depth.consumers:
        return f"{counted(depth.consumers, 'director')} there, but silent: see their logs, and what `/readyz` waits for"
    return "start one: `python -m director`"


async def _depths(cluster: Cluster, broker: Broker) -> AsyncIterator[tuple[str, QueueDepth | None]]:
    """By queue; None for one that is not there. Raises BrokerUnavailable for one that we may not look at."""
    for queue in build(cluster).queues:
        if queue.name == names.HISTORY_STREAM or queue.name.startswith("warren.retry."):
            continue
        try:
            yield queue.name, await broker.depth(queue.name)
        except QueueMissing:
            yield queue.name, None


def _unattended(cluster: Cluster, depths: Mapping[str, QueueDepth | None]) -> Iterator[Finding]:
    for queue in (names.PROJECTS_QUEUE, names.DIRECTOR_QUEUE):
        yield from _must_be_served(queue, depths.get(queue), "start a director")
    for team, settings in cluster.teams.items():
        for queue in (names.lead_queue(team), names.lead_results_queue(team)):
            yield from _must_be_served(queue, depths.get(queue), f"start a team lead of {team}")
        for skill in settings.skills:
            queue = names.work_queue(team, skill)
            depth = depths.get(queue)
            if depth is not None and depth.consumers == 0:
                waiting = f"nobody consumes {queue}; {depth.messages:,} wait"
                remedy = f"start a worker of {team}, or see why none is scaled up"
                yield Finding(
                    "consumers", "bad" if depth.messages else "note", waiting, remedy if depth.messages else ""
                )


def _must_be_served(queue: str, depth: QueueDepth | None, remedy: str) -> Iterator[Finding]:
    if depth is None:
        yield Finding("consumers", "bad", f"{queue} does not exist", "`warren topology declare` makes it")
    elif depth.consumers == 0:
        if queue == names.PROJECTS_QUEUE:
            remedy += "; or one is there and waits because limits.open_projects are under way"
        yield Finding("consumers", "bad", f"nobody consumes {queue}; {depth.messages:,} wait", remedy)


def _parked(cluster: Cluster, depths: Mapping[str, QueueDepth | None]) -> Iterator[Finding]:
    for owner in (names.DIRECTOR, *cluster.teams):
        depth = depths.get(names.dead_queue(owner))
        if depth is not None and depth.messages:
            remedy = f"see what they are: `warren dead list --team {owner}`"
            yield Finding("dead letters", "note", f"{depth.messages:,} of {owner}", remedy)
    lost = depths.get(names.UNROUTABLE_QUEUE)
    if lost is not None and lost.messages:
        found = f"{lost.messages:,} messages that came to ingress with a key that leads nowhere"
        yield Finding("unroutable", "note", found, f"look at them in {names.UNROUTABLE_QUEUE}, and tell who sends them")


def _clock(whose: str, ahead_s: float) -> Finding:
    what = f"clock of the {whose}"
    if abs(ahead_s) <= TOLERATED_S:
        return Finding(what, "ok", f"within {TOLERATED_S:g} s of ours")
    found = f"{abs(ahead_s):,.1f} s {'ahead of' if ahead_s > 0 else 'behind'} ours"
    return Finding(what, "bad" if abs(ahead_s) > HARMFUL_S else "note", found, SYNCHRONISE)


def _of(name: str, rights: Rights) -> dict[str, tuple[str, ...]]:
    return {exchange: patterns for (user, exchange), patterns in rights.items() if user == name}


def _due(user: User) -> dict[str, tuple[str, ...]]:
    topics = {right.exchange: (right.write, right.read) for right in user.topics}
    return {"": (user.configure, user.write, user.read), **topics}

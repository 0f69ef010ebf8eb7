"""What makes a message a project: everything that can be wrong with it is found here, before the ledger sees it."""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from typing import Final

from director.cloud_event import Submission, stated_project, submission
from topology import names
from warren.broker.port import Delivery, Properties
from warren.clock import Clock
from warren.coordination.carriage import is_exported
from warren.errors import InvalidInput
from warren.ids import Entropy, new_project_id
from warren.ledger.event import ProjectAccepted
from warren.ledger.transaction import Owner
from warren.messages.codec import DEFAULT_LIMIT_BYTES, MAX_DEPTH, canonical, decode, from_json, shortened, to_json
from warren.messages.message import JsonObject
from warren.messages.project import Project
from warren.messages.unsayable import check_numbers
from warren.patterns.node import Node
from warren.patterns.plan import dump_plan, parse_plan
from warren.patterns.playbook import Playbook, Playbooks
from warren.telemetry.context import TraceContext
from warren.telemetry.sampling import Sampling

MESSAGE_NAMESPACE: Final = uuid.UUID("6f0c2c1e-58a1-5c5e-9d53-6a8f6d1a7e11")
DIRECT_REPLY_TO: Final = re.compile(r"amq\.rabbitmq\.reply-to\.[A-Za-z0-9+/=._-]{1,200}")
MAX_SHOWN_CHARS: Final = 80


@dataclass(frozen=True, slots=True)
class Draft:
    """A project that may be accepted: its row-to-be, and the event that would make it one."""

    owner: Owner
    event: ProjectAccepted
    delivery: Delivery

    @property
    def begins_at(self) -> float | None:
        """When it may begin (Unix seconds); None if at once."""
        moment: float | None = self.event.task["not_before_at"]
        return moment


class Acceptance:
    """Turns deliveries into drafts."""

    def __init__(self, playbooks: Playbooks, clock: Clock, entropy: Entropy, sampling: Sampling | None = None) -> None:
        """`sampling` decides what is traced; without it a publisher's context is passed on and nothing exported."""
        self._sampling = sampling
        self._playbooks = playbooks
        self._clock = clock
        self._entropy = entropy
        self._ready = {name: playbooks.ready_or_none(name) for name in playbooks.names()}

    def draft(self, delivery: Delivery) -> Draft:
        """The project in a delivery. Raises InvalidInput, which says what is wrong and where."""
        reply_to = reply_address(delivery)
        check_properties(delivery.properties, Project.TYPE)
        submitted = submission(delivery, self._playbooks.limits.message_bytes)
        try:
            return self._draft(delivery, submitted, reply_to)
        except InvalidInput as error:
            raise submitted.located(error) from None

    def _draft(self, delivery: Delivery, submitted: Submission, reply_to: str | None) -> Draft:
        project = decode(Project, submitted.body, self._playbooks.limits.message_bytes)
        plan, data = self._plan_and_input(project)
        now = self._clock.now()
        begins_at = _begins_at(project, now)
        fingerprint = fingerprint_of(project, data)
        project_id = project.id or submitted.project_id or self._id(delivery, fingerprint, now)
        owner = Owner(
            id=project_id,
            kind="project",
            team=None,
            status="open",
            attempt=1,
            priority=project.priority,
            deadline_at=self._deadline_at(project, now, begins_at or now),
            created_at=now,
            started_at=None,
            reported_at=None,
            owner=None,
            report_to=names.DIRECTOR,
            reply_to=project.reply_to or reply_to,
            correlation_id=delivery.properties.correlation_id,
            playbook=project.playbook,
            fingerprint=fingerprint,
            trace=self._trace(project_id, delivery, submitted),
        )
        event = _accepted(owner, plan, data, project.labels, now)
        event.task["not_before_at"] = begins_at
        return Draft(owner, event, delivery)

    def _trace(self, project_id: str, delivery: Delivery, submitted: Submission) -> str | None:
        """The trace that the project is part of; None if nobody wants to know. Who sent the message goes before who
        made the event in it.
        """
        sent = TraceContext.from_headers(delivery.properties.headers)
        incoming = sent or TraceContext.from_headers(submitted.trace)
        if self._sampling is None:
            return None if incoming is None else incoming.to_text()
        decided = self._sampling.of_project(project_id, incoming)
        return decided.to_text() if incoming is not None or decided.sampled else None

    def _plan_and_input(self, project: Project) -> tuple[Node, JsonObject]:
        if project.playbook is None:
            plan = self._playbooks.ready(parse_plan(project.plan))
            return plan, project.input
        playbook = self._playbooks[project.playbook]
        data = playbook.with_defaults(project.input)
        playbook.validate_input(data)
        return self._ready_plan(playbook), data

    def _ready_plan(self, playbook: Playbook) -> Node:
        return self._ready[playbook.name] or self._playbooks.ready(playbook.plan)

    def _deadline_at(self, project: Project, now: float, begins_at: float) -> float:
        if project.deadline is None:
            return begins_at + (project.timeout_s or self._playbooks.limits.deadline_s)
        deadline_at = project.deadline.timestamp()
        if deadline_at <= now:
            raise InvalidInput("deadline_past", f"the deadline {project.deadline} has passed", pointer="/deadline")
        if deadline_at <= begins_at:
            words = f"it may not begin before its deadline {project.deadline}"
            raise InvalidInput("due_after_deadline", words, pointer="/deadline")
        return deadline_at

    def _id(self, delivery: Delivery, fingerprint: str, now: float) -> str:
        """One that a redelivery of the same message would get too; else a new one."""
        message_id = delivery.properties.message_id
        if message_id is not None:
            return str(uuid.uuid5(MESSAGE_NAMESPACE, f"{message_id}:{fingerprint}"))
        return new_project_id(now, self._entropy)


def _begins_at(project: Project, now: float) -> float | None:
    """When the project may begin (Unix seconds); None if at once."""
    begins_at = project.not_before.timestamp() if project.not_before else now + (project.delay_s or 0.0)
    return begins_at if begins_at > now else None


def reply_address(delivery: Delivery) -> str | None:
    """The AMQP `reply_to`, if it is one that we write to.

    Raises InvalidInput for anything else: a plain queue name would let a client point the director at any queue.
    """
    address = delivery.properties.reply_to
    if not address:
        return None
    if _is_reply_key(address) or DIRECT_REPLY_TO.fullmatch(address):
        return address
    raise InvalidInput(
        "reply_to_invalid",
        f"reply_to {address[:MAX_SHOWN_CHARS]!r} is not an address to reply to; use reply.<client> on {names.REPLIES}, "
        "or AMQP's direct reply-to",
    )


def answer_address(delivery: Delivery) -> str | None:
    """Where to tell what is wrong with a delivery, which may be anything: what its body says counts first, as ever."""
    try:
        return _stated_address(delivery) or reply_address(delivery)
    except InvalidInput:
        return None


def _stated_address(delivery: Delivery) -> str | None:
    if len(delivery.body) > DEFAULT_LIMIT_BYTES:
        return None  # reading it only to find an address costs many times its size in memory
    try:
        said = from_json(delivery.body)
    except ValueError:
        return None
    address = stated_project(delivery, said).get("reply_to") if isinstance(said, dict) else None
    return address if isinstance(address, str) and _is_reply_key(address) else None


def check_properties(properties: Properties, message_type: str) -> None:
    """Raise InvalidInput for a message of another type, or a correlation id that no ledger can hold."""
    if properties.type not in (None, "", message_type):
        found = shortened(repr(properties.type), MAX_SHOWN_CHARS)
        message = f"the AMQP type is {found}; here it must be {message_type}, or not be set"
        raise InvalidInput("wrong_type", message)
    if "\0" in (properties.correlation_id or ""):
        raise InvalidInput("correlation_id_invalid", "the AMQP correlation_id must not contain the character NUL")


def fingerprint_of(project: Project, data: JsonObject) -> str:
    """What makes two submissions of one id the same."""
    said = {"playbook": project.playbook, "plan": project.plan, "input": data}
    _check_depth(said, -1)
    check_numbers(said, "")
    return hashlib.sha256(canonical(said).encode()).hexdigest()


def _check_depth(value: object, depth: int) -> None:
    """Raise InvalidInput for what the parsers on its way would not take."""
    if depth > MAX_DEPTH:
        raise InvalidInput("input_too_deep", f"input and plan may be nested {MAX_DEPTH} levels deep, not more")
    match value:
        case dict():
            for part in value.values():
                _check_depth(part, depth + 1)
        case list():
            for part in value:
                _check_depth(part, depth + 1)
        case _:
            pass


def _is_reply_key(address: str) -> bool:
    return address.startswith(names.REPLY_PREFIX) and names.is_token(address.removeprefix(names.REPLY_PREFIX))


def _accepted(owner: Owner, plan: Node, data: JsonObject, labels: dict[str, str], now: float) -> ProjectAccepted:
    task = {
        "id": owner.id,
        "kind": owner.kind,
        "priority": owner.priority,
        "deadline_at": owner.deadline_at,
        "input": to_json(data),
        "created_at": now,
    }
    plan_row = {
        "id": owner.id,
        "plan": to_json(dump_plan(plan)),
        "report_to": owner.report_to,
        "playbook": owner.playbook,
        "reply_to": owner.reply_to,
        "correlation_id": owner.correlation_id,
        "fingerprint": owner.fingerprint,
        "labels": to_json(labels),
        "trace": owner.trace,
        "to_trace": is_exported(owner.trace),
    }
    return ProjectAccepted(owner.id, now, task, plan_row)

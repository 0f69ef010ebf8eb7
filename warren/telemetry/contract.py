"""The public contract: every span, attribute, event and metric that Warren emits. Nothing else is emitted.

Names follow OpenTelemetry's conventions for messaging and generative AI where they have a word; ours begin with
`warren.`. Names of spans and values of labels come from the cluster file and the playbooks, never from ids, so there
are few of them. A change here is a change that users see: it belongs in the changelog.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from warren.telemetry.instrument import SECONDS, SIZES, Instrument, Shape
from warren.telemetry.span import Kind

SCOPE: Final = "warren"
"""The instrumentation scope of all spans and metrics."""
CONVENTIONS: Final = "1.41.0"
"""The version of OpenTelemetry's semantic conventions whose names are used."""
SCHEMA: Final = f"https://opentelemetry.io/schemas/{CONVENTIONS}"
RABBITMQ: Final = "rabbitmq"
"""The messaging system."""


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; `kind` is the type of its value."""

    name: str
    kind: type
    about: str


@dataclass(frozen=True, slots=True)
class EventShape:
    """An event on a span."""

    name: str
    about: str
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True)
class SpanShape:
    """One sort of span; the braces in `name` stand for a word of the cluster file, a playbook's or a pattern's."""

    name: str
    kind: Kind
    about: str
    attributes: tuple[Attribute, ...] = ()
    events: tuple[EventShape, ...] = ()


# Attributes of OpenTelemetry's conventions
OPERATION = Attribute("gen_ai.operation.name", str, "invoke_workflow for a project, invoke_agent for an attempt")
PROVIDER = Attribute("gen_ai.provider.name", str, "warren; of which model a handler makes use, its own spans say")
WORKFLOW = Attribute("gen_ai.workflow.name", str, "the playbook; plan for a project that brought its own")
AGENT_NAME = Attribute("gen_ai.agent.name", str, "the skill that was called")
AGENT_ID = Attribute("gen_ai.agent.id", str, "the worker process that ran it")
CONVERSATION = Attribute("gen_ai.conversation.id", str, "the project's id")
SYSTEM = Attribute("messaging.system", str, "rabbitmq")
MESSAGING_OPERATION = Attribute("messaging.operation.name", str, "send or process")
OPERATION_TYPE = Attribute("messaging.operation.type", str, "send or process")
DESTINATION = Attribute("messaging.destination.name", str, "exchange:routing key, and :queue for a consumer")
ROUTING_KEY = Attribute("messaging.rabbitmq.destination.routing_key", str, "the routing key")
MESSAGE_CONVERSATION = Attribute("messaging.message.conversation_id", str, "the AMQP correlation id")
ERROR_TYPE = Attribute("error.type", str, "the error's code, on spans that failed or expired")
EXCEPTION_TYPE = Attribute("exception.type", str, "the exception's class, or the error's code")
EXCEPTION_MESSAGE = Attribute("exception.message", str, "what went wrong, in words")
EXCEPTION_STACK = Attribute("exception.stacktrace", str, "the traceback from the handler on")

# Attributes of ours
PROJECT_ID = Attribute("warren.project.id", str, "the project; what to search for")
TASK_ID = Attribute("warren.task.id", str, "the place in the project's tree, such as <project>/0/3")
OUTCOME = Attribute("warren.outcome", str, "succeeded, failed, cancelled or expired")
REASON = Attribute("warren.reason", str, "why it was cancelled, or what expired")
PRIORITY = Attribute("warren.priority", int, "0 to 9")
TEAM = Attribute("warren.team", str, "the team that does it")
SKILL = Attribute("warren.skill", str, "the skill that is called")
PATTERN = Attribute("warren.pattern", str, "the kind of the plan's node: sequence, map, parallel, …")
ATTEMPT = Attribute("warren.attempt", int, "which try of the task, from 1")
ATTEMPTS = Attribute("warren.attempts", int, "how many tries the task took")
ROLE = Attribute("warren.role", str, "director, teamlead or worker")
QUEUE = Attribute("warren.queue", str, "the queue")
DELAY_S = Attribute("warren.delay_s", float, "how long the ladder was to hold it, in seconds")
TOTAL = Attribute("warren.children.total", int, "children that were started")
SHOWN = Attribute("warren.children.shown", int, "children that have spans, where not all do")
LEFT_OUT = Attribute("warren.children.left_out", int, "children without spans, to keep the trace readable")
FAILED = Attribute("warren.children.failed", int, "children that ended badly")
SKEW_S = Attribute("warren.clock_skew_s", float, "by how much the worker's clock was put right, in seconds")
PLAYBOOK = Attribute("warren.playbook", str, "the playbook; plan for a project that brought its own")
REPLAY = Attribute("warren.replay", int, "which part of a project that was replayed after its end, from 1")
STEP = Attribute("warren.step", str, "its name among its siblings: of a step, or of a branch")
VOTE = Attribute("warren.vote.value", str, "what the vote of a map's items was for, as JSON")
VOTES = Attribute("warren.vote.votes", int, "how many voted for it")
VOTES_OF = Attribute("warren.vote.of", int, "how many voted")
NOT_OVER = Attribute("warren.open", bool, "still going on when this was drawn (never exported)")

# Events
EXCEPTION = EventShape("exception", "a failed attempt", (EXCEPTION_TYPE, EXCEPTION_MESSAGE, EXCEPTION_STACK))
REDELIVERED = EventShape("warren.redelivered", "the attempt began anew, for the process that had it was lost")
DISPATCHED = EventShape("warren.dispatched", "the broker confirmed that it has the message")
LOST = EventShape("warren.branch.lost", "a child ended badly or was no longer wanted", (TASK_ID, STEP, OUTCOME, REASON))

# Spans
_COMMON = (PROJECT_ID, TASK_ID, OUTCOME, REASON, ERROR_TYPE, REPLAY)
_CHILDREN = (TOTAL, SHOWN, LEFT_OUT, FAILED)
SUBMIT = SpanShape(
    "submit {playbook}",
    Kind.PRODUCER,
    "a client hands in a project; ends when the broker has confirmed the message",
    (PROJECT_ID, SYSTEM, MESSAGING_OPERATION, OPERATION_TYPE, DESTINATION, ROUTING_KEY, MESSAGE_CONVERSATION),
)
PROJECT = SpanShape(
    "invoke_workflow {playbook}",
    Kind.CONSUMER,
    "a project, from its acceptance to its end",
    (*_COMMON, OPERATION, WORKFLOW, CONVERSATION, PRIORITY),
)
ASSIGNMENT = SpanShape(
    "assignment {team}",
    Kind.CONSUMER,
    "a team lead's part, from its planning to its end",
    (*_COMMON, STEP, TEAM, PRIORITY),
)
NODE = SpanShape(
    "{pattern}",
    Kind.INTERNAL,
    "a node of a plan, from its first child to its outcome",
    (*_COMMON, STEP, PATTERN, *_CHILDREN, VOTE, VOTES, VOTES_OF),
    (LOST,),
)
TASK = SpanShape(
    "task {skill}",
    Kind.INTERNAL,
    "a task, from its planning to its outcome, all attempts included",
    (*_COMMON, STEP, TEAM, SKILL, PRIORITY, ATTEMPTS),
    (DISPATCHED,),
)
ATTEMPT_SPAN = SpanShape(
    "invoke_agent {skill}",
    Kind.CONSUMER,
    "one try of a task by one worker, linked to the try before; handlers' own spans are its children",
    (
        PROJECT_ID,
        TASK_ID,
        OUTCOME,
        REASON,
        ERROR_TYPE,
        OPERATION,
        PROVIDER,
        AGENT_NAME,
        AGENT_ID,
        CONVERSATION,
        ATTEMPT,
        SYSTEM,
        MESSAGING_OPERATION,
        OPERATION_TYPE,
        DESTINATION,
        ROUTING_KEY,
        SKEW_S,
    ),
    (EXCEPTION, REDELIVERED),
)
WAIT = SpanShape("wait {queue}", Kind.INTERNAL, "waiting in a queue for somebody to take it", (TASK_ID, QUEUE, ATTEMPT))
LADDER = SpanShape(
    "wait retry ladder", Kind.INTERNAL, "on the retry ladder until the next attempt is due", (TASK_ID, ATTEMPT, DELAY_S)
)
REST = SpanShape(
    "wait replay",
    Kind.INTERNAL,
    "given up, until somebody had it done again; `warren trace` draws it, a collector gets what follows as a new part",
    (TASK_ID, ATTEMPT),
)
SPANS: Final = (SUBMIT, PROJECT, ASSIGNMENT, NODE, TASK, ATTEMPT_SPAN, WAIT, LADDER, REST)

# What coordinators measure
PROJECTS_ACCEPTED = Instrument(
    "warren.projects.accepted", Shape.COUNTER, "{project}", "projects taken into the ledger", (PLAYBOOK.name,)
)
PROJECTS_REFUSED = Instrument(
    "warren.projects.refused", Shape.COUNTER, "{project}", "submissions that were refused", (ERROR_TYPE.name,)
)
PROJECT_DURATION = Instrument(
    "warren.project.duration",
    Shape.HISTOGRAM,
    "s",
    "from acceptance to the end of a project; its count is how many ended",
    (PLAYBOOK.name, OUTCOME.name),
    SECONDS,
)
TASKS_SETTLED = Instrument(
    "warren.tasks.settled",
    Shape.COUNTER,
    "{task}",
    "tasks whose outcome is in the ledger",
    (TEAM.name, SKILL.name, OUTCOME.name),
)
QUEUE_WAIT = Instrument(
    "warren.task.queue_wait",
    Shape.HISTOGRAM,
    "s",
    "from a task's planning to the start of its first attempt",
    (TEAM.name, SKILL.name),
    SECONDS,
)
LEDGER_DURATION = Instrument(
    "warren.ledger.transaction.duration",
    Shape.HISTOGRAM,
    "s",
    "a transaction of the ledger, retries included",
    (),
    SECONDS,
)
LEDGER_BATCH = Instrument(
    "warren.ledger.batch.size", Shape.HISTOGRAM, "{message}", "inbound messages handled in one transaction", (), SIZES
)
# What workers measure
ATTEMPT_DURATION = Instrument(
    "warren.attempt.duration",
    Shape.HISTOGRAM,
    "s",
    "one attempt's run time; its count is how many there were",
    (TEAM.name, SKILL.name, OUTCOME.name),
    SECONDS,
)
RETRIES = Instrument(
    "warren.retries", Shape.COUNTER, "{attempt}", "attempts that were put on the retry ladder", (TEAM.name, SKILL.name)
)
GIVEN_UP = Instrument(
    "warren.tasks.given_up", Shape.COUNTER, "{task}", "tasks that a worker dead-lettered", (TEAM.name, SKILL.name)
)
IN_FLIGHT = Instrument(
    "warren.tasks.in_flight", Shape.GAUGE, "{task}", "handlers at work in this process", (TEAM.name, SKILL.name)
)
# The broker, as coordinators see it
QUEUE_MESSAGES = Instrument(
    "warren.queue.messages", Shape.GAUGE, "{message}", "messages ready in a queue of tasks", (QUEUE.name,)
)
LADDER_DEPTH = Instrument("warren.ladder.messages", Shape.GAUGE, "{message}", "messages on the whole retry ladder")
DEAD_LETTERS = Instrument(
    "warren.dead_letters", Shape.GAUGE, "{message}", "messages in a dead-letter queue", (QUEUE.name,)
)
RECONNECTS = Instrument(
    "warren.broker.reconnects", Shape.COUNTER, "{connection}", "connections to the broker made anew"
)
# Every process about itself
SPANS_EXPORTED = Instrument("warren.spans.exported", Shape.COUNTER, "{span}", "spans that a collector has taken")
SPANS_DROPPED = Instrument("warren.spans.dropped", Shape.COUNTER, "{span}", "spans that no collector took in time")
READY = Instrument("warren.ready", Shape.GAUGE, "1", "1 if this process can do its work, else 0")

METRICS: Final = (
    PROJECTS_ACCEPTED,
    PROJECTS_REFUSED,
    PROJECT_DURATION,
    TASKS_SETTLED,
    QUEUE_WAIT,
    LEDGER_DURATION,
    LEDGER_BATCH,
    ATTEMPT_DURATION,
    RETRIES,
    GIVEN_UP,
    IN_FLIGHT,
    QUEUE_MESSAGES,
    LADDER_DEPTH,
    DEAD_LETTERS,
    RECONNECTS,
    SPANS_EXPORTED,
    SPANS_DROPPED,
    READY,
)

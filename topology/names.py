"""The one place where exchanges, queues and routing keys get their names.

A *token* is one word of a routing key (a team, a skill, a playbook, a client). Ids never go into keys.
"""

import re
from typing import Final

TOKEN: Final = re.compile(r"[a-z0-9_-]{1,40}")

INGRESS: Final = "warren.ingress"
TASKS: Final = "warren.tasks"
RESULTS: Final = "warren.results"
REPLIES: Final = "warren.replies"
EVENTS: Final = "warren.events"
CONTROL: Final = "warren.control"
DEAD: Final = "warren.dead"
UNROUTABLE: Final = "warren.unroutable"
RETRY_OUT: Final = "warren.retry.out"

PROJECTS_QUEUE: Final = "warren.projects"
DIRECTOR_QUEUE: Final = "warren.director"
UNROUTABLE_QUEUE: Final = "warren.unroutable"
HISTORY_STREAM: Final = "warren.history"

DIRECTOR: Final = "director"
"""The owner of the director's queues, keys and dead letters; no team may carry this name."""

REPLY_PREFIX: Final = "reply."
"""Of the keys that clients bind."""

DIRECTOR_RESULT_KEY: Final = f"result.{DIRECTOR}"

RETRY_LEVELS: Final = 16
RETRY_UNIT_MS: Final = 250
RETRY_MAX_UNITS: Final = 2**RETRY_LEVELS - 1
NO_LEVEL: Final = "now"
"""Stands in a key of the ladder where no level holds the message."""


def is_token(word: str) -> bool:
    """Whether `word` may stand as one word in a routing key."""
    return TOKEN.fullmatch(word) is not None


def lead_queue(team: str) -> str:
    return f"warren.lead.{team}"


def lead_results_queue(team: str) -> str:
    return f"warren.lead.{team}.results"


def work_queue(team: str, skill: str) -> str:
    return f"warren.work.{team}.{skill}"


def dead_queue(owner: str) -> str:
    """The dead-letter queue of a team, or of the director."""
    return f"warren.dead.{owner}"


def retry_name(level: int) -> str:
    """The exchange and the queue of one level of the retry ladder share this name."""
    return f"warren.retry.{level}"


def queue_token(queue: str) -> str:
    """How dead-letter and retry keys call a queue: its name without the prefix."""
    return queue.removeprefix("warren.")


def project_key(playbook: str) -> str:
    return f"project.{playbook}"


def command_key(verb: str) -> str:
    return f"command.{verb}"


def query_key(noun: str) -> str:
    return f"query.{noun}"


def assign_key(team: str) -> str:
    return f"assign.{team}"


def task_key(team: str, skill: str) -> str:
    return f"task.{team}.{skill}"


def result_key(owner: str) -> str:
    return f"result.{owner}"


EVERYBODY: Final = "all"
"""The key of what is told to all agents."""


def role_control_key(role: str) -> str:
    return f"role.{role}"


def team_control_key(team: str) -> str:
    return f"team.{team}"


def agent_control_key(agent: str) -> str:
    return f"agent.{agent}"


def reply_key(client: str) -> str:
    return f"{REPLY_PREFIX}{client}"


def retry_word(queue: str) -> str:
    """How the retry ladder calls a queue: in one word, so that what follows in the key has its place."""
    return queue_token(queue).replace(".", ":")


def retry_key(units: int, queue: str) -> str:
    """The key that keeps a message on the ladder for `units` of `RETRY_UNIT_MS`, then hands it to `queue`.

    Raises ValueError outside of 0..`RETRY_MAX_UNITS`.

    >>> retry_key(6, "warren.work.scouts.fetch")
    '2.work:scouts:fetch.0.1.1'
    """
    if not 0 <= units <= RETRY_MAX_UNITS:
        raise ValueError(f"a delay of {units} units is outside of 0..{RETRY_MAX_UNITS}")
    levels = units.bit_length()
    bits = (str(units >> level & 1) for level in range(levels))
    return ".".join([str(levels - 1) if levels else NO_LEVEL, retry_word(queue), *bits])

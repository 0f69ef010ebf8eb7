"""One project, seen from a client."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any, Final, TypeVar, assert_never, overload

from pydantic import TypeAdapter, ValidationError

from topology.names import command_key, query_key
from warren.client.request import request
from warren.client.switchboard import Switchboard
from warren.client.waiting import wait
from warren.errors import InvalidInput, ProjectFailed, Unanswered, UnknownProject, WarrenError
from warren.messages.codec import explained
from warren.messages.command import Again, Command
from warren.messages.failure_words import in_words
from warren.messages.message import JsonObject
from warren.messages.outcome import AnyOutcome, Cancelled, Expired, Failed, Succeeded
from warren.messages.query import Query
from warren.messages.reply import Answer, Finished, Rejected, Replayed, Status

T = TypeVar("T")

CHECK_S: Final = 1.0
"""How often a waiting client looks whether its connection was lost."""
ASK_AFTER_S: Final = 30.0
"""How long a waiting client trusts that it is told."""
ASK_AT_LEAST_S: Final = 5.0
"""How often a client asks that nobody tells, as the project was submitted by another."""
QUICKEST_S: Final = 0.2
SLOWEST_S: Final = 1.0
SLOWER: Final = 1.5
ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "expired"})


class Handle:
    """A project that was submitted, by this client or by another.

    handle = await client.submit("survey", input={"path": "src"})
    async for status in handle.watch():
        print(status.status)
    print(await handle.result())
    """

    def __init__(self, project: str, line: Switchboard, *, is_told: bool, duplicate: bool = False) -> None:
        self.id = project
        self.duplicate = duplicate
        """Whether it had been accepted before."""
        self._line = line
        self._heard = line.conversation(project)
        self._is_told = is_told

    def __repr__(self) -> str:
        end = self._heard.finished
        known = end.result().outcome.status if end.done() and not end.cancelled() else "not known to have ended"
        return f"<Handle of project {self.id}, {known}>"

    @property
    def trace_headers(self) -> dict[str, str]:
        """W3C `traceparent` and what goes with it, for what goes on below the project; empty if nobody traces it."""
        return dict(self._heard.trace_headers)

    @overload
    async def result(self) -> JsonObject: ...
    @overload
    async def result(self, kind: type[T]) -> T: ...
    async def result(self, kind: type[T] | None = None) -> JsonObject | T:
        """The output, once there is one; validated if `kind` (a pydantic model, a dataclass, …) is given.

        Raises ProjectFailed with the outcome if the project ended in another way, and InvalidInput with the code
        `output_invalid` if the output is not of that kind.
        """
        output = output_of(self.id, await self.outcome())
        return output if kind is None else _validated(kind, output)

    async def outcome(self) -> AnyOutcome:
        """How it ended, as soon as it did. Raises UnknownProject."""
        return (await self.finished()).outcome

    async def finished(self) -> Finished:
        """The same with the times.

        The director tells it unasked; but who was not connected at that moment, or came later, has to ask.
        """
        clock, pause_s = self._line.clock, ASK_AFTER_S if self._is_told else QUICKEST_S
        ask_at_s = clock.now() + (pause_s if self._is_told else 0.0)
        trouble = False
        while not self._heard.finished.done():
            connected = self._line.broker.waiting_for is None
            if connected and (trouble or clock.now() >= ask_at_s):
                await self._ask_for_the_end()
                ask_at_s = clock.now() + pause_s
                pause_s = pause_s if self._is_told else min(pause_s * SLOWER, ASK_AT_LEAST_S)
            trouble = not connected
            left_s = ask_at_s - clock.now() if connected else CHECK_S
            await wait(self._heard.finished, clock, max(0.0, min(CHECK_S, left_s)))
        return self._heard.finished.result()

    async def status(self, limit_s: float = 10.0) -> Status:
        """Where it stands now. Raises UnknownProject, and Unanswered after `limit_s`."""
        answer = await self._ask(Query(noun="status", project=self.id), limit_s)
        if isinstance(answer, Status):
            return answer
        raise _unexpected("status", answer)

    async def watch(self) -> AsyncIterator[Status]:
        """Its status whenever that changed, until it ended; the last one is the end."""
        before = status = await self.status()
        pause_s = QUICKEST_S
        yield status
        while status.status not in ENDED:
            await wait(self._heard.finished, self._line.clock, pause_s)
            status = await self._status_in_the_end()
            pause_s = QUICKEST_S if status != before else min(pause_s * SLOWER, SLOWEST_S)
            if status != before:
                yield status
            before = status

    async def cancel(self, reason: str = "", limit_s: float = 10.0) -> None:
        """Ask that it be cancelled. Raises UnknownProject; one that has ended stays as it is."""
        command = request(Command, verb="cancel", project=self.id, reason=reason)
        self._checked(await self._line.ask(command_key(command.verb), command, limit_s))

    async def replay(
        self,
        tasks: Iterable[str | Again],
        *,
        input: JsonObject | None = None,  # noqa: A002
        timeout_s: float | None = None,
        rate: float | None = None,
        limit_s: float = 30.0,
    ) -> Replayed:
        """Do tasks again that were given up, all of them together; the project goes on if it had ended.

        `input` replaces the one that they had, `timeout_s` (seconds from now) the deadline, and at most `rate` of
        them are sent each second. What is refused is in the answer, task by task. Raises UnknownProject.
        """
        command = request(
            Command,
            verb="replay",
            project=self.id,
            tasks=[{"id": task} if isinstance(task, str) else task for task in tasks],
            input=input,
            timeout_s=timeout_s,
            rate=rate,
        )
        answer = self._checked(await self._line.ask(command_key(command.verb), command, limit_s))
        if not isinstance(answer, Replayed):
            raise _unexpected("a replay", answer)
        self._heard.go_on(answer.replays)
        return answer

    async def _status_in_the_end(self) -> Status:
        """However long no director is there: the project does not end by that."""
        while True:
            with suppress(Unanswered):
                return await self.status()

    async def _ask_for_the_end(self) -> None:
        try:
            answer = await self._ask(Query(noun="result", project=self.id), CHECK_S * 10)
        except Unanswered:
            return  # the wait has no limit of its own
        self._heard.hear(answer)

    async def _ask(self, query: Query, limit_s: float) -> Answer:
        return self._checked(await self._line.ask(query_key(query.noun), query, limit_s))

    def _checked(self, answer: Answer) -> Answer:
        """The answer, unless it is a refusal."""
        if not isinstance(answer, Rejected):
            return answer
        if answer.error.code == "unknown_project":
            raise UnknownProject(answer.error.message or f"no project has the id {self.id}")
        raise InvalidInput(answer.error.code, answer.error.message, pointer=answer.error.pointer)


def output_of(project: str, outcome: AnyOutcome) -> JsonObject:
    """The output of an outcome. Raises ProjectFailed."""
    match outcome:
        case Succeeded():
            return outcome.output
        case Failed():
            raise ProjectFailed(f"project {project} failed: {in_words(outcome.error)}", outcome)
        case Cancelled() | Expired():
            because = f": {outcome.reason}" if outcome.reason else ""
            raise ProjectFailed(f"project {project} {outcome.status}{because}", outcome)
        case _:
            assert_never(outcome)


def _validated(kind: type[T], output: JsonObject) -> T:
    try:
        return TypeAdapter(kind).validate_python(output)
    except ValidationError as error:
        reason = explained(error, b"", f"output of type {getattr(kind, '__name__', kind)}")
        raise InvalidInput("output_invalid", reason.message, pointer=reason.pointer) from None


def _unexpected(asked: str, answer: Any) -> WarrenError:
    return WarrenError(f"the director answered a question for {asked} with {answer.kind}; do both run one version?")

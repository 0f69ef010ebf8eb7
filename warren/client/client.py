"""The client: submit projects and find those that were submitted."""

from __future__ import annotations

import asyncio
import os
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from datetime import datetime
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from topology.names import INGRESS, is_token, project_key, query_key
from topology.permissions import CLIENT_SEPARATOR
from warren.broker.port import Broker
from warren.client.dead_letters import LIMIT, DeadLetters, dead_letters
from warren.client.handle import Handle
from warren.client.priority import PriorityName, priority_of
from warren.client.request import request
from warren.client.switchboard import Switchboard
from warren.client.user import connected_user
from warren.clock import Clock, SystemClock
from warren.errors import InvalidInput, Unanswered, WarrenError
from warren.ids import is_project_id, new_project_id
from warren.messages.codec import DEFAULT_LIMIT_BYTES
from warren.messages.message import JsonObject
from warren.messages.project import EXAMPLE_ID, Project
from warren.messages.query import Query
from warren.messages.reply import Accepted, Projects, Rejected
from warren.telemetry.publishing import Submission, Tracers, submission

LONGEST_USER: Final = 22
INLINE_KEY: Final = "plan"
"""What stands in the routing key for a project that brings its own plan."""


class Client:
    """Talks to a cluster over its broker, as long as its `async with`.

        async with Client("amqp://guest:guest@localhost/") as client:
            handle = await client.submit("survey", input={"path": "src"})
            print(await handle.result())

    Instead of a URL it takes a connected broker, which stays open. `name` is its token in `reply.<name>`; two clients
    of one name get each other's replies, so it is made up by default: the broker user's name, -- and a random word.

    A submission is a span of the program that submits, and the parent of its project's: by the OpenTelemetry
    `tracer_provider`, or by the program's own if it has set one.
    """

    def __init__(
        self,
        broker: str | Broker,
        *,
        name: str | None = None,
        clock: Clock | None = None,
        limit_bytes: int = DEFAULT_LIMIT_BYTES,
        answer_within_s: float = 30.0,
        tracer_provider: Tracers | None = None,
    ) -> None:
        self._broker = broker
        self._tracers = tracer_provider
        self._user = connected_user(broker) if isinstance(broker, str) else None
        self._name = _token(name, user_of(broker) if isinstance(broker, str) else None)
        self._clock = clock or SystemClock()
        self._limit_bytes = limit_bytes
        self._answer_within_s = answer_within_s
        self._lifetime = AsyncExitStack()
        self._opened: Switchboard | None = None

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as opening:
            broker = self._broker
            if isinstance(broker, str):
                from warren.broker.rabbit.broker import RabbitBroker

                broker = await opening.enter_async_context(RabbitBroker(broker))
            line = Switchboard(broker, self._name, self._clock, self._limit_bytes, user=self._user)
            await opening.enter_async_context(line.listening())
            self._opened, self._lifetime = line, opening.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Without the error: a task group would wrap it, and `except ProjectFailed` around us would miss it.
        await self._lifetime.aclose()

    async def submit(  # noqa: PLR0913 - each is a field of a project
        self,
        playbook: str | None = None,
        *,
        plan: JsonObject | None = None,
        input: JsonObject | None = None,  # noqa: A002
        id: str | None = None,  # noqa: A002
        priority: PriorityName | int = "normal",
        timeout_s: float | None = None,
        deadline: datetime | None = None,
        delay_s: float | None = None,
        not_before: datetime | None = None,
        labels: dict[str, str] | None = None,
    ) -> Handle:
        """Hand in a project and return when it cannot be lost any more.

        The same `id` (a UUID) is the same project, however often it is submitted. Raises InvalidInput with the
        director's reason, with the code `id_conflict` if the id belongs to another project; MessageTooLarge; and
        Unanswered if no director is there.
        """
        project = request(
            Project,
            id=new_project_id(self._clock.now(), os.urandom) if id is None else _lowered(id),
            playbook=playbook,
            plan=plan,
            input=input,
            priority=priority_of(priority),
            timeout_s=timeout_s,
            deadline=deadline,
            delay_s=delay_s,
            not_before=not_before,
            labels=labels,
        )
        return await self._hand_in(project)

    def project(self, id: str) -> Handle:  # noqa: A002
        """A project by its id, whoever submitted it and whenever."""
        if not is_project_id(lower := str(id).lower()):
            raise InvalidInput("project_id", f"a project's id is a UUID such as {EXAMPLE_ID}, not {id!r}")
        return Handle(lower, self._line, is_told=False)

    def dead_letters(self, owner: str, limit: int = LIMIT) -> AbstractAsyncContextManager[DeadLetters]:
        """What was given up of a team's, or of the director's; at most `limit` letters are looked at."""
        return dead_letters(self._line.broker, owner, limit)

    async def projects(self, limit: int = 20) -> list[JsonObject]:
        """The newest projects. Raises Unanswered."""
        query = request(Query, noun="projects", limit=limit)
        answer = await self._line.ask(query_key(query.noun), query, self._answer_within_s)
        if isinstance(answer, Projects):
            return answer.projects
        raise WarrenError(f"the director answered a question for projects with {answer.kind}")

    async def _hand_in(self, project: Project) -> Handle:
        assert project.id is not None
        conversation = self._line.conversation(project.id)
        playbook = project.playbook or INLINE_KEY
        key = project_key(playbook)
        async with conversation.submitting:
            with submission(playbook, project.id, INGRESS, key, self._tracers) as told:
                verdict = await self._verdict(key, project, conversation.expect_verdict(), told)
        if isinstance(verdict, Rejected):
            raise InvalidInput(verdict.error.code, verdict.error.message, pointer=verdict.error.pointer)
        return Handle(project.id, self._line, is_told=True, duplicate=verdict.duplicate)

    async def _verdict(
        self, key: str, project: Project, verdict: asyncio.Future[Accepted | Rejected], told: Submission
    ) -> Accepted | Rejected:
        try:
            return await self._line.tell(
                key,
                project,
                verdict,
                self._answer_within_s,
                correlation_id=project.id or "",
                priority=project.priority,
                headers=told.headers,
                sent=told.sent,
            )
        except Unanswered as error:
            raise Unanswered(f"project {project.id} was not accepted yet: {error}") from None

    @property
    def _line(self) -> Switchboard:
        if self._opened is None:
            raise WarrenError("the client is not open; use it within `async with Client(…) as client`")
        return self._opened


def _lowered(id_: str) -> str:
    """What is no text is left to the message's own check."""
    return id_.lower() if isinstance(id_, str) else id_


def user_of(url: str) -> str | None:
    """Who connects, where it can be read from the URL."""
    try:
        return urlsplit(url).username
    except ValueError:
        return None


def _token(name: str | None, user: str | None) -> str:
    """A made-up name begins with the user's: brokers let a publisher hear the replies to its own name only."""
    if name is None:
        own = user if user is not None and is_token(user) and len(user) <= LONGEST_USER else "client"
        return f"{own}{CLIENT_SEPARATOR}{os.urandom(8).hex()}"
    if not is_token(name):
        raise InvalidInput("client_name", f"a client's name is made of a-z, 0-9, _ and -, at most 40, not {name!r}")
    return name

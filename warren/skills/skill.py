"""What a worker can do, and the decorator that makes it from a function."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeVar

from topology.names import is_token
from warren.errors import SkillError
from warren.skills.reading import Handler, place_of, read_signature
from warren.skills.signature import Signature

F = TypeVar("F", bound=Handler)

ATTRIBUTE: Final = "__warren_skill__"


class Mode(Enum):
    """Where a handler runs."""

    LOOP = "on the event loop"
    THREAD = "in a thread"
    PROCESS = "in a process of its own"


@dataclass(frozen=True, slots=True)
class Skill:
    """A name, a handler and what is known about it. What is None is left to the worker's settings.

    `permanent` are exceptions after which trying again cannot help, `concurrency` is how many tasks of it one
    worker runs at once, `timeout_s` how long one attempt may take; `max_attempts`, `base_s` and `cap_s` say how it
    is tried again.
    """

    name: str
    handler: Handler
    signature: Signature
    mode: Mode
    place: str
    team: str | None = None
    permanent: tuple[type[Exception], ...] = ()
    concurrency: int | None = None
    timeout_s: float | None = None
    max_attempts: int | None = None
    base_s: float | None = None
    cap_s: float | None = None

    @property
    def is_importable(self) -> bool:
        """Whether another process finds the handler by its name."""
        qualname: Any = getattr(self.handler, "__qualname__", "")
        return bool(qualname) and "<" not in qualname and getattr(self.handler, "__module__", "") != "__main__"


def skill(  # noqa: PLR0913 - all but the name are given by name
    name: str,
    *,
    team: str | None = None,
    cpu: bool = False,
    permanent: tuple[type[Exception], ...] | type[Exception] = (),
    concurrency: int | None = None,
    timeout_s: float | None = None,
    max_attempts: int | None = None,
    base_s: float | None = None,
    cap_s: float | None = None,
) -> Callable[[F], F]:
    """Make a function a skill; it stays the function that it was, and can be called as before.

        @skill("summarize", team="editors", timeout_s=30)
        async def summarize(text: str, words: int = 100) -> Summary: ...

    An `async` function runs on the worker's event loop, a plain one in a thread, and one with `cpu=True` in a
    process of its own. Raises SkillError for a declaration that cannot work.
    """
    if not isinstance(name, str):
        raise SkillError(f'{place_of(name)}: write @skill("a-name") above it, the name is what tasks ask for')
    visible = sys._getframe(1).f_locals  # noqa: SLF001 - types next to a nested function are found only there

    def decorate(handler: F) -> F:
        made = Skill(
            name=name,
            handler=handler,
            signature=read_signature(handler, visible),
            mode=_mode(handler, cpu=cpu),
            place=place_of(handler),
            team=team,
            permanent=permanent if isinstance(permanent, tuple) else (permanent,),
            concurrency=concurrency,
            timeout_s=timeout_s,
            max_attempts=max_attempts,
            base_s=base_s,
            cap_s=cap_s,
        )
        check(made)
        setattr(handler, ATTRIBUTE, made)
        return handler

    return decorate


def skill_of(value: object) -> Skill | None:
    """The skill that the decorator attached, if there is one."""
    found = getattr(value, ATTRIBUTE, None)
    return found if isinstance(found, Skill) else None


def check(made: Skill) -> None:
    """Refuse what cannot work. Raises SkillError."""
    _check_token(made, "name", made.name)
    if made.team is not None:
        _check_token(made, "team", made.team)
    for what in ("concurrency", "timeout_s", "max_attempts", "base_s", "cap_s"):
        value = getattr(made, what)
        if value is not None and not value > 0:
            raise SkillError(f"{made.place}: {what} is {value!r}, but must be more than 0")
    if made.max_attempts is not None and not isinstance(made.max_attempts, int):
        raise SkillError(f"{made.place}: max_attempts is {made.max_attempts!r}, but must be a whole number")
    if made.base_s is not None and made.cap_s is not None and made.cap_s < made.base_s:
        raise SkillError(f"{made.place}: {cap_below_base(made.base_s, made.cap_s)}")
    for error in made.permanent:
        if not (isinstance(error, type) and issubclass(error, Exception)):
            raise SkillError(f"{made.place}: permanent={error!r} is no exception class")


def cap_below_base(base_s: float, cap_s: float) -> str:
    """What is wrong with such a policy."""
    return (
        f"cap_s ({cap_s:g} s) is below base_s ({base_s:g} s), but no wait can be longer than the longest; raise cap_s "
        "or lower base_s"
    )


def _check_token(made: Skill, what: str, word: str) -> None:
    if not is_token(word):
        raise SkillError(
            f"{made.place}: {what} {word!r} cannot stand in a routing key; use 1 to 40 of a-z, 0-9, - and _"
        )


def _mode(handler: Handler, *, cpu: bool) -> Mode:
    while isinstance(handler, functools.partial):
        handler = handler.func
    if inspect.isasyncgenfunction(handler) or inspect.isgeneratorfunction(handler):
        raise SkillError(f"{place_of(handler)}: it yields, but a skill returns one output; return a value instead")
    if inspect.iscoroutinefunction(handler):
        if cpu:
            raise SkillError(f"{place_of(handler)}: cpu=True is for plain functions; drop either it or `async`")
        return Mode.LOOP
    if not cpu:
        return Mode.THREAD
    return _importable(handler)


def _importable(handler: Handler) -> Mode:
    qualname: Any = getattr(handler, "__qualname__", "")
    if "<" in qualname or not qualname:
        raise SkillError(
            f"{place_of(handler)}: cpu=True needs a function at the top of a module, where another process finds it"
        )
    return Mode.PROCESS

"""`warren dead replay`: do again what was given up."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

import typer

from warren.cli.dead.choice import (
    Choice,
    Error,
    Limit,
    Named,
    Newer,
    Older,
    Project,
    Skill,
    Team,
    choice,
    insist_on_choice,
)
from warren.cli.dead.queues import ClusterFile, Place, cluster_file, opened, owners_of
from warren.cli.given import given_input
from warren.cli.options import AmqpUrl, AsJson, DataDir
from warren.cli.printing import console, print_json
from warren.cli.running import broker_of
from warren.client import Client
from warren.client.dead_letters import LIMIT, DeadLetters
from warren.client.letter import Letter
from warren.errors import InvalidInput, UnknownProject
from warren.messages.command import Again
from warren.messages.message import JsonObject
from warren.messages.reply import Refusal, Replayed
from warren.runtime.exit_code import ExitCode

Input = Annotated[
    str | None,
    typer.Option(
        "--input", "-i", help="An input in place of the one that they had: JSON, @FILE, or - for standard input."
    ),
]
Timeout = Annotated[float | None, typer.Option(min=0.001, help="A new deadline, in seconds from now.")]
Rate = Annotated[str | None, typer.Option(metavar="N/s", help="Send at most so many a second, such as 20/s.")]
All = Annotated[bool, typer.Option("--all", help="Replay everything that the queues hold.")]


@dataclass(frozen=True, slots=True)
class Order:
    """How to replay. `rate` is in tasks per second."""

    chosen: Choice
    data: JsonObject | None
    timeout_s: float | None
    rate: float | None
    file: Path | None


@dataclass(slots=True)
class Outcome:
    """What became of the letters; those in `kept` stay where they were."""

    replayed: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    submitted: int = 0
    revived: int = 0
    found: int = 0

    def add(self, answer: Replayed) -> None:
        self.replayed += answer.replayed
        self.already += answer.already
        self.refused += answer.refused
        self.revived += answer.revived


def replay(  # noqa: PLR0913 - each is an option
    *,
    named: Named = None,
    everything: All = False,
    input_: Input = None,
    timeout: Timeout = None,
    rate: Rate = None,
    team: Team = None,
    skill: Skill = None,
    error: Error = None,
    project: Project = None,
    older: Older = None,
    newer: Newer = None,
    limit: Limit = LIMIT,
    cluster: ClusterFile = None,
    amqp_url: AmqpUrl = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Do again what was given up: one task, all that the filters choose, or --all.

    Each is open again in its project, which goes on as if it had not failed, even if it had ended. A project that was
    refused is handed in once more. Exit code 1 if something was refused, 5 if nothing was found.
    """
    chosen = choice(named, skill=skill, error=error, project=project, older=older, newer=newer, team=team)
    insist_on_choice(chosen, team, everything=everything)
    data = None if input_ is None else given_input(input_, ())
    file = cluster_file(cluster, data_dir)
    order = Order(chosen, data, timeout, per_second(rate), file)
    outcome = asyncio.run(_replay(Place(broker_of(amqp_url, data_dir), owners_of(team, file), limit), order))
    if not outcome.found:
        raise UnknownProject("no dead letter is meant by that")
    _tell(outcome, as_json=as_json)
    raise typer.Exit(ExitCode.FAILED if outcome.refused else ExitCode.OK)


def per_second(text: str | None) -> float | None:
    """A rate in words as a number. Raises InvalidInput.

    >>> per_second("20/s")
    20.0
    """
    if text is None:
        return None
    try:
        rate = float(text.removesuffix("/s"))
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 1_000_000:  # noqa: PLR2004
        raise InvalidInput("rate_invalid", f"--rate {text}: write tasks per second, such as 20/s")
    return rate


async def _replay(place: Place, order: Order) -> Outcome:
    outcome = Outcome()
    async with Client(place.url) as client, opened(client, place) as queues:
        letters = [(queue, letter) for queue in queues for letter in await _chosen(queue, order)]
        outcome.found = len(letters)
        _check(order, [letter for _, letter in letters])
        for queue, letter in letters:
            if not letter.tasks:
                await _submit_again(queue, letter, order, outcome)
        for project in dict.fromkeys(project for _, letter in letters for project in sorted(letter.projects)):
            theirs = [(queue, letter) for queue, letter in letters if project in letter.projects]
            await _replay_project(client, project, theirs, order, outcome)
    return outcome


async def _chosen(queue: DeadLetters, order: Order) -> list[Letter]:
    """Those that are meant; of tasks, the ledger has the bodies."""
    now = time.time()
    return [
        replace(letter, delivery=replace(letter.delivery, body=b"")) if letter.tasks else letter
        async for letter in queue.read()
        if order.chosen.takes(letter, now)
    ]


def _check(order: Order, letters: Sequence[Letter]) -> None:
    if order.data is not None:
        from warren.cli.dead.edited import check_input

        note = check_input(order.data, letters, order.file)
        if note is not None:
            sys.stderr.write(note + "\n")


async def _submit_again(queue: DeadLetters, letter: Letter, order: Order, outcome: Outcome) -> None:
    try:
        await queue.submit_again(letter, order.data)
    except InvalidInput as error:
        name = f"letter {letter.number} of {letter.owner}"
        outcome.refused.append(Refusal(id=name, code=error.code, message=error.message))
    else:
        outcome.submitted += 1


async def _replay_project(
    client: Client, project: str, letters: Sequence[tuple[DeadLetters, Letter]], order: Order, outcome: Outcome
) -> None:
    """All of a project's in one command: what failed together can only go on together."""
    tasks = _latest(task for _, letter in letters for task in letter.tasks)
    try:
        answer = await client.project(project).replay(
            tasks, input=order.data, timeout_s=order.timeout_s, rate=order.rate
        )
    except (UnknownProject, InvalidInput) as error:
        code = error.code if isinstance(error, InvalidInput) else "unknown_project"
        answer = Replayed(replayed=[], refused=[Refusal(id=task.id, code=code, message=str(error)) for task in tasks])
    outcome.add(answer)
    done = {*answer.replayed, *answer.already}
    for queue, letter in letters:
        if all(task.id in done for task in letter.tasks):
            await queue.remove([letter])
    if order.rate is not None:
        await asyncio.sleep(len(answer.replayed) / order.rate)


def _latest(tasks: Iterable[Again]) -> list[Again]:
    """Each task once, by its last attempt: it may have been given up more than once."""
    by_id: dict[str, Again] = {}
    for task in tasks:
        known = by_id.get(task.id)
        if known is None or (task.attempt or 0) > (known.attempt or 0):
            by_id[task.id] = task
    return list(by_id.values())


def _tell(outcome: Outcome, *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "replayed": outcome.replayed,
                "already": outcome.already,
                "refused": [refusal.model_dump() for refusal in outcome.refused],
                "revived": outcome.revived,
                "submitted": outcome.submitted,
            }
        )
        return
    out = console()
    for count, words in (
        (len(outcome.replayed), "replayed"),
        (outcome.revived, "others, stopped when they failed, run again with them"),
        (outcome.submitted, "handed in once more"),
        (len(outcome.already), "done again or under way before; their letters are gone now"),
        (len(outcome.refused), "refused; their letters stay"),
    ):
        if count:
            out.print(f"{count} {words}")
    for refusal in outcome.refused:
        out.print(f"{refusal.id}: {refusal.message} ({refusal.code})", style="red", markup=False)

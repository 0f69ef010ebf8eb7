"""The command line of the benchmarks; each option but `--quick` and `--list` is a field of `Settings`."""

from __future__ import annotations

from argparse import ArgumentDefaultsHelpFormatter, ArgumentParser, ArgumentTypeError
from pathlib import Path

from benchmarks.settings import BASELINES, EVERYBODY, EXPERIMENTS, RESULTS, WARREN


def parser() -> ArgumentParser:
    made = ArgumentParser(
        "python -m benchmarks",
        description="Measure Warren beside the raw client and its peers, in interleaved rounds of one run.",
        epilog="Exit code 0: all turns went well; 1: a turn failed or none took place; 2: the arguments are wrong.",
        formatter_class=ArgumentDefaultsHelpFormatter,
    )
    _add_what(made)
    _add_sizes(made)
    _add_where(made)
    return made


def _add_what(made: ArgumentParser) -> None:
    made.add_argument("--experiments", nargs="+", choices=EXPERIMENTS, default=EXPERIMENTS, help="what to measure")
    made.add_argument("--contenders", nargs="+", metavar="PATTERN", default=EVERYBODY, help="whom to measure")
    made.add_argument("--scaling-contenders", nargs="+", metavar="PATTERN", default=WARREN, help="who of them scales")
    made.add_argument("--baselines", nargs="+", metavar="NAME", default=BASELINES, help="whom rates are divided by")
    made.add_argument("--list", action="store_true", help="name the contenders and leave")


def _add_sizes(made: ArgumentParser) -> None:
    made.add_argument("--rounds", type=_positive, default=3, help="turns of each contender in each experiment")
    made.add_argument("--tasks", type=_positive, default=10_000, help="tasks of a throughput run")
    made.add_argument("--projects", type=_positive, default=500, help="projects of a latency run, one task each")
    made.add_argument("--sizes", nargs="+", type=_positive, default=[1_000, 10_000, 100_000], help="tasks of scaling")
    made.add_argument("--quick", action="store_true", help="a small run that shows that everything runs")


def _add_where(made: ArgumentParser) -> None:
    made.add_argument("--name", default="bench", help="last part of the result files' names")
    made.add_argument("--folder", type=Path, default=RESULTS, help="where the result files go")
    made.add_argument("--amqp-url", help="a RabbitMQ to use instead of a throwaway node")
    made.add_argument("--postgres-url", help="a PostgreSQL to use")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)

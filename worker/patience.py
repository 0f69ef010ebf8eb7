"""Long tasks and the broker's patience: what cannot be held long enough is refused before it runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from warren.errors import InvalidInput
from worker.station import Station

MARGIN_S: Final = 60.0
"""For the wait in the worker before a task begins, and for the confirm of its result; brokers look once a minute."""


def within_hold(stations: Iterable[Station], hold_s: float | None, broker_version: str) -> list[Station]:
    """The stations as they may run where a task can be held for `hold_s`; None is no limit.

    What names no time of its own is stopped in time. Raises InvalidInput for what may run longer.
    """
    return [station if hold_s is None else _within(station, hold_s, broker_version) for station in stations]


def _within(station: Station, hold_s: float, broker_version: str) -> Station:
    room_s = max(hold_s - MARGIN_S, hold_s / 2)
    if station.longest_s is None:
        return replace(station, timeout_s=room_s)
    if station.longest_s > room_s:
        raise InvalidInput("timeout_too_long", _refusal(station, room_s, hold_s, broker_version))
    return station


def _refusal(station: Station, room_s: float, hold_s: float, broker_version: str) -> str:
    name = f"skill {station.skill.name!r} of team {station.team}"
    return (
        f"{name} may run for {station.longest_s:g} s, but RabbitMQ {broker_version} takes a task back that is not "
        f"settled within {hold_s:g} s, and another worker would run it again: set its timeout_s to at most "
        f"{room_s:g}, or raise consumer_timeout in the broker's configuration and tell workers with "
        "--consumer-timeout-s, or use the profile quorum from RabbitMQ 3.12 or the profile classic from 4.3"
    )

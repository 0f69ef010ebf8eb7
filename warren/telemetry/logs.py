"""Logs: sentences in colour for a person at a terminal, one JSON object per line for a machine.

What libraries log with the standard `logging` goes the same way. No line holds the password of a URL.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal, TextIO

import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

from warren.log import get_logger
from warren.telemetry.redaction import redacted

__all__ = ["LogFormat", "LogLevel", "bind", "configure_logs", "get_logger"]

LogFormat = Literal["auto", "text", "json"]
LogLevel = Literal["debug", "info", "warning", "error"]

MUTE = ("aio_pika", "aiormq")
"""What goes wrong below our connections is told by them, once and in words."""
PATIENT = ("opentelemetry.exporter",)
"""They tell of each try; what comes of them all is an error."""
CHATTY = ("alembic", "asyncio", "sqlalchemy.engine", "uvicorn")
"""What these tell at level info is of use to nobody but their authors."""


def configure_logs(form: LogFormat = "auto", level: LogLevel = "info", *, stream: TextIO | None = None) -> None:
    """Set up the logs of this process; once, at its start. `auto` is text if the stream is a terminal."""
    stream = sys.stderr if stream is None else stream
    as_text = form == "text" or (form == "auto" and stream.isatty())
    _take_over_logging(_formatter(as_text=as_text, colors=stream.isatty()), level, stream)


def bind(**facts: str) -> None:
    """Say `facts` in every line of this process from here on, as who it is."""
    structlog.contextvars.bind_contextvars(**facts)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        add_trace,
    ]


def add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """The ids of the current span, so that a line of the log leads to its trace."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


class _Formatter(structlog.stdlib.ProcessorFormatter):
    """Passwords are taken out of the finished line: they also come in through exceptions and libraries."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def _formatter(*, as_text: bool, colors: bool) -> logging.Formatter:
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_text:
        last.append(structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=structlog.dev.plain_traceback))
    else:
        last += [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            structlog.processors.JSONRenderer(default=str),
        ]
    return _Formatter(processors=last, foreign_pre_chain=_shared())


def _take_over_logging(formatter: logging.Formatter, level: LogLevel, stream: TextIO) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    for name in PATIENT:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.ERROR)
    for name in MUTE:
        logging.getLogger(name).setLevel(logging.DEBUG if level == "debug" else logging.CRITICAL)

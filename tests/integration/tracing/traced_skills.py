"""Skills whose traces are looked at."""

import asyncio
import os
import time
from pathlib import Path

from opentelemetry import baggage, trace

from warren.skills.context import Context
from warren.skills.skill import skill


def note(file: str) -> None:
    Path(file).write_text(str(os.getpid()))


@skill("double")
async def double(n: int) -> dict[str, int]:
    return {"n": 2 * n}


@skill("moody")
async def moody(n: int, context: Context) -> dict[str, int]:
    if context.attempt < 3:
        raise ValueError(f"not in the mood for {n}")
    return {"n": n}


@skill("hopeless")
async def hopeless(n: int) -> dict[str, int]:
    raise RuntimeError(f"never {n}")


@skill("sleepy")
async def sleepy(file: str) -> dict[str, int]:
    note(file)
    await asyncio.sleep(60)
    return {"n": 1}


@skill("parting")
def parting(file: str, n: int) -> dict[str, int]:
    """Stops for as long as the file is there."""
    note(f"{file}.begun")
    while Path(file).exists():
        time.sleep(0.02)
    return {"n": n}


@skill("spanning")
async def spanning(n: int) -> dict[str, str]:
    with trace.get_tracer("mine").start_as_current_span("think", attributes={"n": n}) as span:
        return {
            "trace_id": trace.format_trace_id(span.get_span_context().trace_id),
            "sampled": str(span.get_span_context().trace_flags.sampled),
            "user": str(baggage.get_baggage("user")),
        }


@skill("barred")
def barred(file: str) -> dict[str, int]:
    if Path(file).is_file():
        raise RuntimeError("the way is barred")
    return {"n": 1}


@skill("burning", cpu=True)
def burning(n: int, context: Context) -> dict[str, str]:
    return {"text": context.trace_headers()["traceparent"]}

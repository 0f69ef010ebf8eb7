"""Numbers as a reader wants them."""

from __future__ import annotations

from complexity import BUCKETS, MCCABE_LIMIT


def count(number: int, noun: str = "", plural: str = "") -> str:
    """`1,790 files`, `1 file`."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def short(number: float) -> str:
    """`812`, `9.5k`, `412k`, `1.2M`: for a chart, where the exact figure is in the table."""
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if number >= limit:
            scaled = number / limit
            return f"{scaled:.2g}{unit}" if scaled < 10 else f"{scaled:.0f}{unit}"  # noqa: PLR2004
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """`3 ms`, `4.2 s`, `3 min 20 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


def percent(part: float, whole: float) -> str:
    if not whole:
        return "0 %"
    share = 100 * part / whole
    return f"{share:.1f} %" if share < 10 else f"{share:.0f} %"  # noqa: PLR2004


def average(total: int, number: int) -> float:
    return total / number if number else 0.0


def bucket_names() -> list[str]:
    """`1`, …, `5`, `6-10`, …, `over 50`: what each bucket of the histogram holds."""
    lower = [1, *(upper + 1 for upper in BUCKETS[:-1])]
    names = [str(upper) if low == upper else f"{low}-{upper}" for low, upper in zip(lower, BUCKETS, strict=True)]
    return [*names, f"over {BUCKETS[-1]}"]


def above_limit(histogram: list[int]) -> int:
    """How many functions are more complex than McCabe's limit."""
    first = BUCKETS.index(MCCABE_LIMIT) + 1
    return sum(histogram[first:])

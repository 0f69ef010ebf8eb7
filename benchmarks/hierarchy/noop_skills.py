"""The skill that does nothing, as a user would write it."""

from warren import skill


@skill("noop", team="bench")
async def noop(index: int) -> dict[str, int]:
    return {"index": index}

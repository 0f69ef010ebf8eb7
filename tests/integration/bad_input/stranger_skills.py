"""The skills of the cluster that strangers write to."""

from warren.skills.skill import skill


@skill("echo", team="scouts")
async def echo(text: str) -> dict[str, str]:
    return {"text": text}


@skill("fail", team="scouts")
async def fail(text: str) -> dict[str, str]:
    raise ValueError(text)

"""The skills of the cluster that the examples publish to."""

from warren.skills.skill import skill


@skill("greet", team="hosts")
async def greet(name: str) -> dict[str, str]:
    return {"greeting": f"Hello, {name}!"}


@skill("fail", team="hosts")
async def fail(name: str) -> dict[str, str]:
    raise ValueError(name)

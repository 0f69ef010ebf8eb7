"""The skill of the cluster that the doctor looks at."""

from warren.skills.skill import skill


@skill("greet", team="hosts")
async def greet(name: str) -> dict[str, str]:
    return {"greeting": name}

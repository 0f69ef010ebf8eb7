"""The skills of the cluster that allows little."""

from pathlib import Path

from warren.skills.skill import skill
from warren.testing.patience import wait_until


@skill("wait", team="hosts")
async def wait(path: str) -> dict[str, bool]:
    """Until a file is there: a test's own signal."""
    return {"done": await wait_until(Path(path).exists, timeout_s=60)}


@skill("repeat", team="hosts")
async def repeat(text: str, times: int) -> dict[str, str]:
    return {"text": text * times}

"""Who a process is."""

from __future__ import annotations

import re
from typing import Final

LONGEST_HOST: Final = 22


def agent_id(host: str, pid: int, entropy: bytes) -> str:
    """`<host>-<pid>-<random>`: a token that may stand in routing keys, and that a restarted process does not share."""
    name = re.sub(r"[^a-z0-9_-]", "-", host.lower())[:LONGEST_HOST]
    return f"{name}-{pid}-{entropy.hex()}"

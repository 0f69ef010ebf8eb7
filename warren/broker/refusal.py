"""How it is said that a broker will never take a message: the same words from workers and coordinators.

The limit of a broker can be lower than `limits.message_bytes`, and nobody knows it before the first message over it.
"""

from __future__ import annotations

from typing import Final

CODE: Final = "broker_refuses"
ADVICE: Final = (
    "; if that is for its size, pass a reference to the data instead of the data, or see that limits.message_bytes in "
    "cluster.yaml is not above max_message_size in the broker's configuration"
)

"""Users and their rights as a part of the broker's definitions file.

Without passwords it holds none, and may be kept in a repository; the broker then refuses these users until somebody
sets their passwords. With passwords it holds their hashes, and is made where it is imported.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from topology.user import User

Entropy = Callable[[int], bytes]

SALT_BYTES: Final = 4
HASHING: Final = "rabbit_password_hashing_sha256"
NO_PASSWORD: Final = ""
"""A hash that no password has: the user cannot log in with one."""


def user_definitions(
    users: Iterable[User], vhost: str, passwords: Mapping[str, str] | None = None, entropy: Entropy | None = None
) -> dict[str, Any]:
    """What a definitions file says of users; `passwords` by user's name. Raises KeyError for a user without one."""
    known = tuple(users)
    hashes = {} if passwords is None else {user.name: _hashed(passwords[user.name], entropy) for user in known}
    return {
        "users": [_user(user, hashes.get(user.name, NO_PASSWORD)) for user in known],
        "permissions": [_permission(user, vhost) for user in known],
        "topic_permissions": [_topic(user, vhost, at) for user in known for at in range(len(user.topics))],
    }


def user_definitions_json(users: Iterable[User], vhost: str = "/") -> str:
    """The same as a file, without passwords."""
    return json.dumps(user_definitions(users, vhost), indent=2) + "\n"


def password_hash(password: str, salt: bytes) -> str:
    """A password as the broker keeps it.

    >>> password_hash("test12", bytes.fromhex("908DC60A"))
    'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR'
    """
    return base64.b64encode(salt + hashlib.sha256(salt + password.encode()).digest()).decode()


def _hashed(password: str, entropy: Entropy | None) -> str:
    assert entropy is not None, "hashing passwords needs a source of salt"
    return password_hash(password, entropy(SALT_BYTES))


def _user(user: User, hashed: str) -> dict[str, Any]:
    return {
        "name": user.name,
        "password_hash": hashed,
        "hashing_algorithm": HASHING,
        "tags": list(user.tags),
        "limits": {},
    }


def _permission(user: User, vhost: str) -> dict[str, Any]:
    return {"user": user.name, "vhost": vhost, "configure": user.configure, "write": user.write, "read": user.read}


def _topic(user: User, vhost: str, at: int) -> dict[str, Any]:
    topic = user.topics[at]
    return {"user": user.name, "vhost": vhost, "exchange": topic.exchange, "write": topic.write, "read": topic.read}

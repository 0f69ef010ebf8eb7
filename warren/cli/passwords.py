"""The passwords of broker users, each in a file of its user's name: how Kubernetes and Docker hand out secrets."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from warren.errors import InvalidInput

PASSWORD_BYTES: Final = 24
LEAST_CHARS: Final = 12


def read_passwords(folder: Path, users: Iterable[str]) -> dict[str, str]:
    """The passwords by user. Raises InvalidInput, which names all users whose password is missing or too short."""
    found = {user: _read(folder / user) for user in users}
    if lacking := [user for user, password in found.items() if len(password) < LEAST_CHARS]:
        raise InvalidInput(
            "passwords_missing",
            f"{folder} has no file with a password of {LEAST_CHARS} characters or more for: {', '.join(lacking)}; "
            "`warren users passwords FOLDER` makes what is missing",
        )
    return found


def make_passwords(folder: Path, users: Iterable[str]) -> list[str]:
    """Make random passwords for users that have none yet; says for whom. Raises InvalidInput."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [user for user in users if _make(folder / user)]
    except OSError as error:
        raise InvalidInput("passwords_folder", f"{folder} cannot be written: {error.strerror}") from None


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _make(file: Path) -> bool:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as stream:
        stream.write(secrets.token_hex(PASSWORD_BYTES))  # nothing that a URL would have to escape
    return True

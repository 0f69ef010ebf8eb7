"""A URL that may hold a password, which is never printed."""

from __future__ import annotations

from pydantic import Secret

from warren.telemetry.redaction import redacted


class SecretUrl(Secret[str]):
    """Prints, logs and serialises with `***` for the password; `get_secret_value()` is for whoever connects."""

    def _display(self) -> str:
        return redacted(self.get_secret_value())

"""TLS to PostgreSQL, asked for in the URL as everybody writes it: `?sslmode=verify-full&sslrootcert=ca.crt`.

The driver underneath reads these words from the environment (`PGSSLMODE`, …), but takes none of them as arguments.
"""

from __future__ import annotations

import ssl
from typing import Any, Final

from sqlalchemy.engine import URL

from warren.errors import InvalidInput

WORDS: Final = ("sslmode", "sslrootcert", "sslcert", "sslkey")
MODES: Final = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
CHECKED: Final = MODES[3:]


def connect_arguments(url: URL) -> tuple[URL, dict[str, Any]]:
    """The URL without what it says of TLS, and that as an argument of the driver. Raises InvalidInput."""
    said = {word: str(url.query[word]) for word in WORDS if word in url.query}
    if not said:
        return url, {}
    mode = said.pop("sslmode", "verify-full" if "sslrootcert" in said else "prefer")
    if mode not in MODES:
        raise InvalidInput("ledger_url", f"the ledger's sslmode is one of {', '.join(MODES)}, not {mode[:40]!r}")
    bare = url.difference_update_query(WORDS)
    # without files the driver knows best: it also looks at the environment and into ~/.postgresql
    return bare, {"ssl": _context(mode, said) if said and mode in CHECKED else mode}


def _context(mode: str, files: dict[str, str]) -> ssl.SSLContext:
    """As libpq does it: `require` alone encrypts and checks nothing; a root certificate is always checked."""
    try:
        context = ssl.create_default_context(cafile=files.get("sslrootcert"))
        if "sslcert" in files:
            context.load_cert_chain(files["sslcert"], files.get("sslkey"))
    except OSError as error:
        raise InvalidInput(
            "ledger_url",
            f"the TLS files that the ledger's URL names ({', '.join(files.values())}) cannot be used: {error}",
        ) from None
    context.check_hostname = mode == "verify-full"
    if mode == "require" and "sslrootcert" not in files:
        context.verify_mode = ssl.CERT_NONE
    return context

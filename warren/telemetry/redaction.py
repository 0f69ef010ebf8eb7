"""Takes passwords out of what people and logs get to see."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"
USER_INFO: Final = re.compile(r"(?<=://)([^\s/@:'\"]*):([^\s/'\"]*)@")
SECRET_PARAMETER: Final = re.compile(r"(?i)([?&;](?:password|passwd|secret|token)=)[^&;\s'\"]*")


def redacted(text: str) -> str:
    """The text with `***` for the password in every URL."""
    if "://" not in text:
        return text
    return SECRET_PARAMETER.sub(rf"\1{HIDDEN}", USER_INFO.sub(rf"\1:{HIDDEN}@", text))

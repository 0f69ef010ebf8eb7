"""Where skills are imported from."""

from __future__ import annotations

import sys
from pathlib import Path


def make_importable(path: Path) -> None:
    """Let skills be found where the process was started, and beside the cluster file at `path`."""
    for folder in (str(Path.cwd()), str(path.absolute().parent)):
        if folder not in sys.path:
            sys.path.append(folder)

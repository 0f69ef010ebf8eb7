"""Reading one source file of somebody else's tree: what cannot be read is a finding."""

from __future__ import annotations

import errno
import io
import os
import stat
import tokenize
from pathlib import Path

from finding import Finding, found

SIZE_LIMIT = 2 * 1024 * 1024
"""Bytes. Python files beyond this are generated data, and parsing them takes seconds and hundreds of megabytes."""

_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def read_source(root: Path, file: str) -> bytes | Finding:
    """The bytes of `file` under `root`, without following links, blocking on pipes or leaving the tree."""
    try:
        return _read(root, file)
    except OSError as error:
        return found(file, "symlink" if error.errno == errno.ELOOP else "unreadable", error.strerror or error)
    except ValueError as error:  # a NUL or a lone surrogate in the name
        return found(file, "unreadable", error)


def _read(root: Path, file: str) -> bytes | Finding:
    path = root / file
    if not path.parent.resolve().is_relative_to(root.resolve()):
        return found(file, "outside")
    descriptor = os.open(path, _FLAGS)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return found(file, "not_a_file")
        content = _content(descriptor)
    finally:
        os.close(descriptor)
    if len(content) > SIZE_LIMIT:
        return found(file, "too_large", f"more than {SIZE_LIMIT // 1024:,} KiB")
    return content


def _content(descriptor: int) -> bytes:
    with os.fdopen(descriptor, "rb", closefd=False) as stream:
        return stream.read(SIZE_LIMIT + 1)


def decode(content: bytes, file: str) -> str | Finding:
    """The text of a Python file: UTF-8 unless its first two lines declare another encoding (PEP 263)."""
    if b"\0" in content:
        return found(file, "binary")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    except (SyntaxError, LookupError, ValueError) as error:
        return found(file, "encoding", error)

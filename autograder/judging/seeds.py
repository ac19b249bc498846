"""Seeds: hidden ones for grading, fresh ones for a student's own checks."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from pathlib import Path


def hidden_seed(secret: bytes, lab: str, version: int, exercise: str) -> int:
    """The seed an exercise of a lab's release is graded with: the same for every student.

    Formula: the first 6 bytes of HMAC-SHA256(secret, "lab:version:exercise").
    """
    message = f"{lab}:{version}:{exercise}".encode()
    return int.from_bytes(hmac.new(secret, message, hashlib.sha256).digest()[:6], "big")


def fresh_seed() -> int:
    """A seed nobody has seen, short enough to be typed."""
    return secrets.randbelow(10**6)


class SecretUnusable(Exception):
    """The file of the course's secret holds no secret, or cannot be made."""


def course_secret(folder: Path) -> bytes:
    """The secret of the course in a folder, made on first use and readable by its owner only.

    It is written aside and given its name when it is whole; of two that make one at the same time,
    both get the one that came first.

    Raises: SecretUnusable for a file that does not hold 64 hexadecimal digits, and where none can
        be made or read.
    """
    path = folder / ".course_secret"
    try:
        if not path.exists():
            _make_secret(path)
        text = path.read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise SecretUnusable(f"{path}: {error.strerror}; nothing was graded") from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise SecretUnusable(
            f"{path} does not hold a secret (64 hexadecimal digits), but {len(text)} characters. "
            "Restore it from a backup; where there is none, remove it: a new one is made, and what "
            "is graded again is graded on other inputs"
        )
    return bytes.fromhex(text)


def _make_secret(path: Path) -> None:
    descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=".course_secret-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_bytes(32).hex())
            file.flush()
            os.fsync(descriptor)
        try:
            os.link(aside, path)
        except FileExistsError:
            pass  # another one was first
        except OSError:  # a disk without links
            os.replace(aside, path)
    finally:
        Path(aside).unlink(missing_ok=True)

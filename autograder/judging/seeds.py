"""Seeds: hidden ones for grading, fresh ones for a student's own checks."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
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


def course_secret(folder: Path) -> bytes:
    """The secret of the course in a folder, made on first use and readable by its owner only."""
    path = folder / ".course_secret"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return bytes.fromhex(path.read_text().strip())
    with os.fdopen(descriptor, "w") as file:
        secret = secrets.token_bytes(32)
        file.write(secret.hex())
    return secret

"""What one kernel may use."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Limits of one kernel and of every process that it starts; sizes in bytes.

    ``memory`` counts the whole tree, and alone each of its processes; ``processes`` counts threads
    too; ``home``, ``temporary`` and ``shared`` are the sizes of HOME, TMP and ``/dev/shm``;
    ``processor`` is the only one that the tree may run on, where the kernels of others need theirs.
    """

    memory: int = 2048 * MIB
    processes: int = 96
    cpu_seconds: int = 900
    file_size: int = 64 * MIB
    open_files: int = 400
    home: int = 128 * MIB
    temporary: int = 128 * MIB
    shared: int = 64 * MIB
    processor: int | None = None

"""The process that workers are forked from: it loads what all of them need, once.

It imports nothing of the course itself, so that it can be started before anything is imported.
"""

from __future__ import annotations

import multiprocessing
import os
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

LOADED = ("autograder.grading.many.worker", "torch._dynamo")
"""torch loads its compiler when first an optimizer or a generator is made: more than a second."""


def context() -> BaseContext:
    """Processes that are forked from the server, which is started with the first of them."""
    # Threads do not survive a fork, and a process that has some may hang in it.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(LOADED))
    return made


def start_loading() -> None:
    """Start the server now: it loads while this process does something else."""
    context()
    forkserver.ensure_running()

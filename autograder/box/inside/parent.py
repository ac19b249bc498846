"""The warm parent: imports what every kernel needs once, forks for each, and counts their memory.

It is the first process inside the outer wall and is driven over one socket with JSON messages. It
runs nothing but this module, touches no tensor and makes no zmq context: a fork of a process with
threads may hang for ever.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import time
import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any, NoReturn

from autograder.box.inside import filter as third_wall
from autograder.box.inside import processes, wall
from autograder.box.inside.limits import Limits

CHANNELS = ("shell", "iopub", "stdin", "control", "hb")
"""The order in which the listening sockets of a kernel are handed over."""

MAX_MESSAGE = 65536
WATCH_SECONDS = 0.05


@dataclass
class _Child:
    id: int
    memory: int
    troubles: int
    handle: int
    over: bool = False


class Parent:
    """Answers ``start`` and ``stop``; says when a kernel has ended, and why."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, _Child] = {}
        self._orphans: set[int] = set()
        self._filter: Any | None = None
        self._waiting = select.poll()
        self._waiting.register(control, select.POLLIN)

    def prepare(self, modules: list[str]) -> None:
        """Import what kernels need, once."""
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for name in ("autograder.box.inside.kernel", *modules):
                importlib.import_module(name)
        self._filter = third_wall.build()
        tasks = len(os.listdir("/proc/self/task"))
        if tasks != 1:
            raise RuntimeError(f"{tasks - 1} threads run after the imports; a fork could hang")
        gc.collect()
        gc.freeze()
        seconds = round(time.monotonic() - started, 3)
        self._say({"ready": True, "filtered": self._filter is not None, "seconds": seconds})

    def serve(self) -> None:
        """Until the other side closes the socket."""
        while True:
            busy = self._children or self._orphans
            ready = self._waiting.poll(WATCH_SECONDS * 1000 if busy else None)
            if any(descriptor == self._control.fileno() for descriptor, _ in ready):
                message, descriptors = receive(self._control)
                if message is None:
                    return
                if message["do"] == "start":
                    self._start(message, descriptors)
                else:
                    self._stop(message["id"])
            self._watch()

    def _start(self, message: dict[str, Any], descriptors: list[int]) -> None:
        limits = Limits(**message["limits"])
        hearing, telling = os.pipe()
        child = os.fork()
        if child == 0:
            self._be_child(message, limits, descriptors, telling)
        os.close(telling)
        for descriptor in descriptors:
            os.close(descriptor)
        handle = os.pidfd_open(child)
        self._waiting.register(handle, select.POLLIN)
        self._children[child] = _Child(message["id"], limits.memory, hearing, handle)

    def _be_child(
        self, message: dict[str, Any], limits: Limits, descriptors: list[int], telling: int
    ) -> NoReturn:
        try:
            _keep_only({telling, *descriptors})
            live = partial(_live, message, descriptors, telling)
            wall.enter(limits, self._filter, message["covered"], live)
        except BaseException as error:
            os.write(telling, f"{type(error).__name__}: {error}".encode()[:2000])
        os._exit(70)

    def _stop(self, id: int) -> None:
        for pid, child in self._children.items():
            if child.id == id:
                os.kill(pid, signal.SIGKILL)

    def _watch(self) -> None:
        while self._children or self._orphans:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            self._orphans.discard(pid)
            child = self._children.pop(pid, None)
            if child is not None:
                self._orphans |= processes.end_orphans(set(self._children))
                self._ended(child, os.waitstatus_to_exitcode(status))
        for pid in processes.over({pid: child.memory for pid, child in self._children.items()}):
            self._children[pid].over = True
            os.kill(pid, signal.SIGKILL)

    def _ended(self, child: _Child, status: int) -> None:
        trouble = os.read(child.troubles, 4096).decode(errors="replace")
        self._waiting.unregister(child.handle)
        os.close(child.handle)
        os.close(child.troubles)
        why = "out_of_memory" if child.over else "failed" if trouble else "ended"
        self._say({"id": child.id, "why": why, "status": status, "trouble": trouble})

    def _say(self, message: dict[str, Any]) -> None:
        self._control.send(json.dumps(message).encode())


def receive(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """One message and the descriptors that came with it; None when the other side has closed."""
    data, descriptors, _, _ = socket.recv_fds(control, MAX_MESSAGE, 16)
    return (json.loads(data), descriptors) if data else (None, [])


def _live(message: dict[str, Any], descriptors: list[int], telling: int) -> NoReturn:
    try:
        from autograder.box.inside.kernel import be_kernel

        os.chdir(wall.HOME)
        os.close(telling)
        sockets = dict(zip(CHANNELS, descriptors, strict=True))
        be_kernel(message["connection"], sockets, heard=message["heard"])
    finally:
        os._exit(71)


def _keep_only(kept: set[int]) -> None:
    """Close every inherited descriptor but these; the standard ones lead nowhere."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nowhere, standard)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) not in kept:
            try:
                os.close(int(name))
            except OSError:
                continue  # the descriptor that listed the folder


def main() -> None:
    """Serve on the socket whose descriptor and modules the command line names."""
    control = socket.socket(fileno=int(sys.argv[1]))
    parent = Parent(control)
    try:
        parent.prepare(sys.argv[2:])
    except BaseException as error:
        control.send(json.dumps({"failed": f"{type(error).__name__}: {error}"[:2000]}).encode())
        raise
    parent.serve()
    # There is nothing to put away, and taking torch apart takes half a second.
    os._exit(0)


if __name__ == "__main__":
    main()

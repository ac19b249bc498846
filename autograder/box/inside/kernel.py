"""A process that becomes an ordinary ipykernel, on sockets that it was given."""

from __future__ import annotations

import importlib
import os
import random
import sys
from collections.abc import Mapping
from typing import Any, NoReturn, TextIO

import zmq
from ipykernel.heartbeat import Heartbeat
from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from traitlets import Type

# Nobody steps through a graded kernel, and the debugger is half of what a kernel would still load.
sys.modules["debugpy"] = None  # type: ignore[assignment]
importlib.import_module("ipykernel.debugger")
del sys.modules["debugpy"]

# What a kernel loads as it starts, loaded before the fork.
for late in (
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "tornado.queues",
):
    importlib.import_module(late)


class BoxedKernel(IPythonKernel):
    """Answers whatever a cell has made of the standard streams, which it flushes before it does.

    Where nobody hears it, it does not say what it is doing: that takes longer than a short cell.
    """

    heard = True

    def _publish_status(self, *arguments: Any, **options: Any) -> None:
        if self.heard:
            super()._publish_status(*arguments, **options)

    def _publish_execute_input(self, *arguments: Any, **options: Any) -> None:
        if self.heard:
            super()._publish_execute_input(*arguments, **options)

    async def do_execute(self, *arguments: Any, **options: Any) -> Any:
        """Execute, and put the streams back."""
        streams = sys.stdout, sys.stderr
        try:
            return await super().do_execute(*arguments, **options)
        finally:
            sys.stdout, sys.stderr = streams


class BoxedKernelApp(IPKernelApp):
    """Listens on sockets that were bound outside: nothing outside is writable in here."""

    given: Mapping[int, int] = {}
    kernel_class = Type(BoxedKernel)

    def _try_bind_socket(self, s: Any, port: int) -> int:
        s.setsockopt(zmq.USE_FD, self.given[port])
        s.bind(f"ipc://{self.ip}-{port}")
        return port

    def init_heartbeat(self) -> None:
        """Start the heart on its own socket."""
        self.heartbeat = _Heartbeat(zmq.Context(), ("ipc", self.ip, self.hb_port))
        self.heartbeat.given = self.given
        self.heartbeat.start()

    def init_connection_file(self) -> None:
        """There is none: what it would say was handed over."""

    def write_connection_file(self, **_: Any) -> None:
        """Nobody reads one in here."""

    def log_connection_info(self) -> None:
        """Nobody reads it in here."""


class _Heartbeat(Heartbeat):
    given: Mapping[int, int] = {}

    def _try_bind_socket(self) -> None:
        self.socket.setsockopt(zmq.USE_FD, self.given[self.port])
        self.socket.bind(f"ipc://{self.ip}-{self.port}")


def be_kernel(
    connection: Mapping[str, Any], sockets: Mapping[str, int], *, heard: bool
) -> NoReturn:
    """Serve as the kernel of a connection until told to stop.

    ``sockets`` are listening descriptors by the name of their channel; ``heard`` says whether
    anybody listens to what it prints and publishes.
    """
    _be_random()
    BoxedKernel.heard = heard
    ports = {name: int(connection[f"{name}_port"]) for name in sockets}
    BoxedKernelApp.given = {port: sockets[name] for name, port in ports.items()}
    app = BoxedKernelApp.instance(
        transport="ipc",
        ip=str(connection["ip"]),
        **{f"{name}_port": port for name, port in ports.items()},
    )
    app.config.Session.key = str(connection["key"]).encode()
    app.config.HistoryManager.enabled = False
    app.config.BoxedKernel._execute_sleep = 0.0  # it waits for output that nobody reads
    app.config.InteractiveShell.cache_size = 0
    if not heard:
        app.config.IPKernelApp.outstream_class = None
        sys.stdout, sys.stderr = _nowhere(), _nowhere()
    app.initialize([])
    for stream in (sys.stdout, sys.stderr):
        # A closed one could not be flushed before the answer.
        stream.close = lambda: None  # type: ignore[method-assign]
    app.start()
    os._exit(0)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8", errors="replace")


def _be_random() -> None:
    """Forks begin with the random numbers of their parent, and would all draw the same."""
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    if "torch" in sys.modules:
        sys.modules["torch"].seed()

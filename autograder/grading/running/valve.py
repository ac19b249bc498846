"""Between a client and a kernel's socket: only so many bytes come out for each request.

A limit on messages does not limit what they are made of: zmq keeps every frame of a message until
its last has come, and who holds a kernel's sockets need not send a last one.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from pathlib import Path

_PIECE = 2**18


class Valve:
    """Listens where a client connects, and passes bytes on to the kernel and back.

    ``ip`` is for the client what the kernel's own was; ``burst`` says that more came out than
    ``most`` bytes since ``allow`` was called last, whereupon nothing comes out any more.
    """

    def __init__(self, ip: str, port: int, most: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="course-valve-"))
        self.ip = str(self._folder / "v")
        self.burst = False
        self._most = self._left = most
        self._lock = threading.Lock()
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(f"{self.ip}-{port}")
        listening.listen(4)
        self._sockets = [listening]
        _start(self._accept, listening, f"{ip}-{port}")

    def allow(self) -> None:
        """Begin to count anew: a request is about to be sent."""
        self._left = self._most

    def close(self) -> None:
        """Let nothing through any more, and remove the sockets."""
        with self._lock:
            self.burst = True
            for one in self._sockets:
                _shut(one)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _accept(self, listening: socket.socket, path: str) -> None:
        with listening, contextlib.suppress(OSError):
            while True:
                near, _ = listening.accept()
                far = socket.socket(socket.AF_UNIX)
                with self._lock:
                    self._sockets = [s for s in self._sockets if s.fileno() >= 0]
                    self._sockets += [near, far]
                    if self.burst:
                        _shut(near)
                with contextlib.suppress(OSError):
                    far.connect(path)
                _start(self._pass, near, far, False)
                _start(self._pass, far, near, True)

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(_PIECE):
                if counted:
                    self._left -= len(data)
                    if self._left < 0:
                        self.burst = True
                if self.burst:
                    break
                target.sendall(data)
        _shut(source)
        _shut(target)
        source.close()


def _start(function: object, *arguments: object) -> None:
    threading.Thread(target=function, args=arguments, daemon=True).start()  # type: ignore[arg-type]


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)

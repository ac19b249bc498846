"""A box on this machine: one warm parent behind the outer wall, and the kernels that it forks."""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.box.diagnosis import mending
from autograder.box.inside.limits import Limits
from autograder.box.inside.parent import CHANNELS, MAX_MESSAGE
from autograder.box.outside import NoBox, View, command, covered, find_bubblewrap, shown

WARM_SECONDS = 120.0
STOP_SECONDS = 10.0


class Box:
    """Forks confined kernels from a process that has imported what they need.

    Raises: NoBox, where this machine cannot confine.
    """

    def __init__(self, view: View, modules: Sequence[str] = ()) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="course-box-"))
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._ended: dict[int, dict[str, Any]] = {}
        self._covered = covered(view)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._process = self._launch(view, modules, theirs)
            theirs.close()
            self.facts = self._warmed()
        except BaseException:
            self.close()
            raise

    def start(self, limits: Limits | None = None, *, heard: bool = True) -> BoxedKernel:
        """Fork a kernel; it has not answered yet.

        ``heard`` says whether anybody listens to what it prints and publishes.
        """
        number = next(self._numbers)
        place = self._folder / str(number)
        place.mkdir()
        ports = {f"{name}_port": port for port, name in enumerate(CHANNELS, 1)}
        connection = {
            "transport": "ipc",
            "ip": str(place / "k"),
            "key": uuid.uuid4().hex,
            "signature_scheme": "hmac-sha256",
            **ports,
        }
        message = {
            "do": "start",
            "id": number,
            "covered": self._covered,
            "limits": dataclasses.asdict(limits or Limits()),
            "connection": {**connection, "ip": "k"},
            "heard": heard,
        }
        listening = [_listen(f"{connection['ip']}-{port}") for port in ports.values()]
        try:
            with self._lock:
                data = json.dumps(message).encode()
                socket.send_fds(self._control, [data], [s.fileno() for s in listening])
        except OSError as error:
            raise self._trouble(f"the box has ended: {error}") from None
        finally:
            for one in listening:
                one.close()
        return BoxedKernel(self, number, connection, place)

    @property
    def alive(self) -> bool:
        """Whether kernels can still be started."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the parent, and with it every process in the box."""
        self._control.close()
        process = getattr(self, "_process", None)
        if process is not None:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def stop(self, number: int) -> None:
        """Have a kernel and all it started killed."""
        with self._lock:
            try:
                self._control.send(json.dumps({"do": "stop", "id": number}).encode())
            except OSError:
                return

    def ended(self, number: int, seconds: float = 0.0) -> dict[str, Any] | None:
        """What the parent said of a kernel's end; None while it runs."""
        deadline = time.monotonic() + seconds
        with self._lock:
            while number not in self._ended:
                left = max(0.0, deadline - time.monotonic())
                if not select.select([self._control], [], [], left)[0]:
                    return None
                said = self._hear()
                if said is None:
                    return {"why": "ended", "trouble": "the whole box has ended"}
                self._ended[said["id"]] = said
            return self._ended[number]

    def _launch(
        self, view: View, modules: Sequence[str], theirs: socket.socket
    ) -> subprocess.Popen[bytes]:
        bubblewrap = find_bubblewrap()
        python = [sys.executable, "-m", "autograder.box.inside.parent", str(theirs.fileno())]
        if os.getuid() == 0:
            line = self._staged(bubblewrap, view, [*python, *modules])
        else:
            line = [*command(bubblewrap, view, {}), *python, *modules]
        with open(self._folder / "log", "wb") as log:
            return subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                cwd="/",
                env=_import_path(),
            )

    def _staged(self, bubblewrap: str, view: View, program: list[str]) -> list[str]:
        """Root first becomes a user of no rights, who may not reach the folders to be shown."""
        stage = self._folder / "stage"
        stage.mkdir()
        self._folder.chmod(0o711)
        folders = [Path(bubblewrap).parent, *dict(shown(view))]
        sources = {folder: stage / str(number) for number, folder in enumerate(folders)}
        staged = _staged_path(Path(bubblewrap), sources)
        asked = {
            "stage": str(stage),
            "binds": [[str(source), str(target)] for source, target in sources.items()],
            "command": [*command(staged, view, sources), *program],
            "direct": [*command(bubblewrap, view, {}), *program],
        }
        return [sys.executable, "-m", "autograder.box.staging", json.dumps(asked)]

    def _warmed(self) -> dict[str, Any]:
        if not select.select([self._control], [], [], WARM_SECONDS)[0]:
            raise self._trouble(f"the box was not ready after {WARM_SECONDS:g} seconds")
        said = self._hear()
        if said is None:
            raise self._trouble("the box could not be built")
        if "failed" in said:
            raise NoBox(
                f"the box could not import what kernels need: {said['failed']}",
                "every package must be installed in this environment and readable by any user",
            )
        return said

    def _hear(self) -> dict[str, Any] | None:
        try:
            data = self._control.recv(MAX_MESSAGE)
        except OSError:
            return None
        return json.loads(data) if data else None

    def _trouble(self, what: str) -> NoBox:
        """The last words of the box, and what they ask for."""
        try:
            words = (self._folder / "log").read_text(errors="replace").strip()[-500:]
        except OSError:
            words = ""
        return NoBox(f"{what}: {words}" if words else what, mending(words))


class BoxedKernel:
    """A confined kernel: how to connect to it, whether it lives, and how to end it."""

    def __init__(self, box: Box, number: int, connection: dict[str, Any], place: Path) -> None:
        self._box = box
        self._number = number
        self._place = place
        self._killed = False
        self.connection = connection

    @property
    def end(self) -> str | None:
        """None while it runs; else ``ended``, ``out_of_memory``, or ``failed`` with the reason."""
        said = self._box.ended(self._number)
        if said is None:
            return None
        return f"failed: {said['trouble']}" if said["why"] == "failed" else said["why"]

    def wait(self, seconds: float) -> bool:
        """Whether it has ended, after waiting for that."""
        return self._box.ended(self._number, seconds) is not None

    def kill(self) -> None:
        """End it and everything that it started, and remove its sockets."""
        if self._killed:
            return
        self._killed = True
        if self.end is None:
            self._box.stop(self._number)
            self.wait(STOP_SECONDS)
        shutil.rmtree(self._place, ignore_errors=True)


def _staged_path(path: Path, sources: dict[Path, Path]) -> str:
    """Where a program is found once the folders are staged; libraries beside it included."""
    folder = next(folder for folder in reversed(sources) if path.is_relative_to(folder))
    return str(sources[folder] / path.relative_to(folder))


def _listen(path: str) -> socket.socket:
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(path)
    listening.listen(16)
    return listening


def _import_path() -> dict[str, str]:
    """The environment of the process that becomes bubblewrap; what runs inside has its own."""
    here = str(Path(__file__).resolve().parents[2])
    return {"PATH": os.environ.get("PATH", os.defpath), "PYTHONPATH": here}

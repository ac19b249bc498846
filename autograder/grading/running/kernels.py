"""Kernels for submissions: confined ones from a box, or plain ones where somebody insists."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import fcntl
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path
from typing import Any, Protocol

import course_lib
from autograder.box import Box, Limits, NoBox, View
from autograder.box.outside import OF_DEVICES, gpu_devices
from autograder.grading.running.sealed import temporary_room

MODULES = (
    "torch",
    "torch._dynamo",
    "numpy",
    "matplotlib.pyplot",
    "autograder.probes.kernel",
    "course_lib.data",
    "course_lib.plotting",
)
"""What labs import: loaded once in a box, before any submission's clock runs."""


_PRELUDE = """
__import__("autograder.probes.kernel")
get_ipython().InteractiveTB.set_mode("Plain")  # nobody sees a traceback; a long one takes seconds
"""


class Kernel(Protocol):
    """A running kernel; ``end`` is None while it runs, else what became of it."""

    connection: dict[str, Any]

    @property
    def end(self) -> str | None: ...

    def kill(self) -> None: ...


class Launcher(Protocol):
    """Starts kernels that see one sealed room; ``prelude`` is run in each before anything else.

    A kernel that is not ``heard`` may keep to itself what it prints and publishes.
    """

    confined: bool
    device: str
    prelude: str

    def start(self, *, heard: bool = True) -> Kernel: ...

    def close(self) -> None: ...


def open_launcher(
    room: Path, *, unsafe_no_box: bool = False, device: str = "cpu", share: float = 1.0
) -> Launcher:
    """Open the box around a sealed room, or refuse; ``share`` of a GPU's memory for each kernel.

    Raises: NoBox, with what this machine lacks and what to do.
    """
    if device != "cpu":
        _need_gpu()
    if unsafe_no_box:
        return Plain(room, device)
    return Boxed(room, device, share)


@functools.cache
def shared_launcher() -> Launcher:
    """The box of this process, for kernels that others ask for by kernelspec.

    Raises: NoBox, where this machine cannot confine.
    """
    kept = contextlib.ExitStack()
    atexit.register(kept.close)
    launcher = open_launcher(kept.enter_context(temporary_room()))
    kept.callback(launcher.close)
    return launcher


class Boxed:
    """Kernels in a box, which is built anew should it have ended."""

    confined = True

    def __init__(self, room: Path, device: str = "cpu", share: float = 1.0) -> None:
        self.device = device
        self._view = _view(room, device)
        self._processor = _Processor()
        self._limits = Limits(processor=self._processor.number)
        self.prelude = _PRELUDE
        if device != "cpu":
            # Pinned memory and the driver's own tables count as the process's.
            self._limits = dataclasses.replace(self._limits, memory=16 * 2**30)
            self.prelude += f"__import__('torch').cuda.set_per_process_memory_fraction({share!r})"
        self._box = Box(self._view, MODULES)

    def start(self, *, heard: bool = True) -> Kernel:
        """Fork a kernel."""
        if not self._box.alive:
            self._box.close()
            self._box = Box(self._view, MODULES)
        return self._box.start(self._limits, heard=heard)

    def close(self) -> None:
        """End the box with all that runs in it."""
        self._box.close()
        self._processor.release()


class _Processor:
    """A processor that no other grading process of this machine has claimed; None once all are.

    A submission that starts ninety busy processes would otherwise take their time from all others.
    """

    def __init__(self) -> None:
        self.number: int | None = None
        self._claim: int | None = None
        for number in sorted(os.sched_getaffinity(0)):
            path = Path(tempfile.gettempdir(), f"course-processor-{os.getuid()}-{number}")
            claim = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(claim)
                continue
            self.number, self._claim = number, claim
            return

    def release(self) -> None:
        """Let another process have it."""
        if self._claim is not None:
            os.close(self._claim)
        self.number = self._claim = None


class Plain:
    """Kernels that can read and write what their user can."""

    confined = False
    prelude = _PRELUDE

    def __init__(self, room: Path, device: str = "cpu") -> None:
        self._room = room
        self.device = device

    def start(self, *, heard: bool = True) -> Kernel:
        """Start an ipykernel of this environment with a home, caches and a folder of its own."""
        return _PlainKernel(self._room)

    def close(self) -> None:
        """Nothing is kept warm."""


class _PlainKernel:
    def __init__(self, room: Path) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="course-kernel-"))
        ports = {f"{n}_port": i for i, n in enumerate(("shell", "iopub", "stdin", "control", "hb"))}
        self.connection: dict[str, Any] = {
            "transport": "ipc",
            "ip": str(self._home / "k"),
            "key": uuid.uuid4().hex,
            "signature_scheme": "hmac-sha256",
            **{name: number + 1 for name, number in ports.items()},
        }
        file = self._home / "connection.json"
        file.write_text(json.dumps(self.connection))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "ipykernel_launcher", "-f", str(file)],
            cwd=self._home,
            env=self._environment(room),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    @property
    def end(self) -> str | None:
        """``ended`` once its process has."""
        return None if self._process.poll() is None else "ended"

    def kill(self) -> None:
        """Kill it and what has stayed in its session."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        shutil.rmtree(self._home, ignore_errors=True)

    def _environment(self, room: Path) -> dict[str, str]:
        names = ("PATH", "LANG", "LC_ALL", "TZ", *OF_DEVICES)
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {
            **kept,
            "HOME": str(self._home),
            "IPYTHONDIR": str(self._home / ".ipython"),
            "MPLCONFIGDIR": str(self._home / ".matplotlib"),
            "TMPDIR": str(self._home),
            "PYTHONPATH": str(room),
            "PYTHONDONTWRITEBYTECODE": "1",
            "OMP_NUM_THREADS": "1",
            "TRITON_INTERPRET": "1",
            # The kernel ends within a second of the process that started it.
            "JPY_PARENT_PID": str(os.getpid()),
        }


def _view(room: Path, device: str) -> View:
    library = Path(course_lib.__file__).resolve().parent
    beside = library.parent
    checkout = (beside,) if (beside / "solutions").is_dir() else ()
    return View(
        room,
        shown=(library / "datasets",),
        hidden=(library, beside / "autograder", Path.cwd().resolve(), *checkout),
        devices=gpu_devices() if device != "cpu" else (),
    )


def _need_gpu() -> None:
    import torch

    if not torch.cuda.is_available():
        raise NoBox(
            "a GPU was asked for, and torch sees none",
            "leave out `--device cuda`, or mend the driver (`nvidia-smi` must list a GPU) and "
            "install a torch with CUDA",
        )

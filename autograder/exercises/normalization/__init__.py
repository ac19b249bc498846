"""Lab 5, batch normalization: its exercises, each beside the mistakes that students make in it."""

from autograder.exercises.normalization.lab import lab

lab.gather(
    __name__,
    "training",
    "running",
    "inference",
    "modules",
    "one_example",
    "scale",
    "questions",
    "backward",
    "bias",
    "inference_backward",
    "images",
    "image_modules",
    "affine",
    "layers",
    "groups",
)

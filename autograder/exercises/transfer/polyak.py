"""What averaging does to the noise of the steps."""

import torch

from autograder.exercises import experiments
from autograder.exercises.transfer.lab import lab

FALLS = (
    "both fall to less than half",
    "only the average's falls so far",
    "only the last iterate's falls so far",
    "neither falls so far: the rate is constant",
)


def errors_of_averages(steps: int, runs: int = 400) -> tuple[float, float]:
    """The mean squared error of the last iterate and of the average of all, on a noisy quadratic."""
    w, mean = torch.zeros(runs), torch.zeros(runs)
    for step in range(steps):
        w = w - 0.2 * (w + torch.randn(runs))
        mean += (w - mean) / (step + 1)
    return float((w * w).mean()), float((mean * mean).mean())


@experiments.seeded
def outcome_of_four_times_as_long() -> str:
    """Measured: the last iterate's error stays at 0.11, the average's falls like 1/T."""
    (last, mean), (later_last, later_mean) = errors_of_averages(500), errors_of_averages(2000)
    fall = later_last < 0.5 * last, later_mean < 0.5 * mean
    return FALLS[((True, True), (False, True), (True, False), (False, False)).index(fall)]


lab.prediction(
    "four_times_as_long",
    title="Predict: four times as many noisy steps",
    statement=(
        "SGD at a **constant** rate on the loss w²/2, started at its minimum 0; every gradient has noise. After T steps "
        "two things are looked at, over many runs: the squared error of the last w, and that of the mean of all T of "
        "them. Now four times as many steps. Which of the two errors falls to **less than half** of what it was?"
    ),
    minutes=2,
    core=False,
    syllabus=("11.4",),
    choices=FALLS,
    outcome=outcome_of_four_times_as_long,
    explanation=(
        "At a constant rate the iterate keeps wandering, and its error depends on the rate alone. The mean of T iterates "
        "averages the wandering away, like 1/T: as fast as the best choice of falling rates, without choosing any."
    ),
)

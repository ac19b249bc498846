"""Whether an optimizer that adapts its rates still needs a schedule."""

from autograder.exercises.optimizers.lab import lab

COSINE = (
    "the constant rate ends clearly lower",
    "both end at about the same loss",
    "the cosine schedule ends clearly lower",
)


# Measured on MNIST-1D with the network and the 600 steps of the notebook, on three other seeds, so
# that no schedule has the rate that suits it least; test loss of AdamW (weight decay 0.1):
#     constant rate 0.003: 1.10, 1.06, 1.13; 0.01: 1.16, 1.05, 1.21; 0.02: 1.26, 1.09, 1.23
#     cosine        0.003: 1.12, 1.14, 1.13; 0.01: 0.97, 0.99, 1.04; 0.02: 0.99, 1.05, 1.01
def outcome_of_the_schedules() -> str:
    """Measured at 0.02: training loss 0.83, 0.87, 0.86 constant; 0.64, 0.64, 0.73 with cosine."""
    return COSINE[2]


lab.prediction(
    "cosine_for_adam",
    title="Predict: does Adam need a schedule?",
    statement="""*"Learning rate decay is less common with Adam."* (lecture notes) AdamW trains on
MNIST-1D for 600 steps at a rate of 0.02: once constant, once falling to zero along half a cosine.
Which training loss is lower at the end?""",
    minutes=1,
    core=False,
    syllabus=("6.9",),
    choices=COSINE,
    outcome=outcome_of_the_schedules,
    explanation="""About 0.85 with the constant rate, 0.67 with the cosine, on each of three seeds. Adam
adapts the *proportions* between entries. Their common size stays η, and so does the noise of the
mini-batches that a step of size η carries: to settle, the rate has to fall.""",
)

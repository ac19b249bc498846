"""The last prediction of the core, the reflection after it, and what is no exercise."""

from autograder.exercises.schedules.lab import lab

# Measured on MNIST-1D (4000 signals, batches of 32) with the small convolutional network of the
# notebook, AdamW, 800 steps, three runs side by side; the loss on all training signals after the last step,
# and the mean test accuracy:
#     constant 0.03        0.83  0.74  0.57  (69 %)
#     warm-up and cosine   0.36  0.30  0.33  (83 %)
WITH_ADAM = (
    "warm-up and cosine end clearly lower",
    "the constant rate ends clearly lower",
    "both end at about the same loss",
)


def outcome_with_adam() -> str:
    """Measured: mean losses 0.71 and 0.33."""
    return WITH_ADAM[0]


lab.prediction(
    "decay_with_adam",
    title="Predict: “decay is less common with Adam”",
    statement=(
        "From a set of notes: learning-rate decay is “more common with SGD + momentum, less common "
        "with Adam”, which adapts its rates by itself. AdamW trains the network for 800 steps, once "
        "at the constant rate 0.03, once with warm-up to 0.03 and cosine decay. The training loss "
        "at the end?"
    ),
    minutes=2,
    syllabus=("7.1", "7.10"),
    choices=WITH_ADAM,
    outcome=outcome_with_adam,
    explanation=(
        "Adam scales the steps of the parameters relative to one another; their common size does "
        "not shrink by itself, and noise keeps the loss up. Today AdamW is normally used with "
        "warm-up and decay."
    ),
)

lab.written(
    "three_sentences",
    points=3,
    title="Reflect: three sentences about rates",
    statement=(
        "Correct these three sentences, each in two to four sentences of your own, with a number that "
        "**you** saw in this notebook:\n\n"
        "1. “A constant rate needs no tuning.”\n"
        "2. “Cosine decay has no hyperparameters.”\n"
        "3. “Learning-rate decay is less common with Adam.”"
    ),
    minutes=8,
    syllabus=("7.1", "7.7", "7.10"),
    explanation=(
        "1. It has one number, and no choice of it is right for the whole training: with 0.01, 0.03 and "
        "0.1 the loss ended at about 1.1, 0.6 and 1.1. A small rate is slow, a large one stops at a "
        "high floor, on the parabola with noise at 0.125 for 0.4 and at 0.013 for 0.05.\n"
        "2. It has α₀, T and α_min. With T twice the length of the training half of the rate is "
        "left at the end; after T torch's rises again.\n"
        "3. Dated: AdamW is normally used with warm-up and decay. In the experiment the loss with "
        "decay was about half of that without.\n\n"
        "*Rubric.* 1 point for each sentence: corrected, and supported by a number of one's own."
    ),
)

NOT_EXERCISES = {
    "7.1 needs no tuning": "prediction `three_constant_rates`, then measured",
    "7.5 k per epoch used per step": "`steps_until` has both units; mistake `k_taken_per_step`",
    "7.7 no hyperparameters": "prediction `no_hyperparameters`, a figure and the reflection",
    "7.7 T in epochs while t is in steps": "a schedule has one argument for its length and cannot "
    "know in what it was counted; `halve_every` has both units (mistake `epochs_taken_for_steps`), "
    "and `updates_per_schedule_step` finds it from a run",
    "7.9 the training loss instead of the validation loss": "which number is passed is the "
    "caller's: the notebook feeds both to the class and shows what happens",
    "7.10 warm-up per epoch instead of per step": "`linear_warmup` has no epochs; counting calls "
    "is `updates_per_schedule_step`",
    "7.11 beta, weight decay and clipping of the model": "belong to its optimizer, not its schedule",
    "7.12 scheduler.step() called per batch": "prediction `stepped_per_batch`, and "
    "`updates_per_schedule_step`",
    "wall-clock or the optimizer's current rate as input": "a function of its arguments has "
    "neither; what is kept from the last call is the mistakes `multiplies_the_current_rate` and "
    "`divides_the_current_rate`",
}
"""Entries of the syllabus that no student is asked to write."""

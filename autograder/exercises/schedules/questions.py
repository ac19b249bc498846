"""Predictions to commit to before an experiment, the reflection, and what is not an exercise."""

import math

import torch

from autograder.exercises.schedules.lab import lab
from course_lib.schedules import cosine

# Two outcomes need training and are constants. Both were measured on MNIST-1D (4000 signals,
# batches of 32) with the small convolutional network of the notebook, seeds 0, 1 and 2; the loss on
# all training signals after the last step, and the test accuracy in percent:
#
#     SGD, momentum 0.9, 1000 steps             AdamW, 800 steps, rate 0.03
#     constant 0.01   1.00  1.12  1.16  (56 %)  constant             0.60  0.73  0.58  (74 %)
#     constant 0.03   0.50  0.42  0.76  (76 %)  warm-up and cosine   0.29  0.38  0.26  (85 %)
#     constant 0.1    1.15  1.42  1.08  (57 %)
#     cosine from 0.1 0.40  0.31  0.35  (81 %)

THREE_RATES = (
    "all three end at about the same loss",
    "0.01 ends clearly lowest",
    "0.03 ends clearly lowest",
    "0.1 ends clearly lowest",
)


def outcome_of_three_rates() -> str:
    """Measured: mean losses 1.09, 0.56 and 1.22."""
    return THREE_RATES[2]


lab.prediction(
    "three_constant_rates",
    title="Predict: “a constant rate needs no tuning”",
    statement=(
        "The same small network learns MNIST-1D for 1000 steps (SGD, momentum 0.9) with the "
        "**constant** rates 0.01, 0.03 and 0.1. What will the training losses be at the end?"
    ),
    minutes=2,
    syllabus=("7.1",),
    choices=THREE_RATES,
    outcome=outcome_of_three_rates,
    explanation=(
        "A constant schedule has one number, and it matters more than any other: three times less "
        "or more about doubles the loss. 0.01 is still on its way, 0.1 rattles about."
    ),
)

NOTES_LINE = (
    "it falls from α₀ toward 0",
    "it is 0 at first and negative afterwards",
    "it grows",
)


def outcome_of_the_notes_line() -> str:
    """The rates of `lr0 * e * (-k * t)` at the first steps."""
    rates = [0.1 * math.e * (-0.05 * t) for t in range(4)]
    if rates[0] == 0 and max(rates[1:]) < 0:
        return NOTES_LINE[1]
    return NOTES_LINE[0] if rates[1] < rates[0] else NOTES_LINE[2]


lab.prediction(
    "the_notes_line",
    title="Predict: a line from the lecture notes",
    statement=(
        "The notes print exponential decay as `lr0 * e (-kt)`. Someone types `lr0 * math.e * (-k * "
        "t)`, and nothing raises. What will the rate do over the steps t = 0, 1, 2, …?"
    ),
    minutes=1,
    syllabus=("7.4",),
    choices=NOTES_LINE,
    outcome=outcome_of_the_notes_line,
    explanation=(
        "A product with −kt is 0 at t = 0 and negative ever after: the first update does nothing, "
        "and all others climb. An exponent was lost in print."
    ),
)

AFTER_THE_END = ("0", "half of the first rate", "the first rate again")


def outcome_after_the_end() -> str:
    """What torch's cosine schedule gives when it is stepped to twice its length."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50)
    for _ in range(100):
        optimizer.step()
        scheduler.step()
    rate = optimizer.param_groups[0]["lr"]
    if rate < 0.01:
        return AFTER_THE_END[0]
    return AFTER_THE_END[2 if rate > 0.09 else 1]


lab.prediction(
    "torch_after_the_end",
    title="Predict: torch's cosine after its end",
    statement=(
        "`CosineAnnealingLR(optimizer, T_max=50)` brings the rate to 0 in 50 steps. You train on, "
        "to step 100. Which rate does torch give at step **100**?"
    ),
    minutes=1,
    syllabus=("7.7",),
    choices=AFTER_THE_END,
    outcome=outcome_after_the_end,
    explanation=(
        "torch evaluates the cosine and knows no end: after T the rate rises and at 2T it is where "
        "it began. A training that is prolonged “a little” gets a rate that grows."
    ),
)

TWICE_AS_LONG = ("0", "a quarter of it", "half of it", "all of it")


def outcome_at_half_the_length() -> str:
    """The share of the rate that is left when training stops at half of the cosine's length."""
    share = cosine(100, base_lr=1.0, total_steps=200)
    return min(
        zip((0.0, 0.25, 0.5, 1.0), TWICE_AS_LONG, strict=True), key=lambda c: abs(c[0] - share)
    )[1]


lab.prediction(
    "no_hyperparameters",
    title="Predict: “cosine has no hyperparameters”",
    statement=(
        "One set of notes praises cosine decay because it “has no hyperparameters”. You set its "
        "length T to 200 steps, and stop the training after 100. How much of `base_lr` is left then?"
    ),
    minutes=1,
    syllabus=("7.7",),
    choices=TWICE_AS_LONG,
    outcome=outcome_at_half_the_length,
    explanation=(
        "Half: cos(π/2) = 0. T is a hyperparameter, and so is α₀. A run that is stopped early has "
        "never had the small rates that make the schedule good."
    ),
)

TOKENS = (
    "before 80 % of the steps",
    "at 80 % of the steps",
    "after 80 % of the steps",
)


def outcome_of_growing_batches() -> str:
    """When 80 % of the tokens have been seen, if batches grow steadily to four times their size."""
    batches = [1 + 3 * t / 999 for t in range(1000)]
    seen, step = 0.0, 0
    while seen < 0.8 * sum(batches):
        seen, step = seen + batches[step], step + 1
    return TOKENS[0 if step < 790 else 2 if step > 810 else 1]


lab.prediction(
    "tokens_or_steps",
    title="Predict: 80 % of the tokens",
    statement=(
        "Large models are often trained with batches that *grow*: say, steadily from one to four million "
        "tokens. When have 80 % of all **tokens** been seen?"
    ),
    minutes=1,
    syllabus=("7.11",),
    choices=TOKENS,
    outcome=outcome_of_growing_batches,
    explanation=(
        "The late steps hold more tokens than the early ones, so most tokens come late: after about "
        "87 % of the steps. A drop at 80 % of the steps comes too early."
    ),
)

PER_BATCH = ("0.1", "0.01", "0.0001", "less than 1e-20")


def outcome_per_batch() -> str:
    """The rate that StepLR gives after one epoch of 100 batches when stepped per batch."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    for _ in range(100):
        optimizer.step()
        scheduler.step()
    rate = optimizer.param_groups[0]["lr"]
    return next(
        (c for c in PER_BATCH[:3] if math.isclose(float(c), rate, rel_tol=0.01)), PER_BATCH[3]
    )


lab.prediction(
    "stepped_per_batch",
    title="Predict: stepped in the wrong place",
    statement=(
        "`StepLR(optimizer, step_size=30, gamma=0.1)` is meant per epoch: drop at epochs 30, 60 and "
        "90, from 0.1. By accident `scheduler.step()` stands inside the loop over the 100 *batches* "
        "of an epoch. What is the rate after the **first epoch**?"
    ),
    minutes=1,
    syllabus=("7.12",),
    choices=PER_BATCH,
    outcome=outcome_per_batch,
    explanation=(
        "100 calls are three drops: the whole schedule of 90 epochs is over within the first. The "
        "run does not fail; it just hardly learns any more."
    ),
)

WITH_ADAM = (
    "the constant rate ends clearly lower",
    "both end at about the same loss",
    "warm-up and cosine end clearly lower",
)


def outcome_with_adam() -> str:
    """Measured: mean losses 0.64 and 0.31."""
    return WITH_ADAM[2]


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
    title="Reflect: three sentences of the notes",
    statement=(
        "Correct these three sentences of the lecture notes, each in two to four sentences of your "
        "own, with a number that **you** saw in this notebook:\n\n"
        "1. “Cosine decay has no hyperparameters.”\n"
        "2. “What DeepSeek does: warm-up over 2000 steps to 4.2e-4, × 0.316 at 80 %, × 0.316 at "
        "90 %.” (Of what? Which DeepSeek? What is left at the end?)\n"
        "3. “Learning-rate decay is less common with Adam.”"
    ),
    minutes=8,
    syllabus=("7.1", "7.7", "7.11"),
    explanation=(
        "1. It has α₀, T and α_min. With T twice the length of the training half of the rate is "
        "left at the end; after T torch's rises again.\n"
        "2. At 80 % and 90 % of the *tokens*, which with growing batches is later than 80 % and "
        "90 % of the steps; 0.316² = 0.0999, so 4.194e-5 is left. The numbers are those of "
        "DeepSeek-V2-Lite (whose batches did not grow); DeepSeek-V2 drops at 60 % and 90 %, from 2.4e-4.\n"
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

"""The schedule of DeepSeek-V2-Lite: drops at fractions of the tokens, not of the steps."""

import itertools

import torch

from autograder.exercises.schedules.drawing import (
    AT_EVERY_STEP,
    SCHEDULERS,
    draw_rate,
    draw_steps,
    follows,
    is_pure,
)
from autograder.exercises.schedules.lab import lab
from autograder.judging import edit
from course_lib import schedules


TOKENS = (
    "at 80 % of the steps",
    "after 80 % of the steps",
    "before 80 % of the steps",
)


def outcome_of_growing_batches() -> str:
    """When 80 % of the tokens have been seen, if batches grow steadily to four times their size."""
    batches = [1 + 3 * t / 999 for t in range(1000)]
    seen, step = 0.0, 0
    while seen < 0.8 * sum(batches):
        seen, step = seen + batches[step], step + 1
    return TOKENS[2 if step < 790 else 1 if step > 810 else 0]


lab.prediction(
    "tokens_or_steps",
    title="Predict: 80 % of the tokens",
    statement=(
        "Large models are often trained with batches that *grow*: say, steadily from one to four million "
        "tokens. When have 80 % of all **tokens** been seen?"
    ),
    minutes=1,
    core=False,
    syllabus=("7.11",),
    choices=TOKENS,
    outcome=outcome_of_growing_batches,
    explanation=(
        "The late steps hold more tokens than the early ones, so most tokens come late: after about "
        "87 % of the steps. A drop at 80 % of the steps comes too early."
    ),
)


def _steps_at(batch_tokens, fractions):
    """The first step at which each fraction of the tokens has been seen."""
    seen = [0, *itertools.accumulate(batch_tokens)]
    return [next(t for t, n in enumerate(seen) if n >= f * seen[-1]) for f in fractions]


def _growing_batches(rng, length, fractions):
    """Batches that grow from one to about six times their size, as those of large models do.

    No batch ends so near to one of the fractions that rounding could decide.
    """
    ramp = [1 + 5 * min(t / (0.7 * length), 1.0) for t in range(length)]
    while True:
        tokens = [int(rng.integers(900, 1100) * size) for size in ramp]
        seen = list(itertools.accumulate(tokens))
        if all(abs(n / seen[-1] - f) > 1e-5 for n in seen for f in fractions):
            return tokens


def _with_arguments(rng):
    fractions = [float(rng.uniform(0.5, 0.7)), float(rng.uniform(0.75, 0.95))]
    tokens = _growing_batches(rng, int(rng.integers(70, 120)), fractions)
    warmup = int(rng.integers(6, 20))
    around = (*_steps_at(tokens, fractions), warmup, len(tokens), 2 * len(tokens))
    around += tuple(int(f * len(tokens)) for f in fractions)
    return {
        "step": draw_steps(rng, len(tokens), around=around),
        "batch_tokens": tokens,
        "base_lr": draw_rate(rng),
        "warmup_steps": warmup,
        "gamma": float(rng.uniform(0.2, 0.6)),
        "fractions": fractions,
    }


def _exactly_at(rng):
    """Fractions that are reached exactly, by a batch's end, and three of them.

    They are eighths, so that every way to compute them agrees.
    """
    size = int(rng.integers(100, 500)) * 8
    count = int(rng.integers(9, 14))
    tokens = [size] * (8 * count) + [2 * size] * (4 * count) + [4 * size] * (4 * count)
    fractions = [0.375, 0.5, 0.875]
    warmup = int(rng.integers(6, 20))
    around = (*_steps_at(tokens, fractions), warmup, len(tokens))
    around += tuple(int(f * len(tokens)) for f in fractions)
    return {
        "step": draw_steps(rng, len(tokens), around=around),
        "batch_tokens": tokens,
        "base_lr": draw_rate(rng),
        "warmup_steps": warmup,
        "gamma": float(rng.uniform(0.2, 0.6)),
        "fractions": fractions,
    }


def _of_the_model(rng):
    """The numbers of the model itself; only the batches are drawn."""
    tokens = _growing_batches(rng, int(rng.integers(3400, 4000)), (0.8, 0.9))
    around = (*_steps_at(tokens, (0.6, 0.8, 0.9)), 2000, len(tokens))
    around += (int(0.8 * len(tokens)), int(0.9 * len(tokens)))
    return {"step": draw_steps(rng, len(tokens), around=around), "batch_tokens": tokens}


token_fraction_decay = lab.exercise(
    schedules.token_fraction_decay,
    title="“What DeepSeek does”",
    statement=(
        "The notes' section “What DeepSeek does”, as a function: warm up on a line over the first "
        "`warmup_steps` = 2000 steps to `base_lr` = 4.2e-4; when 80 % of the **tokens** have been "
        "seen, multiply the rate by `gamma` = 0.316; at 90 % multiply it by 0.316 **again**.\n\n"
        "`batch_tokens` lists the tokens of every batch of the training, in order. Batches may "
        "*grow*, and then 80 % of the tokens are not 80 % of the steps. What has been seen at step "
        "t are the batches *before* it. `fractions` holds the fractions, in ascending order; each is "
        "one drop, however many there are, from the step on at which *at least* that fraction has been "
        "seen. (The warm-up is over before the first.)\n\n"
        "**Ends.** `base_lr`/w at t = 0 (the warm-up of this lab, (t + 1)/w). From the step on at "
        "which 90 % have been seen, and at every step after the last: `base_lr` · γ², with the "
        "defaults 4.194e-5.\n\n"
        "**Convention.** These numbers are DeepSeek-V2-Lite's, whose batches were all of one size. "
        "DeepSeek-V2 drops at 60 % and 90 %, from 2.4e-4, and its batches grew from 2304 to 9216 "
        "sequences; the first DeepSeek LLM falls to 31.6 % and then 10 % of 4.2e-4 (7B) or 3.2e-4 "
        "(67B). Their warm-ups start at 0, ours at `base_lr`/w."
    ),
    points=4,
    minutes=10,
    difficulty=2,
    core=False,
    syllabus=("7.11",),
    hide=("Formula",),
    inputs=(_with_arguments, _of_the_model, _exactly_at, _with_arguments),
    probe=AT_EVERY_STEP,
    checks=[
        follows("the warm-up", lambda inputs, t: t < inputs.get("warmup_steps", 2000)),
        follows(
            "the rates after it",
            lambda inputs, t: inputs.get("warmup_steps", 2000) <= t < len(inputs["batch_tokens"]),
        ),
        follows(
            "the rates after the last step", lambda inputs, t: t >= len(inputs["batch_tokens"])
        ),
        is_pure,
    ],
    forbidden=SCHEDULERS,
    hints=(
        "How many tokens were in the batches before step t? How many are there in all?",
        "The number of drops is the number of fractions that have been reached.",
        "Warm-up times `base_lr` times `gamma ** drops`.",
    ),
)


token_fraction_decay.mistake(
    "fractions_of_the_steps",
    edit("seen / everything >=", "step / len(batch_tokens) >="),
    "You drop at fractions of the *steps*. The batches grow, so the later steps hold more tokens, "
    "and your drops come too early. Count `sum(batch_tokens[:step])`.",
)
token_fraction_decay.mistake(
    "same_factor_twice",
    edit("gamma**drops", "gamma ** min(drops, 1)"),
    "The second drop multiplies the *current* rate, so 0.316² = 0.0999 of the peak is left. Yours "
    "goes to 0.316 of the peak again, that is, it does not drop at all.",
)
token_fraction_decay.mistake(
    "one_third",
    edit("gamma**drops", "(1 / 3) ** drops"),
    "You use 1/3. The factor is 0.316, the root of 1/10: two drops leave a tenth (0.0999 of the "
    "peak), where (1/3)² would leave 0.111.",
)
token_fraction_decay.mistake(
    "a_tenth_of_the_rest",
    edit("gamma**drops", "(1, gamma, gamma**3)[drops]"),
    "At the second drop you multiply by γ² again: 0.0316 is left. Each drop multiplies by γ once.",
)
token_fraction_decay.mistake(
    "counts_this_batch",
    edit("[:step]", "[: step + 1]"),
    "You count the batch of this step among the tokens seen. When its rate is chosen it has not "
    "been seen: `batch_tokens[:step]`.",
)
token_fraction_decay.mistake(
    "only_when_more_have_been_seen",
    edit(">= fraction for", "> fraction for"),
    "When the fraction has been seen *exactly* you still wait one step: you compare with >. "
    "Reached is reached: ≥.",
)
token_fraction_decay.mistake(
    "fractions_of_the_notes",
    edit(">= fraction for fraction in fractions", ">= fraction for fraction in (0.8, 0.9)"),
    "You drop at 80 % and 90 % whatever is asked for. That is only the default: `fractions` says "
    "where.",
)
token_fraction_decay.mistake(
    "two_drops_only",
    edit("gamma**drops", "gamma ** min(drops, 2)"),
    "You look at the first two fractions only. There may be another number of them, and each is a "
    "drop: count those that have been reached.",
)
token_fraction_decay.mistake(
    "factor_of_the_notes",
    edit("gamma**drops", "0.316**drops"),
    "You always multiply by 0.316. That is only the default: the factor is `gamma`.",
)
token_fraction_decay.mistake(
    "always_these_fractions",
    edit(">= fraction for fraction in fractions", ">= fraction for fraction in (0.6, 0.9)"),
    "You drop at 60 % and 90 %, which is DeepSeek-V2. Here `fractions` says where.",
)
token_fraction_decay.mistake(
    "no_warmup",
    edit(" * min((step + 1) / warmup_steps, 1.0)", ""),
    "The warm-up is missing: α₀ (t + 1)/w at first.",
)
token_fraction_decay.mistake(
    "warmup_from_zero",
    edit("(step + 1)", "step"),
    "Your first update has rate 0. The warm-up is (t + 1)/w.",
)
token_fraction_decay.mistake(
    "size_of_this_batch",
    edit("everything = sum(batch_tokens)", "everything = batch_tokens[0] * len(batch_tokens)"),
    "You estimate all tokens from the first batch. Batches grow: add them up.",
)
token_fraction_decay.mistake(
    "back_up_after_the_end",
    edit("gamma**drops", "(gamma**drops if step < len(batch_tokens) else 1)"),
    "After the last step your rate jumps back to the peak. All tokens have been seen then: it "
    "stays low.",
)


@token_fraction_decay.alternative
def by_cases(
    step, *, batch_tokens, base_lr=4.2e-4, warmup_steps=2000, gamma=0.316, fractions=(0.8, 0.9)
):
    share = sum(batch_tokens[:step]) / sum(batch_tokens)
    rate = base_lr
    if step < warmup_steps:
        rate = base_lr * (step + 1) / warmup_steps
    for fraction in fractions:
        if share >= fraction:
            rate = rate * gamma
    return rate


@token_fraction_decay.alternative
def by_tokens_left(
    step, *, batch_tokens, base_lr=4.2e-4, warmup_steps=2000, gamma=0.316, fractions=(0.8, 0.9)
):
    left = sum(batch_tokens[step:])
    drops = len([f for f in fractions if left <= (1 - f) * sum(batch_tokens)])
    return base_lr / warmup_steps * min(step + 1, warmup_steps) * gamma**drops


@token_fraction_decay.alternative
def by_running_sums(
    step, *, batch_tokens, base_lr=4.2e-4, warmup_steps=2000, gamma=0.316, fractions=(0.8, 0.9)
):
    seen = torch.tensor([0, *batch_tokens]).cumsum(0)
    share = seen[min(step, len(batch_tokens))] / seen[-1]
    drops = int((share.double() >= torch.tensor(fractions, dtype=torch.float64)).sum())
    return base_lr * min((step + 1) / warmup_steps, 1.0) * gamma**drops


@token_fraction_decay.alternative
def no_drop_while_warming_up(
    step, *, batch_tokens, base_lr=4.2e-4, warmup_steps=2000, gamma=0.316, fractions=(0.8, 0.9)
):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    drops = sum(sum(batch_tokens[:step]) >= f * sum(batch_tokens) for f in fractions)
    return base_lr * gamma**drops

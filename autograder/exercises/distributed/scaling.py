"""The linear scaling rule, and the warm-up that it came with."""

import math

from autograder import probes
from autograder.exercises.distributed.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import distributed

SIXTEEN_TIMES = (
    "about the same",
    "clearly lower",
    "clearly higher",
)


def outcome_of_sixteen_times() -> str:
    """Measured in the notebook on three seeds: 0.91 with the small batch, 0.63 with the large one."""
    return SIXTEEN_TIMES[1]


lab.prediction(
    "sixteen_times",
    title="Predict: sixteen times the batch",
    statement=(
        "A convolutional network learns MNIST-1D (4000 examples) with SGD and momentum, batches of 32 and a rate of "
        "0.1. Now the batch is 512, 16 times as large, and by the rule so is the rate: 1.6, from the first step on. The number of epochs stays. How does the test accuracy compare?"
    ),
    minutes=1,
    syllabus=("12.5", "12.6"),
    choices=SIXTEEN_TIMES,
    outcome=outcome_of_sixteen_times,
    explanation=(
        "Clearly lower. The rule holds as long as the gradient hardly changes over the k small steps that one large step "
        "stands for. At the beginning it changes fast, and with 16 times the rate nothing is small any more: rules have "
        "a range."
    ),
)


def _odd(rng):
    """So many steps of warm-up that hardly a share of them is a round number."""
    return 2 * int(rng.integers(4, 10)) + 1


def _options(rng, rule, warmup):
    options = {"lr": float(rng.uniform(0.02, 0.08))}
    if rule == "linear":
        options |= {"momentum": float(rng.uniform(0.6, 0.95))}
    else:
        options |= {"eps": float(rng.uniform(1e-3, 1e-2))}
    options["weight_decay"] = float(rng.uniform(0.01, 0.1))
    steps = [0, 1, warmup // 2, warmup - 1, warmup, warmup + 1, 3 * warmup] if warmup else [0, 1, 7]
    return {
        "step": steps,
        "options": options,
        "factor": float(rng.integers(3, 17)),
        "warmup_steps": warmup,
        "rule": rule,
    }


def _linear(rng):
    given = _options(rng, "linear", _odd(rng))
    del given["rule"]  # the default
    return given


large_batch_options = lab.exercise(
    distributed.large_batch_options,
    title="Rescale for a larger batch, and warm up",
    statement=(
        'A recipe works: an optimizer with `options`, such as `{"lr": 0.05, "momentum": 0.9, "weight_decay": '
        "0.001}`. Now the batch becomes `factor` = k times as large. Return the options for update number `step`, "
        "counted from 0, as a new dictionary.\n\n"
        '- The full rate is kα (`rule="linear"`, for SGD) or √k α (`rule="sqrt"`, for Adam).\n'
        "- **Warm-up**: the rate goes in a straight line from the *old* rate α at step 0 to the full rate at step "
        "`warmup_steps`, and stays there. With `warmup_steps=0` it is full at once.\n"
        "- All other options stay as they are.\n\n"
        "Lab 7's warm-up began near 0. Here α is known to work."
    ),
    points=3,
    minutes=8,
    difficulty=2,
    syllabus=("12.5", "12.6"),
    hide=("Formula",),
    inputs=(
        _linear,
        lambda rng: _options(rng, "linear", 0),
        lambda rng: _options(rng, "sqrt", _odd(rng)),
    ),
    probe=probes.each("step"),
    checks=[matches_reference("the options"), leaves_inputs_alone(stated=True)],
    forbidden=("torch.optim.lr_scheduler",),
    hints=(
        "What share of the way has been gone at this step? Between 0 and 1.",
        "α + (α' − α) · min(step / warmup_steps, 1), and no division by zero.",
        '`{**options, "lr": …}` is a new dictionary with another rate.',
    ),
)

large_batch_options.mistake(
    "from_zero",
    edit("base + (full - base) * warmed", "full * warmed"),
    "Your warm-up begins at 0, and the first step does nothing. For a larger batch it begins at the old rate α: "
    "α + (α' − α) · step/w.",
)
large_batch_options.mistake(
    "from_the_first_fraction",
    edit("min(step / warmup_steps, 1.0)", "min((step + 1) / warmup_steps, 1.0)"),
    "Your ramp is one step ahead. At step 0 the rate is α, and at step `warmup_steps` it is full.",
)
large_batch_options.mistake(
    "one_step_too_early",
    edit("min(step / warmup_steps, 1.0)", "min(step / (warmup_steps - 1), 1.0)"),
    "Your ramp is full one step too early: you divide by `warmup_steps` − 1. At step 0 no part of the way has been gone, at "
    "step `warmup_steps` all of it: the share is step / `warmup_steps`.",
)
large_batch_options.mistake(
    "no_warm_up",
    edit("base + (full - base) * warmed", "full"),
    "The rate is full from the first step on. For `warmup_steps` it rises from α to there.",
)
large_batch_options.mistake(
    "never_ends",
    edit("min(step / warmup_steps, 1.0)", "step / warmup_steps"),
    "Your ramp goes on after `warmup_steps`. From there on the rate stays at the full rate.",
)
large_batch_options.mistake(
    "falls_back",
    edit(
        "min(step / warmup_steps, 1.0) if warmup_steps",
        "(step / warmup_steps if step < warmup_steps else 0.0) if warmup_steps",
    ),
    "After the warm-up your rate is α again. The ramp is there to *stay* at the full rate.",
)
large_batch_options.mistake(
    "not_scaled",
    edit('(factor if rule == "linear" else math.sqrt(factor))', "1.0"),
    "The rate does not grow with the batch. It becomes kα, or √k α by the rule `sqrt`.",
)
large_batch_options.mistake(
    "linear_always",
    edit('(factor if rule == "linear" else math.sqrt(factor))', "factor"),
    'You scale by k whatever the rule. With `rule="sqrt"`, for Adam, it is √k.',
)
large_batch_options.mistake(
    "rules_swapped",
    edit('rule == "linear"', 'rule == "sqrt"'),
    "The two rules are swapped: `linear` is k, `sqrt` is √k.",
)
large_batch_options.mistake(
    "divides",
    edit("full = base * (", "full = base / ("),
    "Your rate falls with the batch. A gradient of a larger batch is less noisy and replaces k steps: the rate *grows*.",
)
large_batch_options.mistake(
    "scales_all_options",
    edit(
        '{**options, "lr"',
        '{**{name: value * full / base for name, value in options.items()}, "lr"',
    ),
    "You scale the other options as well. The rule is about the rate alone: momentum and weight decay stay.",
)
large_batch_options.mistake(
    "scales_the_decay",
    edit(
        '{**options, "lr"',
        '{**options, "weight_decay": options["weight_decay"] * full / base, "lr"',
    ),
    "You scale the weight decay as well. What a step decays is ηλ, so that it grows with η already; λ stays.",
)
large_batch_options.mistake(
    "by_equal_factors",
    edit("base + (full - base) * warmed", "base * (full / base) ** warmed"),
    "Your rate rises by equal *factors*. Asked for is a straight line: by equal amounts.",
)


@large_batch_options.alternative
def by_cases(step, options, *, factor, warmup_steps, rule="linear"):
    k = {"linear": factor, "sqrt": factor**0.5}[rule]
    new = dict(options)
    if step >= warmup_steps:
        new["lr"] = k * options["lr"]
    else:
        share = step / warmup_steps
        new["lr"] = options["lr"] * (1 - share) + k * options["lr"] * share
    return new


@large_batch_options.alternative
def by_rates(step, options, *, factor, warmup_steps, rule="linear"):
    k = factor if rule == "linear" else math.exp(math.log(factor) / 2)
    gone = 1.0 if warmup_steps == 0 else min(step, warmup_steps) / warmup_steps
    changed = {name: value for name, value in options.items() if name != "lr"}
    changed["lr"] = options["lr"] * (1 + (k - 1) * gone)
    return changed

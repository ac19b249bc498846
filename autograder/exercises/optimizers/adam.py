"""Adam, as the paper has it and as the lecture notes have it."""

from autograder import probes
from autograder.exercises.optimizers import adam_answers as answers
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.trajectories import (
    RUN_CHECKS,
    TORCH_OPTIMIZERS,
    changed_rates,
    draw_run,
)
from autograder.judging import Alternative, Mistake
from course_lib import optimizers


def draw_adam(rng):
    """Memories short enough to matter in twelve steps, and an ε as large as small gradients."""
    rate = float(rng.uniform(0.05, 0.2))
    betas = [float(rng.uniform(0.7, 0.85)), float(rng.uniform(0.92, 0.97))]
    settings = {"lr": rate, "betas": betas, "eps": 0.01}
    return draw_run(rng, settings, later=changed_rates(rng, rate))


def draw_default(rng):
    """Nothing given: gradients as small as the default ε show it."""
    return draw_run(rng, {}, later=({"lr": float(rng.uniform(0.02, 0.1))}, {}), tiny=3e-8)


def draw_rests(rng):
    """Parameters that at times have no gradient: each counts its own steps. And another ε."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    higher["eps"] = 0.05
    betas = [float(rng.uniform(0.7, 0.85)), float(rng.uniform(0.92, 0.97))]
    settings = {"lr": rate, "betas": betas, "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher), rests=True)


lab.exercise(
    optimizers.Adam,
    title="Adam",
    statement="""Momentum's averaged direction, RMSProp's scale for every entry, and one thing more. Both averages
start at zero and are therefore too small at first; Adam divides by what is missing. In step t = 1, 2, …

$$m \\leftarrow \\beta_1 m + (1-\\beta_1)\\, g,\\qquad v \\leftarrow \\beta_2 v + (1-\\beta_2)\\, g^2,$$

$$\\hat m = \\frac{m}{1-\\beta_1^t},\\qquad \\hat v = \\frac{v}{1-\\beta_2^t},\\qquad
w \\leftarrow w - \\eta\\,\\frac{\\hat m}{\\sqrt{\\hat v}+\\varepsilon} .$$

Write `update`.

*Conventions:* t is **1** in the first step, and every parameter counts its own (one that starts late
is corrected from its own start). ε stands **outside** the root, beside the corrected $\\sqrt{\\hat v}$.
`self.betas` is the pair (β₁, β₂).

A test you can do in your head: with ε = 0 the first step is η in the direction of −sign(g), for a
gradient of any size.""",
    points=5,
    minutes=12,
    difficulty=2,
    core=True,
    syllabus=("6.9",),
    blank=("update",),
    inputs=(draw_adam, draw_default, draw_rests),
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    mistakes=[
        Mistake(
            "no_bias_correction",
            answers.NoBiasCorrection,
            "You do not correct m and v for their start at zero. They begin far too small, v more than m: your first step is (1 − β₁)/√(1 − β₂) times too large, 3.16 times with torch's defaults. Divide by 1 − β₁ᵗ and 1 − β₂ᵗ. (The lecture notes print this as Adam.)",
            origin="17 of 261 students; lecture notes",
        ),
        Mistake(
            "starts_at_two",
            answers.StartsAtTwo,
            "Your t is 2 in the first step. t starts at 0 and is incremented before it is used, so that the first step has t = 1.",
            origin="15 of 134 students",
        ),
        Mistake(
            "eps_before_the_correction",
            answers.EpsBeforeTheCorrection,
            "You fold the corrections into the rate (the paper's efficient form) and add ε to √v. There ε has to be scaled as well, ε √(1 − β₂ᵗ): √v̂ + ε is what is asked for.",
            origin="7 of 134 students",
        ),
        Mistake(
            "eps_inside_the_root",
            answers.EpsInsideTheRoot,
            "Your ε is inside the root. Here, in the paper and in torch it stands outside: √v̂ + ε.",
            origin="6 of 261 students",
        ),
        Mistake(
            "time_stands_still",
            answers.TimeStandsStill,
            "Every step of yours is corrected as if it were the first, by 1 − β₁ and 1 − β₂. The correction is 1 − βᵗ: t has to be incremented, stored in `state`, and used as the exponent.",
            origin="8 of 261 students",
        ),
        Mistake(
            "another_eps",
            answers.AnotherEps,
            "You always use ε = 1e-7, whatever the caller passes. Use `self.eps`.",
            origin="2 of 261 students",
        ),
        Mistake(
            "tiny_eps",
            answers.TinyEps,
            "You always use ε = 1e-8, whatever the caller passes. Use `self.eps`.",
            origin="2 of 261 students",
        ),
        Mistake(
            "counts_from_zero",
            answers.CountsFromZero,
            "Your t is 0 in the first step, and 1 − β⁰ = 0 stands in a denominator. Increment t before you use it.",
            origin="2 of 128 students",
        ),
        Mistake(
            "starts_at_five",
            answers.StartsAtFive,
            "Your t starts at 5, which suits one published test and no training. It is 1 in the first step.",
            origin="2 of 261 students",
        ),
        Mistake(
            "five_incremented",
            answers.FiveIncremented,
            "Your t starts at 5, so that it is 6 in the first step. It has to be 1 there.",
            origin="2 of 261 students",
        ),
        Mistake(
            "always_five",
            answers.AlwaysFive,
            "Your t is 5 in every step, which suits one published test and no training. It counts the steps: 1, 2, …, and is kept in `state`.",
            origin="1 of 128 students",
        ),
        Mistake(
            "eps_inside_uncorrected",
            answers.EpsInsideUncorrected,
            "Two things: your ε is inside the root, and m and v are not corrected for their start at zero. √v̂ + ε, with v̂ = v / (1 − β₂ᵗ), and m̂ = m / (1 − β₁ᵗ).",
            origin="7 of 134 students have the ε and another fault",
        ),
        Mistake(
            "one_beta_for_both",
            answers.OneBetaForBoth,
            "You correct v with β₁. Each average is corrected with its own β: v̂ = v / (1 − β₂ᵗ).",
            origin="1 of 128 students",
        ),
        Mistake(
            "keeps_the_corrected",
            answers.KeepsTheCorrected,
            "You store m̂ and v̂, so that the next step corrects what is corrected already. Keep m and v; m̂ and v̂ are for this step only.",
            origin="1 of 133 students",
        ),
        Mistake(
            "one_plus",
            answers.OnePlus,
            "You divide by 1 + βᵗ. The averages start too small and must grow: divide by 1 − βᵗ.",
            origin="1 of 133 students",
        ),
        Mistake(
            "weight_for_gradient",
            answers.WeightForGradient,
            "You use the weight where the gradient is meant: your averages are of w.",
            origin="1 of 128 students",
        ),
        Mistake(
            "one_clock_for_all",
            answers.OneClockForAll,
            "You keep one t for the whole optimizer, and `update` is called once per parameter: with three parameters t grows by 3 per step. Keep t in `state`, beside m and v.",
        ),
        Mistake(
            "clock_of_the_optimizer",
            answers.ClockOfTheOptimizer,
            "You count the steps of the optimizer. A parameter that rests has not taken them: its averages are younger. Keep t in `state`, beside m and v.",
        ),
        Mistake(
            "only_the_first_corrected",
            answers.OnlyTheFirstCorrected,
            "You correct m but not v, which starts at zero as well: v̂ = v / (1 − β₂ᵗ).",
        ),
        Mistake(
            "only_the_second_corrected",
            answers.OnlyTheSecondCorrected,
            "You correct v but not m, which starts at zero as well: m̂ = m / (1 − β₁ᵗ).",
        ),
        Mistake(
            "betas_exchanged",
            answers.BetasExchanged,
            "Your betas are exchanged: the first belongs to the average of g, the second to that of g².",
        ),
        Mistake(
            "no_root",
            answers.NoRoot,
            "You divide by v̂. Divide by its root, √v̂ + ε.",
        ),
        Mistake(
            "sums_gradients",
            answers.SumsGradients,
            "Your m sums up gradients (b ← β₁ b + g, as momentum does). Adam's is an average: β₁ m + (1 − β₁) g.",
        ),
        Mistake(
            "eps_added_to_the_weights",
            answers.EpsAddedToTheWeights,
            "`… / sqrt(v_hat) + eps` divides first and then adds ε to the step. Put the denominator in parentheses.",
        ),
        Mistake(
            "never_stores",
            answers.NeverStores,
            "You compute new averages but do not store them: each step knows its own gradient only.",
        ),
    ],
    alternatives=[
        Alternative("in place, as torch writes it", answers.InPlace),
        Alternative("the efficient form, with its own ε", answers.Efficient),
        Alternative("powers of β multiplied up", answers.PowersMultipliedUp),
        Alternative("t from 1, counted afterwards", answers.CountsAfterwards),
        Alternative("t and memory in float32", answers.MemoryInFloat32),
    ],
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        "Three things are kept in `state`: t, m and v.",
        '`state["t"] = state.get("t", 0) + 1`, and the same for m and v.',
        '`m_hat = state["m"] / (1 - beta1 ** state["t"])`; what you keep is m, not m̂.',
    ),
)

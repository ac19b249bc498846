"""RMSProp, whose line in the lecture notes is to be mended."""

from autograder import probes
from autograder.exercises.optimizers import rmsprop_answers as answers
from autograder.exercises.optimizers.lab import lab
from autograder.exercises.optimizers.trajectories import (
    RUN_CHECKS,
    TORCH_OPTIMIZERS,
    changed_rates,
    draw_run,
)
from autograder.judging import Alternative, Mistake
from course_lib import optimizers


def draw_rmsprop(rng):
    """An ε as large as the smaller gradients; the rate, then the rate and ρ, change."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    higher["alpha"] = float(rng.uniform(0.9, 0.97))
    settings = {"lr": rate, "alpha": float(rng.uniform(0.7, 0.85)), "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher))


def draw_rmsprop_default(rng):
    """Nothing given: gradients as small as the default ε show it."""
    return draw_run(rng, {}, later=({"lr": float(rng.uniform(0.02, 0.1))}, {}), tiny=3e-7)


def draw_rmsprop_rests(rng):
    """Parameters that at times have no gradient, and an ε that changes."""
    rate = float(rng.uniform(0.05, 0.2))
    lower, higher = changed_rates(rng, rate)
    lower["eps"] = 0.03
    settings = {"lr": rate, "alpha": float(rng.uniform(0.7, 0.85)), "eps": 0.01}
    return draw_run(rng, settings, later=(lower, higher), rests=True)


lab.repair(
    optimizers.RMSProp,
    planted="as_in_the_notes",
    title="Find the error in the lecture notes: RMSProp",
    statement="""AdaGrad never forgets, so that its steps only ever get smaller. RMSProp replaces the
sum of squares by a moving **average**, which is to follow the scale of the recent gradients:

$$c \\leftarrow \\rho\\, c + (1-\\rho)\\, g^2,\\qquad w \\leftarrow w - \\eta\\,\\frac{g}{\\sqrt{c}+\\varepsilon}.$$

The cell below has the lines as they stand in a set of lecture notes (`decay` is ρ). They run, the
loss falls for a while, and then it stays where it is, as if training had converged. One character is
wrong. Test the line before you mend it: feed it the constant gradient 1 and print `cache`. Toward
what should it tend?

*Conventions:* torch's: ρ is called `alpha`, ε stands outside the root (TensorFlow's inside), c
starts at 0 and is not corrected for that.""",
    points=3,
    minutes=6,
    difficulty=1,
    core=True,
    syllabus=("6.8",),
    blank=("update",),
    inputs=(draw_rmsprop, draw_rmsprop_default, draw_rmsprop_rests),
    probe=probes.optimizer(),
    checks=RUN_CHECKS,
    mistakes=[
        Mistake(
            "eps_inside_the_root",
            answers.RMSEpsInsideTheRoot,
            "Your ε is inside the root (TensorFlow's convention). Here and in torch it stands "
            "outside: √c + ε. At ε = 1e-8 and gradients of order 1 nobody sees the difference; with "
            "gradients below √ε everybody does.",
            origin="21 of 248 students",
        ),
        Mistake(
            "another_eps",
            answers.RMSAnotherEps,
            "You always use ε = 1e-7, whatever the caller passes. Use `self.eps`.",
            origin="6 of 248 students",
        ),
        Mistake(
            "tiny_eps",
            answers.RMSTinyEps,
            "You always use ε = 1e-8, whatever the caller passes. Use `self.eps`.",
            origin="6 of 248 students",
        ),
        Mistake(
            "larger_eps",
            answers.RMSLargerEps,
            "You always use ε = 1e-6, whatever the caller passes. Use `self.eps`.",
            origin="6 of 248 students, with other numbers",
        ),
        Mistake(
            "never_stores",
            answers.RMSNeverStores,
            "You compute a new c but do not store it, so that every step starts from c = 0.",
            origin="3 of 248 students",
        ),
        Mistake(
            "rate_for_the_average",
            answers.RateForTheAverage,
            "You weight g² with the learning rate where 1 − ρ is meant. They are equal for 0.01 and "
            "0.99, which hides it.",
            origin="1 of 134 students",
        ),
        Mistake(
            "eps_added_to_the_weights",
            answers.RMSEpsAddedToTheWeights,
            "`… / sqrt(c) + eps` divides first and then adds ε to the step. Put the denominator in "
            "parentheses.",
            origin="1 of 124 students",
        ),
        Mistake(
            "eps_added_afterwards",
            answers.RMSEpsAddedAfterwards,
            "`w - … / sqrt(c) + eps` divides first and then adds ε to the weights. Put the "
            "denominator in parentheses.",
            origin="1 of 124 students",
        ),
        Mistake(
            "own_key",
            answers.RMSOwnKey,
            "You ask `state` for a key that is not there in the first step. `state.get(…)` with zeros, as "
            "in the cell you were given, begins the average.",
            origin="1 of 124 students",
        ),
        Mistake(
            "no_root",
            answers.RMSNoRoot,
            "You divide by c. Divide by its root, √c + ε.",
            origin="1 of 124 students",
        ),
        Mistake(
            "old_average",
            answers.RMSOldAverage,
            "You divide by the average as it was before this gradient; the first step divides by ε "
            "alone and explodes. Use the new c.",
            origin="1 of 124 students",
        ),
        Mistake(
            "changes_the_rate",
            answers.ChangesTheRate,
            "You overwrite `self.lr`, so that all later steps, and all other parameters, start from "
            "the divided rate. Use a variable of your own.",
            origin="1 of 124 students",
        ),
        Mistake(
            "as_in_the_notes",
            answers.AsInTheNotes,
            "`cache += decay * cache + …` adds the average to what is there: it is multiplied by "
            "1 + ρ at every step and grows without end, until nothing moves any more. An average is "
            "replaced: `cache = decay * cache + (1 - decay) * gradient**2`.",
            origin="lecture notes",
        ),
        Mistake(
            "bias_corrected",
            answers.BiasCorrected,
            "You correct c for its start at zero, as Adam does. RMSProp does not: its first step has "
            "the size η/√(1 − ρ).",
        ),
        Mistake(
            "starts_at_the_first_square",
            answers.StartsAtTheFirstSquare,
            "Your c starts at the first g². Here it starts at 0.",
        ),
        Mistake(
            "starts_at_one",
            answers.StartsAtOne,
            "Your c starts at 1. Here it starts at 0.",
        ),
        Mistake(
            "weights_exchanged",
            answers.WeightsExchanged,
            "You weight the old average with 1 − ρ and the new square with ρ. ρ is the memory: "
            "c ← ρ c + (1 − ρ) g².",
        ),
        Mistake(
            "minus_for_plus",
            answers.MinusForPlus,
            "Your average becomes negative, and its root is not a number. It is a sum of two parts "
            "with the weights ρ and 1 − ρ, and replaces what was there.",
        ),
        Mistake(
            "sums_the_squares",
            answers.RMSSums,
            "This is AdaGrad: squares add up forever. RMSProp forgets: c ← ρ c + (1 − ρ) g².",
        ),
        Mistake(
            "nothing_forgotten",
            answers.NothingForgotten,
            "You removed the decay of the old average: squares add up forever, as in AdaGrad. "
            "c ← ρ c + (1 − ρ) g².",
        ),
        Mistake(
            "squared_eps_inside_the_root",
            answers.RMSSquaredEpsInsideTheRoot,
            "√(c + ε²) is not √c + ε: the two agree only where one of them is negligible.",
        ),
    ],
    alternatives=[
        Alternative("the cache changed in place", answers.RMSInPlace),
        Alternative("lerp, through .data", answers.WithLerp),
        Alternative("+= kept, with the difference", answers.KeepsPlusEquals),
        Alternative("entry by entry", answers.EntryByEntry),
    ],
    forbidden=TORCH_OPTIMIZERS,
    needs=("optimizers/GradientDescent",),
    hints=(
        "With g = 1 the average must tend to 1. Write out two steps of the line in the notes.",
        "`cache += x` is `cache = cache + x`. How often is the old cache counted?",
    ),
)

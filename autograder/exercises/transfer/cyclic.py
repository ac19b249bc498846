"""The learning rate of snapshot ensembles: a cosine that comes back."""

import math

from autograder import probes
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import matches_reference
from course_lib import transfer


def _cycles(missing):
    """Cycles of which the last one is cut short by as many steps as ``missing`` says of M."""

    def draw(rng):
        cycles, length = int(rng.integers(3, 5)), int(rng.integers(4, 8))
        total = cycles * length - missing(cycles)
        peak = float(rng.uniform(0.2, 0.9))
        return {"step": list(range(total)), "total": total, "cycles": cycles, "peak": peak}

    return draw


# T/M is just above a whole number, is one, and is just below one.
_CYCLES = (_cycles(lambda m: m - 1), _cycles(lambda m: 0), _cycles(lambda m: 1))


cyclic_cosine = lab.exercise(
    transfer.cyclic_cosine,
    title="A cosine that comes back",
    statement=r"""Lab 7's cosine falls once. For snapshots it falls M times (`cycles`) in T steps (`total`), each time
from the peak η₀, in cycles of $L = \lceil T/M\rceil$ steps:

$$η_t = \frac{η_0}{2}\left(1 + \cos\frac{π\,(t \bmod L)}{L}\right),\qquad t = 0, …, T-1.$$

Return the rate of the step t, `step`, as a Python number.""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("11.2",),
    hide=("Formula",),
    forbidden=("torch.optim.lr_scheduler",),
    inputs=_CYCLES,
    probe=probes.each("step"),
    checks=[matches_reference("the rates", float32_constants=True)],
    hints=("`math.ceil(total / cycles)` is L.", "`step % length` is the place in the cycle."),
)

cyclic_cosine.mistake(
    "falls_once",
    edit("(step % length) / length", "step / total"),
    "Your cosine falls once, over all steps. Within a cycle the place is t mod L, of L steps.",
)
cyclic_cosine.mistake(
    "never_restarts",
    edit("(step % length) / length", "step / length"),
    "Your cosine goes up again as slowly as it fell. At the end of a cycle the rate *jumps* to the peak: t mod L.",
)
cyclic_cosine.mistake(
    "rounds_down",
    edit("math.ceil(total / cycles)", "(total // cycles)"),
    "You round T/M down, so that there are more cycles than M. It is rounded up.",
)
cyclic_cosine.mistake(
    "rounds_to_the_nearest",
    edit("math.ceil(total / cycles)", "round(total / cycles)"),
    "You round T/M to the nearest whole number, so that there may be more cycles than M. It is rounded up.",
)
cyclic_cosine.mistake(
    "always_one_more",
    edit("math.ceil(total / cycles)", "(total // cycles + 1)"),
    "`total // cycles + 1` is one too many where M divides T: ⌈T/M⌉ is T/M then.",
)
cyclic_cosine.mistake(
    "does_not_round",
    edit("math.ceil(total / cycles)", "(total / cycles)"),
    "You do not round T/M, so that cycles begin between two steps. A cycle has ⌈T/M⌉ whole steps.",
)
cyclic_cosine.mistake(
    "modulo_the_number_of_cycles",
    edit("(step % length) / length", "(step % cycles) / cycles"),
    "You take M for the length of a cycle. M is how many there are; each has L = ⌈T/M⌉ steps.",
)
cyclic_cosine.mistake(
    "place_over_all_steps",
    edit("(step % length) / length", "(step % length) / total"),
    "You divide the place in the cycle by T, so that the rate hardly falls before it jumps. A cycle has L steps.",
)
cyclic_cosine.mistake(
    "rises",
    edit("1 + math.cos", "1 - math.cos"),
    "Your rate rises from 0 in every cycle. It starts at the peak: 1 + cos.",
)
cyclic_cosine.mistake(
    "a_whole_turn",
    edit("math.pi *", "2 * math.pi *"),
    "Your cosine makes a whole turn in a cycle and is back at the peak at its end. Half a turn is wanted: π t/L.",
)
cyclic_cosine.mistake(
    "below_zero",
    edit("peak / 2 * (1 + math.cos(math.pi * (step % length) / length))",
         "peak * math.cos(math.pi * (step % length) / length)"),
    "Your rate goes from η₀ to −η₀. Half of 1 + cos goes from 1 to 0.",
)  # fmt: skip
cyclic_cosine.mistake(
    "a_quarter_turn",
    edit("peak / 2 * (1 + math.cos(math.pi * (step % length) / length))",
         "peak * math.cos(math.pi / 2 * (step % length) / length)"),
    "You take a quarter of a turn, which falls off a cliff at its end. Asked for is ½ (1 + cos), half a turn.",
)  # fmt: skip
cyclic_cosine.mistake(
    "counts_from_one",
    edit("(step % length)", "((step + 1) % length)"),
    "You count steps from 1, so that the first does not have the peak and the last of a cycle does. t starts at 0.",
)
cyclic_cosine.mistake(
    "without_the_half",
    edit("peak / 2", "peak"),
    "Your rate starts at twice the peak: 1 + cos 0 = 2. Multiply by η₀/2.",
)
cyclic_cosine.mistake(
    "reaches_zero",
    edit("/ length))", "/ (length - 1)))"),
    "Your rate is exactly 0 in the last step of a cycle, which is wasted. The cycle has L steps, not L − 1.",
)
cyclic_cosine.mistake(
    "a_line",
    edit("peak / 2 * (1 + math.cos(math.pi * (step % length) / length))",
         "peak * (1 - step % length / length)"),
    "Your rate falls along a line. Asked for is half a cosine.",
)  # fmt: skip


@cyclic_cosine.alternative
def by_a_square(step, total, cycles, peak):
    length = -(-total // cycles)
    return peak * math.cos(math.pi / 2 * (step - step // length * length) / length) ** 2

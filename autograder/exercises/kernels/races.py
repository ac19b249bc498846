"""Programs that meet at one address."""

from autograder.exercises.kernels.lab import lab

EVERYBODY_ADDS = (
    "right here, and right on a GPU",
    "wrong here, and wrong on a GPU",
    "right here; on a GPU most programs' sums are lost",
    "right here, and an error on a GPU",
)


def outcome_of_everybody_adds() -> str:
    """The interpreter runs one program after the other; a GPU runs them at the same time."""
    return EVERYBODY_ADDS[2]


lab.prediction(
    "everybody_adds",
    title="Predict: everybody adds",
    statement=(
        "A sum over 64 numbers by four programs. Each loads its block of 16 and then runs\n\n"
        "```python\n"
        "tl.store(sum_ptr, tl.load(sum_ptr) + tl.sum(x))\n"
        "```\n\n"
        "`sum_ptr` holds 0 before. You compare with `x.sum()`, here in the interpreter, then on a GPU. What comes out?"
    ),
    minutes=1,
    syllabus=("13.7",),
    choices=EVERYBODY_ADDS,
    outcome=outcome_of_everybody_adds,
    explanation=(
        "The interpreter runs one program after the other, so that each finds the sum of those before. On a GPU they run at "
        "the same time: all load the 0, and the last to store wins. No comparison of numbers finds it here, in whatever "
        "order; the trace does, for it sees two programs at one address. The cure: each program stores its own sum, and a "
        "second kernel adds those up."
    ),
)

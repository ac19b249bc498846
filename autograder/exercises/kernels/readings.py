"""What a trace would say, before it is made: bytes, a mask that is missing, a race."""

from autograder.exercises.kernels.lab import lab

WITHOUT_A_MASK = (
    "an error: the kernel stops at element 37",
    "`out` is wrong in its last elements",
    "`out` is right, and so is everything else: nobody asks for lanes beyond the end",
    "`out` is right, and 11 numbers of somebody else are overwritten",
)


def outcome_without_a_mask() -> str:
    """Three blocks of 16 are 48 lanes, of which 37 have an element."""
    beyond = 3 * 16 - 37
    return next(choice for choice in WITHOUT_A_MASK if f"{beyond} numbers" in choice)


lab.prediction(
    "without_a_mask",
    title="Predict: a mask is missing",
    statement=(
        "You add two vectors of n = 37 numbers on a GPU, in three programs of `BLOCK` = 16, and have forgotten all masks. "
        "What do you see?"
    ),
    minutes=1,
    syllabus=("13.1",),
    choices=WITHOUT_A_MASK,
    outcome=outcome_without_a_mask,
    explanation=(
        "A GPU's memory has no fence between two tensors. The kernel does what it says: 48 sums, of which the last 11 are "
        "of numbers that happen to lie there, stored where something else lies. A test of `out` passes. The fault shows "
        "later, elsewhere, or in another run."
    ),
)

THREE_KERNELS = ("as many: the arithmetic is the same", "1.5 times as many", "3 times as many", "6 times as many")


def outcome_of_three_kernels() -> str:
    """Each of three kernels loads and stores every element; the single one does so once."""
    apart, together = 3 * 2, 2
    return next(choice for choice in THREE_KERNELS if choice.startswith(f"{apart // together} times"))


lab.prediction(
    "three_kernels",
    title="Predict: three kernels or one",
    statement=(
        "`torch.relu(x * s + b)`, with a large tensor x and two numbers s and b, runs as three kernels, one after the "
        "other. Written as a single kernel, it is computed while a block is loaded. How many bytes do the three move, "
        "compared with the one?"
    ),
    minutes=1,
    syllabus=("13.2",),
    choices=THREE_KERNELS,
    outcome=outcome_of_three_kernels,
    explanation=(
        "Each kernel loads all elements and stores them again: 2 n numbers, three times. The single one moves 2 n. The "
        "arithmetic is the same, and it is not what takes the time: so the three take three times as long. This is what "
        "`torch.compile` is good at."
    ),
)

PASSES = ("as many", "1.5 times as many", "twice as many", "4 times as many")


def outcome_of_passes() -> str:
    """Read logits, write log-probabilities; read those, write the gradient: against one of each."""
    apart, together = 2 + 2, 2
    return PASSES[2] if apart // together == 2 else PASSES[0]


lab.prediction(
    "passes_over_logits",
    title="Predict: passes over the logits",
    statement=(
        "Torch's cross-entropy of (N, V) logits: one kernel reads them and writes log-probabilities, of which the loss "
        "picks N; on the way back another reads the log-probabilities and writes the gradient. Your kernel below will read "
        "the logits and write the gradient in their place. How many bytes does torch move, compared with that (V is "
        "large)?"
    ),
    minutes=1,
    syllabus=("13.2", "13.5"),
    choices=PASSES,
    outcome=outcome_of_passes,
    explanation=(
        "4 N V numbers against 2 N V: twice. And torch holds logits, log-probabilities and gradient at the same time, three "
        "tensors where yours has one. With 50,000 classes that decides which batch fits."
    ),
)

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

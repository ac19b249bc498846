"""What a trace would say, before it is made: a mask that is missing, and bytes."""

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

THREE_KERNELS = (
    "as many: the arithmetic is the same",
    "1.5 times as many",
    "3 times as many",
    "6 times as many",
)


def outcome_of_three_kernels() -> str:
    """Each of three kernels loads and stores every element; the single one does so once."""
    apart, together = 3 * 2, 2
    return next(
        choice for choice in THREE_KERNELS if choice.startswith(f"{apart // together} times")
    )


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

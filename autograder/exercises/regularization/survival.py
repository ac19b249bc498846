"""How probable each block of a deep network is to survive."""

import torch

from autograder import probes
from autograder.exercises.regularization.lab import lab
from autograder.judging.checks import matches_reference
from course_lib import regularization


def _blocks(rng):
    return {"blocks": int(rng.integers(5, 12)), "last": float(rng.uniform(0.3, 0.45))}


def _one_block(rng):
    return {"blocks": 1, "last": float(rng.uniform(0.55, 0.8))}


survival_probabilities = lab.exercise(
    regularization.survival_probabilities,
    title="The linear rule",
    statement=r"""Early blocks make what all later ones build on: they should be dropped seldom. The paper lets
the survival fall in a straight line from 1 for the *input* (block 0, which is none) to $p_L$ for the last of L
blocks. Return the L probabilities of the blocks ℓ = 1, …, L as a list. (Their sum is the expected depth.)""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("8.11",),
    hide=("Formula",),
    inputs=(_blocks, _one_block, _blocks),
    probe=probes.call(),
    checks=[matches_reference("the probabilities", float32_constants=True)],
    hints=("At ℓ = L it is p_L, at ℓ = 0 it would be 1: 1 − (ℓ/L)(1 − p_L).",),
)


@survival_probabilities.mistake(
    "Your line is the other way round: early blocks are dropped most. Survival falls with depth."
)
def rises_with_depth(blocks, last):
    return [1 - (blocks - b) / blocks * (1 - last) for b in range(blocks)]


@survival_probabilities.mistake(
    "You count ℓ from 0 to L − 1: the first block is never dropped and the last does not reach p_L. ℓ runs from 1 to L."
)
def counted_from_zero(blocks, last):
    return [1 - b / blocks * (1 - last) for b in range(blocks)]


@survival_probabilities.mistake(
    "Your line starts with 1 at the first *block* (ℓ − 1 over L − 1). The 1 belongs to the input: ℓ/L."
)
def first_block_always(blocks, last):
    return [1 - (b - 1) / max(blocks - 1, 1) * (1 - last) for b in range(1, blocks + 1)]


@survival_probabilities.mistake(
    "These are the probabilities of being *dropped*. Asked for is survival: 1 minus that."
)
def dropped(blocks, last):
    return [b / blocks * (1 - last) for b in range(1, blocks + 1)]


@survival_probabilities.mistake(
    "You take p_L for the probability of dropping the last block. It is that of its survival: it is multiplied by "
    "1 − p_L."
)
def last_is_dropping(blocks, last):
    return [1 - b / blocks * last for b in range(1, blocks + 1)]


@survival_probabilities.mistake("All blocks have the same survival. It falls with depth.")
def constant(blocks, last):
    return [last] * blocks


@survival_probabilities.mistake(
    "Your survival falls by a factor per block (p_L to the power ℓ/L). The rule is a straight line."
)
def geometric(blocks, last):
    return [last ** (b / blocks) for b in range(1, blocks + 1)]


@survival_probabilities.mistake("There is one number too many: the input, ℓ = 0, is no block.")
def with_the_input(blocks, last):
    return [1 - b / blocks * (1 - last) for b in range(blocks + 1)]


@survival_probabilities.alternative
def by_linspace(blocks, last):
    return torch.linspace(1, last, blocks + 1, dtype=torch.float64)[1:].tolist()


@survival_probabilities.alternative
def in_steps(blocks, last):
    survival, found = 1.0, []
    for _ in range(blocks):
        survival -= (1 - last) / blocks
        found.append(survival)
    return found

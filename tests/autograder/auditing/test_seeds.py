"""A verdict must not hang on the seed: wrong answers that pass on some draws are found."""

import numpy as np
import pytest
import torch

from autograder.auditing.audit import audit
from autograder.judging import Mistake


def largest_piece(x, weight):
    """The largest of several linear pieces."""
    return (weight @ x).max(dim=0).values


def clipped_at_zero(x, weight):
    return (weight @ x).max(dim=0).values.relu()


def pieces(rng):
    return {"x": rng.normal(size=(3, 2)), "weight": rng.normal(size=(4, rng.integers(1, 3), 3))}


def says(ratio):
    """What a spread says of a layer: too wide or not."""
    return torch.where(ratio > 1.5, 1, 0).sum()


def inverted(ratio):
    return torch.where(1 / ratio > 1.5, 1, 0).sum()


def ratios(rng):
    return {"ratio": rng.uniform(0.3, 3, size=1)}


def fractions(rows, columns):
    """How many entries are in a marked row or in a marked column."""
    return (rows[:, None] | columns).sum()


def either_but_not_both(rows, columns):
    return (rows[:, None] ^ columns).sum()


def marks(rng):
    return {"rows": rng.random(5) < 0.2, "columns": rng.random(4) < 0.2}


def leaky(x, slope):
    """A line with a bend at 0."""
    return torch.where(x > 0, x, slope * x)


def larger_of_both(x, slope):
    return torch.maximum(x, slope * x)


def slopes(rng):
    return {"x": rng.normal(size=rng.integers(5, 9)), "slope": float(rng.uniform(0.1, 2))}


def near_enough(error, tolerance, h):
    """Which errors are tolerated."""
    return error < tolerance


def compared_with_the_step(error, tolerance, h):
    return error < h


def errors(rng):
    return {"error": 10 ** rng.uniform(-8, -2, size=3), "tolerance": 1e-5, "h": 1e-4}


def hinge(scores, margin):
    """How many scores violate the margin."""
    return (scores > margin).sum()


def ties_count(scores, margin):
    return (scores >= margin).sum()


def ties(rng):
    return {"scores": rng.integers(0, 9, size=3).astype(float), "margin": 2.0}


BLIND = [
    (largest_piece, clipped_at_zero, pieces),
    (says, inverted, ratios),
    (fractions, either_but_not_both, marks),
    (leaky, larger_of_both, slopes),
    (near_enough, compared_with_the_step, errors),
    (hinge, ties_count, ties),
]


@pytest.mark.parametrize(
    ("reference", "wrong", "inputs"), BLIND, ids=[reference.__name__ for reference, *_ in BLIND]
)
def test_a_mistake_that_passes_on_some_seeds_is_a_problem(make, reference, wrong, inputs):
    mistakes = [Mistake(wrong.__name__, wrong, "It is wrong.")]
    result = audit(make(reference, inputs=inputs, mistakes=mistakes), seeds=100)
    problem = next(p for p in result.problems if p.startswith(f"mistake {wrong.__name__} passes"))
    passes, of = problem.split(" passes on ")[1].split(" seeds")[0].split(" of ")
    assert 0 < int(passes) < int(of) == 100
    assert result.rejected == 0


def test_inputs_that_always_hold_the_telling_case_leave_nothing_to_the_seed(make):
    def telling(rng):
        x = rng.normal(size=rng.integers(5, 9))
        x[:2] = -1, 1
        return {"x": x, "slope": float(rng.uniform(1.2, 2))}

    mistakes = [Mistake("larger_of_both", larger_of_both, "It is wrong.")]
    result = audit(make(leaky, inputs=telling, mistakes=mistakes), seeds=100)
    assert result.rejected == result.diagnosed == 1
    assert not any("larger_of_both" in problem for problem in result.problems)


def test_a_mutant_that_passes_on_some_seeds_is_a_problem_with_its_rate(make):
    result = audit(make(hinge, inputs=ties), seeds=60)
    hanging = [s for s in result.survivors if 0 < s.passes < s.seeds == 60]
    assert hanging
    assert all(f"mutant passes on {s.passes} of 60 seeds: {s.mutant}" in result.problems
               for s in hanging)  # fmt: skip


def test_a_mistake_that_one_case_of_several_tells_in_most_draws_is_tried_on_all_seeds(make):
    def silent(rng):
        return {"rows": np.ones(5, bool), "columns": np.zeros(5, bool)}

    def telling(rng):
        return {"rows": np.ones(5, bool), "columns": rng.random(5) < 0.4}  # but for 1 in 13

    mistakes = [Mistake("either", either_but_not_both, "It is wrong.")]
    sample = make(fractions, inputs=(silent, silent, telling), mistakes=mistakes)
    (problem,) = [p for p in audit(sample, seeds=100).problems if p.startswith("mistake")]
    assert "mistake either passes on" in problem and "of 100 seeds" in problem
    assert int(problem.rpartition("seed ")[2]) >= 15

"""What no student is judged by is decided by the kind of change, and nothing else is excused."""

import numpy as np
import torch

from autograder import probes
from autograder.auditing import equivalents
from autograder.auditing.audit import audit
from autograder.judging.checks import matches_reference
from autograder.judging.statistics import std_is


def array(rng):
    return {"x": rng.normal(size=(int(rng.integers(3, 6)), 7)) + 1}


def survivors(make, reference, inputs=array, **changes):
    """What lives of a reference, with the reason, by the operator."""
    result = audit(make(reference, inputs=inputs, **changes), seeds=3)
    return {survivor.operator: survivor.equivalent for survivor in result.survivors}


def test_nobody_differentiates_a_gradient_again(make):
    def square_backward(grad_output, x):
        """The gradient of x²."""
        return 2 * x * grad_output

    def inputs(rng):
        return {**array(rng), "grad_output": np.array(rng.normal())}

    lives = survivors(make, square_backward, inputs)
    assert lives["no_grad"] == equivalents.IS_A_GRADIENT


def test_what_carries_no_gradient_cannot_lose_it(make):
    def counted(x):
        """Count what is positive."""
        return (x > 0).sum()

    assert survivors(make, counted)["no_grad"] == equivalents.CARRIES_NONE


def test_what_is_given_no_tensor_has_nothing_to_be_differentiated_by(make):
    def decayed(step, rate):
        """The rate at a step."""
        return rate / step

    def inputs(rng):
        return {"step": [2.0, 3.0], "rate": float(rng.uniform(1, 2))}

    lives = survivors(make, decayed, inputs, probe=probes.each("step"))
    assert lives["no_grad"] == equivalents.CARRIES_NONE


def test_a_right_value_without_a_gradient_is_not_excused(make):
    def doubled(x):
        """Twice x."""
        return 2 * x

    assert survivors(make, doubled)["no_grad"] == ""


def test_a_right_value_without_a_gradient_dies_where_the_gradient_is_looked_at(make):
    def doubled(x):
        """Twice x."""
        y = 2 * x
        return y

    def inputs(rng):
        given = array(rng)
        return {**given, "grad_output": rng.normal(size=given["x"].shape)}

    checks = [matches_reference(of="result.value"), matches_reference(of="result.gradients")]
    lives = survivors(make, doubled, inputs, probe=probes.gradients("x"), checks=checks)
    assert "no_grad" not in lives and "detached" not in lives


def test_an_axis_of_one_that_is_broadcast_away_is_no_difference(make):
    def centered(x):
        """Subtract the mean of each column."""
        return x - x.mean(dim=0)

    assert survivors(make, centered)["keepdim"] == equivalents.BROADCASTS


def test_an_axis_too_many_in_the_result_is_not_excused(make):
    def means(x):
        """The mean of each column."""
        return x.mean(dim=0)

    assert "keepdim" not in survivors(make, means)


def test_a_variance_has_no_sign_to_lose_but_other_inputs_have(make):
    def scaled(x, variance):
        """Divide by a spread."""
        return x.abs() / torch.sqrt(variance)

    def inputs(rng):
        return {**array(rng), "variance": rng.uniform(1, 2, size=7)}

    result = audit(make(scaled, inputs=inputs), seeds=3)
    why = {s.mutant: s.equivalent for s in result.survivors if s.operator == "positive only"}
    assert why == {
        "right only for positive variance": equivalents.NEVER_NEGATIVE,
        "right only for positive x": "",
    }


def test_digits_that_no_sample_shows_are_no_difference_and_a_wrong_scale_is(make):
    def normal(std):
        """Draw normal numbers."""
        scale = std / 3
        return scale * torch.randn(500)

    def inputs(rng):
        return {"std": float(rng.uniform(1, 2))}

    checks = [std_is(lambda std: std / 3)]
    result = audit(make(normal, inputs=inputs, probe=probes.draws(20), checks=checks), seeds=3)
    why = {s.mutant: s.equivalent for s in result.survivors}
    assert why["scale = std / 3 => scale = through_half(std / 3)"] == equivalents.BELOW_CHANCE
    assert "scale = std / 3 => scale = std * 3" not in why

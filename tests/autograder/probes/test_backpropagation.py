import numpy as np
import pytest
import torch

from autograder.probes.run import run

INPUTS = {"x": np.array([1.0, -2.0]), "scale": 3.0, "grad_output": np.array([1.0, 10.0])}


def one(answer, inputs=INPUTS, of=("x",)):
    return run("gradients", {"of": list(of)}, answer, [inputs], 0)[0]


def test_the_value_is_observed_and_the_gradient_that_autograd_finds():
    seen = one(lambda x, scale: scale * x**2)
    assert seen["type"] == "torch.Tensor" and seen["raised"] is None and seen["changed"] == []
    np.testing.assert_array_equal(seen["result"]["value"], [3.0, 12.0])
    np.testing.assert_array_equal(seen["result"]["gradients"]["x"], [6.0, -120.0])


def test_every_argument_that_is_named_has_a_gradient():
    inputs = {**INPUTS, "y": np.array([2.0, 5.0])}
    found = one(lambda x, scale, y: x * y, inputs, of=("x", "y"))["result"]["gradients"]
    np.testing.assert_array_equal(found["x"], [2.0, 50.0])
    np.testing.assert_array_equal(found["y"], [1.0, -20.0])


@pytest.mark.parametrize("answer", [lambda x, scale: x.detach(), lambda x, scale: [1.0]])
def test_what_no_gradient_goes_through_has_none(answer):
    assert one(answer)["result"]["gradients"] == {"x": None}


def test_an_argument_may_be_changed_in_place_and_this_is_told():
    def doubles(x, scale):
        x *= 2
        return x

    seen = one(doubles)
    assert seen["changed"] == ["x"]
    np.testing.assert_array_equal(seen["result"]["gradients"]["x"], [2.0, 20.0])


def test_an_answer_that_returns_nothing_is_seen_to_return_nothing():
    assert one(lambda x, scale: None)["result"] is None


def test_what_the_answer_raises_is_observed():
    def raises(x, scale):
        raise ValueError("no")

    assert one(raises)["raised"]["type"] == "ValueError"


def test_a_gradient_of_another_shape_is_the_answer_s_fault():
    assert one(lambda x, scale: x.sum() + torch.zeros(3, 3))["raised"]["type"] == "RuntimeError"

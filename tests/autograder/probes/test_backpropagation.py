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


def test_without_an_upstream_gradient_every_entry_of_what_comes_back_has_one_of_its_own():
    x = np.random.default_rng(0).normal(size=(3, 4))

    def answer(x):
        return x**2, {"mean": x.mean(0)}

    (seen,) = run("gradients", {"of": ["x"]}, answer, [{"x": x}], 0)
    leaf = torch.from_numpy(x.copy()).requires_grad_()
    (torch.cos(torch.arange(1, 13.0, dtype=torch.float64)).reshape(3, 4) * leaf**2).sum().backward()
    (torch.cos(torch.arange(1, 5.0, dtype=torch.float64)) * leaf.mean(0)).sum().backward()
    np.testing.assert_allclose(seen["result"]["gradients"]["x"], leaf.grad, rtol=1e-12)


def test_a_right_value_without_a_gradient_is_told_apart():
    def silent(x):
        with torch.no_grad():
            return x**2

    def half(x):
        return x * x.detach()

    inputs = [{"x": np.arange(1.0, 4)}]
    right, none, some = (
        run("gradients", {"of": ["x"]}, answer, inputs, 0)[0]["result"]
        for answer in (lambda x: x**2, silent, half)
    )
    np.testing.assert_array_equal(right["value"], none["value"])
    assert none["gradients"]["x"] is None
    np.testing.assert_allclose(2 * some["gradients"]["x"], right["gradients"]["x"])

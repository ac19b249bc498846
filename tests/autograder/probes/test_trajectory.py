import numpy as np
import pytest
import torch

from autograder.probes import wire
from autograder.probes.run import run


def one(answer, inputs):
    return wire.loads(wire.dumps(run("optimizer", {}, answer, [inputs], 0)))[0]


def run_of(gradients, *, settings=None, **more):
    """Steps on two parameters: a vector of two, and a number that gets no gradient."""
    return {
        "parameters": [np.array([1.0, 2.0]), np.array(3.0)],
        "settings": settings or {"lr": 0.5},
        "steps": [{"gradients": [np.array(g), None], **more} for g in gradients],
    }


def test_the_parameters_are_observed_after_every_step():
    seen = one(torch.optim.SGD, run_of([[2.0, 0.0], [0.0, 4.0]]))
    np.testing.assert_array_equal(seen["result"][0], [[0.0, 2.0], [0.0, 0.0]])
    np.testing.assert_array_equal(seen["result"][1], [3.0, 3.0])
    assert seen["raised"] is None
    assert seen["steps"] == [{"leaves": True, "gradients": True, "updated": []}] * 2


class Descent:
    def __init__(self, parameters, lr):
        self.parameters, self.lr = list(parameters), lr
        self.state = {parameter: {} for parameter in self.parameters}

    @torch.no_grad()
    def step(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                self.update(parameter, parameter.grad, state=self.state[parameter])

    def update(self, parameter, gradient, state):
        parameter -= self.lr * gradient


class SharesItsMemory(Descent):
    @torch.no_grad()
    def step(self):
        for parameter in self.parameters:
            self.update(parameter, torch.ones_like(parameter), self.state)


class StepsItself(Descent):
    @torch.no_grad()
    def step(self):
        for parameter in self.parameters:
            if parameter.grad is not None:
                parameter -= self.lr * parameter.grad


@pytest.mark.parametrize(
    ("answer", "updated"), [(Descent, [0]), (SharesItsMemory, [0]), (StepsItself, [])]
)
def test_updates_are_noted_that_get_a_state_of_their_own(answer, updated):
    seen = one(answer, run_of([[2.0, 0.0], [0.0, 4.0]]))
    assert seen["steps"][0]["updated"] == updated
    assert seen["raised"] is None


def test_the_parameters_come_as_a_generator():
    class WalksTwice(torch.optim.SGD):
        def __init__(self, parameters, lr):
            assert not isinstance(parameters, list)
            super().__init__(parameters, lr)

    assert one(WalksTwice, run_of([[1.0, 1.0]]))["raised"] is None


def test_settings_change_before_the_step_that_says_so():
    class Plain:
        def __init__(self, parameters, lr):
            self.parameters, self.lr = list(parameters), lr

        @torch.no_grad()
        def step(self):
            for p in self.parameters:
                if p.grad is not None:
                    p -= self.lr * p.grad

    inputs = run_of([[1.0, 1.0]] * 3)
    inputs["steps"][1]["set"] = {"lr": 0.25}
    seen = one(Plain, inputs)
    np.testing.assert_array_equal(seen["result"][0][:, 0], [0.5, 0.25, 0.0])


@pytest.mark.parametrize("set_to_none", [True, False])
def test_gradients_are_added_to_what_zero_grad_leaves(set_to_none):
    class Clears(torch.optim.SGD):
        def zero_grad(self):
            super().zero_grad(set_to_none=set_to_none)

    class Forgets(torch.optim.SGD):
        def zero_grad(self):
            pass

    inputs = run_of([[1.0, 0.0]] * 3, clear=True)
    np.testing.assert_array_equal(one(Clears, inputs)["result"][0][:, 0], [0.5, 0.0, -0.5])
    np.testing.assert_array_equal(one(Forgets, inputs)["result"][0][:, 0], [0.5, -0.5, -2.0])


def test_later_gradients_overwrite_the_tensor_of_earlier_ones():
    kept = []

    class Keeps(torch.optim.SGD):
        def step(self):
            kept.append(self.param_groups[0]["params"][0].grad)

    one(Keeps, run_of([[1.0, 1.0], [2.0, 2.0]]))
    assert kept[0] is kept[1] and kept[0].tolist() == [2.0, 2.0]


def test_a_parameter_that_is_rebound_is_seen_not_to_move():
    class Rebinds(torch.optim.SGD):
        def step(self):
            for p in self.param_groups[0]["params"]:
                p = p - 1

    seen = one(Rebinds, run_of([[1.0, 1.0]] * 2))
    np.testing.assert_array_equal(seen["result"][0], [[1.0, 2.0]] * 2)


def test_changed_gradients_and_lost_leaves_are_noted():
    class Spoils(torch.optim.SGD):
        def step(self):
            for p in self.param_groups[0]["params"]:
                p.requires_grad_(False)
                if p.grad is not None:
                    p.grad *= 2

    seen = one(Spoils, run_of([[1.0, 1.0]]))
    assert seen["steps"] == [{"leaves": False, "gradients": False, "updated": []}]


def test_a_step_that_raises_ends_the_run_and_keeps_what_came_before():
    class Breaks(torch.optim.SGD):
        def step(self):
            self.count = getattr(self, "count", 0) + 1
            if self.count == 2:
                raise RuntimeError("no more")
            super().step()

    seen = one(Breaks, run_of([[2.0, 0.0]] * 3))
    assert seen["raised"]["type"] == "RuntimeError"
    assert len(seen["steps"]) == 1
    np.testing.assert_array_equal(seen["result"][0], [[0.0, 2.0]])


def test_an_optimizer_that_cannot_be_made_is_observed():
    seen = one(torch.optim.SGD, run_of([[1.0, 1.0]], settings={"rate": 1}))
    assert seen["raised"]["type"] == "TypeError" and seen["steps"] == []


def test_a_parameter_that_changes_its_shape_is_still_observed():
    class Grows(torch.optim.SGD):
        def step(self):
            p = self.param_groups[0]["params"][0]
            p.data = torch.ones(p.numel() + 1)

    seen = one(Grows, run_of([[1.0, 1.0]]))
    assert [np.shape(v) for v in seen["result"][0]] == [(3,)]


def test_the_script_is_left_as_it_was():
    inputs = run_of([[1.0, 1.0]] * 2)
    one(torch.optim.SGD, inputs)
    np.testing.assert_array_equal(inputs["parameters"][0], [1.0, 2.0])
    np.testing.assert_array_equal(inputs["steps"][0]["gradients"][0], [1.0, 1.0])

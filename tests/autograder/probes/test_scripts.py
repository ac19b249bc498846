import numpy as np
import pytest
import torch
from torch import nn

from autograder import probes
from autograder.probes.registry import UnknownKind
from autograder.probes.run import run


def led(answer, steps, **construct):
    asked = probes.module()
    script = {"construct": construct, "steps": steps}
    return run(asked.name, asked.parameters, answer, [script], 0)[0]


class Scaling(nn.Module):
    def __init__(self, scale, persistent=True, in_place=False):
        super().__init__()
        if in_place:
            scale /= 2
        self.register_buffer("scale", scale, persistent=persistent)
        self.plain = 3

    def forward(self, x):
        return x * self.scale


@pytest.mark.parametrize("persistent", [True, False])
def test_whether_a_buffer_is_kept_with_the_state_is_seen(persistent):
    steps = [{"do": "state", "names": ["scale", "plain"]}, {"do": "parameters"}]
    seen = led(Scaling, steps, scale=np.ones(2), persistent=persistent)
    assert seen["steps"][0]["scale"]["persistent"] is persistent
    assert seen["steps"][0]["plain"]["persistent"] is False
    assert seen["steps"][1]["buffers"] == {"scale": [2]}
    assert seen["steps"][1]["persistent"] == (["scale"] if persistent else [])


def test_an_argument_of_the_construction_changed_in_place_is_seen():
    assert led(Scaling, [], scale=np.ones(2), in_place=True)["changed"] == ["scale"]
    assert led(Scaling, [], scale=np.ones(2))["changed"] == []


def test_whether_a_result_carries_a_gradient_is_seen():
    steps = [{"do": "call", "x": np.ones(2)}, {"do": "call", "x": np.ones(2), "grad": False}]
    seen = led(Scaling, steps, scale=np.ones(2))["steps"]
    assert [step["carries_gradient"] for step in seen] == [True, False]
    silent = led(lambda: torch.no_grad()(lambda x: x * 2), steps)["steps"]
    assert silent[0]["carries_gradient"] is False


def test_a_random_module_is_called_often_with_fresh_numbers():
    x = np.ones((3, 4))
    steps = [
        {"do": "train"},
        {"do": "call", "x": x, "count": 5},
        {"do": "eval"},
        {"do": "call", "x": x},
    ]
    seen = led(nn.Dropout, steps, p=0.5)
    dropped = seen["steps"][1]["draws"]
    assert dropped.shape == (5, 3, 4) and set(dropped.ravel()) == {0.0, 2.0}
    assert not np.array_equal(dropped[0], dropped[1])
    np.testing.assert_array_equal(seen["steps"][3]["result"], x)
    assert "result" not in seen["steps"][1] and seen["generators"] == "used"


def test_a_step_that_there_is_not_is_refused():
    with pytest.raises(UnknownKind, match="step 'evaluate'; there are train, eval"):
        led(Scaling, [{"do": "evaluate"}], scale=np.ones(2))


@pytest.mark.parametrize("name", ["float32", "float64"])
def test_batch_normalization_runs_in_the_dtype_of_its_batches(name):
    x = np.random.default_rng(0).normal(size=(5, 3)).astype(name)
    steps = [{"do": "train"}, {"do": "call", "x": x}, {"do": "state", "names": ["running_mean"]}]
    seen = led(nn.BatchNorm1d, steps, num_features=3)["steps"]
    assert seen[1]["result"].dtype == seen[2]["running_mean"]["value"].dtype == name

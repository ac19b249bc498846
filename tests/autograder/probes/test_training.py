import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from autograder.probes.run import run

RNG = np.random.default_rng(4)


def one(probe, answer, inputs, seed=0, **parameters):
    return run(probe, parameters, answer, [inputs], seed)[0]


def network(seed=3, dropout=0.0, training=True):
    return {
        "make": "network",
        "layers": [
            {"kind": "linear", "weight": RNG.normal(size=(4, 5)), "bias": RNG.normal(size=4)},
            {"kind": "batch_norm", "features": 4},
            {"kind": "relu"},
            {"kind": "dropout", "p": dropout},
            {"kind": "linear", "weight": RNG.normal(size=(3, 4)), "bias": RNG.normal(size=3)},
        ],
        "training": training,
        "seed": seed,
    }


def batch(size=6):
    return [RNG.normal(size=(size, 5)), RNG.integers(0, 3, size)]


def test_a_network_is_handed_over_in_its_mode_and_dtype_and_looked_at_afterwards():
    def answer(model, x):
        assert all(p.dtype is torch.float64 for p in model.parameters())
        model.train()
        return model(x).sum()

    inputs = {"model": network(training=False), "x": batch()[0]}
    seen = one("supplied", answer, inputs)["result"]
    assert seen["in_graph"] is True and seen["model"]["training"] is True
    np.testing.assert_array_equal(seen["model"]["calls"], [[True, True]])
    np.testing.assert_array_equal(
        seen["model"]["state"]["0.weight"], inputs["model"]["layers"][0]["weight"]
    )
    assert seen["model"]["state"]["1.num_batches_tracked"] == 1


def test_an_optimizer_is_that_of_its_network_with_its_options():
    def answer(model, optimizer):
        (group,) = optimizer.param_groups
        same = [a is b for a, b in zip(group["params"], model.parameters(), strict=True)]
        return {"lr": group["lr"], "momentum": group["momentum"], "same": all(same)}

    sgd = {"make": "sgd", "of": "model", "lr": 0.25, "momentum": 0.5}
    seen = one("supplied", answer, {"optimizer": sgd, "model": network()})
    assert seen["result"]["returned"] == {"lr": 0.25, "momentum": 0.5, "same": True}
    assert seen["result"]["in_graph"] is False


@pytest.mark.parametrize(
    ("kind", "wanted"), [("cubic", 2 * 27 + 3 * 8 + 6), ("hinges", 2 * 3.9 + 3 * 2.4)]
)
def test_a_function_has_its_coefficients(kind, wanted):
    spec = {"make": "function", "kind": kind, "coefficients": np.array([2.0, 3.0])}
    seen = one("supplied", lambda f: f(torch.tensor([3.0, 2.0])), {"f": spec})
    assert seen["result"]["returned"] == pytest.approx(wanted)


def test_what_is_random_in_what_is_supplied_depends_on_the_inputs_alone():
    inputs = {"model": network(dropout=0.5), "x": batch()[0]}
    first, second = (
        one("supplied", lambda model, x: model(x), inputs, seed)["result"]["returned"]
        for seed in (1, 2)
    )
    np.testing.assert_array_equal(first, second)


def test_what_an_answer_raises_is_observed_by_every_probe():
    def raises(*args, **kwargs):
        raise RuntimeError("no")

    steps = [{"gradients": [np.ones(2)], "learning_rate": 0.1}]
    run_inputs = {
        "first": network(),
        "other": network(),
        "batches": [batch(), batch()],
        "step": 1,
        "lr": 0.1,
        "momentum": 0.9,
        "decay": [2, 0.5],
    }
    for probe, inputs, parameters in (
        ("supplied", {"x": 1}, {}),
        ("differentiated", {"x": np.ones(2)}, {"by": "x"}),
        ("descent", {"parameters": [np.ones(2)], "steps": steps}, {}),
        ("epochs", {"x": np.ones(2)}, {"count": 2}),
        ("checkpoint", run_inputs, {}),
        ("devices", {"x": np.ones(2)}, {}),
    ):
        assert one(probe, raises, inputs, **parameters)["raised"]["type"] == "RuntimeError"


def test_a_gradient_flows_back_or_does_not():
    x = np.array([1.0, 2.0])
    seen = one("differentiated", lambda x: (x**2).sum(), {"x": x}, by="x")["result"]
    np.testing.assert_array_equal(seen["gradient"], [2.0, 4.0])
    assert seen["value"] == 5
    seen = one("differentiated", lambda x: (x**2).sum().item(), {"x": x}, by="x")["result"]
    assert seen == {"value": 5.0, "gradient": None}


def test_an_input_may_be_changed_in_place_and_still_be_differentiated():
    def answer(x, y):
        x *= 2
        return (x * y).sum()

    inputs = {"x": np.array([1.0, 2.0]), "y": np.array([3.0, 4.0])}
    seen = one("differentiated", answer, inputs, by="x")
    np.testing.assert_array_equal(seen["result"]["gradient"], [6.0, 8.0])
    assert seen["changed"] == ["x"]


DESCENT = {
    "parameters": [np.zeros(2), np.ones(3)],
    "steps": [
        {"gradients": [np.array([1.0, 2.0]), None], "learning_rate": 0.5},
        {"gradients": [np.array([1.0, 2.0]), np.ones(3)], "learning_rate": 1.0},
    ],
}


def test_descent_hands_over_gradients_once_and_looks_at_the_tensors_themselves():
    def answer(parameters, learning_rate):
        with torch.no_grad():
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter -= learning_rate * parameter.grad
                    parameter.grad = None
        assert list(parameters) == []

    looks = one("descent", answer, DESCENT)["result"]
    np.testing.assert_array_equal(looks[0]["values"][0], [-0.5, -1.0])
    np.testing.assert_array_equal(looks[1]["values"][0], [-1.5, -3.0])
    np.testing.assert_array_equal(looks[1]["values"][1], [0.0, 0.0, 0.0])
    assert all(look["cleared"] and look["leaves"] for look in looks)


def test_descent_sees_gradients_that_stay_and_parameters_that_do_not_move():
    looks = one("descent", lambda parameters, learning_rate: None, DESCENT)["result"]
    assert not looks[0]["cleared"]
    np.testing.assert_array_equal(looks[1]["values"][0], [0.0, 0.0])


def test_epochs_walks_through_lists_and_generators_with_fresh_numbers():
    def generates(x):
        yield from x[torch.randperm(len(x))].split(2)

    for answer in (generates, lambda x: list(generates(x))):
        first, second = one("epochs", answer, {"x": np.arange(9.0)}, count=2)["result"]
        assert [len(b) for b in first] == [2, 2, 2, 2, 1]
        assert sorted(np.concatenate(first)) == list(range(9))
        assert not np.array_equal(np.concatenate(first), np.concatenate(second))


def test_a_checkpoint_that_keeps_nothing_ends_elsewhere():
    class Nothing:
        def __init__(self, model, optimizer, scheduler, step):
            self.step = step

        def restore(self, model, optimizer, scheduler):
            return self.step

    inputs = {
        "first": network(),
        "other": network(),
        "batches": [batch(), batch(5), batch(7)],
        "step": 2,
        "lr": 0.1,
        "momentum": 0.9,
        "decay": [3, 0.5],
    }
    seen = one("checkpoint", Nothing, inputs)["result"]
    assert seen["resumed"]["step"] == 2 and seen["uninterrupted"]["rate"] == pytest.approx(0.05)
    one_way, other = (seen[k]["state"]["0.weight"] for k in ("uninterrupted", "resumed"))
    assert not np.array_equal(one_way, other)
    model = nn.Linear(5, 4)
    model.weight.data = torch.from_numpy(inputs["first"]["layers"][0]["weight"])
    assert one_way.shape == model.weight.shape


def test_devices_sees_what_is_made_on_the_default_device():
    inputs = {"x": np.ones(3, np.float16)}
    good = one("devices", lambda x: x * torch.ones_like(x), inputs)["result"]
    assert good["dtype"] == "float16"
    assert good["elsewhere"] == {"device": "meta", "dtype": "float16", "shape": [3]}
    bad = one("devices", lambda x: x * torch.ones(3), inputs)["result"]
    assert bad["dtype"] == "float32" and bad["elsewhere"] == {"raised": "RuntimeError"}


def test_devices_does_not_blame_an_answer_that_reads_numbers():
    def answer(x):
        return x * sum(x.tolist())

    assert one("devices", answer, {"x": np.ones(3)})["result"]["elsewhere"] is None


def test_the_loop_of_the_checkpoint_probe_is_plain_training():
    class Keeps:
        def __init__(self, model, optimizer, scheduler, step):
            with torch.no_grad():
                self.loss = F.cross_entropy(model(torch.ones(2, 5).double()), torch.tensor([0, 1]))

        def restore(self, model, optimizer, scheduler):
            return float(self.loss)

    inputs = {
        "first": network(),
        "other": network(),
        "batches": [batch(), batch()],
        "step": 1,
        "lr": 0.1,
        "momentum": 0.0,
        "decay": [5, 0.5],
    }
    assert one("checkpoint", Keeps, inputs)["result"]["resumed"]["step"] > 0


class Keeps:
    """Stops at the second loss that is not the best, and keeps the best weights."""

    def __init__(self, patience):
        self.patience, self.best, self.bad = patience, float("inf"), 0

    def keep(self, model):
        self.state = {name: value.clone() for name, value in model.state_dict().items()}

    def step(self, loss, model):
        self.bad = 0 if loss < self.best else self.bad + 1
        if loss < self.best:
            self.best = loss
            self.keep(model)
        return self.bad == self.patience

    def restore(self, model):
        model.load_state_dict(self.state)


class KeepsReferences(Keeps):
    def keep(self, model):
        self.state = model.state_dict()


def stopping_runs():
    short = {"construct": {"patience": 1}, "network": network(), "losses": [2.0, 1.0, 1.5, 0.5]}
    long = {"construct": {"patience": 2}, "network": network(), "losses": [5.0, 4.0, 3.0]}
    return {"runs": [short, long]}


def test_a_training_is_left_where_it_was_stopped_and_led_back_to_what_was_kept():
    inputs = stopping_runs()
    short, long = one("stopping", Keeps, inputs)["result"]
    assert short["said"] == [False, False, True] and long["said"] == [False] * 3
    for found, asked, moves in zip((short, long), inputs["runs"], (2, 3), strict=True):
        wanted = asked["network"]["layers"][0]["weight"] + moves
        for name in ("restored", "restored again"):
            np.testing.assert_allclose(found[name]["0.weight"], wanted)
            assert found[name]["1.num_batches_tracked"] == moves


def test_what_was_kept_without_a_copy_has_moved_on():
    inputs = stopping_runs()
    short, _ = one("stopping", KeepsReferences, inputs)["result"]
    moved = inputs["runs"][0]["network"]["layers"][0]["weight"] + 4
    np.testing.assert_allclose(short["restored"]["0.weight"], moved)

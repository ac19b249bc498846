import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from autograder import probes
from autograder.probes.registry import UnknownKind
from autograder.probes.run import run

RNG = np.random.default_rng(4)


def linear(inputs, outputs, **more):
    weight, bias = RNG.normal(size=(outputs, inputs)), RNG.normal(size=outputs)
    return {"kind": "linear", "weight": weight, "bias": bias, **more}


def network(layers, training=True):
    return {"make": "network", "layers": layers, "training": training, "seed": 3}


def supplied(answer, **inputs):
    asked = probes.supplied()
    return run(asked.name, asked.parameters, answer, [inputs], 0)[0]


def nested():
    inner = {"kind": "nested", "layers": {"first": linear(4, 4), "drop": dropout()}}
    return network({"trunk": inner, "head": linear(4, 2)})


def dropout():
    return {"kind": "dropout", "p": 0.5}


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"model": network([{"kind": "rleu"}])}, "layer 'rleu'; there are linear, conv"),
        ({"model": {**network([]), "make": "netwrok"}}, "object 'netwrok'; there are network"),
        ({"f": {"make": "function", "kind": "cubik"}}, "function 'cubik'; there are cubic"),
        ({"o": {"make": "sgd", "of": "modle", "lr": 1}, "model": network([])}, "'modle'.* model"),
    ],
)
def test_what_is_misspelt_is_refused_with_what_there_is(inputs, said):
    with pytest.raises(UnknownKind, match=said):
        supplied(lambda **given: 1, **inputs)


def test_a_misspelt_layer_of_a_checkpoint_is_no_fault_of_the_answer():
    wrong = network([linear(2, 2), {"kind": "rleu"}])
    inputs = {"first": wrong, "other": wrong, "batches": [[np.ones((1, 2)), np.zeros(1, int)]]}
    inputs |= {"step": 1, "lr": 0.1, "momentum": 0.0, "decay": [5, 0.5]}
    with pytest.raises(UnknownKind, match="rleu"):
        run("checkpoint", {}, lambda *given: None, [inputs], 0)


def test_modules_in_modules_are_made_by_name_and_seen_to_be_in_their_mode():
    def forgets_what_is_inside(model):
        for layer in model:
            layer.training = False
        return sum(p.numel() for p in model.parameters(recurse=False))

    seen = supplied(forgets_what_is_inside, model=nested())
    assert set(seen["result"]["model"]["state"]) == {
        f"{layer}.{name}" for layer in ("trunk.first", "head") for name in ("weight", "bias")
    }
    modes = seen["parts"]["model"]["modes"]
    assert modes == {"trunk": False, "trunk.first": True, "trunk.drop": True, "head": False}
    assert seen["result"]["returned"] == 0


def test_training_only_the_direct_children_of_nested_modules_shows_in_the_weights():
    def step(model, x, direct):
        layers = model.children() if direct else model.modules()
        tensors = [p for layer in layers for p in layer._parameters.values()]
        model(x).sum().backward()
        torch.optim.SGD(tensors, 0.1).step()

    spec, x = nested(), RNG.normal(size=(3, 4))
    for direct in (True, False):
        state = supplied(step, model=spec, x=x, direct=direct)["result"]["model"]["state"]
        start = spec["layers"]["trunk"]["layers"]["first"]["weight"]
        assert np.array_equal(state["trunk.first.weight"], start) is direct


def test_dropout_drops_the_same_in_every_dtype_and_nothing_in_eval_mode():
    layers = [{"kind": "dropout", "p": 0.4}]
    x = RNG.uniform(1, 2, (20, 50))

    def dropped(x, training=True):
        seen = supplied(lambda model, x: model(x), model=network(layers, training), x=x)
        return seen["result"]["returned"]

    kept = dropped(x) != 0
    assert 0.55 < kept.mean() < 0.65
    np.testing.assert_array_equal(dropped(x.astype(np.float32)) != 0, kept)
    np.testing.assert_allclose(dropped(x)[kept], x[kept] / 0.6)
    np.testing.assert_array_equal(dropped(x, training=False), x)


def test_a_convolution_is_that_of_torch():
    weight, bias = RNG.normal(size=(4, 3, 2, 5)), RNG.normal(size=4)
    conv = {"kind": "conv", "weight": weight, "bias": bias, "stride": 2, "padding": 1}
    x = RNG.normal(size=(2, 3, 9, 8))
    layers = [conv, {"kind": "batch_norm_2d", "features": 4}, {"kind": "flatten"}]
    found = supplied(lambda model, x: model(x), model=network(layers, training=False), x=x)
    given = (torch.from_numpy(value) for value in (x, weight, bias))
    wanted = F.conv2d(*given, stride=2, padding=1) / math.sqrt(1 + 1e-5)
    np.testing.assert_allclose(found["result"]["returned"], wanted.flatten(1), rtol=1e-12)


def test_which_parameters_are_trainable_is_seen_and_frozen_layers_are_handed_over_so():
    def thaws(model):
        before = [p.requires_grad for p in model.parameters()]
        model[0].bias.requires_grad_(True)
        return before

    seen = supplied(thaws, model=network([linear(2, 3, frozen=True), linear(3, 1)]))
    assert seen["result"]["returned"] == [False, False, True, True]
    assert seen["parts"]["model"]["trainable"] == {
        "0.weight": False,
        "0.bias": True,
        "1.weight": True,
        "1.bias": True,
    }


def test_an_optimizer_has_the_groups_that_are_asked_for_and_they_are_seen_afterwards():
    def warms_up(model, optimizer):
        optimizer.param_groups[1]["lr"] *= 10
        return [
            [p is q for p in g["params"] for q in model.parameters()]
            for g in optimizer.param_groups
        ]

    groups = [{"parameters": ["head"], "lr": 0.5}, {"parameters": ["trunk.first.weight"]}]
    sgd = {"make": "sgd", "of": "model", "groups": groups, "lr": 0.01, "momentum": 0.9}
    seen = supplied(warms_up, optimizer=sgd, model=nested())
    assert [sum(same) for same in seen["result"]["returned"]] == [2, 1]
    head, trunk = seen["parts"]["optimizer"]
    assert head["sizes"] == [[2, 4], [2]] and trunk["sizes"] == [[4, 4]]
    assert (head["lr"], trunk["lr"], trunk["momentum"]) == (0.5, 0.1, 0.9)
    groups[0]["parameters"] = ["haed"]
    with pytest.raises(UnknownKind, match="'haed'.*trunk.first.weight"):
        supplied(warms_up, optimizer=sgd, model=nested())


def test_several_networks_come_as_a_list_and_each_is_seen():
    def averages(models, x):
        return torch.stack([model(x).softmax(1) for model in models]).mean(0)

    specs = [network([linear(3, 2)]) for _ in range(3)]
    seen = supplied(averages, models=specs, x=RNG.normal(size=(4, 3)))["result"]
    np.testing.assert_allclose(np.sum(seen["returned"], axis=1), 1)
    for spec, model in zip(specs, seen["models"], strict=True):
        np.testing.assert_array_equal(model["state"]["0.weight"], spec["layers"][0]["weight"])
        assert model["calls"].shape == (1, 2)


def test_an_input_changed_beside_a_network_is_seen():
    def scales(model, x):
        x *= 2

    assert supplied(scales, model=nested(), x=np.ones(3))["changed"] == ["x"]


def test_what_a_generator_gives_comes_once():
    def walks(batches):
        return [list(batches), list(batches)]

    items = [np.ones((2, 3)), np.zeros((1, 3))]
    seen = supplied(walks, batches={"make": "generator", "items": items})
    first, second = seen["result"]["returned"]
    assert [batch.shape for batch in first] == [(2, 3), (1, 3)] and second == []
    counted = supplied(lambda batches: len(batches), batches={"make": "generator", "items": items})
    assert "no len()" in counted["raised"]["message"]


VALLEY = {"make": "function", "kind": "valley", "best": [0.01, 1e-4], "most": [0.5, 1.0]}


def test_a_search_is_seen_by_the_calls_of_its_objective():
    def searches(objective, rates):
        losses = {rate: objective(rate, 1e-4) for rate in rates}
        return min(losses, key=losses.get)

    seen = supplied(searches, objective={**VALLEY, "logged": True}, rates=[0.1, 0.02, 0.001])
    assert seen["result"]["returned"] == 0.02
    assert seen["result"]["objective"]["calls"] == 3
    first = seen["result"]["objective"]["trace"][0]
    assert first["args"] == [0.1, 1e-4] and first["value"] == pytest.approx(1)


def test_an_objective_diverges_where_a_setting_is_too_large():
    seen = supplied(lambda f: [f(0.6, 1e-4), f(0.01, 1e-4)], f=VALLEY)["result"]
    assert math.isnan(seen["returned"][0]) and seen["returned"][1] == 0 and "f" not in seen


def test_calls_without_end_are_counted_and_the_first_are_noted():
    def insists(f):
        return [f(0.01, 1e-4) for _ in range(5000)][-1]

    seen = supplied(insists, f={**VALLEY, "logged": True})["result"]["f"]
    assert seen["calls"] == 5000 and len(seen["trace"]) == 1000


def test_a_hidden_layer_is_a_function_of_one_example_and_of_many():
    first, last = RNG.normal(size=(4, 5)), RNG.normal(size=(3, 4))
    bias, x = RNG.normal(size=4), RNG.normal(size=(6, 5))
    layer = {"make": "function", "kind": "hidden layer", "first": first, "last": last, "bias": bias}

    def both(function, x):
        return function(x), function(x[2])

    (seen,) = run("supplied", {}, both, [{"function": layer, "x": x}], 0)
    many, single = seen["result"]["returned"]
    wanted = np.maximum(x @ first.T + bias, 0) @ last.T
    np.testing.assert_allclose(many, wanted)
    np.testing.assert_allclose(single, wanted[2])


def test_a_batch_normalization_has_the_momentum_and_values_asked_for_and_they_are_seen():
    def moves(model, x):
        model[0].momentum = None
        return model(x)

    mean = np.array([1.0, -2, 3])
    values = {"running_mean": mean, "running_var": np.array([4.0, 9, 0.25]), "weight": 2 * mean}
    values["num_batches_tracked"] = np.array(7)
    norm = {"kind": "batch_norm", "features": 3, "momentum": 0.3, "values": values}
    x = RNG.normal(size=(5, 3))
    layers = {"changed": norm, "last": {**norm, "momentum": 0.2}}
    seen = supplied(moves, model=network({"one": norm}, training=False), x=x)
    wanted = 2 * mean * (x - mean) / np.sqrt(values["running_var"] + 1e-5)
    np.testing.assert_allclose(seen["result"]["returned"], wanted)
    assert seen["result"]["model"]["state"]["one.num_batches_tracked"] == 7
    seen = supplied(moves, model=network(layers), x=x)
    assert seen["parts"]["model"]["momenta"] == {"changed": None, "last": 0.2}


def test_which_returned_tensors_are_the_networks_own_is_seen():
    def groups(model):
        copied = model.head.bias.detach().clone().requires_grad_()
        return [{"params": [model.head.weight, copied]}, (model.trunk.first.bias,)]

    seen = supplied(groups, model=nested())
    assert seen["parts"]["returned"] == ["head.weight", "", "trunk.first.bias"]

import random

import numpy as np
import pytest
import torch
from torch import nn

from autograder import probes
from autograder.probes.run import run


def done(answer, probe=None, **inputs):
    asked = probe or probes.call()
    return run(asked.name, asked.parameters, answer, [inputs], 7)[0]["generators"]


def with_its_own_generator():
    return torch.randn(3, generator=torch.Generator().manual_seed(1))


def put_back():
    with torch.random.fork_rng():
        torch.manual_seed(3)
        torch.rand(5)
    state = np.random.get_state()
    np.random.seed(3)
    np.random.set_state(state)
    return 1


@pytest.mark.parametrize("answer", [lambda: 1, with_its_own_generator, put_back])
def test_who_draws_nothing_leaves_the_generators_untouched(answer):
    assert done(answer) == "untouched"


@pytest.mark.parametrize(
    "answer",
    [
        lambda: torch.rand(1),
        lambda: torch.rand(10_000),
        lambda: nn.Linear(2, 3).bias,
        lambda: np.random.rand(),
        lambda: np.random.randint(0, 2**32, 3, dtype=np.uint32),
        lambda: np.random.standard_normal(100_001),
        random.random,
        lambda: [random.gauss(0, 1) for _ in range(1001)],
        lambda: random.getrandbits(32),
    ],
)
def test_who_draws_uses_them_however_far(answer):
    assert done(lambda: answer() is None) == "used"


def test_a_shuffled_loader_uses_them():
    def answer(x):
        data = torch.utils.data.TensorDataset(x)
        return [batch for (batch,) in torch.utils.data.DataLoader(data, 2, shuffle=True)]

    assert done(answer, x=np.arange(6.0)) == "used"


@pytest.mark.parametrize(
    "reseeds",
    [
        lambda: torch.manual_seed(0),
        lambda: torch.seed(),
        lambda: np.random.seed(0),
        lambda: np.random.seed(),
        lambda: random.seed(0),
        lambda: random.seed(),
    ],
)
@pytest.mark.parametrize("draws", [0, 1, 1000])
def test_who_seeds_them_is_seen_however_much_is_drawn_then(reseeds, draws):
    def answer():
        reseeds()
        return [torch.rand(draws), np.random.rand(draws), [random.random() for _ in range(draws)]]

    assert done(answer) == "reseeded"


def test_one_draw_of_many_that_seeds_them_is_seen():
    calls = []

    def answer(n):
        calls.append(n)
        if len(calls) == 2:
            torch.manual_seed(5)
        return torch.randn(n)

    assert done(answer, probes.draws(count=4), n=3) == "reseeded"
    assert done(lambda n: torch.randn(n), probes.draws(count=4), n=3) == "used"
    assert done(lambda n: torch.ones(n), probes.draws(count=4), n=3) == "untouched"


def test_what_is_made_for_an_answer_is_not_held_against_it():
    layer = {"kind": "linear", "weight": np.ones((2, 3)), "bias": np.ones(2)}
    spec = {"make": "network", "layers": [layer], "training": True, "seed": 3}
    inputs = {"model": spec, "x": np.ones((1, 3))}
    assert done(lambda model, x: model(x), probes.supplied(), **inputs) == "untouched"
    dropout = {**spec, "layers": [layer, {"kind": "dropout", "p": 0.5}]}
    inputs["model"] = dropout
    assert done(lambda model, x: model(x), probes.supplied(), **inputs) == "used"


def test_looking_at_them_changes_no_number_that_an_answer_draws():
    torch.manual_seed(7)
    wanted = torch.randn(3)
    seen = run("call", {}, lambda: torch.randn(3), [{}], 7)[0]
    np.testing.assert_array_equal(seen["result"], wanted)
    drawn = run("draws", {"count": 2}, lambda: torch.randn(3), [{}], 7)[0]["result"]
    np.testing.assert_array_equal(drawn[0], wanted)
    torch.manual_seed(1007)
    np.testing.assert_array_equal(drawn[1], torch.randn(3))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (lambda: torch.ones(2), "untouched"),
        (lambda: torch.rand(2, device="cuda"), "used"),
        (lambda: torch.cuda.manual_seed(3), "reseeded"),
    ],
)
def test_the_generator_of_a_gpu_is_watched_too(answer, wanted):
    seen = run("call", {}, lambda: answer() is None, [{}], 7, "cuda")[0]
    assert seen["generators"] == wanted

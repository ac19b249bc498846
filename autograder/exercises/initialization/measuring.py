"""Measuring a network at initialization: what is left of a signal, layer by layer."""

import itertools

import numpy as np
import torch

from autograder import probes
from autograder.exercises.experiments import seeded
from autograder.exercises.initialization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, find, finding, leaves_inputs_alone, matches_reference
from autograder.judging.comparison import Tolerance, difference
from course_lib import initialization


def spread_is(property, of, entries):
    """The standard deviations of so many entries each, divided by n − 1 or by n: either is right."""

    @check(property)
    def look(case):
        found, unbiased = find(case.observed, of), find(case.expected, of)
        biased = unbiased * np.sqrt(1 - 1 / np.array(entries(**case.inputs)))
        unlike = difference(found, unbiased, Tolerance(dtype=case.dtype))
        if not unlike or not difference(found, biased, Tolerance(dtype=case.dtype)):
            return finding(True)
        return finding(False, unlike.expected, unlike.observed, unlike.gist)

    return look


def draw_network(scale, activation, sizes=(30, 70)):
    """A network of three layers, and a batch for it."""

    def draw(rng):
        widths = rng.integers(*sizes, size=4)
        weights = [
            rng.normal(size=(after, before)) * scale / np.sqrt(before)
            for before, after in itertools.pairwise(widths)
        ]
        x = rng.normal(size=(int(rng.integers(*sizes)), int(widths[0]))) + 0.3
        return {"x": x, "weights": weights, "activation": activation}

    return draw


@seeded
def _sixth_layer_std():
    weights = [initialization.gaussian((1024, 1024), 0.01) for _ in range(6)]
    x = torch.randn(128, 1024)
    return round(float(initialization.layer_statistics(x, weights, "tanh")["std"][-1]), 6)


lab.prediction(
    "sixth_layer_std",
    title="Predict: what is left after six layers?",
    statement=(
        "Six tanh layers of width 1024, weights drawn with standard deviation 0.01, inputs with "
        "standard deviation 1. What is the standard deviation of the **sixth** layer's output? "
        "A guess of the order of magnitude is enough; commit to a number."
    ),
    minutes=2,
    outcome=_sixth_layer_std,
    explanation="Each layer multiplies the standard deviation by about √1024 · 0.01 = 0.32.",
)


layer_statistics = lab.exercise(
    initialization.layer_statistics,
    title="Take the pulse of every layer",
    statement=(
        "Send a batch `x` of shape (N, D₀) through a plain network without biases, "
        "$h_l = f(h_{l-1} W_l^T)$, with the `weights` in torch's layout and f = `activation` "
        '(`"tanh"` or `"relu"`). Return a dict of four tensors with one entry per layer, all '
        "measured on the **output of the activation**:\n\n"
        "- `mean`, `std`: of all entries,\n"
        "- `saturated`: the fraction with |h| > 0.97,\n"
        "- `zero`: the fraction that is exactly 0.\n\n"
        "A healthy-looking standard deviation *before* a tanh can hide that everything behind it "
        "is stuck at ±1: that is why the fractions matter."
    ),
    points=4,
    minutes=12,
    difficulty=2,
    syllabus=("4.2", "4.8"),
    inputs=(draw_network(3.0, "tanh"), draw_network(0.7, "tanh"), draw_network(1.5, "relu")),
    probe=probes.call(),
    checks=[
        matches_reference("the means", of="result.mean"),
        spread_is(
            "the standard deviations",
            "result.std",
            lambda x, weights, **_: [len(x) * len(weight) for weight in weights],
        ),
        # Rounding in float32 may carry a few of a thousand entries across a threshold.
        matches_reference("the saturated fractions", of="result.saturated", rtol=5e-3),
        matches_reference("the fractions of zeros", of="result.zero", rtol=5e-3),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "h = torch.tanh(z) if activation == 'tanh' else F.relu(z) => "
        "h = torch.tanh(z) if activation == 'tanh' else F.relu_(z)": "nobody needs z any more",
        "rows.append(torch.stack([h.mean(), h.std(), saturated, zero])) => "
        "rows.append(torch.stack([h.mean(), h.std(correction=0), saturated, zero]))": "either "
        "convention is accepted",
        "saturated = (h.abs() > 0.97).to(h.dtype).mean() => "
        "saturated = (h.abs() >= 0.97).to(h.dtype).mean()": "no activation is 0.97 to the last digit",
        "everything is done under torch.no_grad()": "the statistics are read, nothing is trained by "
        "them",
        **{
            f"{name} = {value} => {name} = through_half({value})": "a fraction of some thousand "
            "entries has no more digits"
            for name, value in (
                ("saturated", "(h.abs() > 0.97).to(h.dtype).mean()"),
                ("zero", "(h == 0).to(h.dtype).mean()"),
            )
        },
    },
    hints=(
        "A loop over `weights` that overwrites `x` with the layer's output.",
        "`(x.abs() > 0.97)` is a tensor of booleans; the mean of its floats is the fraction.",
        "Collect the four numbers of every layer in lists and `torch.stack` them at the end.",
    ),
)


layer_statistics.mistake(
    "pre_activations",
    edit("h.abs()", "z.abs()")
    .also("h == 0", "z == 0")
    .also("h.mean(), h.std()", "z.mean(), z.std()"),
    "You measure before the activation. Saturated and dead units only show behind it.",
)
layer_statistics.mistake(
    "never_activated",
    edit('torch.tanh(z) if activation == "tanh" else F.relu(z)', "z"),
    "The activation is missing: your network is linear.",
)
layer_statistics.mistake(
    "one_sided_saturation",
    edit("h.abs() >", "h >"),
    "You count saturation at +1 only. tanh is as flat at −1: use the absolute value.",
    origin="lecture notes",
)
layer_statistics.mistake(
    "inputs_measured",
    edit("z = h", "before, z = h, h")
    .also("h.abs()", "before.abs()")
    .also("h == 0", "before == 0")
    .also("h.mean(), h.std()", "before.mean(), before.std()"),
    "Your first entry is the input's. The statistics are one layer late: measure after the layer.",
)
layer_statistics.mistake(
    "always_tanh",
    edit(' if activation == "tanh" else F.relu(z)', ""),
    "You ignore `activation` and use tanh for everything.",
)
layer_statistics.mistake(
    "every_layer_from_the_input",
    edit("z = h @ weight.T", "z = x @ weights[0].T"),
    "Every layer gets the network's input. Layer l gets the output of layer l − 1.",
)
layer_statistics.mistake(
    "not_positive_is_zero",
    edit("h == 0", "h <= 0"),
    "You count negative activations as zeros. Behind a tanh half of them are negative and "
    "perfectly alive.",
)
layer_statistics.mistake(
    "variance_for_std",
    edit("h.std()", "h.var()"),
    "`std` holds the variance: take its root.",
)


@layer_statistics.alternative
def with_linear(x, weights, activation):
    found = {"mean": [], "std": [], "saturated": [], "zero": []}
    for weight in weights:
        x = torch.nn.functional.linear(x, weight)
        x = x.tanh() if activation == "tanh" else x.clamp(min=0)
        found["mean"].append(x.mean())
        found["std"].append(x.std(unbiased=False))
        found["saturated"].append((x.abs() > 0.97).double().mean())
        found["zero"].append((x == 0).double().mean())
    return {key: torch.stack(values) for key, values in found.items()}


@layer_statistics.alternative
def in_numpy(x, weights, activation):
    h = x.numpy()
    rows = []
    for weight in weights:
        h = h @ weight.numpy().T
        h = np.tanh(h) if activation == "tanh" else np.maximum(h, 0)
        rows.append([h.mean(), h.std(), (np.abs(h) > 0.97).mean(), (h == 0).mean()])
    table = torch.tensor(np.array(rows))
    return dict(zip(["mean", "std", "saturated", "zero"], table.T, strict=True))

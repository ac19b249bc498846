"""Gradients over depth: those of the activations and those of the weights."""

import itertools
import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import lab
from autograder.exercises.experiments import seeded
from autograder.judging import Part, edit
from autograder.judging.checks import Check, find, finding, leaves_inputs_alone
from autograder.judging.comparison import Tolerance, difference
from course_lib import activations


def _network(activation, scale):
    def draw(rng):
        widths = rng.permutation(np.arange(12, 30))[:5]
        weights = [
            rng.normal(size=(after, before)) * scale / np.sqrt(before)
            for before, after in itertools.pairwise(widths)
        ]
        rows = int(rng.integers(31, 40))
        return {
            "x": rng.normal(size=(rows, int(widths[0]))) + 0.3,
            "weights": weights,
            "activation": activation,
            "output_gradient": rng.normal(size=(rows, int(widths[-1]))) + 0.2,
        }

    return draw


FUNCTIONS = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}
SLOPES = {
    "sigmoid": lambda h, z: h * (1 - h),
    "tanh": lambda h, z: 1 - h**2,
    "relu": lambda h, z: (z > 0).to(z.dtype),
}


def _spreads_match(what, numbers):
    """The standard deviation of every layer, divided by n or by n − 1, of so many numbers."""

    def look(case):
        wanted, got = (find(seen, f"result.{what}") for seen in (case.expected, case.observed))
        tolerance = Tolerance(dtype=case.dtype)
        n = np.array([numbers(case.inputs, weight) for weight in case.inputs["weights"]])
        found = difference(got, wanted, tolerance)
        if found is None or difference(got, wanted * np.sqrt(1 - 1 / n), tolerance) is None:
            return finding(True)
        return finding(False, found.expected, found.observed, found.gist)

    return Check(f"the gradients of the {what}", look)


def _flipped(line, name, value):
    return {f"{line} => {name} = -({value})": "a standard deviation does not see the sign"}


EIGHT_LAYERS = (
    "a thousand times smaller, or worse",
    "some ten times smaller",
    "smaller by a factor of two or three at most",
)


@seeded
def _tanh_over_depth():
    # Only the order of magnitude is asked for.
    weights = [torch.randn(128, 128) / math.sqrt(128) for _ in range(8)]
    x, gradient = torch.randn(128, 128), torch.randn(128, 128) / 128
    found = activations.gradients_over_depth(x, weights, "tanh", gradient)["activations"]
    ratio = float(found[-1] / found[0])
    return EIGHT_LAYERS[0 if ratio > 300 else 1 if ratio > 4 else 2]


lab.prediction(
    "tanh_over_depth",
    title="Predict: “don’t use sigmoid or tanh”",
    statement=(
        "The lecture notes: *“don’t use sigmoid or tanh.”* Eight tanh layers of width 128 with "
        "Glorot’s weights (variance 1/128). The gradient arrives at the last layer and travels back "
        "to the first. How does ∂L/∂h at the **first** layer compare with that at the **last**? It is …"
    ),
    minutes=1,
    syllabus=("2.9",),
    choices=EIGHT_LAYERS,
    outcome=_tanh_over_depth,
    explanation="Glorot’s weights keep the signals in the steep middle of tanh, where the slope is "
    "near 1. A sigmoid has no such place: its slope is ¼ at best.",
)


gradients_over_depth = lab.exercise(
    activations.gradients_over_depth,
    title="Two gradients in every layer",
    statement=r"""“The gradient vanishes” can mean two things: the gradient of the **activations**,
$\partial L/\partial h_l$, which is what travels, or that of the **weights**,
$\partial L/\partial W_l$, which is what trains. Measure both.

Send `x` through the plain network $h_l = f(h_{l-1} W_l^\top)$, $h_0$ = `x`, with f = `activation`
(`"sigmoid"`, `"tanh"` or `"relu"`), backpropagate `output_gradient`
$= \partial L/\partial h_L$, and return a dict of two tensors with one entry per layer, **first
layer first**:

- `"activations"`: the standard deviation of $\partial L/\partial h_l$, the gradient at the *output*
  of layer l (so the last entry is the spread of `output_gradient` itself),
- `"weights"`: the standard deviation of $\partial L/\partial W_l$.

By hand or with autograd, as you like; whether you divide by n or n − 1 makes no difference.""",
    parts=[
        Part(
            "activations",
            2,
            (
                _spreads_match(
                    "activations", lambda inputs, weight: len(inputs["x"]) * len(weight)
                ),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "weights",
            2,
            (_spreads_match("weights", lambda inputs, weight: weight.size),),
        ),
    ],
    minutes=13,
    difficulty=3,
    syllabus=("2.9",),
    inputs=(_network("sigmoid", 2.0), _network("relu", 1.3), _network("tanh", 1.2)),
    probe=probes.call(),
    equivalent_mutants={
        **_flipped("delta = gradient * slope", "delta", "gradient * slope"),
        **_flipped("gradient = delta @ weights[layer]", "gradient", "delta @ weights[layer]"),
        "gradient = output_gradient => gradient = -output_gradient": "a standard deviation does not "
        "see the sign",
        **{
            f"found['{name}'].append({of}.std()) => found['{name}'].append({of}.std(correction=0))": (
                "the statement leaves it open"
            )
            for name, of in (("activations", "gradient"), ("weights", "(delta.T @ outputs[layer])"))
        },
        "slope = {'sigmoid': h * (1 - h), 'tanh': 1 - h ** 2, 'relu': (h > 0).to(h.dtype)}[activation] => slope = {'sigmoid': h * (1 - h), 'tanh': 1 - h ** 2, 'relu': unconverted(h > 0, (h > 0).to(h.dtype))}[activation]": "a product "
        "with a truth value is one with 0 or 1",
    },
    hints=(
        "Keep every layer's output on the way forward.",
        "One layer backward: note the spread of g = ∂L/∂h; δ = g · f'; ∂L/∂W = δᵀ h_before; "
        "g = δ W for the layer in front.",
        "With autograd: make the weights require gradients, call `h.retain_grad()` on every layer's "
        "output, then `h.backward(output_gradient)`.",
    ),
)


gradients_over_depth.mistake(
    "weights_for_both",
    edit("append(gradient.std())", "append((delta.T @ outputs[layer]).std())"),
    "Both entries hold the weight gradients. The gradient of the activations is ∂L/∂h_l, and it "
    "behaves differently.",
)
gradients_over_depth.mistake(
    "before_the_activation",
    edit("append(gradient.std())", "append(delta.std())"),
    "Your `activations` are ∂L/∂z, before the activation. Asked for is ∂L/∂h, at its output: "
    "measure before you multiply by the slope.",
)
gradients_over_depth.mistake(
    "names_swapped",
    edit('found["activations"]', 'found["weights"]').also(
        'found["weights"]', 'found["activations"]'
    ),
    "The two entries of your dict are swapped.",
)
gradients_over_depth.mistake(
    "no_slope",
    edit("gradient * slope", "gradient"),
    "The slope f' of the activation is missing: δ = ∂L/∂h · f'(z), then ∂L/∂W = δᵀ h_before.",
)
gradients_over_depth.mistake(
    "tanh_slope_for_all",
    edit("gradient * slope", "gradient * (1 - h**2)"),
    "You use 1 − h², the slope of tanh, for every activation.",
)
gradients_over_depth.mistake(
    "slope_of_the_sum",
    edit("h = outputs[layer + 1]", "h = outputs[layer] @ weights[layer].T"),
    "You put the pre-activation z into h(1 − h) or 1 − h². These rules are for the output h.",
)
gradients_over_depth.mistake(
    "slope_not_passed_on",
    edit("gradient = delta @", "gradient = gradient @"),
    "The last layer is right. What travels on to the layer in front is δ W, with the slope in δ; "
    "you pass on ∂L/∂h · W.",
)
gradients_over_depth.mistake(
    "last_layer_first",
    edit("stds[::-1]", "stds"),
    "Your layers are in backward order. Return the first layer's number first.",
)
gradients_over_depth.mistake(
    "variances",
    edit("gradient.std()", "gradient.var()").also("outputs[layer]).std()", "outputs[layer]).var()"),
    "You return variances: take their roots.",
)
gradients_over_depth.mistake(
    "at_the_inputs",
    edit("append(gradient.std())", "append((delta @ weights[layer]).std())"),
    "Your `activations` are shifted by one layer: entry l is the gradient at the *input* of layer "
    "l. At its output the last entry is the spread of `output_gradient` itself.",
)
gradients_over_depth.mistake(
    "linear_at_the_end",
    edit(
        "outputs.append(f(outputs[-1] @ weight.T))",
        "z = outputs[-1] @ weight.T\noutputs.append(z if weight is weights[-1] else f(z))",
    ).also("gradient * slope", "gradient * (1 if layer == len(weights) - 1 else slope)"),
    "You leave out the activation of the last layer. In this network f stands behind every layer.",
)
gradients_over_depth.mistake(
    "slope_at_the_output",
    edit("h = outputs[layer + 1]", "h = f(outputs[layer + 1])"),
    "You take the slope f' at the output h. It is f'(z), at the pre-activation.",
)
gradients_over_depth.mistake(
    "weights_with_their_own_output",
    edit("delta.T @ outputs[layer]", "delta.T @ h"),
    "In ∂L/∂W you multiply δ with the layer's output. It is δᵀ times the layer's *input*, the "
    "output of the layer before (x for the first).",
)
gradients_over_depth.mistake(
    "norms",
    edit("gradient.std()", "gradient.norm()").also(
        "outputs[layer]).std()", "outputs[layer]).norm()"
    ),
    "You return norms, which grow with the number of entries. Take standard deviations.",
)


@gradients_over_depth.alternative
def by_autograd(x, weights, activation, output_gradient):
    leaves = [weight.clone().requires_grad_() for weight in weights]
    outputs = []
    h = x
    for weight in leaves:
        h = FUNCTIONS[activation](h @ weight.T)
        h.retain_grad()
        outputs.append(h)
    h.backward(output_gradient)
    return {
        "activations": torch.stack([h.grad.std() for h in outputs]),
        "weights": torch.stack([weight.grad.std() for weight in leaves]),
    }


@gradients_over_depth.alternative
def by_recursion(x, weights, activation, output_gradient):
    def go(h, rest):
        if not rest:
            return output_gradient, [], []
        out = FUNCTIONS[activation](h @ rest[0].T)
        gradient, of_h, of_w = go(out, rest[1:])
        delta = gradient * SLOPES[activation](out, h @ rest[0].T)
        return (
            delta @ rest[0],
            [gradient.std(unbiased=False), *of_h],
            [(delta.T @ h).std(unbiased=False), *of_w],
        )

    _, of_h, of_w = go(x, weights)
    return {"activations": of_h, "weights": of_w}

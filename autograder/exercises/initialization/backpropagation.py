"""Backpropagation by hand: the weight gradients of every layer."""

import torch

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.exercises.initialization.measuring import draw_network, spread_is
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone
from course_lib import initialization


def _backward(rng):
    network = draw_network(1.2, "tanh", sizes=(5, 15))(rng)
    outputs = len(network["weights"][-1])
    gradient = rng.normal(size=(len(network["x"]), outputs)) + 0.2
    return {"x": network["x"], "weights": network["weights"], "output_gradient": gradient}


weight_gradient_stds = lab.exercise(
    initialization.weight_gradient_stds,
    title="Where do the gradients go?",
    statement=(
        "Backpropagate `output_gradient` $= \\partial L/\\partial h_L$ by hand through the tanh "
        "network $h_l = \\tanh(h_{l-1} W_l^T)$ and return the standard deviation of "
        "$\\partial L/\\partial W_l$ for every layer, first layer first.\n\n"
        "The lecture notes claim that with small weights these gradients “get smaller and smaller "
        "towards deeper layers”. With your function you see which two factors make them."
    ),
    points=4,
    minutes=15,
    difficulty=3,
    core=False,
    syllabus=("4.9",),
    inputs=_backward,
    probe=probes.call(),
    checks=[
        spread_is(
            "the spread of the weight gradients",
            "result",
            lambda weights, **_: [weight.size for weight in weights],
        ),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "stds.append((delta.T @ activations[layer]).std()) => "
        "stds.append((delta.T @ activations[layer]).std(correction=0))": "either convention is "
        "accepted",
        **{
            f"{name} = {value} => {name} = -({value})": "a standard deviation does not see the sign"
            for name, value in (
                ("delta", "gradient * (1 - activations[layer + 1] ** 2)"),
                ("gradient", "delta @ weights[layer]"),
            )
        },
    },
    hints=(
        "Keep every layer's output on the way forward.",
        "One layer backward: δ = g · (1 − h²); ∂L/∂W = δᵀ h_before; g = δ W.",
        "Run through the layers with `reversed(range(len(weights)))` and reverse what you collected.",
    ),
)


weight_gradient_stds.mistake(
    "activation_gradients",
    edit("(delta.T @ activations[layer]).std()", "gradient.std()"),
    "You measure ∂L/∂h, the gradient of the activations. Asked for is ∂L/∂W, which also has the "
    "activation in front of the layer as a factor, and behaves differently.",
)
weight_gradient_stds.mistake(
    "deltas",
    edit("(delta.T @ activations[layer]).std()", "delta.std()"),
    "You measure ∂L/∂z. The weight gradient is its product with the layer's input: `delta.T @ "
    "before`.",
)
weight_gradient_stds.mistake(
    "tanh_slope_forgotten",
    edit(" * (1 - activations[layer + 1] ** 2)", ""),
    "The slope of tanh is missing: multiply the gradient by 1 − h² before you go on.",
)
weight_gradient_stds.mistake(
    "slope_of_the_pre_activation",
    edit("activations[layer + 1] ** 2", "(activations[layer] @ weights[layer].T) ** 2"),
    "The slope of tanh at z is 1 − tanh(z)², with the *output*; you put in z itself.",
)
weight_gradient_stds.mistake(
    "slope_lost_on_the_way",
    edit("gradient = delta @", "gradient = gradient @"),
    "The last layer is right. What you pass on to the layer in front is g W; it is δ W, with the "
    "slope of tanh in δ = g · (1 − h²).",
)
weight_gradient_stds.mistake(
    "variance_of_the_gradients",
    edit("activations[layer]).std()", "activations[layer]).var()"),
    "This is the variance. Asked for is the standard deviation, its root.",
)
weight_gradient_stds.mistake(
    "averaged_over_the_batch",
    edit("@ activations[layer])", "@ activations[layer] / len(x))"),
    "You divide by the batch size. `output_gradient` is already the gradient of the loss: sum "
    "over the examples.",
)
weight_gradient_stds.mistake(
    "last_layer_first",
    edit("stds[::-1]", "stds"),
    "Your layers are in backward order. Return the first layer's number first.",
)


@weight_gradient_stds.alternative
def by_autograd(x, weights, output_gradient):
    leaves = [weight.clone().requires_grad_() for weight in weights]
    h = x
    for weight in leaves:
        h = torch.tanh(h @ weight.T)
    h.backward(output_gradient)
    return torch.stack([weight.grad.std() for weight in leaves])


@weight_gradient_stds.alternative
def by_einsum(x, weights, output_gradient):
    outputs, h = [], x
    for weight in weights:
        h = torch.tanh(torch.einsum("ni,oi->no", h, weight))
        outputs.append(h)
    stds = [0.0] * len(weights)
    gradient = output_gradient
    for layer in range(len(weights) - 1, -1, -1):
        gradient = gradient * (1 - outputs[layer] * outputs[layer])
        before = outputs[layer - 1] if layer > 0 else x
        stds[layer] = torch.einsum("no,ni->oi", gradient, before).std(unbiased=False).item()
        gradient = torch.einsum("no,oi->ni", gradient, weights[layer])
    return torch.tensor(stds)

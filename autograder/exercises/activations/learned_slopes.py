"""PReLU as a module: a slope that is learned."""

import torch
from torch import nn

from autograder import probes
from autograder.exercises.activations.lab import AT_THE_KINK, draw_gradient_off_zero, lab, put_in
from autograder.judging import Part, edit
from autograder.judging.checks import check, find, finding, leaves_inputs_alone, matches_reference
from course_lib import activations


LIBRARY_PRELUS = (
    "torch.nn.functional",
    "torch.nn.PReLU",
    "torch.prelu",
    ".prelu",
)


def draw_signed(rng, *shape):
    """Numbers of both signs and one exact 0."""
    x = rng.choice([-1.0, 1.0], size=shape) * rng.uniform(0.1, 3, size=shape)
    return put_in(rng, x, [0.0])


def draw_slopes(rng, count):
    """Slopes of which one is above 1, and another below 0 where there are more than one."""
    slopes = rng.uniform(-0.5, 2.5, size=count)
    slopes[:2] = [rng.uniform(1.2, 2.5), rng.uniform(-0.5, -0.1)][:count]
    return rng.permutation(slopes)


def _script(rng, construct, slopes, shape):
    """Fresh, with given slopes, after gradient steps; batches of other sizes later."""
    x, later = draw_signed(rng, *shape), draw_signed(rng, shape[0] + 2, *shape[1:])

    def backward(name, x):
        return {"do": "backward", "as": name, "grad_output": draw_gradient_off_zero(rng, x)}

    steps = [
        {"do": "parameters", "as": "parameters"},
        {"do": "call", "as": "fresh output", "x": x},
        backward("fresh gradients", x),
        {"do": "sgd", "learning_rate": 0.05},
        {"do": "call", "as": "after one step", "x": later},
        backward("second gradients", later),
        {"do": "sgd", "learning_rate": 0.03},
        {"do": "call", "as": "after two steps", "x": x},
        {"do": "set", "as": "slopes", "values": {"weight": slopes}},
        {"do": "call", "as": "known slopes", "x": later},
        backward("known gradients", later),
    ]
    return {"construct": construct, "steps": steps}


def _shared(rng):
    shape = tuple(int(n) for n in rng.permutation([4, 5, 6]))
    return _script(rng, {}, draw_slopes(rng, 1), shape)


def _by_feature(rng):
    rows, features = (int(n) for n in rng.permutation([4, 5, 6, 7])[:2])
    construct = {"num_parameters": features, "init": float(rng.uniform(0.3, 0.6))}
    return _script(rng, construct, draw_slopes(rng, features), (rows, features))


def _by_channel(rng):
    # Height and width differ from the channels and from each other.
    rows, channels, height, width = (int(n) for n in rng.permutation([2, 3, 4, 5]))
    construct = {"num_parameters": channels}
    return _script(rng, construct, draw_slopes(rng, channels), (rows, channels, height, width))


def _two_channels(rng):
    rows, height, width = (int(n) for n in rng.permutation([3, 4, 5]))
    construct = {"num_parameters": 2, "init": float(rng.uniform(0.3, 0.6))}
    return _script(rng, construct, draw_slopes(rng, 2), (rows, 2, height, width))


@check("weight is a parameter, of shape (num_parameters,)")
def is_registered(case):
    wanted = find(case.expected, "parameters/parameters", case)
    got = find(case.observed, "parameters/parameters", case)
    if got == wanted:
        return finding(True)
    gist = "no parameter is registered" if not got else "other parameters than weight"
    return finding(False, str(wanted), str(got), gist)


SLOPES = ("1 or 64", "64 · 32 · 32 = 65,536", "one for each example and value")


def _slopes_of_prelu():
    for channels in (1, 64):
        layer = activations.PReLU(channels)
        assert layer(torch.ones(2, 64, 32, 32)).shape == (2, 64, 32, 32)
        assert layer.weight.numel() in (1, 64)
    return SLOPES[0]


lab.prediction(
    "slopes_of_prelu",
    title="Predict: how many slopes?",
    statement=(
        "The lecture notes say of PReLU that α is learned, *“maybe separate for each value”*. A "
        "feature map has 64 channels of 32 × 32 values. How many slopes does one PReLU layer learn "
        "for it?"
    ),
    minutes=1,
    core=False,
    syllabus=("2.5",),
    choices=SLOPES,
    outcome=_slopes_of_prelu,
    explanation="One for the layer or one for each channel (He et al. 2015). A slope for each value "
    "would tie the layer to one image size and add as many numbers as there are activations.",
)


prelu = lab.exercise(
    activations.PReLU,
    title="PReLU: a slope that learns",
    statement=r"""A leaky ReLU with a slope that the optimizer trains, as a module:

$$f(x) = \max(0, x) + a_c \cdot \min(0, x).$$

- `__init__`: `num_parameters` slopes in **one parameter called `weight`**, of shape
  `(num_parameters,)`, all starting at `init` (0.25 by default). The optimizer only finds what is
  an `nn.Parameter`. (What must be the first line of every module's `__init__`?)
- `forward`: with one slope, use it everywhere. With C slopes, slope c belongs to **channel c, axis
  1** of x, for x of shape (N, C) as well as (N, C, H, W).

The slope is learned: it can become larger than 1 or negative.""",
    parts=[
        Part(
            "the parameter",
            2,
            (is_registered, matches_reference("the fresh output", of="fresh output/result")),
        ),
        Part(
            "the function",
            1,
            (
                matches_reference("the output for known slopes", of="known slopes/result"),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "learning",
            2,
            (
                matches_reference("the gradient of the slopes", of="known gradients/parameters"),
                matches_reference("the gradient of the input", of="known gradients/x"),
                matches_reference("the output after two steps", of="after two steps/result"),
            ),
        ),
    ],
    minutes=12,
    difficulty=2,
    core=False,
    syllabus=("2.5",),
    inputs=(_shared, _by_feature, _by_channel, _two_channels),
    probe=probes.module(),
    forbidden=LIBRARY_PRELUS,
    equivalent_mutants={
        "__init__: everything is done under torch.no_grad()": "a parameter asks for a gradient "
        "wherever it is made",
        "len(slope) > 1 => len(slope) >= 1": "one slope of shape (1, 1, …) is broadcast like one of "
        "shape (1,)",
        "return torch.where(x > 0, x, slope * x) => "
        "return torch.where(x >= 0, x, slope * x)": AT_THE_KINK,
    },
    hints=(
        "`super().__init__()`, then `self.weight = nn.Parameter(torch.full(…))`.",
        "In `forward`, bring the C slopes into a shape that lines up with axis 1: (C,) for (N, C), "
        "(C, 1, 1) for (N, C, H, W).",
        "`slope.reshape(-1, *[1] * (x.ndim - 2))`, then `torch.where(x > 0, x, slope * x)`.",
    ),
)


prelu.mistake(
    "not_a_parameter",
    edit(
        "nn.Parameter(torch.full((num_parameters,), init))", "torch.full((num_parameters,), init)"
    ),
    "`weight` is a plain tensor. Autograd and the optimizer never see it, so it stays at its "
    "start: wrap it in `nn.Parameter`.",
)
prelu.mistake(
    "a_buffer",
    edit(
        "self.weight = nn.Parameter(torch.full((num_parameters,), init))",
        'self.register_buffer("weight", torch.full((num_parameters,), init))',
    ),
    "`weight` is a buffer: it is saved with the model, but never trained. What is learned is an "
    "`nn.Parameter`.",
)
prelu.mistake(
    "always_one",
    edit("torch.full((num_parameters,), init)", "torch.tensor(init)"),
    "You keep a single number whatever `num_parameters` says. There is one slope for each channel "
    "if it is C, and `weight` has shape (num_parameters,) in any case.",
    raises="TypeError",
)
prelu.mistake(
    "scalar_for_one",
    edit("torch.full((num_parameters,), init)", "torch.full((num_parameters,), init).squeeze()"),
    "For one slope your `weight` has no axis, shape (). It is (1,): one entry, one axis.",
)
prelu.mistake(
    "no_super",
    edit("super().__init__()", "pass"),
    "`super().__init__()` is missing: it must stand before the first parameter, so that the "
    "module has a place to keep it.",
    raises="AttributeError",
)
prelu.mistake(
    "shaped_for_images",
    edit("(num_parameters,), init", "(1, num_parameters, 1, 1), init"),
    "Your `weight` has the shape (1, C, 1, 1), for images only. Keep it as (num_parameters,) and "
    "reshape it in `forward`, to as many axes as x has.",
    raises="RuntimeError",
)
prelu.mistake(
    "leaky_start",
    edit("init: float = 0.25", "init: float = 0.01"),
    "Your slopes start at 0.01, as the fixed slope of leaky ReLU. PReLU starts at 0.25.",
)
prelu.mistake(
    "ignores_init",
    edit("(num_parameters,), init", "(num_parameters,), 0.25"),
    "You ignore `init` and always start at 0.25.",
)
prelu.mistake(
    "along_the_last_axis",
    edit("slope * x", "self.weight * x"),
    "Slopes of shape (C,) line up with the *last* axis of x, which is right for (N, C) only. For "
    "images the channels are axis 1: reshape the slopes to (C, 1, 1).",
)
prelu.mistake(
    "along_the_first_axis",
    edit("x.ndim - 2", "x.ndim - 1"),
    "Your slopes lie along axis 0, the examples. A slope belongs to a channel, axis 1.",
)
prelu.mistake(
    "for_images_only",
    edit("slope * x", "self.weight.view(1, -1, 1, 1) * x"),
    "The shape (1, C, 1, 1) is for images only: an x of shape (N, C) becomes four-dimensional "
    "with it. Take as many ones as x has axes behind the channels.",
)
prelu.mistake(
    "one_for_all",
    edit("torch.full((num_parameters,), init)", "torch.tensor([init])"),
    "Your `weight` has one entry whatever `num_parameters` says. Its shape is (num_parameters,).",
)
prelu.mistake(
    "upward",
    edit("slope * x", "-slope * x"),
    "Your left side has the wrong sign: min(0, x) is negative, and a·min(0, x) with it.",
)
prelu.mistake(
    "larger_of_two",
    edit("torch.where(x > 0, x, slope * x)", "torch.maximum(x, slope * x)"),
    "max(x, ax) is PReLU only while a ≤ 1. A learned slope may grow beyond: decide by the sign of "
    "x.",
    origin="lecture notes",
)
prelu.mistake(
    "on_both_sides",
    edit("torch.where(x > 0, x, slope * x)", "x.clamp(min=0) + slope * x"),
    "You add a·x on the positive side too, where the slope must be 1. It is max(0, x) + a·min(0, "
    "x).",
)
prelu.mistake(
    "takes_the_data",
    edit("= self.weight", "= self.weight.detach()"),
    "You take the slopes out of the graph (`detach` or `.data`): they get no gradient and never "
    "learn.",
)


@prelu.alternative
class ByParts(nn.Module):
    def __init__(self, num_parameters=1, init=0.25):
        super().__init__()
        self.weight = nn.Parameter(init * torch.ones(num_parameters))

    def forward(self, x):
        shape = [1] * x.ndim
        shape[1] = len(self.weight)
        return x.clamp(min=0) + self.weight.view(shape) * x.clamp(max=0)


@prelu.alternative
class ChannelsLast(nn.Module):
    def __init__(self, num_parameters=1, init=0.25):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(num_parameters))
        nn.init.constant_(self.weight, init)

    def forward(self, x):
        turned = x.movedim(1, -1)
        return (turned * torch.where(turned > 0, 1, self.weight)).movedim(-1, 1)

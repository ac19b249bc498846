"""Random weights whose spread keeps signals alive: LeCun, Glorot, He and the gains."""

import math

import numpy as np
import torch
from torch import nn

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.exercises.initialization.random_weights import (
    INITIALIZERS,
    UNIFORM,
    indifferent,
)
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import matches_reference
from autograder.judging.statistics import (
    entries_are_independent,
    is_normal,
    is_uniform,
    mean_is,
    shape_is,
    std_is,
)
from course_lib import initialization
from course_lib.initialization import fan_in_and_fan_out, gain

DRAWS = probes.draws(count=8)


def _linear(rng):
    return {"shape": [int(rng.integers(20, 60)), int(rng.integers(120, 190))]}


def _convolution(rng):
    return {"shape": [int(rng.integers(29, 40)), int(rng.integers(5, 12)), 3, 5]}


# --- gains -------------------------------------------------------------------------------------


def _gain_of(nonlinearity):
    def draw(rng):
        return {"nonlinearity": nonlinearity, "negative_slope": float(rng.uniform(0.1, 0.9))}

    return draw


def variance_gain(nonlinearity, negative_slope=0.01):
    factors = {"linear": 1, "tanh": 25 / 9, "relu": 2, "leaky_relu": 2 / (1 + negative_slope**2)}
    return factors[nonlinearity]


def leaky_is_relu(nonlinearity, negative_slope=0.01):
    if nonlinearity in ("relu", "leaky_relu"):
        return math.sqrt(2)
    return 5 / 3 if nonlinearity == "tanh" else 1.0


def slope_not_squared(nonlinearity, negative_slope=0.01):
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + negative_slope))
    return {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[nonlinearity]


def relu_for_everything(nonlinearity, negative_slope=0.01):
    return math.sqrt(2)


def one_for_tanh(nonlinearity, negative_slope=0.01):
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + negative_slope**2))
    return 1.0


def inverse_gain(nonlinearity, negative_slope=0.01):
    if nonlinearity == "relu":
        return 1 / math.sqrt(2)
    if nonlinearity == "leaky_relu":
        return math.sqrt((1 + negative_slope**2) / 2)
    return 3 / 5 if nonlinearity == "tanh" else 1.0


def slope_added(nonlinearity, negative_slope=0.01):
    if nonlinearity == "leaky_relu":
        return math.sqrt(2) / (1 + negative_slope)
    return {"linear": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2)}[nonlinearity]


def by_table(nonlinearity, negative_slope=0.01):
    return {
        "linear": 1,
        "tanh": 5 / 3,
        "relu": 2**0.5,
        "leaky_relu": (2 / (1 + negative_slope * negative_slope)) ** 0.5,
    }[nonlinearity]


def relu_as_special_case(nonlinearity, negative_slope=0.01):
    if nonlinearity == "linear":
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3.0
    a = 0.0 if nonlinearity == "relu" else negative_slope
    return torch.sqrt(torch.tensor(2.0, dtype=torch.float64) / (1 + a**2))


lab.exercise(
    initialization.gain,
    title="What a nonlinearity takes away",
    statement=(
        "A nonlinearity shrinks the signal; the **gain** makes up for it in the *standard "
        "deviation* of the weights: 1 for `linear`, 5/3 for `tanh` (torch's convention), √2 for "
        "`relu`, and √(2/(1+a²)) for `leaky_relu` with slope a = `negative_slope`.\n\n"
        "Why √2 for ReLU: half of E[x²] is lost, so the *variance* of the weights must double."
    ),
    points=2,
    minutes=5,
    difficulty=1,
    core=False,
    syllabus=("4.6",),
    hide=("Formula",),
    inputs=(_gain_of("linear"), _gain_of("tanh"), _gain_of("leaky_relu"), _gain_of("relu")),
    probe=probes.call(),
    checks=[matches_reference("the gain")],
    mistakes=[
        Mistake(
            "variance_gain",
            variance_gain,
            "This is the factor for the variance. The gain multiplies the standard deviation: its "
            "square is the factor you return.",
            origin="lecture notes",
        ),
        Mistake(
            "relu_for_everything",
            relu_for_everything,
            "You use √2 whatever the nonlinearity. √2 undoes what a ReLU takes; tanh takes "
            "something else, and a linear layer nothing.",
        ),
        Mistake(
            "leaky_is_relu",
            leaky_is_relu,
            "You treat a leaky ReLU as a ReLU. It lets a² of the other half through, so its gain "
            "is smaller: √(2/(1+a²)).",
        ),
        Mistake(
            "slope_not_squared",
            slope_not_squared,
            "The slope enters squared: second moments count, and x ↦ a·x scales them by a².",
        ),
        Mistake("slope_added", slope_added, "It is √(2/(1+a²)): slope squared, under the root."),
        Mistake(
            "one_for_tanh",
            one_for_tanh,
            "tanh squeezes too: torch's gain for it is 5/3, not 1.",
        ),
        Mistake("inverse_gain", inverse_gain, "Your gain is the inverse of what is asked for."),
    ],
    alternatives=[
        Alternative("by_table", by_table),
        Alternative("relu_as_special_case", relu_as_special_case),
    ],
    forbidden=INITIALIZERS,
    hints=(
        "A dictionary or four `if`s will do.",
        "For a leaky ReLU E[f(x)²] = (1 + a²)/2 · E[x²].",
    ),
)


# --- LeCun and Glorot --------------------------------------------------------------------------


def lecun_std(shape, **_):
    return math.sqrt(1 / fan_in_and_fan_out(shape)[0])


def lecun_by_fan_out(shape):
    return torch.randn(shape) / math.sqrt(fan_in_and_fan_out(shape)[1])


def lecun_variance_as_std(shape):
    return torch.randn(shape) / fan_in_and_fan_out(shape)[0]


def lecun_is_glorot(shape):
    return torch.randn(shape) * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


def lecun_multiplied(shape):
    return torch.randn(shape) * math.sqrt(fan_in_and_fan_out(shape)[0])


def lecun_no_kernel(shape):
    return torch.randn(shape) / math.sqrt(shape[1])


def lecun_alternative(shape):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.normal(0, fan_in**-0.5, tuple(shape))


lab.exercise(
    initialization.lecun_normal,
    title="LeCun: keep the variance of a linear layer",
    statement=(
        "Solve $D \\cdot \\mathrm{Var}(w) = 1$ for the variance of the weights and draw normal "
        "weights of that variance. The lectures call this simplification “Xavier”; it is LeCun's."
    ),
    points=2,
    minutes=4,
    difficulty=1,
    core=False,
    syllabus=("4.4",),
    inputs=(_linear, _convolution),
    probe=DRAWS,
    checks=[
        shape_is(lambda shape: shape),
        mean_is(lambda shape: 0),
        std_is(lecun_std),
        is_normal(),
        entries_are_independent(),
    ],
    mistakes=[
        Mistake(
            "lecun_by_fan_out",
            lecun_by_fan_out,
            "You divide by the fan-out. The forward signal sums over the fan-in: axis 1 (and the "
            "kernel) of torch's layout.",
        ),
        Mistake(
            "lecun_variance_as_std",
            lecun_variance_as_std,
            "1/fan_in is the variance; multiply by its root.",
            origin="10 of 117 students",
        ),
        Mistake(
            "lecun_is_glorot",
            lecun_is_glorot,
            "This is Glorot's compromise 2/(fan_in + fan_out). LeCun's variance is 1/fan_in.",
            origin="lecture notes",
        ),
        Mistake(
            "lecun_multiplied",
            lecun_multiplied,
            "You multiply by √fan_in. The more inputs are summed, the smaller the weights must be.",
        ),
        Mistake(
            "lecun_no_kernel",
            lecun_no_kernel,
            "For a convolution the fan-in also counts the kernel's positions.",
        ),
    ],
    alternatives=[Alternative("lecun_alternative", lecun_alternative)],
    equivalent_mutants=indifferent(("std", "1 / math.sqrt(fan_in)", "(1 / math.sqrt(fan_in))")),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out",),
    hints=("`fan_in_and_fan_out` gives you D.", "Standard deviation, not variance: √(1/D)."),
)


def _glorot(rng):
    return {**_linear(rng), "scale": float(rng.uniform(1.3, 2))}


def _glorot_convolution(rng):
    return {**_convolution(rng), "scale": float(rng.uniform(0.4, 0.7))}


def glorot_std(shape, scale):
    return scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


def glorot_is_lecun(shape, scale=1.0):
    return torch.randn(shape) * scale / math.sqrt(fan_in_and_fan_out(shape)[0])


def glorot_variance_as_std(shape, scale=1.0):
    return torch.randn(shape) * scale * 2 / sum(fan_in_and_fan_out(shape))


def glorot_without_two(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(1 / sum(fan_in_and_fan_out(shape)))


def glorot_no_gain(shape, scale=1.0):
    return torch.randn(shape) * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


def glorot_gain_in_root(shape, scale=1.0):
    return torch.randn(shape) * math.sqrt(2 * scale / sum(fan_in_and_fan_out(shape)))


def glorot_no_kernel(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(2 / (shape[0] + shape[1]))


def glorot_divided(shape, scale=1.0):
    return torch.randn(shape) * scale / math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


def glorot_by_normal(shape, scale=1.0):
    fan_in, fan_out = fan_in_and_fan_out(shape)
    return torch.normal(0.0, scale * (2.0 / (fan_in + fan_out)) ** 0.5, size=tuple(shape))


def glorot_by_numpy(shape, scale=1.0):
    fan_in, fan_out = fan_in_and_fan_out(shape)
    return torch.empty(*shape).normal_() * (scale * np.sqrt(2 / (fan_in + fan_out)))


lab.exercise(
    initialization.xavier_normal,
    title="Glorot: a compromise between forward and backward",
    statement=(
        "Forward signals ask for the variance 1/fan_in, backward signals for 1/fan_out. Glorot and "
        "Bengio's compromise takes the mean of the two fans: "
        "$\\mathrm{Var}(w) = 2/(\\text{fan\\_in}+\\text{fan\\_out})$. Draw normal weights of that "
        "variance, with the standard deviation multiplied by `scale` (a gain).\n\n"
        "**Convention.** “Xavier” in the lectures is often $1/\\text{fan\\_in}$, which is LeCun's. "
        "Here, as in torch, it is Glorot's."
    ),
    points=3,
    minutes=6,
    difficulty=1,
    syllabus=("4.4",),
    inputs=(_glorot, _glorot_convolution),
    probe=DRAWS,
    checks=[
        shape_is(lambda shape, scale: shape),
        mean_is(lambda shape, scale: 0),
        std_is(glorot_std),
        is_normal(),
        entries_are_independent(),
    ],
    mistakes=[
        Mistake(
            "glorot_is_lecun",
            glorot_is_lecun,
            "Your variance is 1/fan_in: that is LeCun's formula, which the lectures call Xavier. "
            "Glorot's is 2/(fan_in + fan_out).",
            origin="lecture notes",
        ),
        Mistake(
            "glorot_variance_as_std",
            glorot_variance_as_std,
            "2/(fan_in + fan_out) is the variance; the standard deviation is its root.",
            origin="10 of 117 students",
        ),
        Mistake(
            "glorot_without_two",
            glorot_without_two,
            "The 2 is missing: the mean of the fans is (fan_in + fan_out)/2, and it stands in the "
            "denominator.",
        ),
        Mistake(
            "glorot_no_gain",
            glorot_no_gain,
            "`scale` is not used: multiply the standard deviation by it.",
        ),
        Mistake(
            "glorot_gain_in_root",
            glorot_gain_in_root,
            "`scale` multiplies the standard deviation; you put it under the root.",
        ),
        Mistake(
            "glorot_no_kernel",
            glorot_no_kernel,
            "For a convolution both fans count the kernel's positions.",
        ),
        Mistake(
            "glorot_divided",
            glorot_divided,
            "You divide by the standard deviation that the weights should have; multiply.",
        ),
    ],
    alternatives=[
        Alternative("glorot_by_normal", glorot_by_normal),
        Alternative("glorot_by_numpy", glorot_by_numpy),
    ],
    equivalent_mutants=indifferent(
        (
            "std",
            "scale * math.sqrt(2 / (fan_in + fan_out))",
            "(scale * math.sqrt(2 / (fan_in + fan_out)))",
        )
    ),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out",),
    hints=(
        "You have `fan_in_and_fan_out`.",
        "randn has standard deviation 1. Multiply it by √(2/(fan_in+fan_out)) and by `scale`.",
    ),
)


def glorot_bound(shape, scale):
    return scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


def bound_is_std(shape, scale=1.0):
    bound = scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))
    return (2 * torch.rand(shape) - 1) * bound


def one_sided(shape, scale=1.0):
    return torch.rand(shape) * scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


def half_the_bound(shape, scale=1.0):
    return (torch.rand(shape) - 0.5) * scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


def bound_of_one_fan(shape, scale=1.0):
    bound = scale * math.sqrt(6 / fan_in_and_fan_out(shape)[0])
    return (2 * torch.rand(shape) - 1) * bound


def bound_without_gain(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))


def normal_instead(shape, scale=1.0):
    return torch.randn(shape) * scale * math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


def bound_is_variance(shape, scale=1.0):
    return (2 * torch.rand(shape) - 1) * scale * 6 / sum(fan_in_and_fan_out(shape))


def uniform_in_place(shape, scale=1.0):
    bound = scale * math.sqrt(6 / sum(fan_in_and_fan_out(shape)))
    return torch.empty(shape).uniform_(-bound, bound)


def uniform_from_std(shape, scale=1.0):
    fan_in, fan_out = fan_in_and_fan_out(shape)
    std = scale * (2 / (fan_in + fan_out)) ** 0.5
    return torch.rand(shape) * 2 * 3**0.5 * std - 3**0.5 * std


lab.exercise(
    initialization.xavier_uniform,
    title="The same variance, drawn uniformly",
    statement=(
        "Draw weights uniformly in ±b so that they have the same variance as `xavier_normal` with "
        "the same `scale`. What is b?"
    ),
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("4.4",),
    hide=("Formula",),
    inputs=(_glorot, _glorot_convolution),
    probe=DRAWS,
    checks=[
        shape_is(lambda shape, scale: shape),
        mean_is(lambda shape, scale: 0),
        std_is(glorot_std),
        is_uniform(glorot_bound),
        entries_are_independent(),
    ],
    mistakes=[
        Mistake(
            "bound_is_std",
            bound_is_std,
            "You use the normal distribution's standard deviation as the bound. Uniform numbers in "
            "±b have the standard deviation b/√3, so b = √3 · std.",
        ),
        Mistake(
            "one_sided",
            one_sided,
            "You draw between 0 and b. The weights must be centered at zero: between −b and b.",
        ),
        Mistake(
            "half_the_bound",
            half_the_bound,
            "`rand − 0.5` fills ±½. Multiply by 2b, not by b.",
        ),
        Mistake(
            "bound_of_one_fan",
            bound_of_one_fan,
            "Only the fan-in is in your bound; Glorot's has the sum of both fans.",
        ),
        Mistake("bound_without_gain", bound_without_gain, "`scale` is not used."),
        Mistake("normal_instead", normal_instead, "Right spread, but normal instead of uniform."),
        Mistake(
            "bound_is_variance",
            bound_is_variance,
            "The root is missing: b = √(6/(fan_in + fan_out)).",
        ),
    ],
    alternatives=[
        Alternative("uniform_in_place", uniform_in_place),
        Alternative("uniform_from_std", uniform_from_std),
    ],
    equivalent_mutants=indifferent(draw=UNIFORM),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out",),
    hints=(
        "The variance of a uniform distribution in ±b is b²/3.",
        "Set b²/3 = 2/(fan_in+fan_out).",
    ),
)


# --- He ----------------------------------------------------------------------------------------


def _relu(rng):
    return {**_linear(rng), "nonlinearity": "relu", "negative_slope": 0.01}


def _relu_convolution(rng):
    return {**_convolution(rng), "nonlinearity": "relu", "negative_slope": 0.01}


def _tanh(rng):
    return {**_linear(rng), "nonlinearity": "tanh", "negative_slope": 0.01}


def _leaky(rng):
    slope = float(rng.uniform(0.5, 0.9))
    return {**_convolution(rng), "nonlinearity": "leaky_relu", "negative_slope": slope}


HE_CASES = (_relu, _relu_convolution, _leaky, _tanh)


def he_std(shape, nonlinearity, negative_slope):
    return gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])


def divides_by_the_std(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) / (gain(nonlinearity, negative_slope) / math.sqrt(fan_in))


def missing_root(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / fan_in


def missing_root_of_both(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) ** 2 / fan_in


def std_times_two(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) ** 2 / math.sqrt(fan_in)


def no_gain(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) / math.sqrt(fan_in_and_fan_out(shape)[0])


def always_relu(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) * math.sqrt(2 / fan_in_and_fan_out(shape)[0])


def takes_fan_out(shape, nonlinearity="relu", negative_slope=0.01):
    fan_out = fan_in_and_fan_out(shape)[1]
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / math.sqrt(fan_out)


def takes_the_other_axis(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in = shape[0] * math.prod(shape[2:])
    swapped = [shape[1], shape[0], *shape[2:]]
    return torch.randn(swapped) * gain(nonlinearity, negative_slope) / math.sqrt(fan_in)


def kernel_ignored(shape, nonlinearity="relu", negative_slope=0.01):
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / math.sqrt(shape[1])


def glorot_with_gain(shape, nonlinearity="relu", negative_slope=0.01):
    fans = sum(fan_in_and_fan_out(shape))
    return torch.randn(shape) * gain(nonlinearity, negative_slope) * math.sqrt(2 / fans)


def the_std_alone(shape, nonlinearity="relu", negative_slope=0.01):
    return gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])


def weight_and_bias(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.randn(shape) * std, torch.zeros(shape[0])


def root_of_a_float(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.randn(shape) * gain(nonlinearity, negative_slope) / torch.sqrt(float(fan_in))


def as_linear_does(shape, nonlinearity="relu", negative_slope=0.01):
    bound = 1 / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.empty(shape).uniform_(-bound, bound)


def uniform_of_the_same_spread(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.empty(shape).uniform_(-math.sqrt(3) * std, math.sqrt(3) * std)


def he_by_normal(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    return torch.normal(0.0, gain(nonlinearity, negative_slope) / fan_in**0.5, tuple(shape))


def he_in_place(shape, nonlinearity="relu", negative_slope=0.01):
    weight = torch.empty(*shape)
    std = gain(nonlinearity, negative_slope) * fan_in_and_fan_out(shape)[0] ** -0.5
    return weight.normal_(mean=0, std=std)


def he_by_numpy(shape, nonlinearity="relu", negative_slope=0.01):
    factor = {"relu": 2, "linear": 1, "tanh": 25 / 9}.get(nonlinearity, 2 / (1 + negative_slope**2))
    return torch.randn(*shape) * np.sqrt(factor / np.prod(shape[1:]))


def he_as_parameter(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(torch.empty(shape)[0].numel())
    return nn.Parameter(std * torch.randn(shape, dtype=torch.float64))


lab.exercise(
    initialization.kaiming_normal,
    title="Kaiming: keep signals alive through ReLUs",
    statement=(
        "A ReLU halves the second moment of what passes through it. He et al. make up for it in the "
        "weights: normal with standard deviation $\\text{gain}/\\sqrt{\\text{fan\\_in}}$, gain √2 for "
        "ReLU.\n\n"
        "**A warning from the lecture notes.** One set of notes has `randn(…) / sqrt(2 / D_in)`, "
        "another says “multiply by 2”. The experiment above shows what the first does to six layers; "
        "the derivation says what is wrong with the second."
    ),
    points=4,
    minutes=8,
    difficulty=2,
    syllabus=("4.6",),
    hide=("Formula",),
    inputs=HE_CASES,
    probe=DRAWS,
    checks=[
        shape_is(lambda shape, **_: shape),
        mean_is(lambda **_: 0),
        std_is(he_std),
        is_normal(),
        entries_are_independent(),
    ],
    mistakes=[
        Mistake(
            "missing_root",
            missing_root,
            "The root over fan_in is missing: you have gain/fan_in, it is gain/√fan_in. A sum of D "
            "independent terms grows like √D, not like D.",
            origin="10 of 117 students",
        ),
        Mistake(
            "missing_root_of_both",
            missing_root_of_both,
            "gain²/fan_in is the variance. The standard deviation is its root.",
            origin="10 of 117 students",
        ),
        Mistake(
            "divides_by_the_std",
            divides_by_the_std,
            "Your weights have standard deviation √(fan_in/2) (for ReLU). Kaiming multiplies by "
            "√(2/fan_in); you divide by it.",
            origin="lecture notes",
        ),
        Mistake(
            "std_times_two",
            std_times_two,
            "You multiply the standard deviation by gain² (2 for ReLU). It is the variance that "
            "doubles; the standard deviation grows by √2.",
            origin="lecture notes",
        ),
        Mistake(
            "takes_the_other_axis",
            takes_the_other_axis,
            "Your weight has the layout (in, out, …) and its fan-in is taken from the outputs. "
            "torch stores (out, in, …): the shape you are given is the shape to return.",
            origin="33 of 117 students",
        ),
        Mistake(
            "always_relu",
            always_relu,
            "You use √2 whatever the nonlinearity. With tanh the target is 5/3, with a leaky ReLU "
            "√(2/(1+a²)).",
        ),
        Mistake(
            "no_gain",
            no_gain,
            "This is LeCun's 1/√fan_in: right for a linear layer. The ReLU's lost half is not made "
            "up for.",
        ),
        Mistake(
            "takes_fan_out",
            takes_fan_out,
            "You divide by √fan_out. That keeps the backward signal; asked for is the forward one, "
            "with fan_in.",
        ),
        Mistake(
            "kernel_ignored",
            kernel_ignored,
            "For a convolution the fan-in is channels × kernel area. You count channels only.",
            origin="1 of 117 students",
        ),
        Mistake(
            "glorot_with_gain",
            glorot_with_gain,
            "You take the mean of both fans, as Glorot does. He's formula has fan_in alone.",
        ),
        Mistake(
            "the_std_alone",
            the_std_alone,
            "You return the standard deviation, a number. Asked for is a tensor of weights drawn "
            "with it.",
            origin="1 of 117 students",
        ),
        Mistake(
            "weight_and_bias",
            weight_and_bias,
            "You return a weight and a bias. Asked for is the weight alone.",
            origin="1 of 117 students",
        ),
        Mistake(
            "root_of_a_float",
            root_of_a_float,
            "`torch.sqrt` takes tensors only; fan_in is a Python number. Use `math.sqrt`.",
            origin="1 of 117 students",
        ),
        Mistake(
            "as_linear_does",
            as_linear_does,
            "This is what `nn.Linear` does by default: uniform with standard deviation "
            "1/√(3·fan_in), too small for ReLU layers by √6.",
        ),
        Mistake(
            "uniform_of_the_same_spread",
            uniform_of_the_same_spread,
            "Right spread, but uniform. Asked for are normal weights.",
        ),
    ],
    alternatives=[
        Alternative("he_by_normal", he_by_normal),
        Alternative("he_in_place", he_in_place),
        Alternative("he_by_numpy", he_by_numpy),
        Alternative("he_as_parameter", he_as_parameter),
    ],
    equivalent_mutants=indifferent(
        ("factor", "gain(nonlinearity, negative_slope)", "gain(nonlinearity, negative_slope)"),
        ("std", "factor / math.sqrt(fan_in)", "(factor / math.sqrt(fan_in))"),
    ),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out", "initialization/gain"),
    hints=(
        "Which of the two fans does the forward signal sum over?",
        "Derived above: D · Var(w) · ½ E[x²] must equal E[x²] when a ReLU follows.",
        "Standard deviation = gain / √fan_in; multiply standard normal numbers by it.",
    ),
)


def he_bound(shape, nonlinearity, negative_slope):
    return math.sqrt(3) * he_std(shape, nonlinearity, negative_slope)


def he_bound_is_std(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return (2 * torch.rand(shape) - 1) * std


def he_bound_from_zero(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[0])
    return torch.rand(shape) * math.sqrt(3) * std


def he_bound_relu_only(shape, nonlinearity="relu", negative_slope=0.01):
    return (2 * torch.rand(shape) - 1) * math.sqrt(6 / fan_in_and_fan_out(shape)[0])


def he_bound_fan_out(shape, nonlinearity="relu", negative_slope=0.01):
    std = gain(nonlinearity, negative_slope) / math.sqrt(fan_in_and_fan_out(shape)[1])
    return (2 * torch.rand(shape) - 1) * math.sqrt(3) * std


def he_bound_no_gain(shape, nonlinearity="relu", negative_slope=0.01):
    return (2 * torch.rand(shape) - 1) * math.sqrt(3 / fan_in_and_fan_out(shape)[0])


def he_uniform_in_place(shape, nonlinearity="relu", negative_slope=0.01):
    fan_in, _ = fan_in_and_fan_out(shape)
    bound = gain(nonlinearity, negative_slope) * math.sqrt(3 / fan_in)
    return torch.empty(shape).uniform_(-bound, bound)


lab.exercise(
    initialization.kaiming_uniform,
    title="Kaiming, drawn uniformly",
    statement=(
        "Draw weights uniformly in ±b with the same variance as `kaiming_normal` has for the same "
        "nonlinearity."
    ),
    points=2,
    minutes=5,
    difficulty=2,
    core=False,
    syllabus=("4.6",),
    hide=("Formula",),
    inputs=HE_CASES,
    probe=DRAWS,
    checks=[
        shape_is(lambda shape, **_: shape),
        mean_is(lambda **_: 0),
        std_is(he_std),
        is_uniform(he_bound),
        entries_are_independent(),
    ],
    mistakes=[
        Mistake(
            "he_bound_is_std",
            he_bound_is_std,
            "You use the standard deviation as the bound; the bound is √3 times it.",
        ),
        Mistake(
            "he_bound_from_zero",
            he_bound_from_zero,
            "Your weights are all positive: draw between −b and b.",
        ),
        Mistake(
            "he_bound_relu_only",
            he_bound_relu_only,
            "√(6/fan_in) is the bound for ReLU. For other nonlinearities it is gain · √(3/fan_in).",
        ),
        Mistake(
            "he_bound_fan_out",
            he_bound_fan_out,
            "You divide by the fan-out; the forward signal sums over the fan-in.",
        ),
        Mistake("he_bound_no_gain", he_bound_no_gain, "The gain is missing."),
    ],
    alternatives=[Alternative("he_uniform_in_place", he_uniform_in_place)],
    equivalent_mutants=indifferent(draw=UNIFORM),
    forbidden=INITIALIZERS,
    needs=("initialization/fan_in_and_fan_out", "initialization/gain"),
    hints=("b²/3 is the variance of a uniform distribution in ±b.", "b = gain · √(3/fan_in)."),
)

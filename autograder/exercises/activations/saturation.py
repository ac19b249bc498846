"""Saturation: measured at both ends, and what it can do to a gradient."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import lab
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import activations


def _squashed(rng, low, high):
    shape = tuple(int(n) for n in rng.permutation(np.arange(20, 40))[:2])
    z = rng.normal(size=shape) * rng.uniform(1, 3) + rng.uniform(-1, 1)
    h = low + (high - low) / (1 + np.exp(-z))
    return {"h": h, "low": low, "high": high, "margin": float(rng.uniform(0.05, 0.15))}


def _tanh(rng):
    return _squashed(rng, -1.0, 1.0)


def _sigmoid(rng):
    return _squashed(rng, 0.0, 1.0)


def _tanh_default(rng):
    drawn = _squashed(rng, -1.0, 1.0)
    del drawn["margin"]
    return drawn


def _scaled_tanh(rng):
    return _squashed(rng, -1.5, 2.5)


def upper_end_only(h, low, high, margin=0.03):
    distance = margin * (high - low)
    saturated = h > high - distance
    return saturated.to(h.dtype).mean()


def lower_end_only(h, low, high, margin=0.03):
    return (h < low + margin * (high - low)).to(h.dtype).mean()


def by_magnitude(h, low, high, margin=0.03):
    return (h.abs() > high - margin * (high - low)).to(h.dtype).mean()


def absolute_margin(h, low, high, margin=0.03):
    return ((h < low + margin) | (h > high - margin)).to(h.dtype).mean()


def distance_from_zero(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h < distance) | (h > high - distance)).to(h.dtype).mean()


def both_at_once(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h < low + distance) & (h > high - distance)).to(h.dtype).mean()


def the_healthy_ones(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h >= low + distance) & (h <= high - distance)).to(h.dtype).mean()


def counted(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h < low + distance) | (h > high - distance)).to(h.dtype).sum()


def whole_units(h, low, high, margin=0.03):
    distance = margin * (high - low)
    saturated = (h < low + distance) | (h > high - distance)
    return saturated.all(dim=0).to(h.dtype).mean()


def margin_as_limit(h, low, high, margin=0.03):
    return ((h < margin) | (h > 1 - margin)).to(h.dtype).mean()


def rescaled(h, low, high, margin=0.03):
    share = (h - low) / (high - low)
    return 1 - ((share >= margin) & (share <= 1 - margin)).float().mean()


def from_the_middle(h, low, high, margin=0.03):
    middle = (low + high) / 2
    return ((h - middle).abs() > (0.5 - margin) * (high - low)).double().mean()


lab.repair(
    activations.saturated_fraction,
    planted="upper_end_only",
    title="Find the error in the lecture notes: saturation",
    statement=r"""According to the notes tanh saturates when the *“activations all center around 1”*. The
cell below measures just this, the share of outputs close to the upper limit. Mend it, so that it
measures saturation as it is: the share of all entries of `h` that lie closer than
`margin` · (`high` − `low`) to **either** limit of the activation, `low` or `high` (−1 and 1 for tanh,
0 and 1 for the sigmoid).""",
    points=2,
    minutes=4,
    difficulty=1,
    core=False,
    syllabus=("2.9", "2.2"),
    hide=("Formula", "Raises"),
    inputs=(_tanh, _sigmoid, _scaled_tanh, _tanh_default),
    probe=probes.call(),
    # Rounding in float32 may carry an entry across a threshold.
    checks=[matches_reference("the saturated share", rtol=2e-3), leaves_inputs_alone()],
    mistakes=[
        Mistake(
            "upper_end_only",
            upper_end_only,
            "You count the upper end only. The activation is as flat at its lower limit.",
            origin="lecture notes",
        ),
        Mistake(
            "lower_end_only",
            lower_end_only,
            "Now you count the lower end only. Count both.",
        ),
        Mistake(
            "by_magnitude",
            by_magnitude,
            "|h| close to `high` is right for tanh only. The sigmoid's lower limit is 0: compare "
            "with `low` too.",
        ),
        Mistake(
            "absolute_margin",
            absolute_margin,
            "You use `margin` as a distance. It is a share of the range: margin · (high − low).",
        ),
        Mistake(
            "distance_from_zero",
            distance_from_zero,
            "You compare with `distance` itself, which is right for the sigmoid only. The lower "
            "limit is `low`: h < low + distance.",
        ),
        Mistake(
            "both_at_once",
            both_at_once,
            "No number is close to both limits at once: `|`, or, not `&`, and.",
        ),
        Mistake(
            "the_healthy_ones",
            the_healthy_ones,
            "You return the share that is *not* saturated.",
        ),
        Mistake(
            "counted", counted, "You return a count. A share is between 0 and 1: take the mean."
        ),
        Mistake(
            "whole_units",
            whole_units,
            "You count units that are saturated for *every* example. Asked for is the share of all "
            "entries.",
        ),
        Mistake(
            "margin_as_limit",
            margin_as_limit,
            "You compare with `margin` and 1 − `margin` whatever the limits are.",
        ),
    ],
    alternatives=[
        Alternative("rescaled", rescaled),
        Alternative("from_the_middle", from_the_middle),
    ],
    hints=(
        "One comparison for each end, joined with `|`.",
        "The lower one is `h < low + distance`.",
    ),
)


def _bound_for(name, *ranges):
    def draw(rng):
        norm = float(rng.choice([rng.uniform(*limits) for limits in ranges]))
        return {"activation": name, "layers": int(rng.integers(3, 9)), "weight_norm": norm}

    return draw


SHRINKS, GROWS = (0.4, 0.9), (1.2, 3)


def at_most_one(activation, layers, weight_norm):
    return min(1.0, ((0.25 if activation == "sigmoid" else 1.0) * weight_norm) ** layers)


def steepest_is_one(activation, layers, weight_norm):
    return weight_norm**layers


def half_for_sigmoid(activation, layers, weight_norm):
    return ({"sigmoid": 0.5}.get(activation, 1.0) * weight_norm) ** layers


def weights_forgotten(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) ** layers


def slope_once(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) * weight_norm**layers


def weights_once(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) ** layers * weight_norm


def one_layer_less(activation, layers, weight_norm):
    return ((0.25 if activation == "sigmoid" else 1.0) * weight_norm) ** (layers - 1)


def times_layers(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) * weight_norm * layers


def quarter_for_tanh(activation, layers, weight_norm):
    return ({"relu": 1.0}.get(activation, 0.25) * weight_norm) ** layers


def half_for_relu(activation, layers, weight_norm):
    return ({"sigmoid": 0.25, "tanh": 1.0, "relu": 0.5}[activation] * weight_norm) ** layers


def by_loop(activation, layers, weight_norm):
    bound = 1.0
    for _ in range(layers):
        bound *= weight_norm * {"sigmoid": 0.25, "tanh": 1, "relu": 1}[activation]
    return bound


def largest_slope_found(activation, layers, weight_norm):
    x = torch.zeros(1, dtype=torch.float64) if activation != "relu" else torch.ones(1).double()
    y = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[activation](x)
    slope = {"sigmoid": y * (1 - y), "tanh": 1 - y**2, "relu": (y > 0).double()}[activation]
    return float(slope * weight_norm) ** layers


lab.value(
    activations.backward_bound,
    title="How fast can a gradient vanish?",
    statement=r"""On its way back through one layer $h = f(z),\ z = hW^\top$ a gradient is multiplied by
the slope $f'(z)$ and then by $W$. It can grow at most by $\max|f'| \cdot \|W\|$, where
$\|W\|$ = `weight_norm` is the largest singular value.

Return the bound for a network of `layers` such layers, for `activation` one of `"sigmoid"`,
`"tanh"`, `"relu"`. What is it for ten sigmoid layers with ‖W‖ = 1?""",
    points=2,
    minutes=4,
    difficulty=1,
    core=False,
    syllabus=("2.9", "2.1"),
    hide=("Formula",),
    inputs=(
        _bound_for("sigmoid", SHRINKS, GROWS),
        _bound_for("tanh", GROWS),
        _bound_for("relu", SHRINKS, GROWS),
        _bound_for("sigmoid", SHRINKS, GROWS),
    ),
    probe=probes.call(),
    checks=[matches_reference("the bound")],
    mistakes=[
        Mistake(
            "steepest_is_one",
            steepest_is_one,
            "You take 1 for the largest slope of the sigmoid as well. It is σ'(0) = ½ · ½ = ¼.",
        ),
        Mistake(
            "half_for_sigmoid",
            half_for_sigmoid,
            "½ is the *value* of the sigmoid at 0. Its slope there is ½ · ½ = ¼.",
        ),
        Mistake(
            "weights_forgotten", weights_forgotten, "The factor ‖W‖ of every layer is missing."
        ),
        Mistake(
            "slope_once",
            slope_once,
            "The slope of the activation counts in every layer, not once.",
        ),
        Mistake("weights_once", weights_once, "‖W‖ counts in every layer, not once."),
        Mistake("one_layer_less", one_layer_less, "You have one layer too few."),
        Mistake(
            "times_layers",
            times_layers,
            "The factors of the layers are *multiplied*: a power, not a multiple.",
        ),
        Mistake(
            "at_most_one",
            at_most_one,
            "You cut the bound off at 1. With ‖W‖ above 1 a gradient can grow, and so can its bound.",
        ),
        Mistake("quarter_for_tanh", quarter_for_tanh, "The largest slope of tanh is 1, at 0."),
        Mistake(
            "half_for_relu",
            half_for_relu,
            "Half of the units of a ReLU layer may be off, but a bound asks for the largest slope, "
            "which is 1.",
        ),
    ],
    alternatives=[
        Alternative("by_loop", by_loop),
        Alternative("largest_slope_found", largest_slope_found),
    ],
    hints=("The factors of all layers are multiplied.", "Where is each activation steepest?"),
)

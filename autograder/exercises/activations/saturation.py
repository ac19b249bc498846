"""Saturation: measured at both ends, and what it can do to a gradient."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    IN_FLOAT32,
    draw_slope,
    in_a_line,
    lab,
    put_in,
    without,
)
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import activations


def _squashed(low, high):
    """Outputs in steps of a thousandth, off every limit, but for some at a limit or next to it.

    The limits that are met exactly have so few digits that whatever computes them gets the same.
    Those of the default margin are missed by less than float16 can tell.
    """

    def draw(rng):
        shape = tuple(int(n) for n in rng.permutation([7, 9, 11, 13])[:3])
        z = rng.normal(size=shape) * rng.uniform(1, 3) + rng.uniform(-1, 1)
        z[:, int(rng.integers(shape[1]))] = rng.choice([-9.0, 9.0], size=(shape[0], shape[2]))
        h = np.floor(1000 * (low + (high - low) / (1 + np.exp(-z)))) / 1000 + 0.0003
        margin = draw_slope(rng, 0.05, 0.15)
        shares = np.array([margin, 0.03 * (1 - 2e-5)])
        edges = np.concatenate([low + shares * (high - low), high - shares * (high - low)])
        return {"h": put_in(rng, h, np.tile(edges, 3)), "low": low, "high": high, "margin": margin}

    return draw


_tanh, _sigmoid, _stretched = _squashed(-1.0, 1.0), _squashed(0.0, 1.0), _squashed(-1.5, 2.5)


saturated_fraction = lab.repair(
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
    core=False,
    syllabus=("2.9", "2.2"),
    hide=("Formula", "Raises"),
    inputs=(_tanh, in_a_line(_sigmoid), _stretched, without(_tanh, "margin")),
    probe=probes.call(),
    checks=[matches_reference("the saturated share", rtol=IN_FLOAT32), leaves_inputs_alone()],
    equivalent_mutants={
        "right only for arguments that hold something": "a share of nothing is no number",
    },
    hints=(
        "One comparison for each end, joined with `|`.",
        "The lower one is `h < low + distance`.",
    ),
)


@saturated_fraction.mistake(
    "You count the upper end only. The activation is as flat at its lower limit.",
    origin="lecture notes",
)
def upper_end_only(h, low, high, margin=0.03):
    distance = margin * (high - low)
    saturated = h > high - distance
    return saturated.to(h.dtype).mean()


@saturated_fraction.mistake("Now you count the lower end only. Count both.")
def lower_end_only(h, low, high, margin=0.03):
    return (h < low + margin * (high - low)).to(h.dtype).mean()


@saturated_fraction.mistake(
    "|h| close to `high` is right for tanh only. The sigmoid's lower limit is 0: compare with "
    "`low` too."
)
def by_magnitude(h, low, high, margin=0.03):
    return (h.abs() > high - margin * (high - low)).to(h.dtype).mean()


@saturated_fraction.mistake(
    "You use `margin` as a distance. It is a share of the range: margin · (high − low)."
)
def absolute_margin(h, low, high, margin=0.03):
    return ((h < low + margin) | (h > high - margin)).to(h.dtype).mean()


@saturated_fraction.mistake(
    "You compare with `distance` itself, which is right for the sigmoid only. The lower limit is "
    "`low`: h < low + distance."
)
def distance_from_zero(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h < distance) | (h > high - distance)).to(h.dtype).mean()


@saturated_fraction.mistake("No number is close to both limits at once: `|`, or, not `&`, and.")
def both_at_once(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h < low + distance) & (h > high - distance)).to(h.dtype).mean()


@saturated_fraction.mistake("You return the share that is *not* saturated.")
def the_healthy_ones(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h >= low + distance) & (h <= high - distance)).to(h.dtype).mean()


@saturated_fraction.mistake("You return a count. A share is between 0 and 1: take the mean.")
def counted(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return ((h < low + distance) | (h > high - distance)).to(h.dtype).sum()


@saturated_fraction.mistake("Your share is in percent. A share is between 0 and 1: no factor 100.")
def percent(h, low, high, margin=0.03):
    distance = margin * (high - low)
    return 100 * ((h < low + distance) | (h > high - distance)).to(h.dtype).mean()


@saturated_fraction.mistake(
    "You count units that are saturated for *every* example. Asked for is the share of all entries."
)
def whole_units(h, low, high, margin=0.03):
    distance = margin * (high - low)
    saturated = (h < low + distance) | (h > high - distance)
    return saturated.all(dim=0).to(h.dtype).mean()


@saturated_fraction.mistake("You compare with `margin` and 1 − `margin` whatever the limits are.")
def margin_as_limit(h, low, high, margin=0.03):
    return ((h < margin) | (h > 1 - margin)).to(h.dtype).mean()


@saturated_fraction.alternative
def rescaled(h, low, high, margin=0.03):
    share = (h - low) / (high - low)
    return 1 - ((share >= margin) & (share <= 1 - margin)).float().mean()


@saturated_fraction.alternative
def from_the_middle(h, low, high, margin=0.03):
    middle = (low + high) / 2
    return ((h - middle).abs() > (0.5 - margin) * (high - low)).double().mean()


def _bound_for(name, *ranges):
    def draw(rng):
        norm = float(rng.choice([rng.uniform(*limits) for limits in ranges]))
        return {"activation": name, "layers": int(rng.integers(3, 9)), "weight_norm": norm}

    return draw


SHRINKS, GROWS = (0.4, 0.9), (1.2, 3)


backward_bound = lab.value(
    activations.backward_bound,
    title="How fast can a gradient vanish?",
    statement=r"""On its way back through one layer $h = f(z),\ z = hW^\top$ a gradient is multiplied by
the slope $f'(z)$ and then by $W$. It can grow at most by $\max|f'| \cdot \|W\|$, where
$\|W\|$ = `weight_norm` is the largest singular value.

Return the bound for a network of `layers` such layers, for `activation` one of `"sigmoid"`,
`"tanh"`, `"relu"`. What is it for ten sigmoid layers with ‖W‖ = 1?""",
    points=2,
    minutes=4,
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
    hints=("The factors of all layers are multiplied.", "Where is each activation steepest?"),
)


@backward_bound.mistake(
    "You take 1 for the largest slope of the sigmoid as well. It is σ'(0) = ½ · ½ = ¼."
)
def steepest_is_one(activation, layers, weight_norm):
    return weight_norm**layers


@backward_bound.mistake("½ is the *value* of the sigmoid at 0. Its slope there is ½ · ½ = ¼.")
def half_for_sigmoid(activation, layers, weight_norm):
    return ({"sigmoid": 0.5}.get(activation, 1.0) * weight_norm) ** layers


@backward_bound.mistake("The factor ‖W‖ of every layer is missing.")
def weights_forgotten(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) ** layers


@backward_bound.mistake("The slope of the activation counts in every layer, not once.")
def slope_once(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) * weight_norm**layers


@backward_bound.mistake("‖W‖ counts in every layer, not once.")
def weights_once(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) ** layers * weight_norm


@backward_bound.mistake("You have one layer too few.")
def one_layer_less(activation, layers, weight_norm):
    return ((0.25 if activation == "sigmoid" else 1.0) * weight_norm) ** (layers - 1)


@backward_bound.mistake("The factors of the layers are *multiplied*: a power, not a multiple.")
def times_layers(activation, layers, weight_norm):
    return (0.25 if activation == "sigmoid" else 1.0) * weight_norm * layers


@backward_bound.mistake(
    "You cut the bound off at 1. With ‖W‖ above 1 a gradient can grow, and so can its bound."
)
def at_most_one(activation, layers, weight_norm):
    return min(1.0, ((0.25 if activation == "sigmoid" else 1.0) * weight_norm) ** layers)


@backward_bound.mistake("The largest slope of tanh is 1, at 0.")
def quarter_for_tanh(activation, layers, weight_norm):
    return ({"relu": 1.0}.get(activation, 0.25) * weight_norm) ** layers


@backward_bound.mistake(
    "Half of the units of a ReLU layer may be off, but a bound asks for the largest slope, which "
    "is 1."
)
def half_for_relu(activation, layers, weight_norm):
    return ({"sigmoid": 0.25, "tanh": 1.0, "relu": 0.5}[activation] * weight_norm) ** layers


@backward_bound.alternative
def by_loop(activation, layers, weight_norm):
    bound = 1.0
    for _ in range(layers):
        bound *= weight_norm * {"sigmoid": 0.25, "tanh": 1, "relu": 1}[activation]
    return bound


@backward_bound.alternative
def largest_slope_found(activation, layers, weight_norm):
    x = torch.zeros(1, dtype=torch.float64) if activation != "relu" else torch.ones(1).double()
    y = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}[activation](x)
    slope = {"sigmoid": y * (1 - y), "tanh": 1 - y**2, "relu": (y > 0).double()}[activation]
    return float(slope * weight_norm) ** layers

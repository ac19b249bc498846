"""Alpha-dropout: the dropout that keeps SELU's mean and variance."""

import math

import numpy as np
import torch

from autograder import probes
from autograder.exercises.activations.lab import in_a_line, lab
from autograder.judging import Part, edit
from autograder.judging.checks import Check, finding, leaves_inputs_alone
from autograder.judging.statistics import coins_are_independent, share_is
from course_lib import activations


ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805


def _signal(rng):
    # Evenly spread over a skewed distribution: mean 0 and variance 1 up to a hair. Its size and its
    # skew tell the mistakes apart; for p near 0.68 the factor a would be 1.
    shape = int(rng.integers(29, 34)), int(rng.integers(39, 45)), 4
    grid = (np.arange(np.prod(shape)) + 0.5) / np.prod(shape)
    values = np.exp(0.3 * np.sqrt(2) * torch.erfinv(torch.from_numpy(2 * grid - 1)).numpy())
    x = rng.permutation((values - values.mean()) / values.std()).reshape(shape)
    return {"x": x, "p": float(rng.uniform(0.2, 0.4))}


def _often(rng):
    return {**_signal(rng), "p": float(rng.uniform(0.8, 0.88))}


def _evaluation(rng):
    return {**_often(rng), "training": False}


def _constants(p):
    lowest = -ALPHA * SCALE
    a = ((1 - p) + lowest**2 * p * (1 - p)) ** -0.5
    return a, -a * p * lowest, lowest


def _dropped(case):
    """Which entries of all draws are the dropped ones, and whether every entry is explained."""
    draws = np.asarray(case.observed["result"], dtype=np.float64)
    a, b, lowest = _constants(case.inputs["p"])
    x = np.broadcast_to(case.inputs["x"], draws.shape)
    tolerance = 1e-3 if case.dtype == "float32" else 1e-8
    dropped = np.abs(draws - (a * lowest + b)) < tolerance
    kept = np.abs(draws - (a * x + b)) < tolerance * (1 + np.abs(x))
    return dropped, dropped | kept


def _lines(case, draws):
    """What an answer makes of kept and of dropped entries, in words."""
    if not np.isfinite(draws).all():
        return "nan or inf"
    values, counts = np.unique(np.round(draws, 4), return_counts=True)
    common = values[counts.argmax()]
    dropped = np.abs(draws - common) < 1e-3
    if not 0.05 < dropped.mean() < 0.99:
        return "no one value for all dropped entries"
    x = np.broadcast_to(case.inputs["x"], draws.shape)[~dropped]
    factor, shift = np.polyfit(x, draws[~dropped], 1)
    return f"kept entries {factor:.3f}·x {shift:+.3f}, dropped ones {common:.3f}"


def _every_entry(case):
    result = case.observed.get("result")
    wanted = case.inputs["x"].shape
    if not isinstance(result, np.ndarray) or result.shape[1:] != wanted:
        return finding(False, f"shape {wanted}", "another shape", "another shape")
    if case.inputs.get("training", True):
        _, explained = _dropped(case)
        share = float(explained.mean())
        if share == 1:
            return finding(True)
        a, b, lowest = _constants(case.inputs["p"])
        return finding(
            False,
            f"kept entries {a:.3f}·x {b:+.3f}, dropped ones {a * lowest + b:.3f}",
            _lines(case, result),
            "some entries are neither a·x + b nor a·α' + b",
        )
    same = np.abs(result - case.inputs["x"]) <= 1e-6 * (1 + np.abs(case.inputs["x"]))
    return finding(bool(same.all()), "x itself", "something else", "x was changed in evaluation")


def _which(case):
    """Which entries of all draws were dropped."""
    return _dropped(case)[0]


def _asked(p, training=True, **_):
    return p if training else 0


alpha_dropout = lab.exercise(
    activations.alpha_dropout,
    title="Dropout for SELU",
    statement=r"""Ordinary dropout sets units to 0. For SELU this is a foreign value, and the variance
changes. Alpha-dropout sets them to the value SELU takes at −∞, $\alpha' = -\lambda\alpha$, and then
applies one affine map to *all* entries, so that an input of mean 0 and variance 1 keeps both:

$$y = a\,\big(x\,d + \alpha'(1-d)\big) + b, \qquad d = 0 \text{ with probability } p.$$

Derive a and b: compute mean and variance of the bracket for x of mean 0 and variance 1, independent
of d. `p` is the probability of **dropping**; with `training=False` return x as it is. α and λ are
those of SELU.""",
    parts=[
        Part(
            "the entries",
            2,
            (
                Check("every entry is kept or dropped as asked", _every_entry),
                leaves_inputs_alone(),
            ),
        ),
        Part(
            "the draw",
            2,
            (
                Check("the entries are as asked", _every_entry),
                share_is(_asked, "entries are dropped with probability p", of=_which),
                coins_are_independent("every entry is dropped by itself", of=_which),
            ),
        ),
    ],
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("2.7",),
    hide=("Formula",),
    inputs=(_signal, in_a_line(_evaluation), _often),
    probe=probes.draws(count=6),
    equivalent_mutants={
        "right only for arguments that hold something": "nothing has neither a mean nor a variance "
        "to keep",
    },
    forbidden=(
        "torch.nn.functional",
        "torch.nn.AlphaDropout",
        "torch.nn.FeatureAlphaDropout",
        "torch.alpha_dropout",
        "torch.nn.Dropout",
        "torch.dropout",
    ),
    hints=(
        "With q = 1 − p: the bracket has mean p α' and second moment q · 1 + p α'².",
        "Its variance is q + p α'² − p² α'² = q + α'² p q. Which a makes it 1, which b makes the "
        "mean 0?",
        "a = (q + α'² p q)^(−1/2) and b = −a p α'; `torch.where(torch.rand_like(x) >= p, x, …)`.",
    ),
)


alpha_dropout.mistake(
    "ordinary_dropout",
    edit("a * torch.where(kept, x, lowest) + b", "x * kept / (1 - p)"),
    "This is ordinary dropout: entries become 0 and the others grow by 1/(1 − p). The mean stays, "
    "the variance becomes 1/(1 − p). Drop to α' = −λα and apply a and b.",
)
alpha_dropout.mistake(
    "no_repair",
    edit("a * torch.where(kept, x, lowest) + b", "torch.where(kept, x, lowest)"),
    "You drop to α' and leave it at that: the mean is now pα'. The affine map a(…) + b is missing.",
)
alpha_dropout.mistake(
    "dropped_to_zero",
    edit("torch.where(kept, x, lowest)", "torch.where(kept, x, 0)"),
    "a and b are right, but they belong to entries dropped to α', and yours are dropped to 0.",
)
alpha_dropout.mistake(
    "p_is_keep",
    edit("lowest = -1", "p = 1 - p\nlowest = -1"),
    "You read p as the probability of *keeping* (the paper's q). In this lab, as in torch, p is "
    "the probability of dropping.",
)
alpha_dropout.mistake(
    "wrong_way_mask",
    edit("bernoulli_(1 - p)", "bernoulli_(p)"),
    "a and b are those for dropping with probability p, but your mask drops 1 − p: the comparison "
    "is the other way round.",
)
alpha_dropout.mistake(
    "shift_forgotten",
    edit(" + b", ""),
    "The shift b is missing: the mean is a p α', not 0. b = −a p α'.",
)
alpha_dropout.mistake(
    "scale_forgotten",
    edit("1 / math.sqrt((1 - p) + lowest**2 * (1 - p) * p)", "1"),
    "The mean is right, the variance is not: the factor a = (q + α'² q p)^(−1/2) is missing (and "
    "with it the a in b = −a p α').",
)
alpha_dropout.mistake(
    "mirrored_limit",
    edit("lowest = -1", "lowest = 1"),
    "You drop to +λα. SELU's limit at −∞ is negative: α' = −λα.",
)
alpha_dropout.mistake(
    "normal_numbers",
    edit("torch.empty_like(x).bernoulli_(1 - p).bool()", "torch.randn_like(x) >= p"),
    "You compare *normal* numbers with p (`randn`). Uniform ones in (0, 1) are below p with "
    "probability p: `torch.rand_like`.",
    origin="11 of 250 students, in ordinary dropout",
)
alpha_dropout.mistake(
    "drops_in_evaluation",
    edit("if not training:", "if False:"),
    "You drop entries also when `training` is False.",
)
alpha_dropout.mistake(
    "only_the_kept",
    edit("a * torch.where(kept, x, lowest) + b", "torch.where(kept, a * x + b, lowest)"),
    "You apply a and b to the kept entries only. The affine map is for *all* entries: those "
    "dropped to α' become a α' + b.",
)
alpha_dropout.mistake(
    "shifted_down",
    edit("b = -a", "b = a"),
    "Your b has the wrong sign. The bracket has the mean pα', which is negative, and b = −a p α' "
    "lifts it to 0.",
)
alpha_dropout.mistake(
    "root_forgotten",
    edit("math.sqrt(", "("),
    "Your a is 1 over the *variance* of the bracket. To make the variance 1, divide by its root: "
    "a = (q + α'² p q)^(−1/2).",
)
alpha_dropout.mistake(
    "seeded",
    edit("kept = ", "torch.manual_seed(0)\nkept = "),
    "You drop the same entries at every call. Do not seed the generator in the function.",
)


@alpha_dropout.mistake("Nothing is dropped, and x comes back as it was.")
def never_drops(x, p, training=True):
    return x


@alpha_dropout.alternative
def by_bernoulli(x, p, training=True):
    if not training:
        return x.clone()
    keep = 1 - p
    low = -1.0507009873554805 * 1.6732632423543772
    d = torch.bernoulli(torch.full_like(x, keep))
    a = (keep + low**2 * keep * (1 - keep)) ** -0.5
    return a * (x * d + low * (1 - d)) - a * (1 - keep) * low


@alpha_dropout.alternative
def by_moments(x, p, training=True):
    if not training:
        return x
    low = -1.7580993408473766
    out = x.masked_fill(torch.rand(x.shape) < p, low)
    mean = p * low
    variance = (1 - p) + p * low**2 - mean**2
    return (out - mean) / math.sqrt(variance)

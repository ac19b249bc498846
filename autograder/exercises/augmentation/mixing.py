"""Mixup: what each image kept of itself, and whom it was mixed with, read off images of one pixel."""

import numpy as np
import torch
from scipy.special import betainc

from autograder import probes
from autograder.exercises.augmentation.lab import holds, lab, read_once, told_by
from autograder.judging import Part, edit
from autograder.judging.checks import Check, finding, keeps_dtype, leaves_inputs_alone
from autograder.judging.statistics import share_is
from autograder.judging.statistics.draws import numbers_of
from course_lib import augmentation


# Measured with the notebook's small network on 500 images, 40 epochs, two seeds, 1,500 test images:
# as they are, then with flips and small warps.
#     animals   0.824 0.815     0.849 0.862
#     clothes   0.805 0.802     0.790 0.783
ON_CLOTHES = (
    "a point and a half or more are gained, as on animals",
    "less than that: next to nothing, or a loss",
)


def outcome_on_clothes() -> str:
    """Measured: mean accuracy 0.804 without, 0.787 with flips and warps."""
    return ON_CLOTHES[1]


lab.prediction(
    "on_clothes",
    title="Predict: the same recipe on clothes",
    statement=(
        "The same network, the same recipe, 500 images of Fashion-MNIST: flips, small rotations and "
        "crops, against none. What does the test accuracy gain?"
    ),
    minutes=2,
    syllabus=("9.1", "9.12"),
    choices=ON_CLOTHES,
    outcome=outcome_on_clothes,
    explanation=(
        "Animals look left or right and stand anywhere in their pictures: flips and warps show what a "
        "test image may be. The clothes were all photographed in one position and cut to one frame, and "
        "the test images too: no test image looks like a turned shirt, and a small network spends its "
        "weights on what never comes. An augmentation helps where it makes images that could have come."
    ),
)


def _batch(low, high):
    def draw(rng):
        count, height = int(rng.integers(45, 50)) * 2, 2
        # One bright pixel each, at another place: what came from which image can be read off.
        images = np.diag(rng.uniform(1, 3, count) * rng.choice([-1, 1], count))
        return {
            "images": images.reshape(count, 1, height, count // height),
            "targets": np.eye(count)[rng.permutation(count)],
            "alpha": float(rng.uniform(low, high)),
        }

    return draw


@read_once
def _weights(case, path, name):
    """How much of image j is in image i of every draw: (draws, N, N)."""
    drawn = numbers_of(case, path)
    given = case.inputs[name].astype(np.float64)
    if drawn is None or drawn.shape[1:] != given.shape:
        return None
    count = len(given)
    basis = given.reshape(count, -1)
    place = np.abs(basis).argmax(axis=1)
    flat = drawn.reshape(len(drawn), count, -1).astype(np.float64)
    return flat[:, :, place] / basis[np.arange(count), place]


_LEAST = 1e-4
"""A weight below this is not told from none."""


@read_once
def _of(case, path="0", name="images"):
    """Of every image of every draw: what it kept of itself, its partner and the partner's part.

    Where nothing was mixed in, it kept all, and is its own partner.
    """
    weights = _weights(case, path, name)
    count = weights.shape[1]
    own = np.einsum("dii->di", weights).copy()
    rest = weights.copy()
    rest[:, np.arange(count), np.arange(count)] = 0
    partner = np.abs(rest).argmax(axis=2)
    other = np.take_along_axis(rest, partner[:, :, None], axis=2)[:, :, 0]
    alone = np.abs(other) < _LEAST
    return own, np.where(alone, np.arange(count), partner), other, np.abs(rest).sum(axis=2)


def _of_targets(case):
    return _of(case, "1", "targets")


def _two_of_them(read, what):
    def look(case):
        own, _, other, all_others = read(case)
        wrong = np.abs(own + other - 1) > 10 * _LEAST
        wrong |= np.abs(all_others - np.abs(other)) > 10 * _LEAST
        wrong |= (own < -_LEAST) | (own > 1 + _LEAST)
        observed = f"{wrong.mean():.0%} are mixed otherwise"
        return finding(not wrong.any(), "λ and 1 − λ of two", observed, observed)

    return Check(what, look)


def _same_mixture(case):
    images = _weights(case, "0", "images")
    targets = _weights(case, "1", "targets")
    torn = float((np.abs(images - targets).max(axis=2) > 10 * _LEAST).mean())
    return finding(torn == 0, "the same", f"{torn:.0%} differ", f"{torn:.0%} differ")


def _shares(case):
    return _of(case)[0]


def _near_an_end(alpha):
    """Where low ends and, from the other side, high: many lie there, or hardly any."""
    return 0.45 if alpha < 10 else 0.35


def _low(case):
    return _shares(case) < _near_an_end(case.inputs["alpha"])


def _high(case):
    return _shares(case) > 1 - _near_an_end(case.inputs["alpha"])


def _share_at_an_end(alpha, **_):
    return float(betainc(alpha, alpha, _near_an_end(alpha)))


def _kept_again(case):
    """Whether an image has the same partner in the first two draws."""
    partners = _of(case)[1]
    return partners[:1] == partners[1:2]


@read_once
def _each_its_own(case):
    shares = np.round(_shares(case), 6)
    between = shares[(shares > 0.01) & (shares < 0.99)]
    distinct = len(np.unique(between)) / max(1, len(between))
    observed = "few different λ" if distinct <= 0.5 else "different λ"
    return finding(distinct > 0.5 or not len(between), "a λ for each", observed, observed)


def _something(case):
    mixed = float((np.abs(_shares(case) - 1) > 0.01).mean())
    return finding(mixed > 0.5, "mixtures", f"{mixed:.0%} are mixed", "most are as they were")


def _drawn_afresh(case):
    again = float(_kept_again(case).mean())
    observed = f"{again:.0%} have the same partner in two calls"
    return finding(again < 0.6, "other partners in every call", observed, observed)


_IMAGES = _two_of_them(_of, "every image is λ of itself and 1 − λ of one other")
_TARGETS = _two_of_them(_of_targets, "every target is λ of itself and 1 − λ of one other")
_TOGETHER = Check("targets are mixed as their images are", _same_mixture)
_MIXED = Check("something is mixed in", _something)
_EACH = Check("every image has a λ of its own", _each_its_own)
_PARTNERS = Check("the partners are drawn afresh", _drawn_afresh)
_LOW = share_is(_share_at_an_end, "small λ come as often as Beta(α, α) has them", of=_low)
_HIGH = share_is(_share_at_an_end, "large λ come as often as Beta(α, α) has them", of=_high)


def _between(case):
    return np.abs(_shares(case) - 0.5) < 0.2


def _unless_one(check):
    """Of a single λ it says nothing how often it comes."""

    def look(case):
        return check(case) if _each_its_own(case).passed else finding(True)

    return Check(check.property, look, statistical=True)


def _mostly(condition):
    return lambda case: np.mean(condition(_shares(case), _of_targets(case)[0])) > 0.9


_TOLD_BY = told_by(
    _IMAGES,
    _TARGETS,
    _TOGETHER,
    _EACH,
    _PARTNERS,
    _unless_one(
        share_is(lambda alpha, **_: 1 - 2 * betainc(alpha, alpha, 0.3), "beta", of=_between)
    ),
    _unless_one(share_is(lambda **_: 0.4, "uniform", of=_between)),
    holds(
        "at least a half",
        lambda case: not _each_its_own(case).passed or (_shares(case) >= 0.5 - _LEAST).all(),
    ),
    holds("targets as they were", lambda case: (_of_targets(case)[0] == 1).all()),
    holds("hard targets", lambda case: np.isin(case.observed["result"][0][1], (0.0, 1.0)).all()),
    holds("exchanged", _mostly(lambda one, other: np.abs(one + other - 1) < 0.01)),
    holds("the same λ", _mostly(lambda one, other: np.abs(one - other) < 0.01)),
    holds("a half", lambda case: np.mean(np.abs(_shares(case) - 0.5) < 1e-3) > 0.9),
    holds("nothing", lambda case: (_shares(case) == 1).all()),
)

mixup = lab.exercise(
    augmentation.mixup,
    title="Mix two images",
    statement=r"""*Mixup* makes a new example of two, on the straight line between them, and the label goes
along:

$$\tilde x_i = \lambda_i x_i + (1-\lambda_i)\,x_{\pi(i)}, \qquad \tilde y_i = \lambda_i y_i + (1-\lambda_i)\,y_{\pi(i)}$$

`targets` (N, K) are rows of class probabilities. Draw a $\lambda_i$ for **every image** from
Beta(α, α), `torch.distributions.Beta`, and one random permutation π of the batch. With a small α most
λ are near 0 or 1. Return both mixtures.""",
    parts=[
        Part("the mixture", 2, (_IMAGES, _TARGETS, _TOGETHER, _MIXED, keeps_dtype("result.0.0"),
                                leaves_inputs_alone())),
        Part("the draw", 2, (_IMAGES, _EACH, _LOW, _HIGH, _PARTNERS)),
    ],
    minutes=7,
    difficulty=2,
    syllabus=("9.10",),
    hide=("Formula",),
    inputs=(_batch(4, 5), _batch(18, 24), _batch(4, 5)),
    probe=probes.draws(count=3),
    signature=_TOLD_BY,
    forbidden=("torchvision",),
    equivalent_mutants={
        "partner = torch.randperm(len(images), device=images.device) => "
        "partner = torch.randperm(len(images))": "images lie on the CPU here",
        "partner = torch.randperm(len(images), device=images.device) => "
        "partner = -torch.randperm(len(images), device=images.device)": "counted from the end, "
        "these are a permutation too",
        "weight = torch.distributions.Beta(alpha, alpha).sample((len(images), 1)).to(images) => "
        "weight = unconverted(torch.distributions.Beta(alpha, alpha).sample((len(images), 1)), "
        "torch.distributions.Beta(alpha, alpha).sample((len(images), 1)).to(images))": "λ is drawn "
        "in float32, and takes part in the dtype of the images",
        "right only for positive targets": "probabilities are not negative",
        "everything is done under torch.no_grad()": "nobody differentiates through an augmentation",
    },
    hints=(
        "`torch.distributions.Beta(alpha, alpha).sample((N,))` are all λ, `torch.randperm(N)` is π.",
        "λ of shape (N, 1, 1, 1) multiplies images, of shape (N, 1) targets.",
        "`images[partner]` are the partners, all at once; the same `partner` and the same λ for the "
        "targets.",
    ),
)  # fmt: skip


mixup.mistake(
    "labels_not_mixed",
    edit("weight * targets + (1 - weight) * targets[partner]", "targets"),
    "Your targets stay those of the first image, though much of the image may be the other one. Mix "
    "them with the same λ and partner.",
)
mixup.mistake(
    "another_weight",
    edit(
        "weight * targets + (1 - weight) * targets[partner]",
        "(lambda w: w * targets + (1 - w) * targets[partner])("
        "torch.distributions.Beta(alpha, alpha).sample((len(images), 1)).to(images))",
    ),
    "The targets have λ of their own. Draw once, for both.",
)
mixup.mistake(
    "another_partner",
    edit("targets[partner]", "targets[torch.randperm(len(images))]"),
    "The targets have other partners than the images. Draw one permutation, for both.",
)
mixup.mistake(
    "weights_exchanged",
    edit(
        "weight * targets + (1 - weight) * targets[partner]",
        "(1 - weight) * targets + weight * targets[partner]",
    ),
    "λ and 1 − λ are exchanged in the targets: an image that is mostly a cat is called a dog.",
)
mixup.mistake(
    "one_weight_for_all",
    edit("sample((len(images), 1))", "sample((1, 1)).expand(len(images), 1)"),
    "One λ serves the whole batch. Many recipes do so; here every image has its own: "
    "`.sample((N,))`.",
)
mixup.mistake(
    "uniform_weight",
    edit(
        "torch.distributions.Beta(alpha, alpha).sample((len(images), 1))",
        "torch.rand(len(images), 1)",
    ),
    "Your λ are uniform, which is Beta(1, 1). Draw them from Beta(α, α): with α = 0.2 two of three are "
    "below 0.1 or above 0.9, of uniform ones one of five.",
)
mixup.mistake(
    "always_a_half",
    edit(
        "torch.distributions.Beta(alpha, alpha).sample((len(images), 1))",
        "torch.full((len(images), 1), 0.5)",
    ),
    "You always mix half and half. λ is drawn from Beta(α, α).",
)
mixup.mistake(
    "the_larger_share",
    edit("share = weight[", "weight = torch.maximum(weight, 1 - weight)\nshare = weight["),
    "You take the larger of λ and 1 − λ. Other methods do; here λ is as it is drawn.",
)
mixup.mistake(
    "hard_labels",
    edit(
        "weight * targets + (1 - weight) * targets[partner]",
        "torch.nn.functional.one_hot((weight * targets + (1 - weight) * targets[partner])"
        ".argmax(dim=1), targets.shape[1]).to(targets)",
    ),
    "You round the mixed targets to one class. It is the mixture that teaches: each row keeps λ of one "
    "class and 1 − λ of the other.",
)
mixup.mistake(
    "next_one_as_partner",
    edit("torch.randperm(len(images), device=images.device)", "torch.arange(len(images)).roll(1)"),
    "The partner of an image is always the same one. Draw a permutation: `torch.randperm`.",
)
mixup.mistake(
    "reversed_batch",
    edit(
        "torch.randperm(len(images), device=images.device)",
        "torch.arange(len(images) - 1, -1, -1)",
    ),
    "The partner of an image is always the same one. Draw a permutation: `torch.randperm`.",
)


@mixup.mistake("You add the two images and weigh only one of them: 1 − λ belongs to the other.")
def not_weighed(images, targets, alpha):
    weight = torch.distributions.Beta(alpha, alpha).sample((len(images), 1)).to(images)
    partner = torch.randperm(len(images))
    return (
        weight[:, :, None, None] * images + images[partner],
        weight * targets + targets[partner],
    )


@mixup.mistake("Nothing is mixed.")
def nothing(images, targets, alpha):
    return images.clone(), targets.clone()


@mixup.alternative
def by_lerp(images, targets, alpha):
    order = torch.randperm(images.size(0))
    part = torch.distributions.Beta(alpha, alpha).sample((len(order),)).to(images)
    return (
        torch.lerp(images[order], images, part.view(-1, 1, 1, 1)),
        torch.lerp(targets[order], targets, part.view(-1, 1)),
    )


@mixup.alternative
def image_by_image(images, targets, alpha):
    beta = torch.distributions.Beta(torch.tensor(alpha), torch.tensor(alpha))
    x, y = [], []
    for i, j in enumerate(torch.randint(len(images), (len(images),)).tolist()):
        share = beta.sample().to(images)
        x.append(share * images[i] + (1 - share) * images[j])
        y.append(share * targets[i] + (1 - share) * targets[j])
    return torch.stack(x), torch.stack(y)

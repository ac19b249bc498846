"""Mixup, and what becomes of the recipe on clothes."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.augmentation import mixtures
from autograder.exercises.augmentation.lab import holds, lab, told_by
from autograder.judging import Part, edit
from autograder.judging.checks import Check, keeps_dtype, leaves_inputs_alone
from autograder.judging.statistics import are_independent, share_is, std_is
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


_IMAGES = mixtures.two_of_them(mixtures.of, "every image is λ of itself and 1 − λ of one other")
_TARGETS = mixtures.two_of_them(
    mixtures.of_targets, "every target is λ of itself and 1 − λ of one other"
)
_CHANNELS = Check("all channels of an image are mixed alike", mixtures.whole_images)
_TOGETHER = Check("targets are mixed as their images are", mixtures.same_mixture)
_MIXED = Check("something is mixed in", mixtures.something)
_EACH = Check("every image has a λ of its own", mixtures.each_its_own)
_PARTNERS = Check("the partners are drawn afresh", mixtures.drawn_afresh)
_ONCE = Check("every image is the partner of one", mixtures.nobody_twice)
_ORDER = Check("the partners are in a random order", mixtures.not_in_order)
_LOW = mixtures.of_the_law(
    share_is(
        mixtures.share_at_an_end, "small λ come as often as Beta(α, α) has them", of=mixtures.low
    )
)
_HIGH = mixtures.of_the_law(
    share_is(
        mixtures.share_at_an_end, "large λ come as often as Beta(α, α) has them", of=mixtures.high
    )
)
_SPREAD = mixtures.of_the_law(
    std_is(mixtures.spread, "λ scatters as Beta(α, α) does", of=mixtures.drawn_shares)
)
_BY_ITSELF = mixtures.of_the_law(
    are_independent(
        mixtures.drawn_shares, mixtures.places, "λ does not depend on the place in the batch"
    )
)


def _of_many(what, condition):
    """Of the law of λ, where there are many; of a single one it says nothing how often it comes."""

    def told(case):
        alpha, drawn = case.inputs["alpha"], mixtures.drawn_shares(case)
        many = not 2 < alpha < 10 and mixtures.each_its_own(case).passed
        return many and drawn.size and condition(alpha, drawn.std())

    return holds(what, told)


def _mostly(condition):
    return lambda case: (
        np.mean(condition(mixtures.shares(case), mixtures.of_targets(case)[0])) > 0.6
    )


_TOLD_BY = told_by(
    _IMAGES,
    _TARGETS,
    _CHANNELS,
    _TOGETHER,
    _EACH,
    _PARTNERS,
    _ONCE,
    _ORDER,
    holds("sums to one", mixtures.sums_to_one),
    holds("in no order", lambda case: not mixtures.in_order(case)),
    _of_many("narrower", lambda alpha, std: std < 0.88 * mixtures.spread(alpha)),
    _of_many("wider", lambda alpha, std: alpha > 10 and std > 1.15 * mixtures.spread(alpha)),
    _of_many("uniform", lambda alpha, std: alpha > 10 and 0.25 < std < 0.33),
    holds(
        "at least a half",
        lambda case: (
            not mixtures.each_its_own(case).passed or (mixtures.shares(case) >= 0.5 - 1e-4).all()
        ),
    ),
    holds("targets as they were", lambda case: (mixtures.of_targets(case)[0] == 1).all()),
    holds(
        "hard targets",
        lambda case: all(np.isin(y, (0.0, 1.0)).all() for _, y in case.observed["result"]),
    ),
    holds("exchanged", _mostly(lambda one, other: np.abs(one + other - 1) < 0.01)),
    holds("the same λ", _mostly(lambda one, other: np.abs(one - other) < 0.01)),
    holds("a half", lambda case: np.mean(np.abs(mixtures.shares(case) - 0.5) < 1e-3) > 0.6),
    holds("one partner", mixtures.one_for_all),
    holds("nothing", lambda case: (mixtures.shares(case) == 1).all()),
)

mixup = lab.exercise(
    augmentation.mixup,
    title="Mix two images",
    statement=r"""*Mixup* makes a new example of two, on the straight line between them, and the label goes
along:

$$\tilde x_i = \lambda_i x_i + (1-\lambda_i)\,x_{\pi(i)}, \qquad \tilde y_i = \lambda_i y_i + (1-\lambda_i)\,y_{\pi(i)}$$

`targets` (N, K) are rows of class probabilities. Draw a $\lambda_i$ for **every image** from
Beta(α, α), `torch.distributions.Beta`, and one random permutation π of the batch: every image is the
partner of exactly one. With a small α most λ are near 0 or 1. Return both mixtures.""",
    parts=[
        Part("the mixture", 2, (_IMAGES, _TARGETS, _CHANNELS, _TOGETHER, _MIXED,
                                keeps_dtype("result.0.0"), leaves_inputs_alone())),
        Part("the draw", 2, (_IMAGES, _EACH, _LOW, _HIGH, _SPREAD, _BY_ITSELF, _PARTNERS, _ONCE,
                             _ORDER)),
    ],
    minutes=7,
    difficulty=2,
    syllabus=("9.10",),
    hide=("Formula",),
    inputs=(
        mixtures.batch(4, 5, channels=2, fewest=16),
        mixtures.batch(18, 24, channels=1, fewest=80),
        mixtures.batch(0.45, 0.6, channels=1, fewest=80),
    ),
    probe=probes.draws(count=10),
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
    "partners_with_repeats",
    edit(
        "torch.randperm(len(images), device=images.device)",
        "torch.randint(len(images), (len(images),))",
    ),
    "Some images are the partner of several, others of none. π is a permutation, in which everyone comes "
    "once: `torch.randperm(N)`.",
)
mixup.mistake(
    "one_partner_for_all",
    edit(
        "torch.randperm(len(images), device=images.device)",
        "torch.randint(len(images), (1,)).expand(len(images))",
    ),
    "All images are mixed with the same one. π is a permutation, in which everyone comes once: "
    "`torch.randperm(N)`.",
)
mixup.mistake(
    "batch_shifted",
    edit(
        "torch.randperm(len(images), device=images.device)",
        "torch.roll(torch.arange(len(images)), int(torch.randint(len(images), ())))",
    ),
    "Your partners follow each other as the images do: only the shift is random. Draw any permutation: "
    "`torch.randperm(N)`.",
)
_ANOTHER_BETA = (
    "Your λ lie nearer to ½, or farther from it, than those of Beta(α, α). Both parameters are α itself: "
    "`torch.distributions.Beta(alpha, alpha)`."
)
for _name, _parameter in {
    "twice_alpha": "2 * alpha",
    "alpha_plus_one": "alpha + 1",
    "half_alpha": "alpha / 2",
}.items():
    mixup.mistake(
        _name, edit("Beta(alpha, alpha)", f"Beta({_parameter}, {_parameter})"), _ANOTHER_BETA
    )
mixup.mistake(
    "sorted_weights",
    edit("sample((len(images), 1))", "sample((len(images), 1)).sort(dim=0).values"),
    "Your λ are in order: the first images of a batch keep least of themselves, the last ones most. Take "
    "them as they are drawn.",
)
mixup.mistake(
    "weight_for_each_channel",
    edit(
        "share = weight[:, :, None, None]",
        "share = torch.distributions.Beta(alpha, alpha)"
        ".sample(images.shape[:2]).to(images)[:, :, None, None]\nweight = share[:, 0, 0]",
    ),
    "Every channel has a λ of its own, so that colors come from different images. One λ an image: of shape "
    "(N, 1, 1, 1).",
)


_OVERWRITTEN = (
    "Your loop overwrites what it still reads: the partner of a later image was mixed itself by then. Read "
    "from the batch as it came, and write into another one."
)


@mixup.mistake(_OVERWRITTEN)
def overwritten(images, targets, alpha):
    weight = torch.distributions.Beta(alpha, alpha).sample((len(images),)).to(images)
    partner = torch.randperm(len(images))
    x, y = images.clone(), targets.clone()
    for i, j in enumerate(partner.tolist()):
        x[i] = torch.lerp(x[j], x[i], weight[i])
        y[i] = torch.lerp(y[j], y[i], weight[i])
    return x, y


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
    for i, j in enumerate(torch.randperm(len(images)).tolist()):
        share = beta.sample().to(images)
        x.append(share * images[i] + (1 - share) * images[j])
        y.append(share * targets[i] + (1 - share) * targets[j])
    return torch.stack(x), torch.stack(y)

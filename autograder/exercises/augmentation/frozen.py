"""The loss of a mixture, and features of augmented images."""

import numpy as np
import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.augmentation.lab import lab
from autograder.judging import edit
from autograder.judging.checks import (
    check,
    finding,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import augmentation


def _two_labels(rng):
    count, classes = int(rng.integers(6, 10)), int(rng.integers(4, 7))
    return {
        "scores": 2 * rng.normal(size=(count, classes)),
        "first": rng.integers(0, classes, count),
        "second": rng.integers(0, classes, count),
        "weight": float(rng.choice([rng.uniform(0.15, 0.35), rng.uniform(0.65, 0.85)])),
    }


mixed_cross_entropy = lab.value(
    augmentation.mixed_cross_entropy,
    title="The loss of a mixture",
    statement=r"""The scores of a batch of mixtures, (N, K), the class numbers of the `first` images, which count
λ = `weight`, and of the `second`. The mean cross-entropy with the mixed targets
$\lambda y + (1-\lambda) y'$ is a sum of two ordinary ones: derive it. `F.cross_entropy` may be used.""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("9.10",),
    hide=("Formula",),
    inputs=_two_labels,
    probe=probes.call(),
    checks=[matches_reference("the loss", float32_constants=True), leaves_inputs_alone()],
    hints=("The cross-entropy is *linear* in the target: −Σ y log p.",),
    equivalent_mutants={"everything is done under torch.no_grad()": "only the value is asked for"},
)


@mixed_cross_entropy.mistake("λ and 1 − λ are exchanged: the first image counts λ.")
def exchanged(scores, first, second, weight):
    return (1 - weight) * F.cross_entropy(scores, first) + weight * F.cross_entropy(scores, second)


@mixed_cross_entropy.mistake("The second image is missing: (1 − λ) CE(s, y').")
def first_only(scores, first, second, weight):
    return weight * F.cross_entropy(scores, first)


@mixed_cross_entropy.mistake("You take only the label of the image that counts more.")
def the_larger_one(scores, first, second, weight):
    return F.cross_entropy(scores, first if weight >= 0.5 else second)


@mixed_cross_entropy.mistake("You sum over the batch. It is the mean.")
def summed(scores, first, second, weight):
    one = F.cross_entropy(scores, first, reduction="sum")
    return weight * one + (1 - weight) * F.cross_entropy(scores, second, reduction="sum")


@mixed_cross_entropy.mistake(
    "You mix the scores. The network sees one mixture and gives one row for it."
)
def mixes_the_scores(scores, first, second, weight):
    return F.cross_entropy(weight * scores + (1 - weight) * scores.flip(0), first)


@mixed_cross_entropy.mistake("Both count the same in yours. The first counts λ, the second 1 − λ.")
def halves(scores, first, second, weight):
    return (F.cross_entropy(scores, first) + F.cross_entropy(scores, second)) / 2


@mixed_cross_entropy.alternative
def by_mixed_targets(scores, first, second, weight):
    k = scores.shape[1]
    y = weight * F.one_hot(first, k) + (1 - weight) * F.one_hot(second, k)
    return -(y * torch.log_softmax(scores, 1)).sum(1).mean()


def _frozen(rng):
    channels, height, width, features = 2, 3, int(rng.integers(4, 6)), int(rng.integers(4, 7))
    size = channels * height * width
    return {
        "extractor": {
            "make": "network",
            "layers": [
                {"kind": "flatten"},
                {
                    "kind": "linear",
                    "weight": rng.normal(size=(features, size)),
                    "bias": rng.normal(size=features),
                },
                {"kind": "relu"},
                {"kind": "dropout", "p": 0.5},  # which does nothing in eval mode
            ],
            "training": False,
            "seed": int(rng.integers(1000)),
        },
        # Blanks pixels at random, and then blurs: what it makes of features is of another shape.
        "augment": {
            "make": "network",
            "layers": [
                {"kind": "dropout", "p": 0.4},
                {
                    "kind": "conv",
                    "weight": rng.normal(size=(channels, channels, 1, 1)),
                    "bias": rng.normal(size=channels),
                },
            ],
            "training": True,
            "seed": int(rng.integers(1000)),
        },
        "images": rng.normal(size=(int(rng.integers(5, 8)), channels, height, width)),
        "views": int(rng.integers(3, 5)),
    }


@check("no gradients are recorded")
def without_gradients(case):
    calls = np.asarray(case.observed["result"]["extractor"]["calls"])
    recorded = int(calls[:, 1].sum())
    return finding(
        len(calls) > 0 and recorded == 0,
        "no call with gradients",
        f"{recorded} of {len(calls)} calls with gradients",
        "the frozen network was called with gradients on",
    )


@check("the extractor is left in eval mode")
def stays_in_eval_mode(case):
    modes = case.observed["parts"]["extractor"]["modes"]
    training = [name for name, mode in modes.items() if mode]
    return finding(
        bool(modes) and not training,
        "eval mode",
        "training mode" if training else "no modes",
        "the frozen network was put into training mode",
    )


augmented_features = lab.repair(
    augmentation.augmented_features,
    planted="features_computed_once",
    title="Repair: features of augmented images",
    statement=r"""Training features for a linear layer on a frozen `extractor`: `views` augmented versions of
each image, as features (views, N, D), without gradients. The extractor comes in eval mode; leave it
so. Whoever wrote the code below wanted to save time: all views are the same. Mend it. `augment` draws afresh at every call; call it once a view.""",
    points=2,
    minutes=5,
    core=False,
    syllabus=("9.12",),
    hide=("Formula",),
    inputs=_frozen,
    probe=probes.supplied(),
    checks=[
        matches_reference("the features of every view", of="result.returned"),
        without_gradients,
        stays_in_eval_mode,
        leaves_inputs_alone(),
    ],
    equivalent_mutants={"everything is done under torch.no_grad()": "it is so anyhow"},
    hints=("What has to happen again for every view: the augmentation, the extractor, or both?",),
)

augmented_features.mistake(
    "features_computed_once",
    edit(
        "return torch.stack([extractor(augment(images)) for _ in range(views)])",
        "features = extractor(augment(images))\nreturn torch.stack([features for _ in range(views)])",
    ),
    "All your views are one: you augment once. Every view is augmented afresh, and goes through the "
    "extractor by itself.",
)
augmented_features.mistake(
    "not_augmented",
    edit("extractor(augment(images))", "extractor(images)"),
    "The images are not augmented at all: all views are the same.",
)
augmented_features.mistake(
    "augmented_once",
    edit(
        "return torch.stack([extractor(augment(images)) for _ in range(views)])",
        "once = augment(images)\nreturn torch.stack([extractor(once) for _ in range(views)])",
    ),
    "All your views are one: you augment once. Every view is augmented afresh, and goes through the "
    "extractor by itself.",
)
augmented_features.mistake(
    "with_gradients",
    edit("torch.no_grad()", "torch.enable_grad()"),
    "The features are right, but gradients are recorded through a network that is frozen: "
    "`with torch.no_grad():`.",
)
augmented_features.mistake(
    "augmented_again",
    edit(
        "return torch.stack([extractor(augment(images)) for _ in range(views)])",
        "found = []\nfor _ in range(views):\n    images = augment(images)\n"
        "    found.append(extractor(images))\nreturn torch.stack(found)",
    ),
    "You augment what is augmented already, a little more in every view. Every view is made of the images "
    "as they came.",
)
augmented_features.mistake(
    "features_augmented",
    edit("extractor(augment(images))", "augment(extractor(images))"),
    "You augment the features. `augment` is made for images: first augment, then extract.",
    raises="RuntimeError",
)
augmented_features.mistake(
    "in_training_mode",
    edit("with torch.no_grad():", "extractor.train()\nwith torch.no_grad():"),
    "You put the extractor into training mode, so that dropout throws features away. It comes in eval "
    "mode: leave it so.",
)
augmented_features.mistake(
    "views_in_a_row",
    edit("torch.stack(", "torch.cat("),
    "Your views lie in a row, (views · N, D). Stack them: (views, N, D).",
)


@augmented_features.alternative
def in_one_batch(extractor, augment, images, views):
    with torch.no_grad():
        shown = torch.cat([augment(images) for _ in range(views)])
        return extractor(shown).unflatten(0, (views, len(images)))

"""Predictions averaged over a fixed set of views."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.augmentation.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from course_lib import augmentation


def _network_and_images(rng):
    channels, size, classes = 2, 3, int(rng.integers(4, 7))
    down, right = (int(n) for n in rng.permutation([5, 7]))
    count = int(rng.integers(3, 6))
    hidden = int(rng.integers(5, 8))
    features = channels * size * size
    return {
        "model": {
            "make": "network",
            "layers": [
                {"kind": "flatten"},
                {
                    "kind": "linear",
                    "weight": rng.normal(size=(hidden, features)),
                    "bias": rng.normal(size=hidden),
                },
                {"kind": "relu"},
                {"kind": "dropout", "p": 0.5},  # which does nothing in eval mode
                {
                    "kind": "linear",
                    "weight": rng.normal(size=(classes, hidden)),
                    "bias": rng.normal(size=classes),
                },
            ],
            "training": False,
            "seed": int(rng.integers(1000)),
        },
        "images": rng.normal(size=(count, channels, size + down, size + right)),
        "size": size,
    }


@check("the model runs without gradients")
def without_gradients(case):
    calls = np.asarray(case.observed["result"]["model"]["calls"])
    recorded = int(calls[:, 1].sum())
    return finding(
        len(calls) > 0 and recorded == 0,
        "no call with gradients",
        f"{recorded} of {len(calls)} calls with gradients",
        "the model was called with gradients on, which keeps every activation",
    )


@check("the model is left in eval mode")
def stays_in_eval_mode(case):
    modes = case.observed["parts"]["model"]["modes"]
    training = [name for name, mode in modes.items() if mode]
    return finding(
        bool(modes) and not training,
        "eval mode",
        "training mode" if training else "no modes",
        "the model was put into training mode, where dropout is at work",
    )


ten_crop_average = lab.exercise(
    augmentation.ten_crop_average,
    title="Ten views at test time",
    statement=r"""Random views are for training. At test time one can average over a *fixed* set of them, as
AlexNet did over ten: the four corners and the center of each image, `size` × `size`, each as it is and
mirrored left to right. The center starts at row (H − size) // 2 and column (W − size) // 2.

`model` gives scores (N, K) for a batch of views. Return the mean of the ten **probabilities** (softmax),
(N, K). Call the model under `torch.no_grad()`: to detach what it gave comes too late, for by then it has
kept every activation. It comes in eval mode; leave it so.""",
    points=3,
    minutes=7,
    difficulty=2,
    syllabus=("9.11",),
    hide=("Formula",),
    inputs=_network_and_images,
    probe=probes.supplied(),
    checks=[
        matches_reference("the mean of the probabilities", of="result.returned"),
        without_gradients,
        stays_in_eval_mode,
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "it runs without gradients anyhow",
    },
    hints=(
        "Write the five places down as (top, left), and go through them.",
        "For each crop two calls: `torch.softmax(model(view), dim=1)` for the crop and for "
        "`crop.flip(-1)`.",
        "`torch.stack(probabilities).mean(dim=0)`, all of it under `with torch.no_grad():`.",
    ),
)  # fmt: skip


ten_crop_average.mistake(
    "scores_averaged",
    edit("torch.softmax(model(view), dim=1)", "model(view)").also(
        "torch.stack(probabilities).mean(dim=0)",
        "torch.softmax(torch.stack(probabilities).mean(dim=0), dim=1)",
    ),
    "You average the *scores* and take the softmax of the mean. A view with large scores then outvotes "
    "the others: average the probabilities.",
)
ten_crop_average.mistake(
    "scores_returned",
    edit("torch.softmax(model(view), dim=1)", "model(view)"),
    "You average the scores. Take the softmax of each view's first.",
)
ten_crop_average.mistake(
    "votes_counted",
    edit(
        "torch.softmax(model(view), dim=1)",
        "torch.nn.functional.one_hot(model(view).argmax(dim=1), model(view).shape[1]).to(images)",
    ),
    "You count votes. A view that is unsure then counts as much as one that is sure: average the "
    "probabilities.",
)
ten_crop_average.mistake(
    "not_mirrored",
    edit("(crop, crop.flip(-1))", "(crop,)"),
    "These are five views: each crop comes mirrored too.",
)
ten_crop_average.mistake(
    "only_mirrored",
    edit("(crop, crop.flip(-1))", "(crop.flip(-1),)"),
    "Your five views are the mirrored ones only: each crop comes as it is too.",
)
ten_crop_average.mistake(
    "upside_down",
    edit("crop.flip(-1)", "crop.flip(-2)"),
    "Your second five views are upside down. Left and right is the last axis.",
)
ten_crop_average.mistake(
    "corners_only",
    edit(", (down // 2, right // 2)]", "]"),
    "The center is missing: five places, four corners and the center.",
)
ten_crop_average.mistake(
    "center_only",
    edit("(0, 0), (0, right), (down, 0), (down, right), ", ""),
    "This is the center alone. The four corners belong to it.",
)
ten_crop_average.mistake(
    "summed",
    edit(".mean(dim=0)", ".sum(dim=0)"),
    "You add the ten up. Probabilities sum to 1: take the mean.",
)
ten_crop_average.mistake(
    "over_the_batch",
    edit("dim=1)", "dim=0)"),
    "Your softmax runs over the images. The classes are axis 1.",
)
ten_crop_average.mistake(
    "rows_for_columns",
    edit("down, right =", "right, down ="),
    "Rows and columns are exchanged: the last place is at row H − size and column W − size.",
    raises="RuntimeError",
)
ten_crop_average.mistake(
    "averaged_over_images",
    edit("torch.stack(probabilities).mean(dim=0)", "torch.cat(probabilities).mean(dim=0)"),
    "You average over the images too. Stack the ten views, and take the mean over them alone.",
)
ten_crop_average.mistake(
    "center_one_too_far",
    edit("(down // 2, right // 2)", "((down + 1) // 2, (right + 1) // 2)"),
    "Your center starts one too far down and to the right where H − size is odd. It starts at row "
    "(H − size) // 2, rounded down; H // 2 − size // 2 is another number.",
)
ten_crop_average.mistake(
    "one_off",
    edit("height - size, width - size", "height - size - 1, width - size - 1"),
    "Your lower and right corners are one pixel short of the border: they start at row H − size and "
    "column W − size.",
)
ten_crop_average.mistake(
    "image_mirrored_first",
    edit(
        "(crop, crop.flip(-1))",
        "(crop, images.flip(-1)[..., top : top + size, left : left + size])",
    ),
    "You mirror the image and then crop: where W − size is odd the center of the mirrored image is "
    "another piece. Mirror each crop: `crop.flip(-1)`.",
)
ten_crop_average.mistake(
    "in_training_mode",
    edit("probabilities = []", "model.train()\nprobabilities = []"),
    "You put the model into training mode, so that dropout throws units away. It comes in eval mode: "
    "leave it so.",
)
ten_crop_average.mistake(
    "detached",
    edit("torch.no_grad()", "torch.enable_grad()").also(
        "torch.softmax(model(view), dim=1)", "torch.softmax(model(view).detach(), dim=1)"
    ),
    "The result is right, but every activation of ten calls is kept for gradients that nobody asks for: "
    "`with torch.no_grad():` around the calls; `.detach()` comes too late.",
)
ten_crop_average.mistake(
    "with_gradients",
    edit("torch.no_grad()", "torch.enable_grad()"),
    "The result is right, but every activation of ten calls is kept for gradients that nobody asks for: "
    "`with torch.no_grad():` around the calls; `.detach()` comes too late.",
)


@ten_crop_average.mistake(
    "Your views are random. Then two evaluations of one model differ: the ten are fixed."
)
def random_crops(model, images, size):
    height, width = images.shape[-2:]
    found = []
    with torch.no_grad():
        for _ in range(5):
            top = int(torch.randint(height - size + 1, ()))
            left = int(torch.randint(width - size + 1, ()))
            crop = images[..., top : top + size, left : left + size]
            found += [model(crop).softmax(1), model(crop.flip(-1)).softmax(1)]
    return torch.stack(found).mean(0)


@ten_crop_average.mistake(
    "You average the *images* and call the model once. It has never seen a mean of ten views; average "
    "what it says of each."
)
def averaged_images(model, images, size):
    down, right = images.shape[-2] - size, images.shape[-1] - size
    views = []
    for top, left in ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)):
        crop = images[..., top : top + size, left : left + size]
        views += [crop, crop.flip(-1)]
    with torch.no_grad():
        return torch.softmax(model(torch.stack(views).mean(0)), dim=1)


@ten_crop_average.alternative
def in_one_batch(model, images, size):
    rows, columns = images.shape[2] - size, images.shape[3] - size
    crops = [
        images[:, :, r : r + size, c : c + size]
        for r, c in [(0, 0), (rows, columns), (0, columns), (rows, 0), (rows // 2, columns // 2)]
    ]
    views = torch.cat(crops + [torch.flip(crop, dims=[3]) for crop in crops])
    with torch.no_grad():
        return model(views).softmax(dim=1).view(10, len(images), -1).mean(dim=0)


@ten_crop_average.alternative
@torch.no_grad()
def decorated(model, images, size):
    h, w = images.shape[-2:]
    total = 0
    for top in (0, h - size):
        for left in (0, w - size):
            view = images[..., top : top + size, left : left + size]
            total = total + model(view).softmax(1) + model(view.flip(-1)).softmax(1)
    top, left = (h - size) // 2, (w - size) // 2
    view = images[..., top : top + size, left : left + size]
    return (total + model(view).softmax(1) + model(view.flip(-1)).softmax(1)) / 10

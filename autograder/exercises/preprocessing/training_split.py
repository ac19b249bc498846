"""Constants of the training split, kept with the model."""

import numpy as np
import torch
from torch import nn

from autograder import probes
from autograder.exercises.preprocessing.drawing import LIBRARIES, draw_image_shape, draw_images
from autograder.exercises.preprocessing.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import (
    Check,
    check,
    find,
    finding,
    keeps_the_graph,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.comparison import Tolerance, difference
from course_lib import preprocessing
from course_lib.preprocessing import channel_statistics

ALONE = ("as wide as it has channels", "alone in training", "alone in evaluation")
AMONG_OTHERS = ("first of a batch", "last of another batch", "first of a batch in evaluation")


def draw_life(rng):
    """One image, again and again: alone, in two batches, in both modes.

    Before it one as wide as it has channels, along which constants of shape (C,) broadcast.
    """
    shape = draw_image_shape(rng)
    train = draw_images(rng, shape)
    image = draw_images(rng, (1, *shape[1:]))
    wide = draw_images(rng, (2, shape[1], shape[2], shape[1]))
    bright, dark = (draw_images(rng, (2, *shape[1:])) + shift for shift in (4, -3))
    return {
        "construct": {"train_images": train},
        "steps": [
            {"do": "parameters", "as": "kinds"},
            {"do": "state", "as": "at the start", "names": ["mean", "std"]},
            {"do": "call", "as": "as wide as it has channels", "x": wide, "grad": False},
            {"do": "train"},
            {"do": "call", "as": "alone in training", "x": image},
            {"do": "call", "as": "first of a batch", "x": np.concatenate([image, bright])},
            {"do": "call", "as": "last of another batch", "x": np.concatenate([dark, image])},
            {"do": "eval"},
            {"do": "call", "as": "alone in evaluation", "x": image, "grad": False},
            {
                "do": "call",
                "as": "first of a batch in evaluation",
                "x": np.concatenate([image, dark]),
                "grad": False,
            },
            {"do": "state", "as": "at the end", "names": ["mean", "std"]},
        ],
    }


def _kept_as_buffers(case):
    found = case.observed["steps"][0]
    trained = ", ".join(found["parameters"])
    if trained:
        return finding(
            False, "no parameters", trained, f"{trained}: parameters, which an optimizer trains"
        )
    kept = set(found["buffers"]) & set(found["persistent"])
    missing = " and ".join(name for name in ("mean", "std") if name not in kept)
    wanted, gist = "buffers mean and std in the state_dict", f"{missing} missing"
    return finding(not missing, wanted, f"no buffer {missing} there", gist)


kept_as_buffers = Check(
    "the constants are buffers: saved with the model and never trained",
    _kept_as_buffers,
    entries=("persistent",),
)


def same_image(step, other, index):
    """The same image in two places, without asking what it should have become."""

    @check(f"an image becomes the same: {step}, {other}")
    def look(case):
        one, two = (find(case.observed, f"{name}/result", case) for name in (step, other))
        found = difference(two[index], one[0], Tolerance(dtype=case.dtype))
        if found is None:
            return finding(True)
        return finding(False, found.expected, found.observed, "it depends on its companions")

    return look


image_normalizer = lab.exercise(
    preprocessing.ImageNormalizer,
    title="A layer that remembers the training images",
    statement="""Whoever uses your network must preprocess exactly as you did. So keep the constants
*in* the model. `ImageNormalizer(train_images)` measures mean and standard deviation of each channel
**once**, when it is made, on the training images (use your `channel_statistics`), and from then on
standardizes whatever images it is given with these two, in training and in evaluation alike.

- The constants are called `mean` and `std` and have shape (C,).
- They are **buffers** (`self.register_buffer(name, tensor)`): saved in the `state_dict` and moved
  to the GPU with the model, but no parameters, since nothing should train them.
- An image must become the same whether it comes alone, in one batch or in another, in either mode.
  That is the test to run on *every* preprocessing you ever write.
- Return new tensors, and leave the training images as they are: whoever gave you images still wants
  them (so no `images -= …`). Gradients flow through the layer, as through any other.

Write `__init__` and `forward`.""",
    parts=[
        Part(
            "the constants",
            2,
            (
                matches_reference("mean", of="at the start/mean.value", float32_constants=True),
                matches_reference("std", of="at the start/std.value", float32_constants=True),
                kept_as_buffers,
                matches_reference(
                    "mean after use", of="at the end/mean.value", float32_constants=True
                ),
                matches_reference(
                    "std after use", of="at the end/std.value", float32_constants=True
                ),
            ),
        ),
        Part(
            "the images",
            3,
            (
                same_image("alone in training", "first of a batch", 0),
                same_image("first of a batch", "last of another batch", -1),
                same_image("alone in evaluation", "first of a batch in evaluation", 0),
                *(
                    matches_reference(
                        f"the image {step}", of=f"{step}/result", float32_constants=True
                    )
                    for step in (*ALONE, *AMONG_OTHERS)
                ),
                leaves_inputs_alone(stated=True),
                keeps_the_graph(of="alone in training/carries_gradient"),
            ),
        ),
    ],
    minutes=10,
    difficulty=2,
    syllabus=("3.5", "3.7"),
    needs=("preprocessing/channel_statistics",),
    inputs=draw_life,
    probe=probes.module(),
    equivalent_mutants={
        "__init__: everything is done under torch.no_grad()": "constants that are measured once need "
        "no gradient"
    },
    forbidden=(*LIBRARIES, "torch.nn.BatchNorm2d", "torch.nn.functional.batch_norm"),
    hints=(
        "`__init__` begins with `super().__init__()`; then two lines measure and keep.",
        "After `self.register_buffer('mean', mean)` the tensor is `self.mean`.",
        "`self.mean[:, None, None]` lines the constants up with the channels.",
    ),
)


image_normalizer.mistake(
    "plain_attributes",
    edit('self.register_buffer("mean", mean)', "self.mean = mean").also(
        'self.register_buffer("std", std)', "self.std = std"
    ),
    "The numbers are right, but plain attributes are left out of `state_dict()`: a saved model "
    "would come back without its constants. Use `register_buffer`.",
    origin="folklore",
)
image_normalizer.mistake(
    "not_persistent",
    edit('("mean", mean)', '("mean", mean, persistent=False)').also(
        '("std", std)', '("std", std, persistent=False)'
    ),
    "The numbers are right, but `persistent=False` leaves the buffers out of `state_dict()`: a saved "
    "model would come back without its constants. Buffers are persistent if you say nothing.",
)
image_normalizer.mistake(
    "measures_every_batch",
    edit(
        "return (images - self.mean",
        "mean, std = channel_statistics(images)\nreturn (images - mean",
    ).also("/ self.std", "/ std"),
    "You measure every batch anew in `forward`, so that an image depends on its companions, and "
    "alone it always has mean 0. Use the constants of the training images.",
    origin="folklore",
)
image_normalizer.mistake(
    "measures_in_training",
    edit(
        "return (images - self.mean",
        "mean, std = channel_statistics(images) if self.training else self.buffers()\n"
        "return (images - mean",
    ).also("/ self.std", "/ std"),
    "In training you use the statistics of the batch. That is batch normalization, by accident: "
    "preprocessing has no modes.",
)
image_normalizer.mistake(
    "moves_the_constants",
    edit(
        "return (images",
        "if self.training:\n"
        "    mean, std = channel_statistics(images)\n"
        "    self.mean = 0.9 * self.mean + 0.1 * mean\n"
        "    self.std = 0.9 * self.std + 0.1 * std\n"
        "return (images",
    ),
    "Your constants move with every batch. They are measured once, on the training images.",
)


@image_normalizer.mistake(
    "You take the constants from the first batch that comes. Measure them in `__init__`, on all "
    "training images."
)
class FitsTheFirstBatch(nn.Module):
    def __init__(self, train_images):
        super().__init__()
        mean, std = channel_statistics(train_images)
        self.register_buffer("mean", torch.zeros_like(mean))
        self.register_buffer("std", torch.ones_like(std))
        self.fitted = False

    def forward(self, images):
        if not self.fitted:
            self.mean, self.std = channel_statistics(images)
            self.fitted = True
        return (images - self.mean[:, None, None]) / self.std[:, None, None]


image_normalizer.mistake(
    "trained_constants",
    edit('self.register_buffer("mean", mean)', "self.mean = nn.Parameter(mean)").also(
        'self.register_buffer("std", std)', "self.std = nn.Parameter(std)"
    ),
    "Your constants are parameters, so the optimizer changes them. Use `register_buffer`.",
)
image_normalizer.mistake(
    "frozen_parameters",
    edit(
        'self.register_buffer("mean", mean)', "self.mean = nn.Parameter(mean, requires_grad=False)"
    ).also('self.register_buffer("std", std)', "self.std = nn.Parameter(std, requires_grad=False)"),
    "Your constants are parameters. `requires_grad=False` keeps gradients away, but they still "
    "count among the weights, and whoever unfreezes the model trains them. Use `register_buffer`.",
)
image_normalizer.mistake(
    "keeps_the_mean_image",
    edit(
        "channel_statistics(train_images)",
        "train_images.mean(dim=0), train_images.std(dim=0, unbiased=False)",
    ).also("self.mean[:, None, None]) / self.std[:, None, None]", "self.mean) / self.std"),
    "You keep one constant per pixel. Here it is one per channel, shape (C,).",
    raises="RuntimeError",
)
image_normalizer.mistake(
    "keeps_axes",
    edit('("mean", mean)', '("mean", mean[:, None, None])')
    .also('("std", std)', '("std", std[:, None, None])')
    .also("self.mean[:, None, None]) / self.std[:, None, None]", "self.mean) / self.std"),
    "The images come out right. The buffers have the shape (C, 1, 1) instead of (C,): add the "
    "axes in `forward`.",
)
image_normalizer.mistake(
    "not_divided",
    edit(" / self.std[:, None, None]", ""),
    "You subtract the mean and do not divide by the standard deviation.",
)
image_normalizer.mistake(
    "divides_by_n_minus_one",
    edit(
        "channel_statistics(train_images)",
        "train_images.mean(dim=(0, 2, 3)), train_images.std(dim=(0, 2, 3))",
    ),
    "Your σ divides by N·H·W − 1, the default of `torch.std`. Use your `channel_statistics`.",
)
image_normalizer.mistake(
    "adds_epsilon",
    edit("self.std[:, None, None]", "(self.std[:, None, None] + 1e-5)"),
    "You add a small number to σ. No channel is constant here: divide by σ itself.",
)
image_normalizer.mistake(
    "writes_into_the_images",
    edit(
        "return (images - self.mean[:, None, None])",
        "images -= self.mean[:, None, None]\nreturn images",
    ),
    "`images -= …` writes into the images you were given. Whoever gave them loses them, and torch "
    "refuses where they require a gradient: write `images - …`.",
    raises="RuntimeError",
)
image_normalizer.mistake(
    "writes_past_autograd",
    edit(
        "return (images - self.mean[:, None, None])",
        "images.data -= self.mean[:, None, None]\nreturn images",
    ),
    "What you return is right, but you write into the images you were given: `.data` (and "
    "`torch.no_grad()`) only keep torch from noticing it. Write `images - …`.",
)
image_normalizer.mistake(
    "cut_off_from_the_images",
    edit("return (images", "return (images.detach()"),
    "The numbers are right, but no gradient flows back to the images (`torch.no_grad()` or "
    "`.detach()` in `forward`). The constants are not trained anyhow: they are buffers.",
)
image_normalizer.mistake(
    "centers_the_training_images",
    edit(
        "mean, std = channel_statistics(train_images)",
        "mean = train_images.mean(dim=(0, 2, 3))\n"
        "train_images -= mean[:, None, None]\n"
        "std = (train_images**2).mean(dim=(0, 2, 3)).sqrt()",
    ),
    "The constants are right, but you write into the training images, which somebody else still "
    "wants as they were. Measure with `channel_statistics(train_images)`, which makes new tensors.",
)
image_normalizer.mistake(
    "along_the_width",
    edit("self.mean[:, None, None]) / self.std[:, None, None]", "self.mean) / self.std"),
    "The constants have shape (C,), which broadcasting lines up with the width. In `forward` give "
    "them the shape (C, 1, 1).",
    raises="RuntimeError",
)
image_normalizer.mistake(
    "without_super",
    edit("super().__init__()", ""),
    "`super().__init__()` is missing: without it a module cannot hold buffers.",
    raises="AttributeError",
)


@image_normalizer.alternative
class WithBuffer(nn.Module):
    def __init__(self, train_images):
        super().__init__()
        mean, std = channel_statistics(train_images)
        self.mean, self.std = nn.Buffer(mean), nn.Buffer(std)

    def forward(self, images):
        return ((images.movedim(1, -1) - self.mean) / self.std).movedim(-1, 1)


@image_normalizer.alternative
class ByItself(nn.Module):
    def __init__(self, train_images):
        super().__init__()
        axes = (0, 2, 3)
        self.register_buffer("mean", train_images.mean(dim=axes))
        self.register_buffer("std", train_images.std(dim=axes, unbiased=False))

    def forward(self, images):
        scale = 1 / self.std.view(1, -1, 1, 1)
        return images * scale - (self.mean / self.std).view(1, -1, 1, 1)

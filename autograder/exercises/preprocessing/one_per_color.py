"""One number per color: a line of lecture notes, its shape and its repair."""

import torch

from autograder import probes
from autograder.exercises.preprocessing.drawing import (
    LIBRARIES,
    PREPARED,
    draw_image_shape,
    draw_images,
)
from autograder.exercises.preprocessing.lab import lab
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import preprocessing

MEAN_SHAPES = ("(C,)", "(C, H, W)", "(N, C)", "a single number")


def _shape_of_the_mean():
    n, c, h, w = 2, 3, 4, 5
    shape = tuple(torch.zeros(n, c, h, w).mean(dim=0).shape)
    names = {(c,): 0, (c, h, w): 1, (n, c): 2, (): 3}
    return MEAN_SHAPES[names[shape]]


lab.prediction(
    "shape_of_the_mean",
    title="Predict: a line of the lecture notes",
    statement="""The notes: *“subtract one number per color”*, and beside it the code
`X -= np.mean(X, axis=0)`. `X` holds N color images, in torch's order (N, C, H, W). What is the shape
of `np.mean(X, axis=0)`?""",
    minutes=1,
    core=False,
    syllabus=("3.1",),
    choices=MEAN_SHAPES,
    outcome=_shape_of_the_mean,
    explanation="""Only the axis of the examples is averaged over; color, row and column stay. This
is the mean image, C·H·W numbers. One number per color is the mean over the axes 0, 2 and 3 (0, 1
and 2 where colors stand last).""",
)


def draw_image_pair(rng):
    shape = draw_image_shape(rng)
    return {"train_images": draw_images(rng, shape), "images": draw_images(rng, (2, *shape[1:]))}


def draw_images_of_another_size(rng):
    shape = draw_image_shape(rng)
    larger = (2, shape[1], shape[2] + 5, shape[3] + 3)
    return {"train_images": draw_images(rng, shape), "images": draw_images(rng, larger)}


center_channels = lab.repair(
    preprocessing.center_channels,
    planted="mean_image",
    title="Repair a line of the lecture notes: one number per color",
    statement="""The notes center images like this, and say beside it that it subtracts **one
number per color**:

```python
X -= np.mean(X, axis=0)
```

Below is their line in torch's layout (N, C, H, W), with the constants taken from the training
images as they should be. It runs, and it even centers. But the comment and the code do not say the
same: make the code do what the comment says. The mean of a channel goes over all training images
*and all positions*, and images of another size must work as well.""",
    points=3,
    minutes=6,
    core=False,
    syllabus=("3.1",),
    hide=("Formula", "Convention", "Source"),
    inputs=(draw_image_pair, draw_image_pair, draw_images_of_another_size),
    probe=probes.call(),
    checks=[matches_reference("the centered images"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=LIBRARIES,
    equivalent_mutants=PREPARED,
    hints=(
        "Print `means.shape`. How many numbers are there per color?",
        "`mean` takes several axes at once: `dim=(…, …, …)`. Which one must stay?",
        "`means[:, None, None]` has the shape (C, 1, 1).",
    ),
)


@center_channels.mistake(
    "This is still the mean image: one number per color *and pixel*, C·H·W numbers. One per color "
    "is the mean over the axes 0, 2 and 3.",
    origin="lecture notes",
)
def mean_image(train_images, images):
    means = train_images.mean(dim=0)  # one number per color
    return images - means


@center_channels.mistake(
    "You average over the axes 0, 1 and 2. That is right for N×H×W×C; in torch's N×C×H×W it gives "
    "one number per *column of pixels*. The channels are axis 1."
)
def channels_last(train_images, images):
    means = train_images.mean(dim=(0, 1, 2))
    return images - means


@center_channels.mistake(
    "The means are right, but they have shape (C,), which broadcasting lines up with the last "
    "axis, the width. Give them the shape (C, 1, 1)."
)
def along_the_width(train_images, images):
    means = train_images.mean(dim=(0, 2, 3))
    return images - means


@center_channels.mistake(
    "You take the means of every image by itself. Then a picture and a redder copy of it become "
    "the same. Average over the images too, and over those of the training set."
)
def of_every_image(train_images, images):
    return images - images.mean(dim=(2, 3), keepdim=True)


@center_channels.mistake(
    "You take one mean of every image by itself. A brighter copy of a picture must stay brighter: "
    "the constants come from the training images, one per channel."
)
def whole_image(train_images, images):
    return images - images.mean(dim=(1, 2, 3), keepdim=True)


@center_channels.mistake(
    "You use the channel means of `images`. The constants come from `train_images`, so that an "
    "image becomes the same whatever images stand beside it."
)
def own_channels(train_images, images):
    return images - images.mean(dim=(0, 2, 3), keepdim=True)


@center_channels.mistake(
    "You subtract one number for all colors. There is one per channel: keep axis 1."
)
def one_number(train_images, images):
    return images - train_images.mean()


@center_channels.mistake("You average over the images and the height, but not over the width.")
def mean_over_height_only(train_images, images):
    return images - train_images.mean(dim=(0, 2), keepdim=True)


@center_channels.mistake(
    "You also divide by the standard deviation. Here only the mean is taken off."
)
def divided_as_well(train_images, images):
    means = train_images.mean(dim=(0, 2, 3), keepdim=True)
    return (images - means) / train_images.std(dim=(0, 2, 3), unbiased=False, keepdim=True)


@center_channels.alternative
def with_keepdim(train_images, images):
    return images - train_images.mean(dim=(0, 2, 3), keepdim=True)


@center_channels.alternative
def channel_by_channel(train_images, images):
    centered = images.clone()
    for c in range(images.shape[1]):
        centered[:, c] -= train_images[:, c].mean()
    return centered


@center_channels.alternative
def channels_moved_last(train_images, images):
    means = train_images.permute(0, 2, 3, 1).reshape(-1, train_images.shape[1]).mean(0)
    return (images.permute(0, 2, 3, 1) - means).permute(0, 3, 1, 2)

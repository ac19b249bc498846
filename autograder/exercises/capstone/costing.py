"""What a training costs, counted before it runs."""

import numpy as np

from autograder import probes
from autograder.exercises.capstone.lab import lab
from autograder.judging import edit
from autograder.judging.checks import matches_reference
from course_lib import capstone

SHARES = ("about 1/6", "about 1/3", "about 4/5")


def outcome_of_the_second_layer() -> str:
    """Of the baseline's two convolutions and its linear layer."""
    first = capstone.conv_flops(1, 8, 3, 28, 28, first=True)
    second = capstone.conv_flops(8, 16, 3, 14, 14)
    linear = 3 * 2 * 16 * 7 * 7 * 10
    share = second / (first + second + linear)
    return SHARES[int(np.argmin([abs(share - at) for at in (1 / 6, 1 / 3, 4 / 5)]))]


lab.prediction(
    "where_the_flops_go",
    title="Predict: where the FLOPs go",
    statement=(
        "The baseline is `Conv2d(1, 8, 3)` on 28×28 images, a pooling, `Conv2d(8, 16, 3)` on 14×14, a "
        "pooling, `Linear(784, 10)`. The linear layer has 6 of every 7 parameters. What share of a training "
        "step's FLOPs falls to the *second convolution*?"
    ),
    minutes=1,
    syllabus=("14.1",),
    choices=SHARES,
    outcome=outcome_of_the_second_layer,
    explanation=(
        "1.35 of 1.63 million, 83 %: a convolution uses each of its parameters at every place, and has eight "
        "channels to sum over here. The linear layer uses each parameter once, and takes 3 %. What costs is "
        "not what has parameters: widening the convolutions is expensive, widening a head is cheap."
    ),
)


def _layer(rng):
    channels, out, height, width = rng.permutation([2, 3, 5, 7, 11])[:4] + rng.integers(1, 9)
    return {
        "channels": int(channels),
        "out": int(out),
        "kernel": int(rng.choice([3, 5, 7])),
        "height": int(height),
        "width": int(width),
    }


def _first_layer(rng):
    return {**_layer(rng), "first": True}


conv_flops = lab.value(
    capstone.conv_flops,
    title="What a convolution costs",
    statement=(
        "Your budget is counted in FLOPs, so that a fast machine is no advantage. Return the number that "
        "*training* with one image takes in a convolution of `kernel`×`kernel` windows whose output is "
        "`height`×`width` with `out` channels. A multiplication with an addition is two; leave the bias "
        "out. Backward there are two products of the size of the forward one: for the gradient of the "
        "weights, and for that of the layer's inputs, which the `first` layer of a network never computes, "
        "for nobody asks for the gradient of an image."
    ),
    points=2,
    minutes=6,
    syllabus=("14.1",),
    hide=("Formula",),
    inputs=(_layer, _first_layer, _layer),
    probe=probes.call(),
    checks=[matches_reference("the number of FLOPs")],
    hints=(
        "For one output number: how many products are summed? There are `out * height * width` of them.",
        "Forward it is `2 * channels * kernel**2 * out * height * width`.",
        "Three products of this size in all; two in the first layer.",
    ),
)

_EDITED = "2 * channels * kernel**2 * out * height * width"
conv_flops.mistake(
    "forward_only",
    edit("forward * (2 if first else 3)", "forward"),
    "That is the forward pass. Backward costs about twice as much again.",
)
conv_flops.mistake(
    "three_times_in_any_case",
    edit("(2 if first else 3)", "3"),
    "The first layer computes no gradient of its inputs, which are images: twice the forward pass, not three "
    "times.",
)
conv_flops.mistake(
    "two_times_in_any_case",
    edit("(2 if first else 3)", "2"),
    "Backward there are two products in all layers but the first: for the weights and for the inputs.",
)
conv_flops.mistake(
    "the_first_costs_more",
    edit("(2 if first else 3)", "(3 if first else 2)"),
    "The other way round: it is the *first* layer that saves a product.",
)
conv_flops.mistake(
    "multiplications_only",
    edit(_EDITED, "channels * kernel**2 * out * height * width"),
    "You count a multiplication with its addition as one. Here they are two FLOPs.",
)
conv_flops.mistake(
    "kernel_not_squared",
    edit("kernel**2", "kernel"),
    "A window has `kernel * kernel` numbers of every channel.",
)
conv_flops.mistake(
    "inputs_channels_forgotten",
    edit("2 * channels * kernel", "2 * kernel"),
    "Every output number sums over the windows of *all* input channels.",
)
conv_flops.mistake(
    "parameters",
    edit(_EDITED, "2 * channels * kernel**2 * out"),
    "You count each weight once. It is used at every place of the output, `height * width` times.",
)
conv_flops.mistake(
    "output_channels_forgotten",
    edit("kernel**2 * out * height", "kernel**2 * height"),
    "That is one output channel. There are `out` of them.",
)
conv_flops.mistake(
    "with_the_bias",
    edit(_EDITED, "2 * channels * kernel**2 * out * height * width + out * height * width"),
    "The bias is left out here, as the counter that measures your budget leaves it out.",
)
conv_flops.mistake(
    "one_product_backward",
    edit("(2 if first else 3)", "(1 if first else 2)"),
    "You count one product backward. There are two, for the weights and for the inputs; the first layer has "
    "that for its weights alone.",
)
conv_flops.mistake(
    "one_addition_less",
    edit(_EDITED, "(2 * channels * kernel**2 - 1) * out * height * width"),
    "n products are summed by n − 1 additions, and still every multiplication is counted with an addition: "
    "two for each.",
)
conv_flops.mistake(
    "width_forgotten",
    edit("height * width", "height * height"),
    "An output need not be a square: `height * width` places.",
)
conv_flops.mistake(
    "output_shrunk_again",
    edit("height * width", "(height - kernel + 1) * (width - kernel + 1)"),
    "`height` and `width` are those of the *output* already; the kernel takes nothing off them.",
)


@conv_flops.alternative
def as_a_matrix_product(channels, out, kernel, height, width, *, first=False):
    rows, inner = height * width, channels * kernel * kernel
    product = 2 * rows * inner * out
    return product + product + (0 if first else product)

"""Group normalization: between layer normalization and instance normalization."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_bias,
    draw_eps,
    draw_images,
    draw_weight,
    without,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.training import (
    LEARNED_THROUGH,
    OUTSIDE_OF_THE_GRAPH,
    layer_parts,
)
from autograder.judging import edit
from course_lib import normalization


def draw_groups(rng):
    """Images in G groups of another number of channels, both more than one."""
    groups, size = ((2, 3), (3, 2), (2, 4), (4, 2))[rng.integers(4)]
    height, width = (int(n) for n in rng.permutation([3, 4, 5])[:2])
    others = [n for n in (2, 3, 5, 7) if n not in (groups, size, height, width)]
    shape = (int(rng.choice(others)), groups * size, height, width)
    return {
        "x": draw_images(rng, shape),
        "groups": groups,
        "weight": draw_weight(rng, shape[1]),
        "bias": draw_bias(rng, shape[1]),
        "eps": draw_eps(rng),
    }


group_norm = lab.exercise(
    normalization.group_norm,
    title="Group normalization",
    statement="""Detectors and video models often have room for one or two images in a batch: too
few for batch normalization. Group normalization looks at each image alone, but not at all its
channels at once: the C channels are cut into G groups of C/G **neighbors**, and each group of each
image gets a mean and a variance, over its channels and all positions.

γ and β belong to **channels**, as before: shapes (C,).

*Conventions:* `groups` is the number G of groups, not their size. The variance is biased, ε inside
the root. (G = 1 is layer normalization over the whole image, G = C is instance normalization.)
Gradients must flow back through it to `x`, γ and β.""",
    parts=layer_parts("the normalized images", 3, 1),
    minutes=10,
    difficulty=3,
    core=False,
    syllabus=("5.4",),
    inputs=(draw_groups, without(draw_groups, "eps"), draw_groups),
    probe=probes.gradients(*LEARNED_THROUGH),
    forbidden=TORCH_BATCH_NORM,
    equivalent_mutants={
        "grouped = wide.reshape(n, groups, c // groups, h, w) => "
        "grouped = wide.reshape(groups, n, c // groups, h, w)": "the N·G blocks of C/G channels "
        "keep their order, and each is normalized by itself whatever the two axes are called",
    },
    hints=(
        "Cut the channel axis into two: G groups of C/G channels. No axis needs to move.",
        "`grouped = x.reshape(n, groups, c // groups, h, w)`: over which of the five axes does "
        "a group's mean run?",
        "`dim=(2, 3, 4), keepdim=True`; then back to (N, C, H, W), and `weight[:, None, None]`.",
    ),
)


@group_norm.mistake(
    "You normalize every pixel position by itself, over the C/G channels alone. A group shares "
    "one mean and variance over its channels and all positions.",
    origin="4 of 65 students",
)
def statistics_of_each_position(x, groups, weight, bias, *, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.permute(0, 2, 3, 1).reshape(n * h * w * groups, c // groups)
    mean, variance = rows.mean(1, keepdim=True), rows.var(1, keepdim=True, unbiased=False)
    x_hat = ((rows - mean) / torch.sqrt(variance + eps)).reshape(n, h, w, c)
    return (weight * x_hat + bias).permute(0, 3, 1, 2)


@group_norm.mistake(
    "You turn the axes before the reshape, so that a row mixes images and groups. `x.reshape(N, "
    "G, C // G, H, W)` has everything in place: nothing need be turned.",
    origin="3 of 65 students",
)
def tangled_axes(x, groups, weight, bias, *, eps=1e-5):
    n, c, h, w = x.shape
    turned = x.reshape(n, groups, -1).permute(2, 1, 0)
    rows = turned.reshape(n * groups, -1)
    mean, variance = rows.mean(1, keepdim=True), rows.var(1, keepdim=True, unbiased=False)
    x_hat = ((rows - mean) / torch.sqrt(variance + eps)).reshape(turned.shape)
    x_hat = x_hat.permute(2, 1, 0).reshape(n, c, h, w)
    return weight[:, None, None] * x_hat + bias[:, None, None]


group_norm.mistake(
    "never_turned_back",
    edit("c // groups, h, w)", "c // groups, h, w).movedim(2, -1)"),
    "You move an axis before you normalize and do not move it back: the numbers are right, but "
    "stand in other places. Undo the steps in reverse order.",
    origin="1 of 65 students",
)
group_norm.mistake(
    "size_for_number",
    edit("n, groups, c // groups, h", "n, c // groups, groups, h"),
    "You make C/G groups of G channels. `groups` is the number of groups, so each has C/G "
    "channels.",
    origin="1 of 65 students",
)
group_norm.mistake(
    "channels_far_apart",
    edit("n, groups, c // groups, h", "n, c // groups, groups, h")
    .also("grouped.mean(dim=(2, 3, 4)", "grouped.mean(dim=(1, 3, 4)")
    .also("** 2).mean(dim=(2, 3, 4)", "** 2).mean(dim=(1, 3, 4)"),
    "Your groups take every G-th channel. A group is made of neighbors: `x.reshape(N, G, C // G, "
    "H, W)`.",
)
group_norm.mistake(
    "over_the_batch",
    edit("grouped.mean(dim=(2, 3, 4)", "grouped.mean(dim=(0, 2, 3, 4)").also(
        "** 2).mean(dim=(2, 3, 4)", "** 2).mean(dim=(0, 2, 3, 4)"
    ),
    "You take the statistics of a group over all images. Each image has its own.",
)
group_norm.mistake(
    "every_channel_alone",
    edit("n, groups, c // groups, h", "n, c, 1, h"),
    "You normalize every channel by itself (instance normalization). The C/G channels of a group "
    "share their mean and variance.",
)
group_norm.mistake(
    "all_channels_together",
    edit("n, groups, c // groups, h", "n, 1, c, h"),
    "You normalize all channels of an image together, whatever `groups` says. Each group of C/G "
    "channels has its own mean and variance.",
)
group_norm.mistake(
    "unbiased_variance",
    edit("((grouped - mean) ** 2).mean(dim=(2, 3, 4)", "grouped.var(dim=(2, 3, 4)"),
    "You use the unbiased variance, the default of `var`. Normalizing uses the biased one.",
)
group_norm.mistake(
    "eps_outside_the_root",
    edit("torch.sqrt(variance + eps)", "(torch.sqrt(variance) + eps)"),
    "You add ε after the root. It is added to the variance, under the root: √(σ² + ε).",
)
group_norm.mistake(
    "another_default",
    edit("eps: float = 1e-5", "eps: float = 1e-8"),
    "You changed the default of `eps` in the signature. It is 1e-5, as in torch.",
)
group_norm.mistake(
    "no_eps",
    edit("variance + eps", "variance"),
    "You leave ε out. Divide by √(σ² + ε).",
)
group_norm.mistake(
    "no_scale_and_shift",
    edit("weight[:, None, None] * normalized + bias[:, None, None]", "normalized"),
    "You normalize but leave out the last step: γ x̂ + β, with one γ and β per channel.",
)
group_norm.mistake(
    "broadcasts_along_the_width",
    edit("weight[:, None, None] * normalized + bias[:, None, None]", "weight * normalized + bias"),
    "A weight of shape (C,) lines up with the last axis, the width. Give it the shape (C, 1, 1).",
    raises="RuntimeError",
)


@group_norm.mistake(OUTSIDE_OF_THE_GRAPH)
def outside_of_the_graph(x, groups, weight, bias, *, eps=1e-5):
    with torch.no_grad():
        rows = x.reshape(len(x) * groups, -1)
        variance, mean = torch.var_mean(rows, dim=1, keepdim=True, correction=0)
        x_hat = ((rows - mean) / torch.sqrt(variance + eps)).reshape(x.shape)
        return x_hat * weight[:, None, None] + bias[:, None, None]


@group_norm.alternative
def as_rows(x, groups, weight, bias, *, eps=1e-5):
    n, c, h, w = x.shape
    rows = x.reshape(n * groups, -1)
    variance, mean = torch.var_mean(rows, dim=1, keepdim=True, correction=0)
    x_hat = ((rows - mean) * torch.rsqrt(variance + eps)).view(n, c, h, w)
    return x_hat * weight.view(1, c, 1, 1) + bias.view(1, c, 1, 1)


@group_norm.alternative
def group_by_group(x, groups, weight, bias, *, eps=1e-5):
    y = torch.empty_like(x)
    size = x.shape[1] // groups
    for i in range(len(x)):
        for g in range(groups):
            part = x[i, g * size : (g + 1) * size]
            centered = part - part.mean()
            y[i, g * size : (g + 1) * size] = centered / ((centered**2).mean() + eps).sqrt()
    return torch.einsum("c,nchw->nchw", weight, y) + bias[:, None, None]


@group_norm.alternative
def in_chunks(x, groups, weight, bias, *, eps=1e-5):
    normalized = []
    for part in x.chunk(groups, dim=1):
        mean = part.mean(dim=(1, 2, 3), keepdim=True)
        variance = part.var(dim=(1, 2, 3), keepdim=True, unbiased=False)
        normalized.append((part - mean) / (variance + eps) ** 0.5)
    return torch.cat(normalized, dim=1) * weight[:, None, None] + bias[:, None, None]

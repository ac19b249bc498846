# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Lab 9 · Data augmentation
#
# A photograph of a cat, mirrored, is a photograph of a cat. Whoever knows that has twice as many
# photographs. *Augmentation* is knowledge about the task, written as code that makes images out of
# images: other pixels, the same label, or a label that changes in a known way.
#
# By the end you can
# - mirror, cut, resize and turn whole batches, each image in its own way, with its box;
# - draw the boxes of the random resized crop from the right distribution;
# - say in which direction a warp is written, and why;
# - mix two images and their labels, and average over fixed views at test time;
# - say when augmentation helps and where in the pipeline it belongs, with numbers that you measured.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional. Random answers
# are judged by their distribution, so draw in any order you like. Warps are judged by *where* every
# pixel comes from; between pixels interpolate bilinearly or, where nothing else is said, take the nearest.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | images | (N, C, H, W), rows from the top; every image is transformed in its own way | PIL: one (H, W, C) |
# | pixel (i, j) | a unit square with its center at row i + ½, column j + ½ | `align_corners=True`: a point |
# | box | (top, left, height, width) in pixels | often (x₁, y₁, x₂, y₂) |
# | θ | leads from the **output** to the input | what the content does is its inverse |
# | x, y | right and **down**, from the center of the image | mathematics: y up |

# %% tags=["setup"]
import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("augmentation")

# %% [markdown]
# ## 1 · Flip

# %% exercise="random_flip"

# %% tags=["show"]
# Six cats, some of them mirrored, each with a box around one eye
torch.manual_seed(0)
snapshots = {name: image / 255 for name, image in data.snapshots().items()}
cats = snapshots["cat"].repeat(6, 1, 1, 1)
eyes = torch.tensor([[40, 64, 36, 44]]).repeat(6, 1)


def framed(images, boxes):
    """Copies of images with a red line around each box."""
    drawn = images.clone()
    for image, (top, left, height, width) in zip(drawn, boxes.tolist(), strict=True):
        down, across = top + height, left + width
        red = torch.tensor([0.9, 0.1, 0.0])[:, None, None]
        image[:, top : top + 3, left:across] = image[:, down - 3 : down, left:across] = red
        image[:, top:down, left : left + 3] = image[:, top:down, across - 3 : across] = red
    return drawn


mirrored, moved = random_flip(cats, eyes)
print("left edges of the boxes:", moved[:, 1].tolist())
plotting.image_grid(framed(mirrored, moved), columns=3, size=2, title="The box goes with its eye")

# %% [markdown]
# What a flip means depends on what is seen. A mirrored cat could have sat there. But:

# %% tags=["show"]
# What must not be flipped: digits, and lettering
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


def sign(text):
    """A white sign with blue letters, as an image (1, 3, H, W)."""
    canvas = FigureCanvasAgg(Figure(figsize=(3, 1), dpi=60, facecolor="white"))
    canvas.figure.text(0.5, 0.47, text, size=34, color="#1F4E9E", ha="center", va="center")
    canvas.draw()
    return torch.tensor(np.asarray(canvas.buffer_rgba())[..., :3] / 255).movedim(-1, 0)[None]


digits = data.digits()
shown = [int((digits.y_test == digit).nonzero()[0]) for digit in (2, 3, 4, 5, 6, 7)]
some = digits.x_test[shown]
small = F.interpolate(torch.cat([some, some.flip(-1)])[:, None], scale_factor=8)
exit_sign = sign("EXIT 5 B")
display(
    plotting.image_grid(
        small, [*digits.y_test[shown].tolist(), *"??????"], columns=6, title="No digits any more"
    )
)
plotting.image_grid(
    torch.cat([exit_sign, exit_sign.flip(-1)]),
    ["as it is", "mirrored"],
    columns=2,
    size=2.6,
    title="A sign",
)

# %% [markdown]
# ## 2 · Cut and resize

# %% exercise="random_boxes"

# %% exercise="crop_and_resize"

# %% tags=["show"]
# Twelve random resized crops of one cup, and the ratios of 2000 boxes
torch.manual_seed(0)
cup = snapshots["coffee"]
crops = crop_and_resize(cup.repeat(12, 1, 1, 1), random_boxes(12, 200, 300), (96, 96))
display(
    plotting.image_grid(crops, columns=6, title="Twelve random resized crops of one photograph")
)
boxes = random_boxes(2000, 900, 900, (0.05, 0.2), (1 / 4, 4)).double()
log_ratio = (boxes[:, 3] / boxes[:, 2]).log2()
shares = torch.histc(log_ratio, 8, -2, 2) / len(boxes)
print(
    "from 1:4 to 1:1",
    round(float(shares[:4].sum()), 3),
    " from 1:1 to 4:1",
    round(float(shares[4:].sum()), 3),
)
figure = plotting.lines_over(
    np.arange(-1.75, 2, 0.5),
    {"drawn": shares, "log-uniform": [1 / 8] * 8},
    xlabel="log₂ of width over height",
    ylabel="share of the boxes",
    title="Lying and standing boxes are equally likely",
)
figure.axes[0].set_ylim(0, 0.25)
figure

# %% [markdown]
# ## 3 · Warps are written backwards
#
# To turn an image one could go through its pixels and put each where it belongs. Then some places get
# two colors and some none. So every library goes the other way: for each *output* pixel it asks where
# its color comes from, and looks there. Nothing stays empty, but all formulas are those of the inverse.

# %% exercise="which_way"

# %% tags=["show"]
# A shift by theta = [[1, 0, 0.25], [0, 1, 0]]
committed("augmentation/which_way")
theta = torch.tensor([[[1.0, 0.0, 0.25], [0.0, 1.0, 0.0]]])
image = snapshots["cat"][None]
shifted = F.grid_sample(
    image, F.affine_grid(theta, image.shape, align_corners=False), align_corners=False
)
plotting.image_grid(
    torch.cat([image, shifted]),
    ["input", "output"],
    columns=2,
    size=2.5,
    title="The output at u shows the input at u + 0.25",
)

# %% exercise="rotate"


# %% tags=["show"]
# Forward and backward: the same rotation, written from the input and from the output
def forward_rotation(image, degrees):
    """Put every input pixel where it belongs."""
    _, height, width = image.shape
    out, a = torch.zeros_like(image), math.radians(degrees)
    y, x = torch.meshgrid(
        torch.arange(height) + 0.5 - height / 2,
        torch.arange(width) + 0.5 - width / 2,
        indexing="ij",
    )
    column = (x * math.cos(a) + y * math.sin(a) + width / 2).floor().long()
    row = (-x * math.sin(a) + y * math.cos(a) + height / 2).floor().long()
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    out[:, row[inside], column[inside]] = image[:, inside]
    return out


holes = forward_rotation(snapshots["cat"], 25)
turned = rotate(snapshots["cat"][None], torch.tensor([25.0]))[0]
black = [float((one.sum(0) == 0)[40:110, 60:165].float().mean()) for one in (holes, turned)]
print(f"black pixels in the middle: forward {black[0]:.1%}, backward {black[1]:.1%}")
plotting.image_grid(
    torch.stack([holes, turned])[:, :, 40:110, 60:165],
    ["from the input", "from the output"],
    columns=2,
    size=3,
    title="The middle of a cat turned by 25 degrees",
)

# %% [markdown]
# ## 4 · Does it help?
#
# 500 silhouettes of animals, ten kinds, a small network, 40 epochs. Once with the images as they are,
# once with your flips, rotations by up to 10 degrees, and crops of 70 % and more.


# %% tags=["show"]
# 500 animals, with and without augmentation, two runs each
def flips_and_warps(images):
    """Mirrored, turned by up to 10 degrees, and cut: each image in its own way."""
    count, _, height, width = images.shape
    images, _ = random_flip(images, torch.zeros(count, 4, dtype=torch.int64))
    images = rotate(images, torch.empty(count).uniform_(-10, 10))
    boxes = random_boxes(count, height, width, (0.7, 1.0), (0.85, 1.18))
    return crop_and_resize(images, boxes, (height, width))


def as_they_are(images):
    return images


def small_network():
    """Two convolutions on images of half the size."""
    return nn.Sequential(
        nn.AvgPool2d(2),
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(288, 10),
    )


def train(split, augment, seed, epochs=40, count=500):
    """Train on `count` images, each epoch augmented afresh."""
    torch.manual_seed(seed)
    model = small_network()
    x = split.x_train[seed * count : (seed + 1) * count, None]
    y = split.y_train[seed * count : (seed + 1) * count]
    optimizer = torch.optim.AdamW(model.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=epochs * count // 100
    )
    for _ in range(epochs):
        for batch in torch.randperm(count).split(100):
            loss = F.cross_entropy(model(augment(x[batch])), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return model.eval()


def accuracy(probabilities, labels):
    return float((probabilities.argmax(dim=1) == labels).float().mean())


def on_test_images(model, split, count=1500):
    """The accuracy on test images, which nobody augments."""
    with torch.no_grad():
        return accuracy(model(split.x_test[:count, None]), split.y_test[:count])


def compare(split):
    """Two runs with each recipe: print the test accuracies, return networks and means."""
    networks, means = {}, {}
    for name, augment in {"as they are": as_they_are, "flips and warps": flips_and_warps}.items():
        networks[name] = [train(split, augment, seed) for seed in (0, 1)]
        found = [on_test_images(model, split) for model in networks[name]]
        means[name] = sum(found) / len(found)
        print(f"{name:16} test accuracy", "  ".join(f"{share:.3f}" for share in found))
    return networks, means


def bars(heights, ylabel, title, digits):
    """One bar for each name, with its height written below."""
    figure = plotting.bars_with_prediction(heights, {}, ylabel=ylabel, title=title)
    numbers = [f"{height:.{digits}f}".replace("-", "−") for height in heights.values()]
    captions = [f"{name}\n{number}" for name, number in zip(heights, numbers, strict=True)]
    figure.axes[0].set_xticks(range(len(captions)), captions)
    return figure


animals = data.animal_mnist()
animal_networks, animal_means = compare(animals)
gain = animal_means["flips and warps"] - animal_means["as they are"]
print(f"gained: {100 * gain:.1f} points")
if gain < 0.015:
    print("With right answers it is about three. Are all four of the recipe's functions right?")
torch.manual_seed(1)
firsts = [int((animals.y_train == kind).nonzero()[0]) for kind in (2, 6, 7)]
some = animals.x_train[firsts, None]
plotting.image_grid(
    torch.cat(
        [torch.cat([one[None], flips_and_warps(one[None].repeat(7, 1, 1, 1))]) for one in some]
    ),
    ["given", *[""] * 7] * 3,
    title="What the network saw of three images",
)

# %% [markdown]
# A few points for a few lines. So it is free data, and one should always take it?

# %% exercise="on_clothes"

# %% tags=["show"]
# The same recipe on 500 images of clothes, two runs each
committed("augmentation/on_clothes")
clothes = data.fashion_mnist()
clothes_networks, clothes_means = compare(clothes)
change = clothes_means["flips and warps"] - clothes_means["as they are"]
print(f"gained: {100 * change:.1f} points")
bars({"animals": 100 * gain, "clothes": 100 * change}, "points gained", "500 images each", 1)

# %% [markdown]
# Animals look left and right, and stand anywhere. The clothes lie straight in their frames, and so do the
# test images: turned and cut ones are harder to learn from and never asked for.
#
# ## 5 · Labels that go along
#
# The label of a flipped box changes, and that of a mixture too.

# %% exercise="mixup"

# %% tags=["show"]
# Mixtures, and how the weight is drawn for three values of alpha
torch.manual_seed(0)
pairs = animals.x_train[:8, None]
kinds = F.one_hot(animals.y_train[:8], 10).float()
mixtures, labels = mixup(pairs, kinds, 1.0)
captions = [
    "\n".join(
        f"{p:.1f} {data.ANIMAL_CLASSES[k]}" for p, k in zip(*row.topk(2), strict=True) if p > 0.05
    )
    for row in labels
]
display(
    plotting.image_grid(mixtures, captions, columns=4, size=1.5, title="Mixtures of two animals")
)
dots, middles = torch.eye(1000)[:, None, None], np.arange(0.05, 1, 0.1)
drawn = {}
for alpha in (0.2, 1.0, 8.0):
    mixed, _ = mixup(dots, torch.ones(1000, 1), alpha)
    drawn[f"α = {alpha:g}"] = torch.histc(mixed[:, 0, 0].diagonal(), 10, 0, 1) / 1000
plotting.lines_over(
    middles, drawn, xlabel="λ", ylabel="share of the images", title="λ from Beta(α, α)"
)

# %% [markdown]
# ## 6 · At test time
#
# What is measured must not be random: test images stay as they are, or one averages over views that are
# always the same.

# %% exercise="ten_crop_average"

# %% tags=["show"]
# Center crop alone, and the mean of ten views
x, y = animals.x_test[:1500, None], animals.y_test[:1500]
for number, model in enumerate(animal_networks["flips and warps"]):
    with torch.no_grad():
        center = accuracy(model(x[..., 2:26, 2:26]), y)
    ten = accuracy(ten_crop_average(model, x, 24), y)
    whole = on_test_images(model, animals)
    print(
        f"network {number}: center {center:.3f}, ten views {ten:.3f}, the whole image {whole:.3f}"
    )

# %% [markdown]
# Ten views beat the one in the center, but for one of the two networks by no more than chance may do: of
# 1,500 images a share is known to about a point. And all should be of the kind that the network has learned
# from: these animals fill more of the frame, and the whole image, one view, beats them by far.
#
# ## 7 · Before the features, or after?
#
# From a set of notes: "augment after feature extraction". A frozen network would run only once for every
# image, and its *features* would be augmented. Test it: the two networks of section 4 that learned from
# clothes, as they are, are frozen; a linear layer on their features learns animals from 100 images.

# %% exercise="mirrored_features"

# %% tags=["show"]
# Linear layers on frozen features of animals: as they are, images mirrored, features mirrored
committed("augmentation/mirrored_features")


def learned_linear_layer(views, labels):
    """A linear layer on standardized features (views, N, D), one view of all images a step."""
    torch.manual_seed(0)
    mean, std = views.flatten(0, 1).mean(0), views.flatten(0, 1).std(0) + 0.1
    layer = nn.Linear(views.shape[-1], 10)
    optimizer = torch.optim.AdamW(layer.parameters(), lr=0.01, weight_decay=0.1)
    for step in range(120):
        loss = F.cross_entropy(layer((views[step % len(views)] - mean) / std), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lambda features: layer((features - mean) / std)


right = {"as they are": [], "mirrored images too": [], "mirrored features too": []}
for model in clothes_networks["as they are"]:
    body = model[:-2]  # all but the linear layer and the flattening before it: (N, 32, 3, 3)
    for start in (1000, 1100):
        x, y = animals.x_train[start : start + 100, None], animals.y_train[start : start + 100]
        with torch.no_grad():
            maps, of_mirrored = body(x), body(x.flip(-1))
            on_test = body(animals.x_test[:1500, None]).flatten(1)
        views = {
            "as they are": [maps],
            "mirrored images too": [maps, of_mirrored],
            "mirrored features too": [maps, maps.flip(-1)],
        }
        for name, these in views.items():
            layer = learned_linear_layer(torch.stack(these).flatten(2), y)
            right[name].append(accuracy(layer(on_test), animals.y_test[:1500]))
off = float((of_mirrored - maps.flip(-1)).norm() / of_mirrored.norm())
print(f"features of the mirrored image against mirrored features: {off:.0%} off")
for name, found in right.items():
    print(
        f"{name:22}", "  ".join(f"{share:.3f}" for share in found), f"  mean {np.mean(found):.3f}"
    )
bars(
    {name: float(np.mean(found)) for name, found in right.items()},
    "test accuracy",
    "On frozen features",
    3,
)

# %% [markdown]
# Mirror the image and the features change in ways that no mirrored feature shows. So: read, augment the
# *image*, normalize, extract, for every view again. Only where nothing is augmented may features be stored.

# %% exercise="two_sentences"

# %% [markdown]
# ## Where to go from here
#
# - Krizhevsky, Sutskever & Hinton 2012: flips, crops, colors and ten views, in one page.
# - Zhang et al. 2018, *mixup*; Yun et al. 2019, *CutMix*, which pastes instead.
# - Cubuk et al. 2020, *RandAugment*: two numbers instead of a search over recipes.
# - Touvron et al. 2019, *Fixing the train-test resolution discrepancy*: what section 6 saw.

# %% [markdown]
# # Further
#
# The other transforms, each with its convention: translation, stretching, shearing and the lens; crops,
# squares cut out, colors; and a gallery of all of them on photographs and on clothes.
#
# ## More warps

# %% exercise="translate"

# %% exercise="stretch"

# %% exercise="shear"

# %% exercise="lens"

# %% tags=["show"]
# A grid of lines under every warp of this lab
lines = torch.ones(1, 1, 120, 160)
lines[..., ::20, :] = lines[..., 1::20, :] = lines[..., :, ::20] = lines[..., :, 1::20] = 0
lines[..., 21:40, 22:40] = 0.5  # a gray field in the upper left, to see which way
warped = {
    "as it is": lines,
    "translate (24, 12)": translate(lines, torch.tensor([[24.0, 12.0]])),
    "rotate 20°": rotate(lines, torch.tensor([20.0])),
    "stretch (1.4, 0.8)": stretch(lines, torch.tensor([[1.4, 0.8]])),
    "shear 20°": shear(lines, torch.tensor([20.0])),
    "lens k₁ = 0.3": lens(lines, 0.3),
    "lens k₁ = −0.3": lens(lines, -0.3),
    "lens k₂ = 0.4": lens(lines, 0.0, 0.4),
}
plotting.image_grid(
    1 - torch.cat(list(warped.values())),
    list(warped),
    columns=4,
    size=1.8,
    title="What comes from outside is 0, drawn black",
)

# %% [markdown]
# The gray field was on the upper left; turned counterclockwise, it goes down; sheared, rows above the
# center move left. With k₁ > 0 the output looks farther out, so the content shrinks to a barrel.
#
# ## Crops, holes, colors

# %% exercise="random_crop"

# %% exercise="scaled_size"

# %% exercise="cutout"

# %% exercise="jitter_colors"

# %% tags=["show"]
# The gallery: every transform on a cup of coffee, and on a shoe
torch.manual_seed(5)
cup = F.interpolate(snapshots["coffee"][None], (120, 180), mode="bilinear", antialias=True)
shoe = (data.fashion_mnist(1, 1).x_train[:1, None] * 1.0).repeat(1, 3, 1, 1)
shoe = F.interpolate(shoe, (120, 120), mode="nearest")


def gallery(image):
    """Each transform of this lab once, on one image."""
    _, _, height, width = image.shape
    one = torch.ones(1)
    no_box = torch.zeros(1, 4, dtype=torch.int64)
    return {
        "as it is": image,
        "flip": random_flip(image, no_box, 1.0)[0],
        "crop": random_crop(image, 20),
        "resized crop": crop_and_resize(
            image, random_boxes(1, height, width, (0.2, 0.5)), (height, width)
        ),
        "translation": translate(image, torch.tensor([[25.0, -15.0]])),
        "rotation": rotate(image, torch.tensor([20.0])),
        "stretching": stretch(image, torch.tensor([[1.4, 0.9]])),
        "shearing": shear(image, torch.tensor([20.0])),
        "lens": lens(image, -0.2, -0.05),
        "colors": jitter_colors(image, 1.2 * one, 0.8 * one, 1.8 * one),
        "cutout": cutout(image, 40),
        "mixup": mixup(torch.cat([image, *[image.flip(-1)] * 7]), torch.eye(8), 20.0)[0][:1],
    }


for image, name in ((cup, "a cup"), (shoe, "a shoe")):
    shown = gallery(image)
    display(
        plotting.image_grid(
            torch.cat(list(shown.values())),
            list(shown),
            columns=4,
            size=1.7,
            title=f"Every transform, on {name}",
        )
    )

# %% [markdown]
# ## Mixtures and frozen features

# %% exercise="mixed_cross_entropy"

# %% exercise="augmented_features"

# %% tags=["show"]
# Workers that share a seed see the same "random" images
torch.manual_seed(0)
image = animals.x_train[2:3, None]


def of_worker(seed):
    """Four augmented versions, as a worker process with this seed would make them."""
    torch.manual_seed(seed)
    return flips_and_warps(image.repeat(4, 1, 1, 1))


shared, own = [of_worker(7), of_worker(7)], [of_worker(7), of_worker(8)]
for name, (first, second) in {"the same seed": shared, "seed + worker": own}.items():
    print(
        f"{name:14} images of the two workers that agree: {sum(map(torch.equal, first, second))} of 4"
    )
plotting.image_grid(
    torch.cat([*own, *shared]),
    [
        "own seed, 1",
        *[""] * 3,
        "own seed, 2",
        *[""] * 3,
        "shared, 1",
        *[""] * 3,
        "shared, 2",
        *[""] * 3,
    ],
    columns=8,
    title="Two workers with seeds of their own, two with one seed",
)

# %% [markdown]
# torch gives each worker of a `DataLoader` a seed of its own, for its own generator and Python's. Whoever
# draws with another generator must seed it from `torch.initial_seed()`, or augments every batch alike.

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("augmentation", random_flip=random_flip)

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
# # Lab 3 · Preprocessing
#
# Before a network sees its first example, somebody decides in which unit each feature comes. Nothing
# about the wines, the digits or the photographs changes by it. Yet it can decide whether gradient
# descent arrives at all.
#
# By the end you can
# - center and scale tables and images, with constants from the right data;
# - say what standardization helps, and when;
# - compute from the data alone which learning rates work, and how long it will take.
#
# **How it works.** As lab 1 says; the core takes about an hour, *Further* is optional.
#
# **Conventions**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | table | (N, D): one example per row, one feature per column | |
# | images | (N, C, H, W), as in torch | numpy, Keras: (N, H, W, C) |
# | σ that scales features | biased: divided by N, as in `np.std`, `StandardScaler` | `torch.std`: N − 1 |
# | least-squares loss | ‖Xw − y‖² / (2n), Hessian XᵀX/n | without the ½: twice the Hessian |

# %% tags=["setup"]
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("preprocessing")

# %% [markdown]
# ## Why it matters
#
# Thirteen chemical measurements of a wine, and one of three growers to be told. The same linear
# classifier, the same number of steps of plain gradient descent, each time at the best of 19 learning
# rates from 10⁻⁶ to 1. For the second curve each feature was shifted and divided by a number.

# %% tags=["show"]
# Raw and standardized wines, each at the best of 19 learning rates
wine = data.wine()


def classify(features, rate, steps=200):
    """Losses of softmax regression by full-batch gradient descent."""
    model = nn.Linear(features.shape[1], 3)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(model(features), wine.y_train)
        gradients = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                parameter -= rate * gradient
        losses.append(loss.item())
    return losses


def at_the_best_rate(features):
    """The run that ends lowest."""
    runs = [classify(features, rate) for rate in np.geomspace(1e-6, 1, 19)]
    return min(runs, key=lambda losses: losses[-1] if math.isfinite(losses[-1]) else math.inf)


scaled = (wine.x_train - wine.x_train.mean(dim=0)) / wine.x_train.std(dim=0)
opening = {"raw": at_the_best_rate(wine.x_train), "standardized": at_the_best_rate(scaled)}
for name, losses in opening.items():
    print(f"{name:13} loss after 200 steps {losses[-1]:.3f}")
print(
    "standard deviations of the features:", "  ".join(f"{s:.2g}" for s in wine.x_train.std(dim=0))
)
plotting.training_curves(opening, window=1, title="The same wines, in other units")

# %% [markdown]
# The standard deviations range from 0.13 to 310, because one feature was written down as a ratio and
# another in milligrams per liter. No learning rate suits both.
#
# ## 1 · Where is zero?
#
# Centering moves the cloud of the data to the origin.

# %% exercise="center"

# %% tags=["show"]
# Five pieces of clothing, the mean of two thousand, and the five centered
clothes = data.fashion_mnist(2000, 1000)
photos = clothes.x_train[:, None]  # (N, 1, H, W)
centered_photos = center(photos, photos[:5])
plotting.image_grid(
    torch.cat([photos[:5], photos.mean(dim=0, keepdim=True), centered_photos]),
    [*["raw"] * 5, "mean image", *["centered"] * 5],
    columns=6,
    title="The mean of 2000 pieces of clothing",
)

# %% [markdown]
# The mean image is a ghost of shirts and shoes. (All panels share one scale: white is the smallest
# value.)
#
# ## 2 · How long is one?

# %% exercise="standardize"

# %% tags=["show"]
# Four features before and after, and what five nearest neighbors make of them
after = standardize(wine.x_train, wine.x_train)
chosen = [data.WINE_FEATURES.index(name) for name in ("hue", "alcohol", "magnesium", "proline")]
histograms = {data.WINE_FEATURES[j]: wine.x_train[:, j] for j in chosen}
histograms |= {f"{data.WINE_FEATURES[j]}, after": after[:, j] for j in chosen}


def accuracy_of_neighbors(x_train, y_train, x_test, y_test, k=5):
    """Accuracy of the majority among the k nearest training examples."""
    nearest = torch.cdist(x_test, x_train).topk(k, largest=False).indices
    return float((y_train[nearest].mode(dim=1).values == y_test).float().mean())


before = accuracy_of_neighbors(wine.x_train, wine.y_train, wine.x_test, wine.y_test)
scaled_test = standardize(wine.x_train, wine.x_test)
print(f"five nearest neighbors, raw           {before:.2f}")
print(
    f"five nearest neighbors, standardized  "
    f"{accuracy_of_neighbors(after, wine.y_train, scaled_test, wine.y_test):.2f}"
)
plotting.layer_histograms(
    histograms, same_axis=False, title="Four features, raw and standardized: only the axes differ"
)

# %% [markdown]
# Raw, "near" means "alike in proline", for proline has the largest numbers. Standardized, every
# feature has a say. A free lunch?

# %% exercise="standardized_digits"

# %% tags=["show"]
# Digits by their five nearest neighbors, and the five digits that changed most
committed("preprocessing/standardized_digits")
digits = data.digits()
ink, test_ink = digits.x_train.flatten(1), digits.x_test.flatten(1)
scaled_ink, scaled_test_ink = standardize(ink, ink), standardize(ink, test_ink)
raw_score = accuracy_of_neighbors(ink, digits.y_train, test_ink, digits.y_test)
scaled_score = accuracy_of_neighbors(scaled_ink, digits.y_train, scaled_test_ink, digits.y_test)
print(f"digits, raw {raw_score:.3f}, standardized {scaled_score:.3f}")
spread = ink.std(dim=0, unbiased=False)
print(f"pixels that never vary: {int((spread == 0).sum())}")
print(
    f"smallest other spread {float(spread[spread > 0].min()):.4f}, largest {float(spread.max()):.2f}"
)
print(f"largest value after standardization {float(scaled_ink.abs().max()):.0f}")
odd = scaled_ink.abs().amax(dim=1).topk(5).indices
plotting.image_grid(
    torch.cat([ink[odd] * scaled_ink.max(), scaled_ink[odd]]).reshape(-1, 8, 8),
    [*["raw"] * 5, *["standardized"] * 5],
    columns=5,
    title="One speck of ink at the edge outweighs the digit",
)

# %% [markdown]
# Standardization asks how *unusual* a value is, not how much it says. A near-constant feature is
# either dropped, or divided by √(σ² + ε), or left on the scale that it shares with its neighbors. That
# is usual for pixels: one mean and one σ for each color, which moreover fit images of any size.
#
# ## 3 · Whose constants?
#
# Constants are *fitted*, like weights, and like weights they come from the training split alone.

# %% tags=["show"]
# Patches of two photographs, some for training and some for testing
photographs = data.photographs()
size = 32
patches = photographs.unfold(2, size, size).unfold(3, size, size)  # (2, 3, rows, columns, 32, 32)
patches = patches.permute(0, 2, 3, 1, 4, 5).flatten(0, 2) / 255
shuffled = torch.randperm(len(patches), generator=torch.Generator().manual_seed(1))
train_patches, test_patches = patches[shuffled[:400]], patches[shuffled[400:]]
print("patches for training", tuple(train_patches.shape), " for testing", tuple(test_patches.shape))
plotting.image_grid(train_patches[:16], columns=8, title="Patches of two photographs")

# %% exercise="channel_statistics"

# %% exercise="one_test_row"

# %% exercise="ImageNormalizer"

# %% tags=["show"]
# Training constants against everybody's own, on photographs and on one wine
committed("preprocessing/one_test_row")
normalizer = ImageNormalizer(train_patches)
print(
    "saved with the model:", {name: tuple(t.shape) for name, t in normalizer.state_dict().items()}
)
alone = normalizer(test_patches[:1])
among_others = normalizer(test_patches[:50])[:1]
print("alone and in a batch the same:", torch.equal(alone, among_others))


def with_own_constants(images):
    """What not to do."""
    mean, std = channel_statistics(images)
    return (images - mean[:, None, None]) / std[:, None, None]


evening = 0.6 * test_patches  # the same places, an hour later
for name, images in {"test patches": test_patches, "in the evening": evening}.items():
    right, wrong = normalizer(images).mean(), with_own_constants(images).mean()
    print(f"{name:15} mean with training constants {right:+.2f}, with their own {abs(wrong):.2f}")
one_wine = wine.x_test[:1]
for name, constants in {"the training data's": wine.x_train, "its own": one_wine}.items():
    seen = standardize(constants, one_wine)[0, :4]
    print(f"one wine, with {name} constants:", "  ".join(f"{value:+.2f}" for value in seen), " …")
plotting.image_grid(
    torch.cat([test_patches[:8], evening[:8]]), columns=8, title="Test patches, and in the evening"
)

# %% [markdown]
# With its own constants the evening looks exactly like noon: the shift that you would want to notice
# is gone. A wine that comes alone is all zeros, for it is its own mean, and in larger batches a row's
# numbers depend on which other rows were sent along. *The test to run on any preprocessing: one
# example alone, and the same one in a batch, must come out equal.*
#
# ## 4 · How many steps?
#
# Take least squares, where everything can be computed. The loss is a bowl, and its shape, the Hessian
# $X^TX/n$, depends on the features alone.

# %% exercise="condition_number"

# %% exercise="largest_stable_rate"

# %% tags=["show"]
# Three versions of the wines, with a column of ones for the intercept
wines, target = wine.x_train.double(), (wine.y_train == 0).double()  # the first grower's wines


def with_intercept(features):
    """A column of ones, so that the model may add a constant."""
    return torch.cat([features, torch.ones(len(features), 1, dtype=features.dtype)], dim=1)


def optimum(features):
    """The weights of the smallest loss."""
    return torch.linalg.lstsq(features, target[:, None], driver="gelsd").solution[:, 0]


def descent_curve(features, steps=300):
    """Excess loss after every step, as a share of that at the start."""
    rate = float(largest_stable_rate(features)) / 2
    floor = ((features @ optimum(features) - target) ** 2).mean()
    w, shares = torch.zeros_like(features[0]), []
    for _ in range(steps):
        w = w - rate * features.T @ (features @ w - target) / len(features)
        loss = (features @ w - target).square().mean()
        shares.append(float((loss - floor) / (target.square().mean() - floor)))
    return [max(share, 1e-6) for share in shares]


prepared = {
    "raw": with_intercept(wines),
    "centered": with_intercept(center(wines, wines)),
    "standardized": with_intercept(standardize(wines, wines)),
}
for name, features in prepared.items():
    print(f"{name:13} {len(features)} wines, largest entry {float(features.abs().max()):.4g}")

# %% exercise="steps_on_raw_features"

# %% tags=["show"]
# Condition number, largest stable rate and steps of three versions, and the first 300 of these steps
committed("preprocessing/steps_on_raw_features")


def steps_until(features, share):
    """Steps until this share of the excess loss is left, at half the largest stable rate.

    Each part of the error shrinks by 1 − ηλ a step, so that nobody has to take them.
    """
    rate = float(largest_stable_rate(features)) / 2
    curvatures, axes = torch.linalg.eigh(features.T @ features / len(features))
    parts = curvatures * (axes.T @ optimum(features)) ** 2

    def share_left(steps):
        return float((parts * (1 - rate * curvatures) ** (2 * steps)).sum() / parts.sum())

    low, high = 0, 2**40
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if share_left(middle) > share else (low, middle)
    return high


for name, features in prepared.items():
    print(
        f"{name:13} condition number {float(condition_number(features)):8.3g}   largest rate "
        f"{float(largest_stable_rate(features)):8.3g}   steps {steps_until(features, 0.01):11,}"
    )
plotting.training_curves(
    {name: descent_curve(features) for name, features in prepared.items()},
    log=True,
    window=1,
    ylabel="excess loss (share of that at the start)",
    title="Gradient descent on three versions of the same wines (cut at 10⁻⁶)",
)

# %% [markdown]
# Fifteen steps against 164 million. Centering takes away the eigenvalue that the mean drives,
# standardization the differences of scale.
#
# In the plot the centered wines lag *behind* the raw ones at first. Raw features have a mean, along
# which the loss is steep, and with it they reproduce the average of y at once; centered features leave
# that to the intercept, a direction as flat as the rate is small. The last percent is another matter:
# 164 million steps against 0.9 million.
#
# And where do they arrive, if they take their time?

# %% exercise="optimum_of_standardized"

# %% tags=["show"]
# The two optima, one prediction for each wine
committed("preprocessing/optimum_of_standardized")
from_raw = prepared["raw"] @ optimum(prepared["raw"])
from_scaled = prepared["standardized"] @ optimum(prepared["standardized"])
for name, fitted in {"raw": from_raw, "standardized": from_scaled}.items():
    print(f"{name:13} training loss {float((fitted - target).square().mean()) / 2:.6f}")
print(f"largest difference of the predictions {float((from_scaled - from_raw).abs().max()):.0e}")

# %% exercise="sentences_of_the_notes"

# %% [markdown]
# ## Where to go from here
#
# - LeCun, Bottou, Orr & Müller 1998, *Efficient BackProp*, Sections 4.3 and 5: all of this lab, and
#   still the best text on it.
# - Bell & Sejnowski 1997, *The “independent components” of natural scenes are edge filters*: where
#   the whitening of images is from.
# - The next labs do for the *inside* of a network what you have done for its input: the right scale
#   at the start (initialization), and at every step (batch normalization).

# %% [markdown]
# # Further
#
# Directions and whitening, the bowl of the loss in detail, and what goes wrong with images: one number
# per color, borders, constants used twice, bytes. Optional, and graded like the core.
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | covariance of PCA, whitening | divided by n − 1, as in `np.cov`, scikit-learn's `PCA` | some texts: n |
# | components | columns of U, largest variance first, sign arbitrary | scikit-learn: rows |
# | ε of whitening | inside the root: 1/√(λ + ε) | |
# | color images | red, green, blue | OpenCV: blue, green, red |

# %% [markdown]
# ## 5 · One number per color
#
# Widely read lecture notes have an opinion on the mean of images.

# %% exercise="shape_of_the_mean"

# %% exercise="center_channels"

# %% tags=["show"]
# The shape of the notes' mean, the repaired line, and the constants of the photographs
committed("preprocessing/shape_of_the_mean")
print("shape of the mean over axis 0:", tuple(train_patches.mean(dim=0).shape))
channel_mean, channel_std = channel_statistics(train_patches)
print("mean per color, before the repaired line:", channel_mean.numpy().round(3))
centered_patches = center_channels(train_patches, train_patches)
print("and after it:", centered_patches.mean(dim=(0, 2, 3)).numpy().round(3) + 0.0)
within = train_patches.std(dim=(2, 3), unbiased=False).mean(dim=0)
print("std per color:", channel_std.numpy().round(3))
print("mean of the patches' own stds:", within.numpy().round(3))

# %% [markdown]
# So `X.mean(axis=0)` is an *image*. Both exist: AlexNet and the first ResNet subtracted the mean image,
# VGG one number per color, and one number per color is what one uses today. But a text must not say
# the one and do the other.
#
# The last line is a popular mistake: averaging the standard deviations of single images finds about
# a quarter of the spread here, since most of it lies *between* the patches, of sky, roof and petal.
# How popular? The `std = [0.2023, 0.1994, 0.2010]` of many programs for CIFAR-10 is made that way (all
# pixels together give 0.2470, 0.2435, 0.2616), and so are the 0.229, 0.224, 0.225 of ImageNet, as
# those found who computed them anew ([pytorch/vision#1965](https://github.com/pytorch/vision/pull/1965)).
# Networks do not mind a factor of 1.2, so nobody noticed; but a model must go on being used with the
# constants that it was trained with.
#
# ## 6 · Directions
#
# Features that rise and fall together hold less than their number suggests.

# %% exercise="pca"

# %% tags=["show"]
# The variance that the first components hold, and sixteen directions
pixels = clothes.x_train.flatten(1)
mean, variances, components = pca(pixels)
share = variances.cumsum(0) / variances.sum()
for k in (1, 2, 10, 50, 200):
    print(f"{k:3} of 784 components hold {float(share[k - 1]):.0%} of the variance")
plotting.image_grid(
    components.T[:16].reshape(-1, 28, 28),
    [f"no. {k}" for k in range(1, 17)],
    title="The sixteen directions in which clothes differ most",
)

# %% exercise="reconstruct"

# %% tags=["show"]
# Test images rebuilt from 2, 10, 50 and 200 numbers
test_pixels = clothes.x_test.flatten(1)
shown, labels = [test_pixels[:8]], ["original"] * 8
for k in (2, 10, 50, 200):
    rebuilt = reconstruct(pixels, test_pixels, k)
    error = float(((rebuilt - test_pixels) ** 2).mean() / ((test_pixels - mean) ** 2).mean())
    print(f"k = {k:3}: {error:.1%} of the test images' variance is lost")
    shown.append(rebuilt[:8])
    labels += [f"k = {k}"] * 8
plotting.image_grid(
    torch.cat(shown).clamp(0, 1).reshape(-1, 28, 28),
    labels,
    title="Test images from k numbers each",
)

# %% [markdown]
# ## 7 · Whitening
#
# Does one need directions at all, if every feature has been standardized?

# %% exercise="correlation_of_standardized"

# %% exercise="pca_whitening"

# %% exercise="zca_whitening"

# %% tags=["show"]
# One cloud, five preprocessings
committed("preprocessing/correlation_of_standardized")
generator = torch.Generator().manual_seed(0)
cloud = torch.randn(400, 2, generator=generator) @ torch.tensor([[1.2, 0.8], [0.0, 0.35]])
cloud = cloud + torch.tensor([1.2, -1.5])
clouds = {"raw": cloud, "centered": center(cloud, cloud), "standardized": standardize(cloud, cloud)}
for name, fit in {"PCA-whitened": pca_whitening, "ZCA-whitened": zca_whitening}.items():
    m, W = fit(cloud)
    clouds[name] = (cloud - m) @ W
for name, points in clouds.items():
    (a, c), (_, b) = torch.cov(points.T).tolist()
    print(
        f"{name:13} variances {a:5.2f} {b:5.2f}  correlation {round(c / math.sqrt(a * b), 2) + 0.0:5.2f}"
    )
plotting.point_clouds(clouds, title="One cloud, five preprocessings")

# %% [markdown]
# The correlation survives standardization; whitening removes it. PCA whitening has also turned the
# cloud; ZCA whitening leaves every point as near to its old place as it can.
#
# On images ε decides. Most of the 784 variances are tiny and hold little but noise: what does dividing
# by their roots do?

# %% exercise="whitened_variance"

# %% tags=["show"]
# Clothes whitened with four values of ε
tiny = "  ".join(f"{float(variances[j]):.2g}" for j in (0, 99, 699))
print(f"variances of components 1, 100, 700: {tiny}")
rows, names = [test_pixels[:8] - mean], ["centered"] * 8
for eps in (1.0, 1e-1, 1e-2, 1e-5):
    m, W = zca_whitening(pixels, eps=eps)
    white = (test_pixels[:8] - m) @ W
    rows.append(white)
    names += [f"ε = {eps:g}"] * 8
    kept = [float(whitened_variance(variances[j].clamp(min=0), 0.0, eps)[0]) for j in (0, 99, 699)]
    print(f"whitened with ε = {eps:<6g}", "  ".join(f"{v:.2g}" for v in kept))
own_scale = torch.cat([row / row.std(dim=1, keepdim=True) for row in rows]).clamp(-3, 3)
plotting.image_grid(
    own_scale.reshape(-1, 28, 28), names, title="ZCA-whitened clothes (each on its own scale)"
)

# %% [markdown]
# A large ε whitens the strong directions alone: what remains are outlines. With a tiny ε the noise of
# the weakest directions has become as large as the clothes, and drowns them.
#
# ## 8 · The bowl in detail
#
# What does the mean do to the loss, and what is left after standardization?

# %% exercise="curvature_along_mean"

# %% exercise="gradient_descent_steps"

# %% tags=["show"]
# Four versions of the wines, and the steps really taken
m, W = pca_whitening(wines, eps=0.0)
four_versions = prepared | {"whitened": with_intercept((wines - m) @ W)}
for name, features in four_versions.items():
    rate = float(largest_stable_rate(features)) / 2
    steps = gradient_descent_steps(features, target, rate, tolerance=0.01, max_steps=20_000)
    told = f"{steps:6,}" if steps < 20_000 else "more than 20,000"
    print(f"{name:13} condition number {float(condition_number(features)):8.3g}   steps {told}")
plotting.training_curves(
    {name: descent_curve(features) for name, features in four_versions.items()},
    log=True,
    window=1,
    ylabel="excess loss (share of that at the start)",
    title="Gradient descent on four versions of the same wines (cut at 10⁻⁶)",
)

# %% [markdown]
# Whitening removes the correlations that standardization leaves: then the bowl is round, and one step
# suffices. It is not always worth it: fitting it costs D³, ε has to be chosen, and networks have more
# than one layer. But the first two steps are cheap, and hardly ever left out.
#
# Both optima of the wines predicted the same. Now write the layer that shows why.

# %% exercise="fold_standardization"

# %% tags=["show"]
# The best layer for standardized wines, folded into one for raw wines
z = prepared["standardized"]
best = optimum(z)
sigma = wines.std(dim=0, unbiased=False)
weight, bias = fold_standardization(best[None, :-1], best[-1:], wines.mean(dim=0), sigma)
folded = wines @ weight[0] + bias
print(f"largest difference after folding {float((z @ best - folded).abs().max()):.0e}")

# %% [markdown]
# ## 9 · In which order, and how often?
#
# Crops, flips and rotations change *images*: black is 0 there, and brightness lies between 0 and 1.
# So they come first, and the normalization last. What happens otherwise?

# %% exercise="padding_value"

# %% exercise="pad_then_normalize"

# %% tags=["show"]
# A border of black, padded first and padded last


def visible(images):
    """Normalized images as colors again."""
    return images * channel_std[:, None, None] + channel_mean[:, None, None]


normalizer = ImageNormalizer(train_patches)
channel_mean, channel_std = normalizer.mean, normalizer.std
small = photographs[:, :, ::4, ::4] / 255
right = pad_then_normalize(small, channel_mean, channel_std, 12)
gray = F.pad(normalizer(small), [12] * 4)
black = padding_value(channel_mean, channel_std)
print("black in each channel:", "  ".join(f"{value:.2f}" for value in black.tolist()))
plotting.image_grid(
    visible(torch.cat([right, gray])),
    [*["padded first"] * 2, *["padded last"] * 2],
    columns=4,
    title="0 is black before, the mean color after",
)

# %% exercise="diagnose_normalization"

# %% tags=["show"]
# Four histories of the same photographs, and what their statistics say
mean_bgr, std_bgr = channel_mean.flip(0), channel_std.flip(0)
histories = {
    "raw": test_patches,
    "once": normalizer(test_patches),
    "twice": normalizer(normalizer(test_patches)),
    "reversed": (test_patches - mean_bgr[:, None, None]) / std_bgr[:, None, None],
}


def require_normalized(images):
    """Fail loudly where the statistics of a batch tell another story."""
    distances = diagnose_normalization(images, channel_mean, channel_std)
    found = min(distances, key=distances.get)
    if found != "once":
        raise ValueError(f"these images look like {found!r}, not like normalized once")


for name, images in histories.items():
    distances = diagnose_normalization(images, channel_mean, channel_std)
    print(f"{name:9}", "  ".join(f"{key} {float(value):5.2f}" for key, value in distances.items()))
    try:
        require_normalized(images)
    except ValueError as error:
        print(f"{'':9} {error}")
exchanged = (small - mean_bgr[:, None, None]) / std_bgr[:, None, None]
plotting.image_grid(
    visible(torch.cat([normalizer(small), exchanged])),
    [*["right constants"] * 2, *["reversed"] * 2],
    columns=4,
    title="What the network sees, drawn as colors",
)

# %% [markdown]
# The pictures hardly differ, and no network would complain: only the statistics tell. Three lines of
# `require_normalized` at the start of a training script have saved many an afternoon.
#
# ## 10 · Center only?
#
# *“For images: center only; the pixels share one scale already”*, say the same notes.

# %% exercise="centered_bytes"

# %% tags=["show"]
# One small network on four scalings of the same clothes
committed("preprocessing/centered_bytes")
gray_mean, gray_std = pixels.mean() * 255, pixels.std() * 255
print(f"mean {gray_mean:.0f} and standard deviation {gray_std:.0f} of pixels from 0 to 255")


def small_network(x_train, x_test, rate, steps=200, seeds=2):
    """Mean losses, and the accuracy on the test images, over some seeds."""
    runs, scores = [], []
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        losses = []
        for _ in range(steps):
            batch = torch.randint(len(x_train), (64,))
            loss = F.cross_entropy(model(x_train[batch]), clothes.y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(min(loss.item(), 5.0) if math.isfinite(loss.item()) else 5.0)
        runs.append(losses)
        with torch.no_grad():
            scores.append(float((model(x_test).argmax(dim=1) == clothes.y_test).float().mean()))
    return np.mean(runs, axis=0), np.mean(scores)


versions = {
    "bytes, centered only": (255 * pixels - gray_mean, 255 * test_pixels - gray_mean),
    "in [0, 1], centered only": (pixels - pixels.mean(), test_pixels - pixels.mean()),
    "mean and std": (
        (255 * pixels - gray_mean) / gray_std,
        (255 * test_pixels - gray_mean) / gray_std,
    ),
    "mean and std per pixel": (standardize(pixels, pixels), standardize(pixels, test_pixels)),
}
learning = {}
for name, (x_train, x_test) in versions.items():
    learning[name], score = small_network(x_train, x_test, 0.05)
    print(f"{name:25} rate 0.05    test accuracy {score:.2f}")
_, score = small_network(*versions["bytes, centered only"], 0.001)
print(f"{'bytes, centered only':25} rate 0.001   test accuracy {score:.2f}")
plotting.training_curves(
    learning, ylabel="training loss (mean of 2 seeds)", title="Centered only? (cut at 5)"
)

# %% [markdown]
# “Center only” was written for pixels and learning rates that had been chosen for each other. What
# is right about it: one σ for all pixels, or one for each color, is enough. What is dated: leaving σ
# out.
#
# *“ResNet divides by the standard deviation, VGG does not.”* Published models of today come with a
# mean and a standard deviation per channel, for both. The papers: VGG (Section 2.1) subtracts the
# mean RGB value; ResNet (Section 3.4) subtracts the *per-pixel mean*. Neither divides.

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("preprocessing", ImageNormalizer=ImageNormalizer)

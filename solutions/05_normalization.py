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
# # Lab 5 · Batch normalization
#
# In the last lab a factor of two in the starting weights decided whether a deep network learned.
# Batch normalization makes that worry nearly disappear: it measures every feature over the batch,
# and sets its mean and spread to what they should be, *while the network trains*. Networks become
# easier to train, and behave in ways that surprise people who use them every day.
#
# By the end you can
# - write batch normalization, as a function and as a layer with memory;
# - say which statistics it uses when, and why evaluation differs from training;
# - explain what weight decay does before it, and judge what is said about why it works.
#
# **How it works.** As lab 1 says; the core takes about an hour, *Further* is optional.
#
# **Conventions of this lab.** Most mistakes here are two conventions meeting. Ours are torch's.
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | `momentum` m | weight of the **new** batch: r ← (1 − m) r + m · batch, m = 0.1 | CS231n, Keras, JAX: weight of the **old** value, 0.9 or 0.99 |
# | variance that normalizes | biased: divided by N | |
# | variance that is stored | unbiased: divided by N − 1 | CS231n stores the biased one |
# | running statistics | start at mean 0, variance 1 | CS231n: variance 0 |
# | ε | inside the root: √(σ² + ε) | some optimizers put theirs outside |
# | weight γ, bias β | scale and shift *after* normalizing, one per feature | |

# %% tags=["setup"]
import functools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("normalization")

# %% [markdown]
# ## Why it matters
#
# A six-layer network on MNIST-1D (40 numbers a signal, ten classes), with and without batch
# normalization, at two learning rates. Everything else is equal: weights, data, momentum 0.9, six
# epochs.

# %% tags=["show"]
# Six layers with and without batch normalization, at two learning rates
signals = data.mnist1d()


def mlp(batch_norm_layers, width=100, layers=6, noise=False):
    """A plain network for MNIST-1D, with torch's own BatchNorm1d where asked for."""
    parts, before = [], 40
    for _ in range(layers - 1):
        parts.append(nn.Linear(before, width))
        if batch_norm_layers:
            parts.append(nn.BatchNorm1d(width))
        if noise:
            parts.append(Drift())
        parts.append(nn.ReLU())
        before = width
    return nn.Sequential(*parts, nn.Linear(before, 10))


class Drift(nn.Module):
    """Stretch and shift every feature at random, anew at every training step, and add noise."""

    def forward(self, x):
        if not self.training:
            return x
        stretch = 0.75 + 0.5 * torch.rand(x.shape[1])
        shift = torch.rand(x.shape[1]) - 0.5
        return x * stretch + shift + 0.25 * torch.randn_like(x)


def train(model, learning_rate, epochs=10, batch_size=100):
    """Loss of every step, and the accuracy on the test signals afterwards."""
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    losses = []
    for _ in range(epochs):
        for batch in torch.randperm(len(signals.x_train)).split(batch_size):
            loss = F.cross_entropy(model(signals.x_train[batch]), signals.y_train[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(min(loss.item(), 4.0) if math.isfinite(loss.item()) else 4.0)
    model.eval()
    with torch.no_grad():
        right = (model(signals.x_test).argmax(dim=1) == signals.y_test).float().mean()
    return losses, float(right)


NETWORKS = {
    "plain": lambda: mlp(False),
    "batch norm": lambda: mlp(True),
    "batch norm, then noise": lambda: mlp(True, noise=True),
}


@functools.cache
def three_seeds(name, rate):
    """Loss of every step and test accuracy of a network, for three seeds; trained only once."""
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        found.append(train(NETWORKS[name](), rate))
    return found


opening = {}
for rate in (0.01, 0.1):
    for name in ("plain", "batch norm"):
        torch.manual_seed(0)
        losses, accuracy = train(NETWORKS[name](), rate, epochs=6)
        opening[f"{name}, rate {rate}"] = losses
        print(f"{name:10} learning rate {rate:<5} test accuracy {accuracy:.2f}")
plotting.training_curves(opening, ylabel="training loss", title="Six layers on MNIST-1D")

# %% [markdown]
# ## 1 · Normalize a batch

# %% exercise="batch_norm"

# %% tags=["show"]
# Four features before batch normalization, and after it
torch.manual_seed(0)
features = torch.randn(256, 4) * torch.tensor([0.2, 1.0, 3.0, 8.0]) + torch.tensor([5.0, 0, -2, 1])
normalized = batch_norm(features, torch.ones(4), torch.zeros(4))
for name, values in {"before": features, "after": normalized}.items():
    mean, std = (number.numpy().round(2) + 0.0 for number in (values.mean(0), values.std(0)))
    print(f"{name:7} mean {mean}  std {std}")
histograms = {f"feature {n}, before": feature for n, feature in enumerate(features.T, 1)}
histograms |= {f"{n}, after": feature for n, feature in enumerate(normalized.T, 1)}
plotting.layer_histograms(histograms, title="Four features before, and the same four after")

# %% [markdown]
# ## 2 · And without a batch?
#
# At test time there may be one example only, and what is predicted for it must not depend on its
# companions. So the layer keeps *running* statistics while it trains, and uses them afterwards.

# %% exercise="update_running_statistics"

# %% exercise="batch_norm_inference"

# %% exercise="BatchNorm1d"

# %% exercise="batch_of_one"

# %% tags=["show"]
# One example in both modes
committed("normalization/batch_of_one")
layer, x = BatchNorm1d(3), torch.tensor([[1.0, 2.0, 3.0]])
for mode in ("train", "eval"):
    try:
        print(f"{mode} mode:", layer.train(mode == "train")(x).detach().numpy())
    except ValueError as error:
        print(f"{mode} mode: {error}")

# %% [markdown]
# How fast do the running statistics find the true ones?

# %% tags=["show"]
# The running statistics over sixty batches
torch.manual_seed(0)
layer = BatchNorm1d(1)
estimates = []
for _ in range(60):
    layer(torch.randn(32, 1) * 3 + 5)
    estimates.append((layer.running_mean.item(), layer.running_var.item() ** 0.5))
plotting.training_curves(
    {
        "running mean (true: 5)": [e[0] for e in estimates],
        "root of the running variance (true: 3)": [e[1] for e in estimates],
    },
    ylabel="estimate",
    title="Running statistics forget where they started",
)

# %% [markdown]
# After 10 batches 0.9¹⁰ = 35 % of an estimate is still its starting value, after 44 batches 1 %.
# A model evaluated too early, or fine-tuned with a small momentum, is evaluated with wrong
# statistics. It is a common bug.
#
# ## 3 · What becomes of weight decay?
#
# Weight decay pulls the weights of every layer toward zero. Suppose that a batch normalization stands
# behind the layer.

# %% exercise="halved_weights"

# %% tags=["show"]
# A layer and a batch normalization, with its weights and with half of them
committed("normalization/halved_weights")
torch.manual_seed(0)
linear, norm = nn.Linear(20, 5), BatchNorm1d(5)
x, upstream = torch.randn(50, 20), torch.randn(50, 5)
before = norm(linear(x))
before.backward(upstream)
gradient = linear.weight.grad.clone()
with torch.no_grad():
    linear.weight *= 0.5
linear.zero_grad()
after = norm(linear(x))
after.backward(upstream)
print(f"largest output                          {before.abs().max():.1f}")
print(f"it changes by at most                   {(after - before).abs().max():.1e}")
print(f"gradient of the weights, new over old   {(linear.weight.grad / gradient).median():.2f}")

# %% exercise="effective_learning_rate"

# %% [markdown]
# ## 4 · The experiment
#
# Does batch normalization do what it promises? Learning rates over nearly two decades, three seeds
# each.

# %% exercise="large_learning_rate"

# %% tags=["show"]
# Test accuracy of three seeds at three learning rates
committed("normalization/large_learning_rate")
for rate in (0.01, 0.1, 0.5):
    for name in ("plain", "batch norm"):
        scores = "  ".join(f"{score:.2f}" for _, score in three_seeds(name, rate))
        print(f"learning rate {rate:<5} {name:10} test accuracy {scores}")
figure = plotting.lines_over_depth(
    {
        name: [
            np.mean([score for _, score in three_seeds(name, rate)]) for rate in (0.01, 0.1, 0.5)
        ]
        for name in ("plain", "batch norm")
    },
    xlabel="learning rate",
    ylabel="test accuracy",
)
figure.axes[0].set_xticks(range(1, 4), (0.01, 0.1, 0.5))
figure

# %% [markdown]
# ## 5 · Why does it work?
#
# The paper's answer was that it removes “internal covariate shift”: later layers need not chase
# the moving distribution of earlier ones. Santurkar et al. (2018) tested it: add random
# noise *behind* each normalization, so that the distributions move more than ever.

# %% exercise="noise_after_batch_norm"

# %% tags=["show"]
# Plain, normalized, and normalized with noise behind it, at a learning rate of 0.01
committed("normalization/noise_after_batch_norm")
contest = {name: three_seeds(name, 0.01) for name in NETWORKS}
for name, found in contest.items():
    print(f"{name:24} test accuracy", "  ".join(f"{score:.2f}" for _, score in found))
plotting.training_curves(
    {name: np.mean([losses for losses, _ in found], axis=0) for name, found in contest.items()},
    ylabel="training loss (mean of 3 seeds)",
    title="Distributions that keep moving",
)

# %% exercise="why_batch_norm_works"

# %% [markdown]
# ## Where to go from here
#
# - Ioffe & Szegedy 2015, *Batch normalization*: the paper.
# - Santurkar et al. 2018, *How does batch normalization help optimization?*
# - Bjorck et al. 2018, *Understanding batch normalization*: the learning rate.
# - Wu & He 2018, *Group normalization*.

# %% [markdown]
# # Further
#
# The backward pass by hand, images and the bug in them, folding batch normalization away, and its
# relatives. Optional, and graded like the core.
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | images | (N, C, H, W), statistics per channel C | Keras: channels last |

# %% [markdown]
# ## 6 · Backward
#
# Every output depends on every input of its feature, through μ and σ². Most of what the three paths
# bring cancels, and what is left fits on one line. Look for it on paper first.

# %% exercise="batch_norm_backward"

# %% tags=["show"]
# Two sums of your gradient over the batch
torch.manual_seed(0)
x = torch.randn(6, 3, dtype=torch.float64)
upstream = torch.randn(6, 3, dtype=torch.float64)
grad_x, _, _ = batch_norm_backward(upstream, x, torch.tensor([0.5, 2, -1], dtype=torch.float64))
x_hat = (x - x.mean(0)) / x.std(0, unbiased=False)
print("sum of dx over the batch:        ", grad_x.sum(0).numpy().round(6) + 0.0)
print("sum of dx · x̂ over the batch:    ", (grad_x * x_hat).sum(0).numpy().round(4) + 0.0)

# %% [markdown]
# Both are zero: pushing all examples in the same direction, or stretching them, changes nothing
# behind the normalization, so no gradient asks for it.

# %% exercise="bias_before_batch_norm"

# %% tags=["show"]
# A linear layer with a bias before batch normalization, and both gradients
committed("normalization/bias_before_batch_norm")
torch.manual_seed(0)
linear, norm = nn.Linear(20, 5), BatchNorm1d(5)
norm(linear(torch.randn(50, 20))).backward(torch.randn(50, 5))
print("largest gradient of the bias:   ", f"{linear.bias.grad.abs().max():.1e}")
print("largest gradient of the weights:", f"{linear.weight.grad.abs().max():.1e}")

# %% exercise="batch_norm_inference_backward"

# %% [markdown]
# ## 7 · Images
#
# Now a bug for you to find. Nine of 119 students wrote it; shapes fit, nothing raises, and even the
# gradient check passes, because the backward pass repeats the mistake.

# %% exercise="batch_norm_2d"

# %% tags=["show"]
# Three channels, normalized as it should be and with the bug
torch.manual_seed(0)
clothes = data.fashion_mnist(64, 10).x_train
colored = torch.stack([clothes, 3 * clothes + 2, clothes.flip(1) - 4], dim=1)
as_it_should = batch_norm_2d(colored, torch.ones(3), torch.zeros(3))
rows = colored.reshape(-1, 3)
scrambled = ((rows - rows.mean(0)) / rows.std(0)).reshape(colored.shape)
print("per-channel mean, right:  ", as_it_should.mean((0, 2, 3)).numpy().round(3) + 0.0)
print("per-channel mean, bug:    ", scrambled.mean((0, 2, 3)).numpy().round(3) + 0.0)
plotting.image_grid(
    torch.cat([as_it_should[:1].flatten(0, 1), scrambled[:1].flatten(0, 1)]),
    ["right, channel 1", "channel 2", "channel 3", "bug, channel 1", "channel 2", "channel 3"],
)

# %% exercise="BatchNorm2d"

# %% [markdown]
# ## 8 · The way back, and folding
#
# Does normalizing take anything away? And must it cost anything once the network is trained?

# %% exercise="identity_parameters"

# %% exercise="fold_batch_norm"

# %% tags=["show"]
# A linear layer and its batch normalization in evaluation, and both as one layer
torch.manual_seed(0)
linear, norm = nn.Linear(20, 5), BatchNorm1d(5)
for _ in range(50):
    norm(linear(torch.randn(64, 20) + 1))
norm.eval()
x = torch.randn(8, 20)
folded_weight, folded_bias = fold_batch_norm(
    linear.weight, linear.bias, norm.running_mean, norm.running_var, norm.weight, norm.bias
)
difference = norm(linear(x)) - (x @ folded_weight.T + folded_bias)
print(f"largest difference {difference.abs().max():.0e}")

# %% [markdown]
# ## 9 · Relatives
#
# Layer normalization normalizes each *example* over its features, group normalization each example
# over groups of channels. Neither needs a batch, and neither differs between training and
# evaluation: one reason why transformers use the first.

# %% exercise="layer_norm"

# %% exercise="layer_norm_backward"

# %% exercise="group_norm"

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("normalization", BatchNorm2d=BatchNorm2d)

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
# # Lab 2 · Activations
#
# Without a nonlinearity between them, ten linear layers are one linear layer. So something must
# stand between them, and for thirty years there has been much advice about what: *don’t use
# sigmoid, don’t use tanh, ReLU units die, ELU is zero-centered, try maxout, it hardly matters.* Some
# of it is right, some of it was right once, and some of it never was. In this lab you **measure** it.
#
# By the end you can
# - write an activation so that neither value nor gradient ever overflows;
# - measure in a network how gradients vanish and how units die;
# - compare two methods so that the result means something;
# - correct claims of widely used lecture notes.
#
# **How it works.** As in Lab 1: write a function, run the gray cell below it, read. The core takes about
# an hour; *Further*, at the end, is graded alike and optional.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | x, y | input and output of an activation | often z and a |
# | `grad_output` | ∂L/∂y, the gradient from above; a backward function returns ∂L/∂x | δ, `dout` |
# | slope of ReLU at exactly 0 | 0, as in torch | 1 or ½ in some libraries |
# | `negative_slope` | slope of leaky ReLU on the left, 0.01 | α |
# | `weight` of a linear layer | shape (out, in), as in torch | CS231n: (in, out) |

# %% tags=["setup"]
import itertools
import math
import statistics

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("activations")

# %% [markdown]
# ## Why it matters
#
# Three times the same network: eight hidden layers, photographs of clothes (Fashion-MNIST), the same
# starting weights (up to a gain of √2 for ReLU), the same batches, the same optimizer. Only the
# activation differs.

# %% tags=["show"]
# The same deep network with three activations
clothes = data.fashion_mnist(2000, 500)
pixels = (clothes.x_train.flatten(1) - 0.286) / 0.353


def deep_network(activation, gain, widths=(784, *[100] * 8, 10)):
    """Eight hidden layers, each followed by the activation; Glorot's weights times a gain."""
    torch.manual_seed(0)
    layers = []
    for before, after in itertools.pairwise(widths):
        linear = nn.Linear(before, after)
        nn.init.xavier_normal_(linear.weight, gain=gain)
        nn.init.zeros_(linear.bias)
        layers += [linear, activation()]
    return nn.Sequential(*layers[:-1])


def losses_of(model, steps=100, learning_rate=0.05):
    """Training losses of SGD with momentum on batches of 64."""
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    losses = []
    for _ in range(steps):
        batch = torch.randint(len(pixels), (64,), generator=generator)
        loss = F.cross_entropy(model(pixels[batch]), clothes.y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


curves = {
    "sigmoid": losses_of(deep_network(nn.Sigmoid, 1)),
    "tanh": losses_of(deep_network(nn.Tanh, 1)),
    "ReLU": losses_of(deep_network(nn.ReLU, math.sqrt(2))),
}
for name, losses in curves.items():
    print(f"{name:8} loss over the last ten steps {np.mean(losses[-10:]):.2f}")
plotting.training_curves(curves, ylabel="training loss", title="Eight hidden layers")

# %% [markdown]
# The sigmoid network guesses: its loss stays at ln 10 = 2.30 or above. The other two learn. Why?
#
# ## 1 · The sigmoid, and its numbers
#
# First a guess.

# %% exercise="steepest_sigmoid"

# %% exercise="sigmoid"

# %% tags=["show"]
# Slopes far from zero: the textbook formula and yours
for where in (-100.0, 2.0, 800.0):
    x = torch.tensor(where, dtype=torch.float32, requires_grad=True)
    textbook = 1 / (1 + torch.exp(-x))
    (naive,) = torch.autograd.grad(textbook, x)
    (stable,) = torch.autograd.grad(sigmoid(x), x)
    print(f"x = {where:6g}: slope of the textbook formula {naive:.3g}, of yours {stable:.3g}")

# %% tags=["show"]
# Values and slopes of sigmoid and tanh
committed("activations/steepest_sigmoid")
for where in (-4.0, 0.0, 4.0):
    x = torch.tensor(where, requires_grad=True)
    slopes = [torch.autograd.grad(f(x), x)[0].item() for f in (sigmoid, torch.tanh)]
    print(f"x = {where:4g}: slope of sigmoid {slopes[0]:.4f}, of tanh {slopes[1]:.4f}")
plotting.functions_and_slopes({"sigmoid": sigmoid, "tanh": torch.tanh}, low=-6, high=6)

# %% [markdown]
# Two things to remember. The slope of the sigmoid is never above ¼, that of tanh reaches 1. And both
# are flat at **both** ends.
#
# ## 2 · “Don’t use sigmoid or tanh”

# %% exercise="tanh_over_depth"

# %% exercise="gradients_over_depth"

# %% tags=["show"]
# Both gradients in eight layers of sigmoid, tanh and ReLU
committed("activations/tanh_over_depth")
torch.manual_seed(0)


def both_gradients(activation, gain, layers=8, width=128, draws=5):
    """Spread of both gradients in every layer, averaged over draws of weights and inputs."""
    found = {"activations": [], "weights": []}
    for _ in range(draws):
        weights = [gain * torch.randn(width, width) / math.sqrt(width) for _ in range(layers)]
        gradient = torch.randn(128, width) / 128
        measured = gradients_over_depth(torch.randn(128, width), weights, activation, gradient)
        for name, stds in found.items():
            stds.append(measured[name])
    return {name: torch.stack(stds).mean(dim=0) for name, stds in found.items()}


depth = {
    "sigmoid": both_gradients("sigmoid", 1),
    "tanh": both_gradients("tanh", 1),
    "ReLU": both_gradients("relu", math.sqrt(2)),
}
for name, measured in depth.items():
    for which, stds in measured.items():
        print(f"{name:8} {which:12}", "  ".join(f"{s:.1e}" for s in stds.tolist()))
plotting.lines_over_depth(
    {f"{name}, {which}": stds for name, found in depth.items() for which, stds in found.items()},
    log=True,
    ylabel="std of the gradient",
    title="Gradients of activations and of weights",
)

# %% [markdown]
# The sigmoid loses a factor of more than 4 in every layer: weights of variance 1/128 keep the spread
# of a gradient, and the slope, at most ¼, does the rest. tanh with Glorot’s weights loses a
# factor of about two over all eight layers, and the gradients of its *weights* are level: one has to say
# which gradient one means. So the sentence should read: *not sigmoids as hidden
# units of a deep plain network*. As the gate of an LSTM, as the output for a probability, inside
# attention as a softmax: there being bounded is the point.
#
# ## 3 · ReLU, and a slope on the left

# %% exercise="relu_backward"

# %% exercise="leaky_relu"

# %% tags=["show"]
# A steep slope on the left, and the line of the notes
plotting.functions_and_slopes(
    {
        "ReLU": torch.relu,
        "leaky ReLU, slope 2": lambda x: leaky_relu(x, 2.0),
        "max(2x, x)": lambda x: torch.maximum(2 * x, x),
    },
    low=-2,
    high=2,
)

# %% [markdown]
# With a slope above 1 the maximum takes the wrong one on either side.
#
# ## 4 · Dead units

# %% exercise="dead_fraction"

# %% tags=["show"]
# Dead units after a hundred steps at three learning rates
signals = data.mnist1d(2000, 1000)


def dead_after_training(learning_rate, bias, seed, steps=100):
    """Share of dead units in each hidden layer, over the whole training set."""
    torch.manual_seed(seed)
    hidden = [nn.Linear(40, 100), nn.Linear(100, 100), nn.Linear(100, 100)]
    for layer in hidden:
        nn.init.kaiming_normal_(layer.weight)
        nn.init.constant_(layer.bias, bias)
    last = nn.Linear(100, 10)
    parameters = [p for layer in (*hidden, last) for p in layer.parameters()]

    def pre_activations(x):
        found = []
        for layer in hidden:
            found.append(layer(x))
            x = torch.relu(found[-1])
        return found, last(x)

    for _ in range(steps):
        batch = torch.randint(2000, (64,))
        loss = F.cross_entropy(pre_activations(signals.x_train[batch])[1], signals.y_train[batch])
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter -= learning_rate * gradient
    with torch.no_grad():
        layers = zip(*(pre_activations(x)[0] for x in signals.x_train.split(500)), strict=True)
        return torch.stack([dead_fraction(list(batches)) for batches in layers])


def ten_networks(learning_rate, bias):
    """Shares of dead units, shape (10 networks, 3 layers)."""
    return torch.stack([dead_after_training(learning_rate, bias, seed) for seed in range(10)])


def report(dead):
    """One line for each pair of rate and bias."""
    for (rate, bias), shares in dead.items():
        layers = "  ".join(f"{share:4.0%}" for share in shares.mean(dim=0).tolist())
        lost = int((shares == 1).any(dim=1).sum())
        print(
            f"rate {rate:3g}, bias {bias:4g}: dead in layers 1 to 3 {layers}, "
            f"lost networks {lost} of 10"
        )


dead = {(rate, 0.0): ten_networks(rate, 0.0) for rate in (0.1, 1.0, 2.0)}
report(dead)
plotting.lines_over_depth(
    {f"rate {rate:g}": shares.mean(dim=0) for (rate, _), shares in dead.items()},
    xlabel="hidden layer",
    ylabel="share of dead units",
    title="Three hidden ReLU layers, mean of ten networks",
)

# %% [markdown]
# At a rate of 0.1 nobody dies. At 1 some do; at 2 whole layers die, and the network with them, in nearly
# all runs. What kills units is the step. So what helps is a smaller step, good starting weights, or a slope
# that is not zero.
#
# ## 5 · The experiment: does the choice matter?
#
# Six activations, a small network with two hidden layers, the handwritten digits. Two rules make it
# a fair comparison: *each at its own learning rate*, and *many seeds, in pairs*.

# %% tags=["show"]
# What six activations lose at seven learning rates
digits = data.digits()
center, spread = digits.x_train.mean(), digits.x_train.std()
order = torch.randperm(1437, generator=torch.Generator().manual_seed(0))
shuffled, answers = ((digits.x_train - center) / spread).flatten(1)[order], digits.y_train[order]
handwritten = {
    "training": (shuffled[:1100], answers[:1100]),
    "validation": (shuffled[1100:], answers[1100:]),
    "test": (((digits.x_test - center) / spread).flatten(1), digits.y_test),
}


def accuracies(task, activation, rates, seeds, on, steps=200):
    """Train one network for every rate and seed, all at once; accuracies, shape (rates, seeds).

    Networks of one seed start from the same weights and see the same batches, whatever their rate
    and their activation.
    """
    x, y = task["training"]
    widths, count, parameters = (x.shape[1], 32, 32, 10), len(rates) * len(seeds), []
    starts = [torch.Generator().manual_seed(seed) for seed in seeds]
    for before, after in itertools.pairwise(widths):
        std = math.sqrt(2 / (before + after))
        weights = torch.stack([std * torch.randn(before, after, generator=g) for g in starts])
        parameters.append(weights.repeat(len(rates), 1, 1).requires_grad_())
        parameters.append(torch.zeros(count, 1, after, requires_grad=True))

    def network(h):
        for weight, bias in zip(parameters[0:4:2], parameters[1:4:2], strict=True):
            h = activation(h @ weight + bias)
        return h @ parameters[4] + parameters[5]

    rate = torch.as_tensor(rates).repeat_interleave(len(seeds))[:, None, None]
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    for _ in range(steps):
        batch = torch.stack([torch.randint(len(x), (64,), generator=g) for g in starts])
        batch = batch.repeat(len(rates), 1)
        scores = network(x[batch])
        loss = F.cross_entropy(scores.flatten(0, 1), y[batch].flatten(), reduction="sum") / 64
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, gradient, velocity in zip(
                parameters, gradients, velocities, strict=True
            ):
                velocity.mul_(0.9).add_(gradient)
                parameter -= rate * velocity
    x, y = task[on]
    with torch.no_grad():
        return (network(x).argmax(dim=-1) == y).double().mean(dim=1).view(len(rates), len(seeds))


candidates = {
    "sigmoid": sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "leaky ReLU": leaky_relu,
    "ELU": F.elu,
    "SELU": F.selu,
}
rates = torch.tensor([0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0])
validation = torch.stack(
    [accuracies(handwritten, f, rates, range(100, 103), "validation") for f in candidates.values()]
)
best = rates[validation.mean(dim=2).argmax(dim=1)]
print(f"{'points lost at rate':18}", "  ".join(f"{rate:5g}" for rate in rates.tolist()), "  chosen")
lost = 100 * (validation.mean(dim=2).amax(dim=1, keepdim=True) - validation.mean(dim=2))
for name, points, rate in zip(candidates, lost, best, strict=True):
    row = "  ".join(f"{point:5.1f}" for point in points.tolist())
    print(f"{name:18} {row}   {rate:g}")
figure = plotting.lines_over_depth(
    dict(zip(candidates, -lost, strict=True)),
    xlabel="learning rate",
    ylabel="points against its own best rate",
    title="No learning rate suits all",
)
figure.axes[0].set_xticks(range(1, 8), [f"{rate:g}" for rate in rates.tolist()])
figure

# %% [markdown]
# Validation accuracy, compared with that at the best of the seven rates. Read the columns: a comparison at
# 0.01 is unfair to sigmoids, one at 0.3 to ReLU. So each gets its own, and then ten new seeds on the test set.

# %% exercise="compare_paired"

# %% exercise="choice_matters"

# %% tags=["show"]
# Test accuracy, each at its own rate, ten seeds in pairs
committed("activations/choice_matters")
test = {
    name: accuracies(handwritten, f, rate[None], range(10), "test")[0]
    for (name, f), rate in zip(candidates.items(), best, strict=True)
}
for name, scores in test.items():
    compared = compare_paired(scores, test["ReLU"])
    mean, error = (100 * float(value) for value in compared["first"])
    line = f"{name:11} {mean:.1f} ± {error:.1f} %"
    if name != "ReLU":
        gain, paired = (100 * float(value) for value in compared["difference"])
        unpaired = 100 * math.hypot(float(compared["first"][1]), float(compared["second"][1]))
        line += f"   against ReLU {gain:+.1f}, in pairs ± {paired:.1f}, unpaired ± {unpaired:.1f}"
    print(line)
worst, best_run = 100 * test["ReLU"].min(), 100 * test["ReLU"].max()
print(f"single runs with ReLU: from {worst:.1f} to {best_run:.1f} %")
plotting.scores_with_error(
    {name: 100 * scores for name, scores in test.items()},
    ylabel="test accuracy in %",
    title="Ten seeds, each activation at its own rate",
)

# %% [markdown]
# All six lie within about two points, single runs of ReLU differ among themselves by more than that, and
# ReLU is not the best. With one seed one could “show” nearly any ranking; with ten, in pairs, the lead
# of tanh is several standard errors, small and real.
#
# So the choice hardly matters? That was *one* data set, and an easy one.

# %% exercise="choice_elsewhere"

# %% tags=["show"]
# The same experiment on MNIST-1D
committed("activations/choice_elsewhere")
drawn = data.mnist1d()
one_dimensional = {
    "training": (drawn.x_train[:3000], drawn.y_train[:3000]),
    "validation": (drawn.x_train[3000:], drawn.y_train[3000:]),
    "test": (drawn.x_test, drawn.y_test),
}
validation = torch.stack(
    [
        accuracies(one_dimensional, f, rates[1:6], range(100, 102), "validation", steps=400)
        for f in candidates.values()
    ]
)
best = rates[1:6][validation.mean(dim=2).argmax(dim=1)]
elsewhere = {
    name: accuracies(one_dimensional, f, rate[None], range(5), "test", steps=400)[0]
    for (name, f), rate in zip(candidates.items(), best, strict=True)
}
for (name, scores), rate in zip(elsewhere.items(), best, strict=True):
    compared = compare_paired(scores, elsewhere["ReLU"])
    mean, error = (100 * float(value) for value in compared["first"])
    line = f"{name:11} {mean:.1f} ± {error:.1f} %  at rate {rate:g}"
    if name != "ReLU":
        gain, paired = (100 * float(value) for value in compared["difference"])
        line += f"   against ReLU {gain:+.1f} ± {paired:.1f}"
    print(line)
plotting.scores_with_error(
    {name: 100 * scores for name, scores in elsewhere.items()},
    ylabel="test accuracy in %",
    title="MNIST-1D, five seeds, own rates",
)

# %% [markdown]
# Here the sigmoid is far behind, by many standard errors and at its own best rate, and tanh has lost
# its lead. What survives both data sets: *among ReLU and its relatives* the choice hardly matters in a
# shallow network. Sigmoids need not be worse where the task is easy and the network shallow; depth, at the
# top of this lab, decided everything. ReLU is the usual choice because it is cheap and fails in few places,
# not because it wins everywhere.

# %% exercise="never_say_never"

# %% [markdown]
# ## Where to go from here
#
# - LeCun et al. 1998, *Efficient BackProp*: sigmoids, zero means and why, in twenty pages.
# - Glorot & Bengio 2010, *Understanding the difficulty of training deep feedforward networks*.
# - He et al. 2015, *Delving deep into rectifiers*: PReLU, and the initialization for ReLU.
# - The lab on initialization derives how large the weights must be, for each of these functions.

# %% [markdown]
# # Further
#
# Optional, and graded like the core: slopes by hand, saturation, learned slopes, what is said to keep
# units alive, gradients all of one sign, ELU, SELU and maxout.
#
# ## 6 · Slopes by hand

# %% exercise="sigmoid_backward"

# %% exercise="tanh"

# %% exercise="tanh_backward"

# %% [markdown]
# ## 7 · Saturation
#
# A unit in the flat part is *saturated*: whatever arrives from above, hardly any gradient gets
# through.

# %% exercise="saturated_fraction"

# %% tags=["show"]
# Outputs of the fifth tanh layer, for four sizes of weights
torch.manual_seed(0)
hidden = {}
for factor in (0.5, 1, 2, 4):
    x = torch.randn(200, 300)
    for _ in range(5):
        x = torch.tanh(x @ (torch.randn(300, 300) * factor / math.sqrt(300)).T)
    hidden[f"std {factor:g}/√300"] = x
    upper = (x > 0.94).float().mean()
    both = saturated_fraction(x, -1, 1)
    print(f"weights {factor:g} / √300: close to +1 {upper:.0%}, saturated {both:.0%}")
plotting.layer_histograms(
    hidden, title="Outputs of the fifth tanh layer, for four sizes of weights"
)

# %% [markdown]
# Too large weights push the units to −1 as often as to +1. Who counts the upper end only, as the
# notes do, misses half of them.
#
# How bad can it get for a gradient that passes many layers?

# %% exercise="backward_bound"

# %% [markdown]
# It is a bound, no more: the weights of Section 2 have a largest singular value of about 2, so it allows
# the sigmoid a factor of ½ in every layer. Measured was less than ¼.
#
# ## 8 · ReLU’s relatives

# %% exercise="relu"

# %% exercise="leaky_relu_backward"

# %% [markdown]
# If a slope helps, why not learn it?

# %% exercise="slopes_of_prelu"

# %% exercise="PReLU"

# %% exercise="prelu_backward"

# %% tags=["show"]
# The slopes that a PReLU learns on MNIST-1D
committed("activations/slopes_of_prelu")
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(40, 64), PReLU(64), nn.Linear(64, 64), PReLU(64), nn.Linear(64, 10))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)  # without weight decay
for _ in range(300):
    batch = torch.randint(2000, (64,))
    loss = F.cross_entropy(model(signals.x_train[batch]), signals.y_train[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
learned = {
    "first PReLU": model[1].weight.detach(),
    "second PReLU": model[3].weight.detach(),
}
for name, weight in learned.items():
    print(f"{name}: slopes from {weight.min():.2f} to {weight.max():.2f}, mean {weight.mean():.2f}")
plotting.layer_histograms(learned, bins=20, title="Slopes after 300 steps; all started at 0.25")

# %% [markdown]
# The slopes spread, and many become negative: such a unit bends back up on the left, a little like
# |x|. Nothing keeps a learned slope below 1 either, and beyond 1 `max(a x, x)` would be wrong. Weight
# decay is left off the slopes: it would pull them toward 0, that is, toward ReLU.
#
# ## 9 · What keeps units alive?
#
# Two pieces of advice, to be guessed about first.

# %% exercise="decay_revives"

# %% exercise="slightly_positive_bias"

# %% exercise="active_probability"

# %% tags=["show"]
# Dead units with and without a positive bias
committed("activations/decay_revives")
committed("activations/slightly_positive_bias")
with_bias = {(1.0, 0.0): dead[1.0, 0.0]}
with_bias |= {(1.0, bias): ten_networks(1.0, bias) for bias in (0.01, 0.1)}
report(with_bias)
plotting.scores_with_error(
    {f"bias {bias:g}": 100 * shares.mean(dim=1) for (_, bias), shares in with_bias.items()},
    ylabel="dead units in %",
    title="All three layers at a rate of 1, ten networks each",
)

# %% [markdown]
# As many die with a bias of 0.01 as without, and with 0.1 not fewer. The trick is folklore.
#
# ## 10 · Zero-centered, or not
#
# An old argument against the sigmoid: all its outputs are positive, so all gradients on the weights
# of a unit have one sign, and training zig-zags. First the measuring function, then a guess.

# %% exercise="one_sided_fractions"

# %% exercise="signs_of_a_batch"

# %% tags=["show"]
# One-sided gradients, per example and per batch
committed("activations/signs_of_a_batch")
torch.manual_seed(0)
one_sided = {}
for name, activation in {"sigmoid": sigmoid, "ReLU": relu, "tanh": tanh}.items():
    shares = []
    for _ in range(20):
        h = activation(torch.randn(64, 40) @ torch.randn(40, 50) / math.sqrt(40))
        z = (h @ torch.randn(50, 100) / math.sqrt(50)).requires_grad_()
        scores = sigmoid(z) @ torch.randn(100, 10) / 10  # δ is never exactly 0 behind a sigmoid
        F.cross_entropy(scores, torch.randint(10, (64,))).backward()
        shares.append(torch.stack(list(one_sided_fractions(z.grad, h))))
    example, batch = torch.stack(shares).mean(dim=0).tolist()
    one_sided |= {f"{name},\nexample": example, f"{name},\nbatch of 64": batch}
    print(f"{name:8} inputs: one-sided per example {example:.2f}, per batch {batch:.2f}")
plotting.bars_with_prediction(one_sided, {}, ylabel="share that is one-sided")

# %% [markdown]
# Per example the sentence of the notes is exactly right, and exactly as right for ReLU, whose outputs
# are never negative either. For a batch it is right for 0.58 of the units behind sigmoids, and for 0.03 behind
# ReLU. What is left of the argument is a matter of degree.
#
# ELU was made to bring the mean of the activations closer to zero.

# %% exercise="elu"

# %% exercise="elu_backward"

# %% exercise="elu_mean"

# %% tags=["show"]
# The mean of four activations for standard normal inputs
torch.manual_seed(0)
y = torch.randn(200_000)
measured = {
    "ReLU": relu(y).mean().item(),
    "leaky ReLU": leaky_relu(y).mean().item(),
    "ELU": elu(y).mean().item(),
    "tanh": tanh(y).mean().item(),
}
derived = {"ReLU": float(elu_mean(1.0, 0.0)), "ELU": float(elu_mean(1.0, 1.0)), "tanh": 0.0}
for name, mean in measured.items():
    print(f"{name:11} mean of f(y) for y from N(0, 1): {mean:.3f}")
plotting.bars_with_prediction(measured, derived, ylabel="mean", title="Zero-centered?")

# %% [markdown]
# ELU is closer to zero mean than ReLU, and not zero-centered.
#
# ## 11 · SELU: a hundred layers without normalization

# %% exercise="selu"

# %% exercise="selu_weights"

# %% tags=["show"]
# The variance over a hundred layers
torch.manual_seed(0)


def variances(activation, gain=1.0, layers=100, width=256):
    """Variance of the output of every layer."""
    x, found = torch.randn(256, width), []
    for _ in range(layers):
        x = activation(x @ (gain * selu_weights(width, width)).T)
        found.append(x.var())
    return torch.stack(found)


hundred = {
    "SELU": variances(selu),
    "SELU, Kaiming’s weights": variances(selu, gain=math.sqrt(2)),
    "ELU": variances(elu),
    "tanh": variances(tanh),
}
for name, found in hundred.items():
    print(
        f"{name:24} variance after 1, 10 and 100 layers", *(f"{found[n]:.3g}" for n in (0, 9, 99))
    )
selu_range = hundred["SELU"]
print(f"SELU: between {selu_range.min():.2f} and {selu_range.max():.2f} in all hundred layers")
plotting.lines_over_depth(
    hundred, log=True, reference=1.0, ylabel="variance", title="A hundred layers, no normalization"
)

# %% [markdown]
# Two constants hold the variance near 1 for a hundred layers (Klambauer et al. 2017), with the weights they
# were computed for. Kaiming’s weights, right for ReLU, blow the same network up; ELU, without λ, fades out.
#
# Whoever adds dropout to such a network should not destroy this.

# %% exercise="alpha_dropout"

# %% tags=["show"]
# Mean and variance after dropout and after alpha-dropout
torch.manual_seed(0)
x = torch.randn(1000, 1000)
for p in (0.1, 0.5):
    dropped = F.dropout(x, p)
    ours = alpha_dropout(x, p)
    print(f"p = {p}: dropout       mean {dropped.mean():5.2f}, variance {dropped.var():.2f}")
    print(f"p = {p}: alpha-dropout mean {ours.mean():5.2f}, variance {ours.var():.2f}")

# %% [markdown]
# `p` is the probability of **dropping**, as in torch; CS231n and the SELU paper give that of keeping.
#
# ## 12 · Maxout: why choose at all?

# %% exercise="maxout"

# %% exercise="maxout_parameters"

# %% exercise="leaky_relu_as_maxout"

# %% exercise="maxout_backward"

# %% [markdown]
# One input, one unit: a maxout unit draws any convex line with at most as many corners as it has
# pieces less one. Here it imitates |x| with two pieces and x²/4 with five (tangents), beside all the
# functions of this lab.


# %% tags=["show"]
# Values and slopes of all the functions of this lab
def one_unit(slopes, intercepts):
    """A maxout unit of one input, as a function of numbers."""
    weight = torch.tensor(slopes, dtype=torch.float64)[:, None, None]
    bias = torch.tensor(intercepts, dtype=torch.float64)[:, None]
    return lambda x: maxout(x[:, None], weight, bias)[:, 0]


touching = (-3.0, -1.5, 0.0, 1.5, 3.0)
plotting.functions_and_slopes(
    {
        "sigmoid": sigmoid,
        "tanh": tanh,
        "ReLU": relu,
        "leaky ReLU, slope 0.2": lambda x: leaky_relu(x, 0.2),
        "ELU": elu,
        "SELU": selu,
        "maxout: |x|": one_unit([1.0, -1.0], [0.0, 0.0]),
        "maxout: five tangents": one_unit(
            [t / 2 for t in touching], [-(t**2) / 4 for t in touching]
        ),
    },
    low=-3,
    high=3,
    title="Values and slopes",
)

# %% [markdown]
# ## 13 · The fair choice, as a function
#
# In Section 5 one line chose the rate of each activation. It is easy to get wrong.

# %% exercise="tuned_rates"

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("activations", relu=relu)

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
# # Lab 4 · Initialization
#
# A deep network is a long product. If every layer multiplies the size of its signal by 0.3, ten
# layers leave 0.000006 of it; if every layer multiplies it by 3, they make it 59,000 times larger.
# Either way nothing is learned, and **no optimizer can mend it**. The whole subject of this lab is
# one number per layer: the standard deviation of its random starting weights.
#
# By the end you can
# - say, for a given layer and nonlinearity, how large its weights must be, and *derive* it;
# - measure whether signals and gradients survive on their way through a network;
# - correct three statements that are widely taught and wrong.
#
# **How it works.** As lab 1 says; derivations count as much as code. The core takes about an hour,
# *Further* is optional.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | weight of a linear layer | shape (out, in), `y = x @ W.T`, as in torch | CS231n: (in, out), `x @ W` |
# | weight of a convolution | shape (out, in/groups, k_h, k_w) | |
# | fan-in, fan-out | inputs per output, outputs per input; kernel area included | |
# | gain | factor on the **standard deviation** | some texts put it on the variance |

# %% tags=["setup"]
import itertools
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("initialization")

# %% [markdown]
# ## Why it matters
#
# Three times the same network, the same data (photographs of clothes, Fashion-MNIST), the same
# optimizer, the same learning rate, for 120 steps. Only the standard deviation of the starting
# weights differs, by one factor for all nine layers.

# %% tags=["show"]
# One network, started with weights of three sizes
clothes = data.fashion_mnist(2000, 500)
pixels = (clothes.x_train.flatten(1) - 0.286) / 0.353


def plain_network(start, widths=(784, *[128] * 8, 10)):
    """A plain ReLU network; `start` fills every weight in place."""
    layers = []
    for before, after in itertools.pairwise(widths):
        linear = nn.Linear(before, after)
        start(linear.weight.data)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(model, steps=120, batch_size=64, learning_rate=0.02, seed=0):
    """Losses of plain SGD with momentum."""
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=0.9)
    losses = []
    for _ in range(steps):
        batch = torch.randint(len(pixels), (batch_size,), generator=generator)
        loss = F.cross_entropy(model(pixels[batch]), clothes.y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(min(loss.item(), 10.0) if math.isfinite(loss.item()) else 10.0)
    return losses


torch.manual_seed(0)
curves = {
    "half as large": train(plain_network(lambda weight: nn.init.kaiming_normal_(weight).mul_(0.5))),
    "just right": train(plain_network(nn.init.kaiming_normal_)),
    "twice as large": train(plain_network(lambda weight: nn.init.kaiming_normal_(weight).mul_(2))),
}
plotting.training_curves(curves, ylabel="training loss", title="One factor of two per layer")

# %% [markdown]
# Half as large: for a hundred steps the loss hardly leaves ln 10 = 2.30, that of guessing. Twice as
# large: it explodes (values above 10 are drawn at 10). What is "just right", and why is it so narrow?
# A factor of two in each of nine layers is a factor of 512 at the end.
#
# ## 1 · Random, but how large?
#
# Zero everywhere, or any other constant, does not work: equal units get equal gradients and stay equal
# (*Further* watches them). So weights are drawn at random, and small. How small? Before you compute
# anything, guess.

# %% exercise="sixth_layer_std"

# %% [markdown]
# To see what happens inside, write the instrument with which you will look at networks in the
# rest of the course.

# %% exercise="layer_statistics"

# %% tags=["show"]
# The size of the signal in six tanh layers, for three widths
committed("initialization/sixth_layer_std")


def tanh_stds(width, std, layers=6, draws=5):
    """Standard deviation of every layer's output, averaged over draws of the weights."""
    found = []
    for _ in range(draws):
        weights = [torch.randn(width, width) * std for _ in range(layers)]
        x = torch.randn(64, width)
        found.append(layer_statistics(x, weights, "tanh")["std"])
    return torch.stack(found).mean(dim=0)


torch.manual_seed(0)
by_width = {
    "width 100, std 0.01": tanh_stds(100, 0.01),
    "width 1024, std 0.01": tanh_stds(1024, 0.01),
    "width 4096, std 0.01": tanh_stds(4096, 0.01, draws=1),
    "width 4096, std 0.05": tanh_stds(4096, 0.05, draws=1),
}
for name, stds in by_width.items():
    print(f"{name:22}", "  ".join(f"{std:.2g}" for std in stds.tolist()))
plotting.lines_over_depth(by_width, ylabel="std of the layer's output", log=True)

# %% [markdown]
# There is no good fixed number: 0.01 kills a network of width 100 within three layers and is
# merely too small for width 4096. And 0.05 at width 4096 looks fine in this plot, about 0.85 in
# every layer. Is it?

# %% tags=["show"]
# Six tanh layers with large weights, unit by unit
torch.manual_seed(0)
weights = [torch.randn(2048, 2048) * 0.15 for _ in range(6)]
x = torch.randn(64, 2048)
layers = []
for weight in weights:
    x = torch.tanh(x @ weight.T)
    layers.append(x)
statistics = layer_statistics(torch.randn(64, 2048), weights, "tanh")
print("saturated fraction:", "  ".join(f"{s:.2f}" for s in statistics["saturated"].tolist()))
plotting.layer_histograms(layers, title="Large weights: most tanh units are stuck at ±1")

# %% [markdown]
# A healthy standard deviation hides a dead network: most units sit at −1 or +1 (both ends, not
# only +1 as one set of notes has it), where the slope of tanh is nearly zero.
#
# ## 2 · The variance of a layer
#
# Now derive what the weights must be. Write one output with both indices,
#
# $$y_i = \sum_{j=1}^{D} w_{ij}\, x_j ,$$
#
# assume that the weights are independent of one another and of the inputs and have mean zero, and
# compute the variance term by term. The one trap: the inputs of a hidden layer need not have mean
# zero.

# %% exercise="linear_output_variance"

# %% tags=["show"]
# Your formula against twenty thousand draws
torch.manual_seed(0)
fan_in, weight_variance, mean, variance = 300, 0.02, 1.5, 0.5
inputs = mean + math.sqrt(variance) * torch.randn(20000, fan_in)
draws = math.sqrt(weight_variance) * torch.randn(20000, fan_in)
simulated = float((inputs * draws).sum(dim=1).var())
derived = linear_output_variance(fan_in, weight_variance, mean, variance)
print(f"simulated {simulated:.2f}, derived {float(derived):.2f}")
print(f"with Var(x) in place of E[x²] it would be {fan_in * weight_variance * variance:.2f}")

# %% [markdown]
# ## 3 · From the variance to an initializer
#
# The output keeps the size of the input, $\mathrm{Var}(y) = E[x^2]$, when $D\,\mathrm{Var}(w) = 1$.
# Two things are missing for a real layer: how large $D$ is, for a convolution too, and what the
# nonlinearity between two layers takes away.

# %% exercise="fan_in_and_fan_out"

# %% exercise="gain"

# %% [markdown]
# ## 4 · ReLU, and a formula from the lecture notes
#
# A widely used set of notes initializes ReLU layers with
#
# ```python
# W = torch.randn(d_in, d_out) / math.sqrt(2 / d_in)      # from the notes
# ```

# %% exercise="division_bug"

# %% tags=["show"]
# Six ReLU layers, started by three formulas
committed("initialization/division_bug")


def relu_stds(std, width=4096, layers=6):
    """Standard deviation of every ReLU layer's output."""
    x = torch.randn(64, width, dtype=torch.float64)
    found = []
    for _ in range(layers):
        x = torch.relu(x @ (torch.randn(width, width) * std).double())
        found.append(float(x.std()))
    return torch.tensor(found)


torch.manual_seed(0)
notes = relu_stds(1 / math.sqrt(2 / 4096))
print("as in the notes:     ", "  ".join(f"{std:.2g}" for std in notes.tolist()))
right = relu_stds(math.sqrt(2 / 4096))
print("multiplied instead:  ", "  ".join(f"{std:.2g}" for std in right.tolist()))
twice = relu_stds(2 * math.sqrt(1 / 4096))
print('"multiply by two":   ', "  ".join(f"{std:.2g}" for std in twice.tolist()))
plotting.lines_over_depth(
    {"divided (the notes)": notes, "multiplied": right, "“multiply by two”": twice},
    ylabel="std of the layer's output",
    log=True,
)

# %% [markdown]
# One slip of the pen, and after six layers the signal is some twenty orders of magnitude too
# large. "Multiply by two each time" is wrong as well: the *variance* doubles, the standard
# deviation grows by √2. Now write it correctly, for any weight and any nonlinearity.

# %% exercise="kaiming_normal"

# %% [markdown]
# ## 5 · And backward?
#
# A claim to be tested, from the notes: *"With small initialization the weight gradients get
# smaller and smaller towards deeper layers."*

# %% exercise="gradient_over_depth"

# %% tags=["show"]
# Activations and weight gradients, layer by layer
committed("initialization/gradient_over_depth")


def forward_and_backward(std, width=512, layers=8, draws=5):
    """Per layer: spread of the activations and of the weight gradients, averaged over draws."""
    activations, gradients = [], []
    for _ in range(draws):
        leaves = [(torch.randn(width, width) * std).requires_grad_() for _ in range(layers)]
        x = torch.randn(128, width)
        found = []
        for weight in leaves:
            x = torch.tanh(x @ weight.T)
            found.append(x.detach().std())
        x.backward(torch.randn_like(x) / len(x))
        activations.append(torch.stack(found))
        gradients.append(torch.stack([weight.grad.std() for weight in leaves]))
    return torch.stack(activations).mean(dim=0), torch.stack(gradients).mean(dim=0)


torch.manual_seed(0)
small = forward_and_backward(0.01)
glorot = forward_and_backward(math.sqrt(1 / 512))
for name, (activations, gradients) in {"std 0.01": small, "Glorot": glorot}.items():
    print(f"{name:9} activations", "  ".join(f"{a:.1e}" for a in activations.tolist()))
    print(f"{name:9} dL/dW      ", "  ".join(f"{g:.1e}" for g in gradients.tolist()))
plotting.lines_over_depth(
    {
        "activations, std 0.01": small[0],
        "weight gradients, std 0.01": small[1],
        "activations, Glorot": glorot[0],
        "weight gradients, Glorot": glorot[1],
    },
    ylabel="standard deviation",
    log=True,
)

# %% [markdown]
# The activations fall from layer to layer, exactly as the notes say. The weight gradients do not:
# they are about equal in all layers, and equally far too small (Glorot & Bengio 2010, equation 14).
# Keep your numbers for the reflection at the end.
#
# ## 6 · Does it still matter on real data?
#
# Ten-layer networks on Fashion-MNIST, four initializations, three seeds each, nothing else changed.

# %% tags=["show"]
# Ten layers on Fashion-MNIST, four initializations, three seeds each
schemes = {
    "std 0.01": lambda weight: nn.init.normal_(weight, std=0.01),
    "nn.Linear's default": lambda weight: weight,
    "Glorot": lambda weight: nn.init.xavier_normal_(weight),
    "your Kaiming": lambda weight: weight.copy_(kaiming_normal(weight.shape)),
}
test_pixels = (clothes.x_test.flatten(1) - 0.286) / 0.353
experiment, accuracies = {}, {}
for name, scheme in schemes.items():
    runs, scores = [], []
    for seed in range(3):
        torch.manual_seed(seed)
        model = plain_network(scheme, widths=(784, *[128] * 9, 10))
        runs.append(train(model, steps=200, seed=seed))
        with torch.no_grad():
            scores.append(float((model(test_pixels).argmax(1) == clothes.y_test).float().mean()))
    experiment[name] = np.mean(runs, axis=0)
    accuracies[name] = scores
    print(f"{name:22} test accuracy", "  ".join(f"{score:.2f}" for score in scores))
plotting.training_curves(
    experiment, ylabel="training loss (mean of 3 seeds)", title="Ten ReLU layers, 200 steps"
)

# %% [markdown]
# With standard deviation 0.01 the loss stays at ln 10 = 2.30, that of guessing, and so it does with
# `nn.Linear`'s own default. Kaiming starts at once; Glorot's weights, smaller by √2 here, start a
# little later. Every factor is taken to the tenth power here.

# %% exercise="equal_is_not_healthy"

# %% [markdown]
# ## Where to go from here
#
# - Glorot & Bengio 2010, *Understanding the difficulty of training deep feedforward networks*.
# - He et al. 2015, *Delving deep into rectifiers*: the √2.
# - Zhang, Dauphin & Ma 2019, *Fixup initialization*: residual networks without normalization.
# - The next lab normalizes activations while the network trains, and makes all of this far less
#   delicate.

# %% [markdown]
# # Further
#
# Weights that are all equal, more initializers, gradients by hand, residual networks, and the lab's
# derivations step by step. Optional, and graded like the core.
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | Xavier | Glorot's 2/(fan_in + fan_out) | the lectures: 1/fan_in, which is LeCun's |

# %% [markdown]
# ## 7 · What if all weights are equal?
#
# The simplest start is zero everywhere. It is instructive to see what exactly fails.

# %% exercise="output_bias_gradient_at_zero"

# %% [markdown]
# So one vector learns: the last bias, and it learns how frequent each class is. Every weight
# keeps gradient zero. And a *constant* other than zero? Then there are gradients, but the same ones
# for every unit of a layer. The next function lets you count units that differ.

# %% exercise="distinct_units"

# %% exercise="zero_biases"

# %% tags=["show"]
# Two starts with zero biases, and the hidden units that differ after training
committed("initialization/zero_biases")
torch.manual_seed(0)
points = torch.randn(200, 10)
labels = (points[:, 0] * points[:, 1] > 0).long()
starts = {
    "constant weights": lambda layer: nn.init.constant_(layer.weight, 0.1),
    "random weights, zero biases": lambda layer: nn.init.kaiming_normal_(layer.weight),
}
symmetry_curves = {}
for name, start in starts.items():
    model = nn.Sequential(nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 2))
    for layer in (model[0], model[2]):
        start(layer)
        nn.init.zeros_(layer.bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    symmetry_curves[name] = []
    for _ in range(200):
        loss = F.cross_entropy(model(points), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        symmetry_curves[name].append(loss.item())
    units = distinct_units(model[0].weight.detach(), tolerance=1e-4)
    print(f"{name:28}  {units:2} different hidden units of 64 after 200 steps")
plotting.training_curves(symmetry_curves, ylabel="loss", title="Equal units stay equal")

# %% [markdown]
# Sixty-four equal units are one unit. Randomness is there to break that symmetry, and random
# *weights* are enough: zero biases do no harm.
#
# ## 8 · Two more derivations
#
# Where the √2 of a ReLU comes from, and what `nn.Linear` does when you do nothing: the second curve of
# the last experiment.

# %% exercise="relu_second_moment"

# %% exercise="default_linear_std"

# %% tags=["show"]
# Both formulas against random numbers
torch.manual_seed(0)
squares = torch.relu(math.sqrt(3) * torch.randn(1_000_000)).square().mean()
print(
    f"E[ReLU(x)²] at variance 3: measured {squares:.3f}, derived {float(relu_second_moment(3.0)):.3f}"
)
spread = nn.Linear(500, 1000).weight.std()
print(
    f"nn.Linear of 500 inputs: measured {spread:.4f}, derived {float(default_linear_std(500)):.4f}"
)
print(f"Kaiming would have drawn {math.sqrt(2 / 500):.4f}")

# %% [markdown]
# ## 9 · More initializers
#
# Each is one line, once you know how many inputs a unit has.

# %% exercise="gaussian"

# %% exercise="lecun_normal"

# %% exercise="xavier_normal"

# %% exercise="xavier_uniform"

# %% tags=["show"]
# Six tanh layers with Glorot's weights, unit by unit
torch.manual_seed(0)
weights = [xavier_normal((2048, 2048)) for _ in range(6)]
x = torch.randn(64, 2048)
layers = []
for weight in weights:
    x = torch.tanh(x @ weight.T)
    layers.append(x)
plotting.layer_histograms(layers, title="Glorot's weights: every tanh layer is alive")

# %% [markdown]
# Alive, and slowly shrinking: tanh itself takes a little at every layer. That is what the
# gain 5/3 is for.

# %% exercise="kaiming_uniform"

# %% [markdown]
# ## 10 · Gradients by hand
#
# Autograd measured the weight gradients of section 5. One pass backward shows where they come from.

# %% exercise="weight_gradient_stds"

# %% tags=["show"]
# Your gradients at three sizes of the weights
torch.manual_seed(0)
x, upstream = torch.randn(128, 512), torch.randn(128, 512) / 128
by_size = {}
for factor in (0.25, 1.0, 4.0):
    weights = [torch.randn(512, 512) * factor / math.sqrt(512) for _ in range(8)]
    by_size[f"{factor:g}/√512"] = weight_gradient_stds(x, weights, upstream)
    print(
        f"std {factor:g}/√512:", "  ".join(f"{g:.1e}" for g in by_size[f"{factor:g}/√512"].tolist())
    )
plotting.lines_over_depth(by_size, ylabel="std of the weight gradient", log=True)

# %% [markdown]
# ## 11 · Residual networks
#
# A residual block adds its branch to its input, $x + F(x)$. Its variance grows with every block.

# %% exercise="residual_variance"

# %% tags=["show"]
# The variance after each of eight residual blocks, for three kinds of branches
torch.manual_seed(0)


def residual_stack(second_std, blocks=8, width=256, draws=5):
    """Variance after every block x + W2 relu(W1 x), relative to the input's."""
    found = []
    for _ in range(draws):
        x = torch.randn(256, width)
        variances = []
        for _ in range(blocks):
            first = torch.randn(width, width) * math.sqrt(2 / width)
            second = torch.randn(width, width) * second_std(width)
            x = x + torch.relu(x @ first.T) @ second.T
            variances.append(x.var())
        found.append(torch.stack(variances))
    return torch.stack(found).mean(dim=0)


growth = {
    "Kaiming in both layers": residual_stack(lambda d: math.sqrt(2 / d)),
    "branch that preserves the variance": residual_stack(lambda d: math.sqrt(1 / d)),
    "last layer zero": residual_stack(lambda d: 0.0),
}
for name, variances in growth.items():
    print(f"{name:36}", "  ".join(f"{v:.3g}" for v in variances.tolist()))
predicted = [float(residual_variance(n, 2.0)) for n in range(1, 9)]
print(f"{'derived, g = 2':36}", "  ".join(f"{v:.3g}" for v in predicted))
plotting.lines_over_depth(growth, xlabel="block", ylabel="variance", log=True)

# %% [markdown]
# Tripling, not doubling, with Kaiming in both layers; doubling only if the branch preserves the
# variance; and per *block*, not per layer. The cure: start every branch at zero.

# %% exercise="ResidualBlock"

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("initialization", kaiming_normal=kaiming_normal)

# %% [markdown]
# ## Appendix: the derivations, step by step
#
# Each step with the assumption it uses, verified symbolically before it is shown. Compare them with
# your own, after you have tried.

# %% tags=["show"]
# The lab's two derivations, step by step
from IPython.display import Markdown, display

from course_lib import derivations

for derive in (derivations.linear_layer_variance, derivations.kaiming_variance):
    derivation = derive()
    derivation.verify()
    display(Markdown(derivations.as_markdown(derivation)))

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
# # Lab 8 · Regularization
#
# A network with more weights than examples can learn its examples by heart, wrong labels included.
# What keeps it from doing so is called *regularization*: a price on large weights, noise that must be
# lived with, or an end before it is too late. All of it fits into a few lines. In 265 published homeworks
# about two of five dropouts were wrong, most of them after their authors had printed a mean that said so.
#
# By the end you can
# - say when an L2 penalty is a weight decay, and when it is not;
# - write dropout, its way back, and a test that a wrong one does not pass;
# - compute exactly what dropout averages over, and what one pass at test time leaves out;
# - leave out whole blocks, and stop a training at its best.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional. Random answers are
# judged by their distribution: any way to throw the coins, in any order, is right.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | p | probability of **dropping** (torch) | papers, CS231n: of keeping |
# | `survival` | probability of *keeping* a block, as in the paper | timm: 1 − `drop_prob` |
# | λ, `weight_decay` | penalty (λ/2)Σw², gradient λw | without the ½: twice as strong |
# | inverted | training enlarges, evaluation does nothing | original: the other way round |

# %% tags=["setup"]
import copy
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("regularization")

# %% [markdown]
# ## 1 · A price on large weights

# %% exercise="l2_step"

# %% [markdown]
# For SGD the penalty *is* a decay, w ← (1 − ηλ)w, and nobody needs two words. Lab 6 had AdamW, whose
# decay stays out of the moments. What happens if it does not?

# %% exercise="strength_under_adam"

# %% tags=["show"]
# A weight that only the penalty pulls: Adam and AdamW, 200 steps
committed("regularization/strength_under_adam")


def pulled(weight_decay, decoupled, steps=200, lr=1e-3):
    """The path of a weight of 1 on which the loss does not depend."""
    w = nn.Parameter(torch.ones(1))
    if decoupled:
        optimizer = torch.optim.AdamW([w], lr=lr, weight_decay=weight_decay)
    else:
        optimizer = torch.optim.Adam([w], lr=lr)
    path = [w.item()]
    for _ in range(steps):
        w.grad = torch.zeros(1) if decoupled else weight_decay * w.detach()
        optimizer.step()
        path.append(w.item())
    return path


pulls = {
    "Adam, penalty 0.1": pulled(0.1, decoupled=False),
    "Adam, penalty 0.001": pulled(0.001, decoupled=False),
    "AdamW, decay 0.1": pulled(0.1, decoupled=True),
    "AdamW, decay 0.001": pulled(0.001, decoupled=True),
}
for name, path in pulls.items():
    print(f"{name:20} from 1 to {path[-1]:.4f}")
plotting.lines_over(
    range(201), pulls, xlabel="step", ylabel="weight", title="What is left of a weight of 1"
)

# %% [markdown]
# Adam divides λw by its own size. How strong the penalty is no longer matters where nothing else pulls, and
# where the loss pulls hard the penalty hardly acts. Notes that call weight decay "not common for neural networks"
# are wrong: nearly every recipe of today has one;
# with Adam it should be AdamW's.
#
# ## 2 · Dropout
#
# Now noise. In training, every unit of a layer is switched off with probability p, by a coin of its own.
# No unit can rely on another one being there. So that the next layer sees signals of the usual size, those
# that stay are enlarged. Three lines; here are three attempts.

# %% exercise="seen_by_the_mean"

# %% tags=["show"]
# The three of them, measured in three ways
committed("regularization/seen_by_the_mean")
torch.manual_seed(0)
ten = 10 + torch.randn(500, 400)
attempts = {
    "attempt 1": lambda x, p: x * (torch.rand(x.shape) < p) / p,
    "attempt 2": lambda x, p: x * (torch.rand(x.shape) < p / p),
    "attempt 3": lambda x, p: x * (torch.rand(x.shape[1:]) >= p) / (1 - p),
}
print("wanted     mean 10.0   share of zeros 0.25   largest share in a column about 0.31")
for name, attempt in attempts.items():
    y = attempt(ten, 0.25)
    zeros = (y == 0).float()
    print(
        f"{name}  mean {y.mean():4.1f}   share of zeros {zeros.mean():.2f}   "
        f"largest share in a column {zeros.mean(0).max():.2f}"
    )

# %% [markdown]
# The mean sees none of them, the share of zeros two, and only what the columns do sees the third. So three
# things are to be looked at: *how often*, *how large*, and *by whose coin*.

# %% exercise="dropout"

# %% tags=["show"]
# A boot after dropout with p = 0.25: yours, and the three attempts
torch.manual_seed(1)
clothes = data.fashion_mnist(train=1500, test=2000)
boot = clothes.x_train[:1]
pictures = [boot, dropout(boot, 0.25), *(f(boot[0], 0.25)[None] for f in attempts.values())]
plotting.image_grid(
    torch.cat(pictures),
    labels=["before", "yours", *attempts],
    columns=5,
    title="Dropped: a quarter of the pixels, most, none, whole columns",
)

# %% exercise="dropout_backward"

# %% [markdown]
# ## 3 · What is it an average of?
#
# Every mask makes another network out of the same weights: $2^n$ of them for n units, of which a
# training sees a few thousand once. At test time one would like the answer of them *all*, and
# for few units one can have it.

# %% exercise="average_over_masks"

# %% exercise="where_it_is_exact"

# %% tags=["show"]
# The exact average over 256 masks, the scaled pass, and Monte Carlo
committed("regularization/where_it_is_exact")
torch.manual_seed(0)
z, layer = torch.randn(8, dtype=torch.float64), torch.randn(5, 8, dtype=torch.float64)
after_dropout = {
    "1: W z": lambda v: v @ layer.T,
    "2: softmax(W z)": lambda v: torch.softmax(v @ layer.T, dim=-1),
    "3: relu(W z)": lambda v: torch.relu(v @ layer.T),
}
for name, f in after_dropout.items():
    off = (average_over_masks(f, z, 0.3) - f(z)).abs().max()
    print(f"{name:16} the scaled pass is off by {off:.4f}")

f = after_dropout["3: relu(W z)"]
exact, counts = average_over_masks(f, z, 0.3), [4, 16, 64, 256, 1024, 4096]
errors = []
for count in counts:
    runs = f(dropout(z.expand(40, count, 8), 0.3)).mean(dim=1)  # 40 estimates
    errors.append(float((runs - exact).pow(2).mean().sqrt()))
plotting.lines_over(
    counts,
    {
        "Monte Carlo": errors,
        "scaled pass": [float((f(z) - exact).pow(2).mean().sqrt())] * len(counts),
    },
    log="xy",
    xlabel="masks drawn",
    ylabel="root mean square error",
    title="relu(W z): how far from the average over all masks",
)

# %% [markdown]
# Averaging over drawn masks gets there slowly, like 1/√count; one scaled pass costs nothing and stays where
# it is. That it does so well in practice is luck with a name, *weight scaling inference*, and no theorem.
#
# ## 4 · Dropping whole blocks

# %% exercise="stochastic_depth"

# %% tags=["show"]
# 24 blocks in a row, each with survival 0.75: how many an example goes through
torch.manual_seed(0)
signal, one = torch.zeros(2000, 1), torch.ones(2000, 1)
for _ in range(24):
    signal = stochastic_depth(signal, one, 0.75)  # every branch adds 1: it counts itself
evaluated = torch.zeros(2000, 1)
for _ in range(24):
    evaluated = stochastic_depth(evaluated, one, 0.75, training=False)
print(
    f"in training {signal.mean():.2f} blocks on average, from {signal.min():.0f} to {signal.max():.0f}"
)
print(f"in evaluation {evaluated[0].item():.2f}")
depths = range(10, 25)
plotting.lines_over(
    depths,
    {
        "drawn": [int((signal == d).sum()) for d in depths],
        "expected of coins": [2000 * math.comb(24, d) * 0.75**d * 0.25 ** (24 - d) for d in depths],
    },
    xlabel="blocks that an example goes through",
    ylabel="of 2000 examples",
    title="One network of 24 blocks trains many shorter ones",
)

# %% [markdown]
# ## 5 · Stopping in time

# %% exercise="EarlyStopping"

# %% [markdown]
# ## 6 · The experiment
#
# 300 pictures of clothes, and 30 % of their labels are drawn at random: a network that believes all it is
# told is bound to learn nonsense. It trains with your step, your dropout and your early stopping, three runs each.
# “To the end” is the mean accuracy of the last ten epochs: a single one jumps too much to be compared.

# %% tags=["show"]
# 120 epochs on 300 images with wrong labels: nothing, a penalty, dropout
pixels, labels = clothes.x_train.flatten(1), clothes.y_train
x_few, y_few = pixels[:300], labels[:300].clone()
x_validation, y_validation = pixels[500:], labels[500:]
x_test, y_test = clothes.x_test.flatten(1), clothes.y_test
wrong = torch.rand(300, generator=torch.Generator().manual_seed(7)) < 0.3
y_few[wrong] = torch.randint(10, (int(wrong.sum()),), generator=torch.Generator().manual_seed(8))


class Classifier(nn.Module):
    """Two hidden layers of 128 units, with dropout after each."""

    def __init__(self, p):
        super().__init__()
        self.first, self.second = nn.Linear(784, 128), nn.Linear(128, 128)
        self.last, self.p = nn.Linear(128, 10), p

    def forward(self, x):
        for layer in (self.first, self.second):
            x = dropout(torch.relu(layer(x)), self.p, self.training)
        return self.last(x)


def tested(model):
    """The accuracy on test images."""
    with torch.no_grad():
        return (model(x_test).argmax(dim=1) == y_test).float().mean().item()


def train(seed, p=0.0, weight_decay=0.0, epochs=120, lr=0.06):
    """Train one network; its validation losses, the test accuracy of the last ten epochs (their
    mean) and at the best, and the epoch in which it would have stopped.
    """
    torch.manual_seed(seed)
    model, stopper, losses, stopped = Classifier(p), EarlyStopping(patience=10), [], None
    late = []
    weights = [q for q in model.parameters() if q.ndim > 1]
    biases = [q for q in model.parameters() if q.ndim == 1]
    for epoch in range(epochs):
        model.train()
        for batch in torch.randperm(300).split(64):
            model.zero_grad()
            F.cross_entropy(model(x_few[batch]), y_few[batch]).backward()
            with torch.no_grad():
                gradients = [w.grad for w in weights]
                _, stepped = l2_step(weights, gradients, lr=lr, weight_decay=weight_decay)
                for w, new in zip(weights, stepped, strict=True):
                    w.copy_(new)
                for b in biases:
                    b -= lr * b.grad
        model.eval()
        with torch.no_grad():
            losses.append(F.cross_entropy(model(x_validation), y_validation).item())
        if stopped is None and stopper.step(losses[-1], model):
            stopped = epoch
        if epoch >= epochs - 10:
            late.append(tested(model))
    stopper.restore(model)
    return losses, np.mean(late), tested(model), stopped


ways = {
    "nothing": {},
    "penalty 0.02": {"weight_decay": 0.02},
    "dropout 0.5": {"p": 0.5},
}
validation, accuracy = {}, {}
for name, settings in ways.items():
    runs = [train(seed, **settings) for seed in range(3)]
    validation[name] = np.mean([run[0] for run in runs], axis=0)
    accuracy[f"{name},\nto the end"] = [run[1] for run in runs]
    accuracy[f"{name},\nstopped"] = [run[2] for run in runs]
    print(
        f"{name:13} at the end", "  ".join(f"{run[1]:.3f}" for run in runs),
        "  stopped", "  ".join(f"{run[2]:.3f}" for run in runs),
        "  in epoch", ", ".join("never" if run[3] is None else str(run[3] + 1) for run in runs),
    )  # fmt: skip
plotting.training_curves(
    validation,
    xlabel="epoch",
    ylabel="validation loss (mean of 3 runs)",
    title="At first all of them learn what the labels have in common",
    window=7,
)

# %% tags=["show"]
# The test accuracies of the same runs
plotting.scores_with_error(
    accuracy, ylabel="test accuracy", title="300 images, 30 % of the labels at random"
)

# %% [markdown]
# The rule comes before the exceptions: networks learn first what many examples share, and then the wrong
# labels one by one. Penalty and dropout slow that down; stopping in time prevents it. None of the three
# is always the best: with clean labels the same table looks dull. Try it.

# %% exercise="three_sentences_on_noise"

# %% [markdown]
# ## Where to go from here
#
# - Srivastava et al. 2014, *Dropout*: the paper, with the scaled pass and the Gaussian variant.
# - Gal & Ghahramani 2016: masks drawn at test time, as a measure of what the network does not know.
# - Huang et al. 2016, *Deep networks with stochastic depth*.
# - Zhang et al. 2017, *Understanding deep learning requires rethinking generalization*: networks that learn
#   random labels.

# %% [markdown]
# # Further
#
# Weights that become exactly zero; dropout's original form; channels, connections and pooling regions drawn
# at random; what masks are an ensemble of; and the noise of batch normalization.

# %% [markdown]
# ## 7 · Weights that are exactly zero
#
# L2 makes weights small and none of them zero: its pull fades with the weight. L1 pulls with the same
# force to the end.

# %% exercise="elastic_net"

# %% exercise="exact_zeros"

# %% exercise="soft_threshold"

# %% exercise="proximal_step"

# %% tags=["show"]
# 200 examples with 30 features, of which 24 say nothing, and a descent by any rule
torch.manual_seed(0)
features = torch.randn(200, 30)
true = torch.zeros(30)
true[:6] = torch.tensor([2.0, -1, 1, -2, 1, 1])
answers = features @ true + 0.5 * torch.randn(200)
start = 0.1 * torch.randn(30)


def descend(step, steps=2000):
    """The weights after so many steps of a rule for (weights, gradient of the loss)."""
    w = start
    for _ in range(steps):
        w = step(w, features.T @ (features @ w - answers) / 200)
    return w


# %% tags=["show"]
# 30 weights, 24 of them useless: gradient steps, and steps that land in the corner
committed("regularization/exact_zeros")
by_gradient = descend(lambda w, g: w - 0.05 * (g + elastic_net([w], l1=0.2, l2=0.0)[1][0]))
by_corner = descend(lambda w, g: proximal_step(w, g, lr=0.05, l1=0.2, l2=0.0))
for name, w in {"gradient steps": by_gradient, "proximal steps": by_corner}.items():
    print(f"{name}: {int((w[6:] == 0).sum())} of the 24 useless weights are exactly 0")
plotting.lines_over(
    range(30),
    {
        "|w|, gradient steps": by_gradient.abs() + 1e-8,
        "|w|, proximal steps": by_corner.abs() + 1e-8,
    },
    log="y",
    xlabel="weight",
    ylabel="size + 1e-8",
    title="Nearly zero, and zero: 24 useless weights from number 6 on",
)

# %% exercise="sklearn_settings"

# %% tags=["show"]
# scikit-learn's elastic net beside your steps, with the settings that you worked out
from sklearn.linear_model import ElasticNet

alpha, ratio = sklearn_settings(0.1, 0.3)
theirs = ElasticNet(alpha=alpha, l1_ratio=ratio, fit_intercept=False, tol=1e-10)
theirs.fit(features.double().numpy(), answers.double().numpy())  # float32 cannot reach such a tol
theirs = torch.tensor(theirs.coef_).float()
ours = descend(lambda w, g: proximal_step(w, g, lr=0.2, l1=0.1, l2=0.3))
print(f"largest difference of 30 weights: {(ours - theirs).abs().max():.1e}")

# %% [markdown]
# ## 8 · Dropout's relatives

# %% exercise="original_dropout"

# %% exercise="channel_dropout"

# %% tags=["show"]
# A convolution's maps after dropout of pixels and of channels
torch.manual_seed(2)
edges = nn.Conv2d(1, 6, 5, padding=2)
with torch.no_grad():
    maps = edges(data.fashion_mnist(train=1).x_train[:, None]).abs()
    maps /= maps.amax(dim=(2, 3), keepdim=True)
    shown = torch.cat([dropout(maps, 0.4), channel_dropout(maps, 0.4)])
plotting.image_grid(
    shown.flatten(0, 1),
    labels=["pixels"] * 6 + ["channels"] * 6,
    columns=6,
    title="Dropped with p = 0.4: single pixels, and whole maps",
)

# %% exercise="drop_connect"

# %% exercise="drop_connect_inference"

# %% tags=["show"]
# The mean of relu(u) over 20,000 masks, beside two ways to predict it
torch.manual_seed(0)
row, matrix, offset = torch.randn(1, 12), torch.randn(40, 12) / 3, torch.zeros(40)
simulated = torch.relu(drop_connect(row.expand(20_000, 12), matrix, offset, 0.3)).mean(dim=0)
order = simulated.argsort()
guesses = {
    "moments: E[relu(u)]": drop_connect_inference(row, matrix, offset, 0.3)[0],
    "relu(E[u])": torch.relu(0.7 * row @ matrix.T + offset)[0],
}
for name, guess in guesses.items():
    print(f"{name:20} off by {(guess - simulated).abs().mean():.4f} on average")
plotting.lines_over(
    range(40),
    {"20,000 masks": simulated[order], **{k: v[order] for k, v in guesses.items()}},
    xlabel="unit, in the order of its mean",
    ylabel="mean after the ReLU",
    title="What a unit gives on average",
)

# %% [markdown]
# ## 9 · An ensemble with one set of weights

# %% exercise="ensemble_averages"

# %% tags=["show"]
# Softmax regression on digits, 8 inputs dropped or not: two averages of 256 subnetworks
torch.manual_seed(0)
digits = data.digits()
projected = digits.x_train.flatten(1) @ torch.randn(64, 8) / 4
regression = nn.Linear(8, 10)
optimizer = torch.optim.Adam(regression.parameters(), lr=0.05)
for _ in range(300):
    optimizer.zero_grad()
    F.cross_entropy(regression(dropout(projected, 0.3)), digits.y_train).backward()
    optimizer.step()
one_digit = projected[3]
masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 8)
kept = masks.sum(dim=1)
with torch.no_grad():
    arithmetic, geometric = ensemble_averages(
        regression(one_digit * masks / 0.7), 0.7**kept * 0.3 ** (8 - kept)
    )
    scaled = torch.softmax(regression(one_digit), dim=0)
print(f"{len(masks)} masks, {sum(q.numel() for q in regression.parameters())} weights in all")
print(f"scaled pass to the geometric mean: {(scaled - geometric).abs().max():.1e}")
print(f"scaled pass to the arithmetic mean: {(scaled - arithmetic).abs().max():.4f}")
plotting.lines_over(
    range(10),
    {"arithmetic mean": arithmetic, "geometric mean": geometric, "scaled pass": scaled},
    xlabel="class",
    ylabel="probability",
    title="What 256 subnetworks say of one digit",
)

# %% [markdown]
# ## 10 · How deep is a network of random depth?

# %% exercise="survival_probabilities"

# %% tags=["show"]
# 54 blocks, the last with survival 0.5
line = survival_probabilities(54, 0.5)
print(f"expected depth {sum(line):.2f} of 54 blocks")
figure = plotting.lines_over(
    range(1, 55),
    {"survival": line},
    xlabel="block",
    ylabel="probability to survive",
    title="Early blocks nearly always, late ones every other time",
)
figure.axes[0].get_legend().remove()  # there is but one line
figure

# %% [markdown]
# ## 11 · Pooling by a factor that is no whole number

# %% exercise="pooling_boundaries"

# %% exercise="fractional_max_pool_2d"

# %% tags=["show"]
# A boot, reduced by √2 with other regions every time, and by 2
boot = data.fashion_mnist(train=1).x_train[:, None]
torch.manual_seed(0)
reduced = []
for _ in range(4):
    u, v = torch.rand(2).tolist()
    cuts = pooling_boundaries(28, 2**0.5, u), pooling_boundaries(28, 2**0.5, v)
    reduced.append(fractional_max_pool_2d(boot, *cuts)[0])
halved = F.interpolate(F.max_pool2d(boot, 2), size=reduced[0].shape[-2:])[0]
plotting.image_grid(
    torch.cat([*reduced, halved]),
    labels=["√2"] * 4 + ["2 × 2"],
    columns=5,
    title="28 pixels become 19, each time others; or 14",
)

# %% [markdown]
# ## 12 · Batch normalization as a regularizer

# %% exercise="scatter_in_company"

# %% exercise="noise_of_company"

# %% tags=["show"]
# One example in 400 random companies, for batches of 4 to 256
committed("regularization/noise_of_company")
torch.manual_seed(0)
example, sizes, scatter = torch.randn(20), [4, 8, 16, 32, 64, 128, 256], []
for size in sizes:
    scatter.append(scatter_in_company(example, torch.randn(400, size - 1, 20)).mean().item())
print(
    "  ".join(f"batch of {size}: {value:.3f}" for size, value in zip(sizes, scatter, strict=True))
)
plotting.lines_over(
    sizes,
    {
        "measured": scatter,
        "like 1/√B": [scatter[3] * math.sqrt(32 / size) for size in sizes],
    },
    log="xy",
    xlabel="batch size B",
    ylabel="standard deviation of the output",
    title="The noise of company",
)

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("regularization", dropout=dropout)

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
# # Lab 10 · Hyperparameter search
#
# A network that does not train gives no error message. It gives a loss that stays where it was, for
# any of a dozen reasons, and whoever turns knobs until it moves may turn for a week. This lab is
# about looking before turning: the recipe of seven steps (the loss at the start, a small sample, a
# rate, a coarse search, a fine one, the curves, and again), told as an investigation.
#
# By the end you can
# - name what is wrong with a training from what it leaves behind;
# - read a range test, and draw candidates over orders of magnitude;
# - run a search that survives nan, and being interrupted;
# - spend most of a budget on runs that deserve it;
# - say what the best of thirty is really worth.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional.
#
# **Conventions.** Losses: lower is better. A loss that is not finite (nan, ±inf) belongs to a run that
# diverged. Of MNIST-1D's 4000 training signals 3000 train and 1000 validate; the **test set is opened
# once**, at the end.

# %% tags=["setup"]
import itertools
import json
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("search")

# %% [markdown]
# ## 1 · Seven trainings
#
# The same network seven times. One is as it should be; in six somebody has planted a fault: conv biases
# of −3, all parameters zero, a rate of 3, a rate of 10⁻⁵, shuffled labels, inputs times 100.

# %% tags=["show"]
# The network of this lab, and seven trainings of it side by side, two of each
signals = data.mnist1d()
x_train, y_train = signals.x_train[:3000], signals.y_train[:3000]
x_valid, y_valid = signals.x_train[3000:], signals.y_train[3000:]


class Windows(nn.Module):
    """A 1-d convolution of several networks side by side: windows of the signal times weights.

    Shapes: (networks, N, length, channels) -> (networks, N, windows, out).
    """

    def __init__(self, networks, channels, out, kernel, stride=1, padding=0):
        super().__init__()
        self.kernel, self.stride, self.padding = kernel, stride, padding
        bound = 1 / math.sqrt(channels * kernel)  # as in nn.Conv1d
        self.weight = nn.Parameter(torch.empty(networks, channels * kernel, out))
        self.bias = nn.Parameter(torch.empty(networks, 1, out))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x):
        x = F.pad(x, (0, 0, self.padding, self.padding))
        count = (x.shape[2] - self.kernel) // self.stride + 1
        ends = [k + self.stride * (count - 1) + 1 for k in range(self.kernel)]
        windows = torch.cat([x[:, :, k : e : self.stride] for k, e in enumerate(ends)], dim=-1)
        y = torch.baddbmm(self.bias, windows.flatten(1, 2), self.weight)
        return y.unflatten(1, (-1, count))


def networks(count):
    """Networks of three convolutions and a linear layer for signals of length 40."""
    return nn.Sequential(
        Windows(count, 1, 16, 5, stride=2, padding=2),
        nn.ReLU(),
        Windows(count, 16, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        Windows(count, 16, 16, 3, stride=2, padding=1),
        nn.ReLU(),
        Windows(count, 16, 10, 5),
        nn.Flatten(2),
    )


def loss_of_each(model, x, y):
    """The mean cross-entropy of every network, on signals (networks, N, 40) of its own."""
    scores = model(x[..., None])
    return (
        F.cross_entropy(scores.flatten(0, 1), y.flatten(), reduction="none").view(y.shape).mean(1)
    )


def accuracy_of_each(model, x, y):
    """The share that every network gets right."""
    with torch.no_grad():
        return (model(x[..., None]).argmax(dim=-1) == y).float().mean(dim=1)


PLANTED = {
    "nothing": "healthy",
    "conv biases of -3": "dead units",
    "all zero": "zero weights",
    "rate 3": "rate too high",
    "rate 0.00001": "rate too low",
    "shuffled labels": "wrong labels",
    "inputs x 100": "inputs not scaled",
}
SEEDS = 2


def planted():
    """Seven kinds of networks, with the rate, the scale of the inputs and the labels of each."""
    torch.manual_seed(0)
    model, which = networks(len(PLANTED) * SEEDS), [f for f in PLANTED for _ in range(SEEDS)]
    layers = [layer for layer in model if isinstance(layer, Windows)]
    rates = torch.tensor([{"rate 3": 3.0, "rate 0.00001": 1e-5}.get(f, 0.1) for f in which])
    scales = torch.tensor([100.0 if f == "inputs x 100" else 1.0 for f in which])
    labels = y_train.repeat(len(which), 1)
    for n, fault in enumerate(which):
        for layer in layers:
            if fault == "all zero":
                layer.weight.data[n], layer.bias.data[n] = 0, 0
            if fault == "conv biases of -3" and layer is not layers[-1]:
                layer.bias.data[n] = -3
        if fault == "shuffled labels":
            labels[n] = y_train[torch.randperm(len(y_train))]
    return model, rates[:, None, None], scales[:, None, None], labels


def train_all(steps, few=None, look_at=50):
    """Train all of them with SGD and momentum: losses, update ratios at one step, accuracies."""
    model, rates, scales, labels = planted()
    parameters, everybody = list(model.parameters()), len(labels)
    velocities, losses, ratios = [torch.zeros_like(p) for p in parameters], [], []
    for step in range(steps):
        batch = torch.randint(3000, (everybody, 64)) if few is None else few.expand(everybody, -1)
        loss = loss_of_each(model, x_train[batch] * scales, labels.gather(1, batch))
        losses.append(loss.tolist())
        gradients = torch.autograd.grad(loss.sum(), parameters)
        with torch.no_grad():
            for p, v, gradient in zip(parameters, velocities, gradients, strict=True):
                v.mul_(0.9).add_(gradient)
                if step == look_at and p.shape[1] > 1:  # weights, not biases
                    moved = (rates * v).flatten(1).norm(dim=1)
                    ratios.append((moved / p.flatten(1).norm(dim=1)).tolist())
                p.sub_(rates * v)
    if few is None:
        right = accuracy_of_each(model, x_valid.expand(everybody, -1, -1) * scales, y_valid)
    else:
        right = accuracy_of_each(model, x_train[few] * scales, labels[:, few])
    return np.array(losses), np.array(ratios), right.tolist()


losses, ratios, validation = train_all(400)
forty = torch.cat([(y_train == c).nonzero()[:4, 0] for c in range(10)])
_, _, small_sample = train_all(200, few=forty)
runs = [
    {
        "classes": 10,
        "losses": losses[::10, n].tolist(),
        "ratios": ratios[:, n].tolist(),
        "small_sample": small_sample[n],
        "validation": validation[n],
    }
    for n in range(len(PLANTED) * SEEDS)
]

# %% exercise="shuffled_labels"

# %% tags=["show"]
# What each of the seven leaves behind
committed("search/shuffled_labels")
print(f"ln 10 = {math.log(10):.3f}\n")
print("planted            first loss   last  40 learned  validation  update/weight, step 50")
for n, run in enumerate(runs):
    low, high = min(run["ratios"]), max(run["ratios"])
    print(
        f"{list(PLANTED)[n // SEEDS]:18} {run['losses'][0]:10.2f} {run['losses'][-1]:6.2f}"
        f" {run['small_sample']:11.2f} {run['validation']:11.2f}  {low:8.0e} to {high:.0e}"
    )
figure = plotting.training_curves(
    {name: losses[:, SEEDS * n] for n, name in enumerate(PLANTED)},
    title="Seven trainings of one network",
    ylabel="training loss",
)
figure.axes[0].set_ylim(0, 4)
figure

# %% [markdown]
# The curves alone say "it does not train", six times. The columns say why. The first loss must be
# ln C: a network that knows nothing gives every class 1/C. The small sample asks whether loss,
# gradient and rate work at all. The ratio says how far a step goes, relative to the weight that makes
# it; a thousandth to a few hundredths is usual. Validation says whether something was learned that
# is true elsewhere. **No column suffices, and together they do.**

# %% exercise="diagnose"

# %% tags=["show"]
# Your diagnosis of the seven
for n, run in enumerate(runs):
    print(f"{list(PLANTED)[n // SEEDS]:18} -> {diagnose(run)}")

# %% [markdown]
# ## 2 · A rate to begin with
#
# Nothing is planted any more. The most important number comes first, and a range test finds its order of
# magnitude in one short run: the rate rises at every step until the loss explodes.

# %% exercise="suggest_rate"

# %% tags=["show"]
# A range test, its losses averaged over eight networks, and what you read from it
torch.manual_seed(1)
model = networks(8)
optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
test_rates, test_losses = torch.logspace(-4, 1, 250, dtype=torch.float64), []
for rate in test_rates.tolist():
    optimizer.param_groups[0]["lr"] = rate
    batch = torch.randint(3000, (8, 64))
    loss = loss_of_each(model, x_train[batch], y_train[batch])
    optimizer.zero_grad()
    loss.sum().backward()
    optimizer.step()
    test_losses.append(loss.mean().item())
suggested = float(suggest_rate(test_rates, torch.tensor(test_losses)))
lowest = test_rates[int(np.nanargmin(test_losses))].item()
print(f"suggested: {suggested:.2f}   rate of the lowest loss: {lowest:.2f}")
figure = plotting.lines_over(
    test_rates,
    {"loss": test_losses},
    log="x",
    xlabel="learning rate of the step",
    ylabel="loss",
    title="A range test: 250 steps",
)
figure.axes[0].axvline(suggested, color=plotting.PALETTE[1], linestyle="--", label="suggested")
figure.axes[0].set_ylim(0, 4)
figure.axes[0].legend()
figure

# %% [markdown]
# One number, from one run of 250 steps. It says where to look, and a search looks around it.
#
# ## 3 · Where to look
#
# Between 0.0001 and 1, say. How does one draw from a range of four decades?

# %% exercise="log_uniform"

# %% tags=["show"]
# 2000 rates drawn in two ways: how many fall into each decade
torch.manual_seed(0)
draws = {
    "uniform": torch.empty(2000).uniform_(1e-4, 1).numpy(),
    "log-uniform": np.asarray(log_uniform(1e-4, 1.0, 2000)),
}
decades = 10.0 ** np.arange(-4, 1)
for name, rates in draws.items():
    shares = np.histogram(rates, decades)[0] / 2000
    print(
        f"{name:12}",
        "  ".join(
            f"{low:.0e}: {share:5.1%}" for low, share in zip(decades[:-1], shares, strict=True)
        ),
    )
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
for number, (name, rates) in enumerate(draws.items()):
    axes.hist(rates, np.logspace(-4, 0, 33), alpha=0.6, label=name, color=plotting.PALETTE[number])
axes.set(xscale="log", xlabel="rate", ylabel="how many", title="2000 draws")
axes.legend(loc="upper left")
plt.close(figure)
figure

# %% exercise="random_configs"

# %% [markdown]
# ## 4 · A search that survives
#
# A search runs for hours. It should say how far it is; write down every result as soon as there is
# one; stop when you press ■ without losing anything; and go on where it stopped. That is a
# loop of twenty lines, here with the code open.

# %% tags=["show", "open"]
# A search that writes down what it has, stops when it is told to, and goes on
STEPS, EVERY = 400, 25


def train(lr, weight_decay, momentum, seeds=3, seed=0):
    """Train three networks side by side; their validation losses, every 25 steps: (3, 16)."""
    torch.manual_seed(seed)
    model = networks(seeds)
    optimizer = torch.optim.SGD(
        model.parameters(), lr=lr, momentum=momentum, weight_decay=weight_decay
    )
    curve = []
    for step in range(1, STEPS + 1):
        batch = torch.randint(3000, (seeds, 64))
        loss = loss_of_each(model, x_train[batch], y_train[batch])
        optimizer.zero_grad()
        loss.sum().backward()
        optimizer.step()
        if step % EVERY == 0:
            with torch.no_grad():
                y = y_valid.expand(seeds, -1)
                curve.append(loss_of_each(model, x_valid.expand(seeds, -1, -1), y).tolist())
    return np.array(curve).T, model


def search(train, configs, path):
    """Train all configurations that are not in the file yet; the results of those that are done."""
    lines = path.read_text().splitlines() if path.exists() else []
    done = [json.loads(line) for line in lines]
    if [result["config"] for result in done] != configs[: len(done)]:
        raise ValueError(f"{path} holds another search")
    if len(done) == len(configs):
        print(f"all {len(configs)} are in {path.name}: nothing is left to train")
    for trial in range(len(done), len(configs)):
        try:
            curves, _ = train(**configs[trial])
        except KeyboardInterrupt:
            print(
                f"stopped: {len(done)} of {len(configs)} are in {path.name}; run this again to go on"
            )
            break
        done.append({"config": configs[trial], "curves": curves.tolist()})
        with path.open("a") as file:
            file.write(json.dumps(done[-1]) + "\n")
        told = ", ".join(f"{name} {value:.2g}" for name, value in configs[trial].items())
        print(
            f"{trial:2}  {told:48} validation loss {curves[:, -1].mean():.3f}   ({len(done)} of {len(configs)})"
        )
    return done


space = {
    "lr": (1e-3, 100.0, "log"),  # far too wide, as a first range should be
    "weight_decay": (1e-5, 1e-2, "log"),
    "momentum": (0.5, 0.95, "linear"),
}
# Twelve that the course's `random_configs` drew from this space, rounded: the same for everybody, so that
# what is said of them below is true.
columns = {
    "lr": [0.31, 0.15, 0.0012, 0.36, 6.2, 0.0049, 1.8, 50.0, 2.6, 0.06, 82.0, 32.0],
    "weight_decay": [
        19e-4,
        12e-6,
        11e-5,
        89e-6,
        45e-6,
        31e-6,
        1e-4,
        2e-5,
        3e-4,
        28e-6,
        33e-5,
        25e-6,
    ],
    "momentum": [0.87, 0.73, 0.7, 0.8, 0.68, 0.51, 0.77, 0.73, 0.89, 0.93, 0.54, 0.77],
}
configs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
yours = {name: float(value) for name, value in random_configs(space, 1)[0].items()}
print("one of your own draw:", ", ".join(f"{name} {value:.2g}" for name, value in yours.items()))
# In your own work: a file beside the notebook. Here, one that is new in every session.
results_file = Path(tempfile.mkdtemp()) / "search.jsonl"

# %% tags=["show"]
# Twelve configurations, 0 to 11; after four somebody presses ■, and then the search goes on
trained = []


def with_a_visitor(**config):
    """`train`, and the button that is pressed once, while configuration 4 trains."""
    trained.append(config)
    if len(trained) == 5:
        raise KeyboardInterrupt
    return train(**config)


results = search(with_a_visitor, configs, results_file)
if len(results) < len(configs):
    results = search(with_a_visitor, configs, results_file)

# %% [markdown]
# Which one is the best? Mind the ones that diverged.

# %% exercise="nan_among_the_losses"

# %% tags=["show"]
# nan among the losses, in numpy, torch and Python
committed("search/nan_among_the_losses")
three = [0.9, math.nan, 0.4]
print("np.argmin   ", np.argmin(three))
print("torch.argmin", int(torch.tensor(three).argmin()))
print("min         ", min(three), "of these,", min(three[1:]), "of the last two")
print("nan > 1000  ", math.nan > 1000)

# %% exercise="best_run"

# %% tags=["show"]
# The best of the twelve
final = torch.tensor([[seed[-1] for seed in result["curves"]] for result in results])
for trial in final.mean(dim=1).nan_to_num(math.inf).argsort().tolist():
    told = ", ".join(f"{name} {value:.2g}" for name, value in results[trial]["config"].items())
    print(f"{trial:2}  {told:48}", "  ".join(f"{loss:.3f}" for loss in final[trial].tolist()))
best = int(best_run(final))
print(f"\nnp.argmin of the means: {np.argmin(final.mean(dim=1))}   yours: {best}")

# %% [markdown]
# ## 5 · Not to the end
#
# Half of these could have been stopped after a few steps. Halving does that: all runs for a little,
# the better half for twice as long, and so on.

# %% exercise="successive_halving"

# %% tags=["show"]
# Halving on the curves that were recorded: who would have been kept, and what it would have cost
curves = torch.tensor([result["curves"] for result in results]).mean(dim=1)  # (12, 16)
rounds, cost = successive_halving(curves, first=1, factor=2)
for number, kept in enumerate(rounds):
    print(f"after {EVERY * 2**number:3} steps: {', '.join(str(int(run)) for run in kept)}")
print(
    f"trained: {int(cost) * EVERY} steps instead of {curves.numel() * EVERY}; best of all: {best}"
)
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
places = EVERY * np.arange(1, curves.shape[1] + 1)
entered = [list(range(len(curves))), *rounds[:-1]]
labels = {best: f"{best}: the best of all"}
chosen = int(rounds[-1][0])
labels[chosen] = f"{chosen}: halving's winner" + (", the best of all" if chosen == best else "")
for run, curve in enumerate(curves.numpy()):
    last = max(2**number for number, those in enumerate(entered) if run in those)
    axes.plot(places, curve, color="0.8", linewidth=1)
    axes.plot(places[:last], curve[:last], marker="o", markersize=3.5, label=labels.get(run))
axes.legend()
axes.set(
    ylim=(0.6, 2.6),
    xlabel="step",
    ylabel="validation loss",
    title="Twelve runs; gray is what halving would not have trained",
)
plt.close(figure)
figure

# %% [markdown]
# Halving bets that who leads early leads late. Here the bet was won; a slow starter loses it (*Further*
# shows one): after a few steps runs are ranked by how fast they start, which favors high rates. A winner
# of short runs is a candidate, not a result.
#
# ## 6 · What the best is worth

# %% exercise="winner_on_fresh_data"

# %% tags=["show"]
# Thirty equal configurations, measured on 100 examples each, 2000 times
committed("search/winner_on_fresh_data")
rng = np.random.default_rng(0)
measured = rng.binomial(100, 0.7, size=(2000, 30)) / 100
winner = measured.argmax(axis=1)
fresh = rng.binomial(100, 0.7, size=(2000, 30)) / 100
chosen_for, on_fresh = measured.max(axis=1), fresh[np.arange(2000), winner]
print(f"the winner's accuracy where it was chosen: {chosen_for.mean():.3f}")
print(f"the same winner's on fresh data:           {on_fresh.mean():.3f}")
figure, axes = plt.subplots(figsize=(7, 2.8), layout="constrained")
places = np.arange(0.55, 0.92, 0.01) - 0.005
axes.hist(on_fresh, places, alpha=0.6, label="on fresh data", color=plotting.PALETTE[0])
axes.hist(chosen_for, places, alpha=0.6, label="where it was chosen", color=plotting.PALETTE[1])
axes.set(xlabel="accuracy of the winner", ylabel="how many searches", title="The best of 30")
axes.legend(loc="upper left")
plt.close(figure)
figure

# %% [markdown]
# So the winner is trained anew, with seeds that had no part in the choice, and the test set is opened:
# once, for one configuration.

# %% tags=["show"]
# The winner, with five new seeds, on the test set
_, model = train(**results[best]["config"], seeds=5, seed=100)
tested = accuracy_of_each(model, signals.x_test.expand(5, -1, -1), signals.y_test)
print("five seeds:", "  ".join(f"{share:.3f}" for share in tested.tolist()))
print(f"mean {tested.mean():.3f}, standard error {tested.std() / math.sqrt(5):.3f}")

# %% exercise="three_habits"

# %% [markdown]
# ## Where to go from here
#
# - Karpathy 2019, *A recipe for training neural networks*: the investigation, as a habit.
# - Bergstra & Bengio 2012, *Random search for hyper-parameter optimization*.
# - Jamieson & Talwalkar 2016: successive halving; Li et al. 2018, *Hyperband*.
# - Bouthillier et al. 2021, *Accounting for variance in machine learning benchmarks*.

# %% [markdown]
# # Further
#
# Grids and random search; a range test where the answer is known; from coarse to fine; reading
# curves; ratios; loss curves; and the library that does all of this.

# %% [markdown]
# ## 7 · Grids
#
# A range test and a grid both need rates with a constant ratio.

# %% exercise="sweep_rates"

# %% exercise="grid"

# %% exercise="grid_or_random"

# %% exercise="chance_of_top"

# %% tags=["show"]
# Nine trials as a grid and as random ones, where only one of two hyperparameters matters
committed("search/grid_or_random")
rng = np.random.default_rng(0)
centers = [(n + 0.5) / 3 for n in range(3)]
on_the_grid = np.array(
    [[c["matters"], c["does not"]] for c in grid({"matters": centers, "does not": centers})]
)
peaks = rng.uniform(size=2000)
grid_miss = np.abs(on_the_grid[:, 0] - peaks[:, None]).min(axis=1)
random_miss = np.abs(rng.uniform(size=(2000, 9)) - peaks[:, None]).min(axis=1)
print(f"distance to the best value: grid {grid_miss.mean():.3f}, random {random_miss.mean():.3f}")
print(f"random trials come closer in {(random_miss < grid_miss).mean():.0%} of the searches")
print(f"in the best 5 % with 60 random trials: {float(chance_of_top(0.05, 60)):.1%}")
figure, panels = plt.subplots(1, 2, figsize=(7, 3.2), layout="constrained", sharey=True)
nine = rng.uniform(size=(9, 2))
for axes, points, name in zip(
    panels, (on_the_grid, nine), ("a grid", "random trials"), strict=True
):
    axes.plot(*points.T, "o", color=plotting.PALETTE[0])
    axes.plot(points[:, 0], np.full(9, -0.06), "|", color=plotting.PALETTE[1], markersize=12)
    values = len(np.unique(points[:, 0].round(9)))
    axes.set(
        title=f"{name}: {values} values", xlabel="the one that matters", xlim=(0, 1), ylim=(-0.1, 1)
    )
panels[0].set_ylabel("the one that does not")
plt.close(figure)
figure

# %% [markdown]
# The notes draw exponents with `uniform(-3, -6)`, the bounds the wrong way round. Does it matter?

# %% tags=["show"]
# The notes' bounds in the old and in the new numpy
old = 10.0 ** np.random.uniform(-3, -6, 2000)
print(f"np.random.uniform:   from {old.min():.0e} to {old.max():.0e}, as if in order")
try:
    np.random.default_rng().uniform(-3, -6)
except ValueError as error:
    print("default_rng().uniform:", error)

# %% [markdown]
# ## 8 · A range test with a known answer
#
# On a quadratic whose largest curvature is λ, gradient descent diverges above 2/λ. A range test does not
# know λ. What does it say?

# %% tags=["show"]
# Range tests on three quadratics: the minimum of the curve, the suggestion, and 2/λ
found = {}
for largest in (1.0, 10.0, 100.0):
    generator = torch.Generator().manual_seed(0)
    curvatures = torch.logspace(-2, 0, 40, dtype=torch.float64) * largest
    w = torch.randn(40, dtype=torch.float64, generator=generator)
    swept, seen = sweep_rates(1e-4 / largest * 10, 100 / largest, 160), []
    for rate in swept.tolist():
        seen.append((0.5 * curvatures * w**2).sum().item())
        w = w - rate * curvatures * w
    swept = torch.as_tensor(swept, dtype=torch.float64)
    seen = torch.tensor(seen, dtype=torch.float64)
    suggestion, lowest = float(suggest_rate(swept, seen)), swept[seen.argmin()].item()
    print(
        f"λ = {largest:5.0f}: 2/λ = {2 / largest:.3g}, lowest loss at {lowest:.3g}, suggested {suggestion:.3g}"
    )
    found[f"λ = {largest:.0f}"] = (seen / seen[0]).clamp(max=3)
figure = plotting.lines_over(
    np.logspace(-3, 2, 160),
    found,
    log="x",
    xlabel="rate times λ",
    ylabel="loss, relative to the first",
    title="Three quadratics, one curve: its minimum lies beyond 2/λ",
)
figure.axes[0].axvline(2, color="0.5", linestyle="--", label="2/λ")
figure.axes[0].legend()
figure

# %% [markdown]
# The lowest loss lies *beyond* 2/λ: divergence takes some steps to show. Who takes the rate of the minimum
# takes one that diverges; the suggestion stays below.
#
# ## 9 · From coarse to fine, and farther out

# %% exercise="refine"


# %% tags=["show"]
# A search whose first range misses the best rate, round by round
def surface(rate):
    """A response surface with its best rate at 0.3; it diverges above 3."""
    return np.where(rate > 3, np.nan, 0.4 + 0.25 * (np.log10(rate) - np.log10(0.3)) ** 2)


low, high = 1e-5, 1e-3
figure, axes = plt.subplots(figsize=(7, 3.2), layout="constrained")
fine = np.logspace(-7, 0.47, 200)
axes.plot(fine, surface(fine), color="0.8")
for number in range(5):
    tried = torch.as_tensor(np.geomspace(low, high, 5))
    reached = torch.as_tensor(surface(tried.numpy()))
    print(f"round {number + 1}: {low:.2g} to {high:.2g}, lowest loss {np.nanmin(reached):.4f}")
    axes.plot(
        tried,
        reached,
        "o",
        markersize=12 - 2 * number,
        label=f"round {number + 1}",
        color=plotting.PALETTE[number],
    )
    low, high = (float(end) for end in refine(tried, reached))
axes.set(xscale="log", xlabel="rate", ylabel="loss", title="Best at the border: go on outwards")
axes.legend()
plt.close(figure)
figure

# %% exercise="report_winner"

# %% tags=["show"]
# Ten equal configurations, three seeds each, 1000 times: what is reported
rng = np.random.default_rng(0)
reported = {"where it was chosen": [], "on test data": [], "chosen by test": []}
for _ in range(1000):
    by_validation, by_test = (torch.as_tensor(rng.normal(0.7, 0.03, (10, 3))) for _ in range(2))
    winner, mean, error = report_winner(by_validation, by_test)
    reported["where it was chosen"].append(by_validation[int(winner)].mean().item())
    reported["on test data"].append(float(mean))
    reported["chosen by test"].append(by_test.mean(dim=1).max().item())
for name, values in reported.items():
    print(f"{name:20} {np.mean(values):.3f}   (true: 0.700)")

# %% [markdown]
# ## 10 · Reading curves

# %% exercise="measured_in_training_mode"

# %% exercise="read_curves"

# %% tags=["show"]
# A network with dropout, measured in both modes after every epoch
committed("search/measured_in_training_mode")
torch.manual_seed(0)
dropping = nn.Sequential(nn.Linear(40, 100), nn.ReLU(), nn.Dropout(0.7), nn.Linear(100, 10))
optimizer = torch.optim.SGD(dropping.parameters(), lr=0.05, momentum=0.9)
measured = {"training, dropout on": [], "training": [], "validation": []}
for _ in range(30):
    dropping.train()
    for batch in torch.randperm(3000).split(50):
        loss = F.cross_entropy(dropping(x_train[batch]), y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        on = (dropping(x_train).argmax(dim=1) == y_train).float().mean().item()
        dropping.eval()
        off = (dropping(x_train).argmax(dim=1) == y_train).float().mean().item()
        new = (dropping(x_valid).argmax(dim=1) == y_valid).float().mean().item()
    for name, value in zip(measured, (on, off, new), strict=True):
        measured[name].append(value)
print({name: round(float(np.mean(values[-5:])), 2) for name, values in measured.items()})
run = {"train": measured["training"], "validation": measured["validation"], "goal": 0.9}
print("in evaluation mode:", read_curves(run))
plotting.training_curves(
    measured, xlabel="epoch", ylabel="accuracy", title="One network, measured in two modes"
)

# %% [markdown]
# ## 11 · Divergence, and how far a step goes

# %% exercise="diverged_at"

# %% tags=["show"]
# Which of the twelve of section 4 diverged, and when
for trial, result in enumerate(results):
    steps = [diverged_at(seed, factor=1.5) for seed in result["curves"]]
    if any(step is not None for step in steps):
        told = ["never" if step is None else f"by step {EVERY * (int(step) + 1)}" for step in steps]
        print(f"{trial:2}  lr {result['config']['lr']:6.2g}   three seeds:", ", ".join(told))

# %% exercise="update_ratios"

# %% tags=["show"]
# Update over weight, and gradient over weight, at two rates
for rate in (0.01, 0.1):
    torch.manual_seed(0)
    model = networks(1)
    torch.nn.init.zeros_(model[-2].bias)
    before = [p.detach().clone() for p in model.parameters()]
    loss_of_each(model, x_train[None, :64], y_train[None, :64]).sum().backward()
    torch.optim.SGD(model.parameters(), lr=rate).step()
    ratios = update_ratios(before, [p.detach() for p in model.parameters()])
    slopes = [
        (p.grad.norm() / w.norm()).item() for p, w in zip(model.parameters(), before, strict=True)
    ]
    print(f"rate {rate}: update/weight   ", "  ".join(f"{float(r):.0e}" for r in ratios))
    print(f"{'':>{6 + len(str(rate))}} gradient/weight ", "  ".join(f"{r:.0e}" for r in slopes))

# %% [markdown]
# Ten times the rate, ten times the update; the gradient over the weight knows nothing of the rate. The last
# entry is a bias that began at zero: undefined (and as a gradient over a weight, inf).
#
# ## 12 · The loss curve

# %% exercise="epoch_mean"

# %% exercise="running_mean_of_the_first_epoch"

# %% exercise="smooth"

# %% tags=["show"]
# The mean of an epoch's batch losses, and the losses at its end
committed("search/running_mean_of_the_first_epoch")
torch.manual_seed(0)
model = networks(1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
every_batch, during, at_the_end, on_validation = [], [], [], []
for _ in range(8):
    batch_losses, sizes = [], []
    for batch in torch.randperm(3000).split(64):
        loss = loss_of_each(model, x_train[None, batch], y_train[None, batch]).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        batch_losses.append(loss.item())
        sizes.append(len(batch))
    every_batch += batch_losses
    during.append(float(epoch_mean(torch.tensor(batch_losses), torch.tensor(sizes))))
    with torch.no_grad():
        at_the_end.append(loss_of_each(model, x_train[None], y_train[None]).item())
        on_validation.append(loss_of_each(model, x_valid[None], y_valid[None]).item())
print(
    f"epoch 2: during {during[1]:.2f}, at its end {at_the_end[1]:.2f}, validation {on_validation[1]:.2f}"
)
places = np.arange(1, 9)
figure, axes = plt.subplots(figsize=(7, 3.4), layout="constrained")
curve = torch.tensor(every_batch)
steps = (np.arange(len(curve)) + 1) / (len(curve) / 8)
axes.plot(steps, curve, color="0.85", linewidth=0.8)
axes.plot(steps, smooth(curve, beta=0.95), color="0.5", label="smoothed")
axes.plot(places, during, "o--", label="mean during the epoch", color=plotting.PALETTE[0])
axes.plot(
    places - 0.5,
    during,
    "o",
    mfc="none",
    label="the same, half an epoch earlier",
    color=plotting.PALETTE[0],
)
axes.plot(places, on_validation, "s-", label="validation, at its end", color=plotting.PALETTE[1])
axes.set(xlabel="epoch", ylabel="loss", title="During an epoch and at its end")
axes.legend()
plt.close(figure)
figure

# %% [markdown]
# ## 13 · A slow starter
#
# Halving loses those who begin slowly. Sixteen curves, drawn by a formula: mostly, the faster a run falls,
# the higher it ends, as with rates that are too high to settle. (The slowest few do not arrive in 64 steps.)

# %% tags=["show"]
# Sixteen runs that cross: halving from the first step on, and from later ones
t = torch.arange(1, 65, dtype=torch.float64)
speeds = torch.logspace(-1.5, 0.3, 16, dtype=torch.float64)
crossing = 0.2 + 0.3 * torch.arange(16)[:, None] / 15 + 2 * torch.exp(-speeds[:, None] * t)
truth = int(crossing[:, -1].argmin())
print(f"lowest at the end: run {truth}, {crossing[truth, -1]:.3f}")
for first in (1, 4, 16, 64):
    rounds, cost = successive_halving(crossing, first=first)
    chosen = int(rounds[-1][0])
    print(
        f"first = {first:2}: run {chosen:2}, which ends at {crossing[chosen, -1]:.3f}; {int(cost)} steps"
    )
plotting.lines_over(
    t,
    {f"run {n}": crossing[n] for n in (0, 4, 8, 12)},
    log="x",
    xlabel="step",
    ylabel="validation loss",
    title="Who leads early does not lead at the end",
)

# %% [markdown]
# ## 14 · The same with a library
#
# Optuna draws later trials where earlier ones were good, and keeps a *journal*: a file to which every
# trial is added, so that an interrupted study goes on. It is an extra of the course.

# %% tags=["show", "open"]
# Six trials with Optuna, in a journal file
try:
    import optuna
except ImportError:
    print("Optuna is not installed. Run %pip install 'optuna>=4,<6' in a new cell, then this.")
else:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = results_file.with_name("optuna.log")

    def objective(trial):
        """Mean validation loss of three networks; a diverged one fails the trial (nan)."""
        curves, _ = train(
            lr=trial.suggest_float("lr", 1e-3, 1.0, log=True),
            momentum=trial.suggest_float("momentum", 0.5, 0.95),
            weight_decay=trial.suggest_float("weight_decay", 1e-5, 1e-2, log=True),
        )
        print(f"trial {trial.number}: lr {trial.params['lr']:.3f}  loss {curves[:, -1].mean():.3f}")
        return float(curves[:, -1].mean())

    study = optuna.create_study(
        study_name="lab 10",
        storage=JournalStorage(JournalFileBackend(str(journal))),
        load_if_exists=True,  # goes on where it was stopped
    )
    # One sampler serves one study. With the same seed as before it would draw the same trials again.
    study.sampler = optuna.samplers.TPESampler(seed=len(study.trials))
    study.optimize(objective, n_trials=max(0, 6 - len(study.trials)))
    print("best:", {name: float(f"{value:.3g}") for name, value in study.best_params.items()})

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("search", best_run=best_run)

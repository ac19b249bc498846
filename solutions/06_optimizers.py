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
# # Lab 6 · Optimizers
#
# The gradient says which way is down *here*. How far to go, what to remember of the way so far, and
# whether every weight should go equally far: that is the optimizer's business. The rules are two or
# three lines each, and no error message shows a wrong one: of 261 students who wrote Adam, nearly one
# in five wrote something else, most of which trains too.
#
# By the end you can
# - say from the curvature which rates are stable, and what momentum changes;
# - write momentum, RMSProp, Adam and AdamW from their formulas, step for step as in torch;
# - correct what widely used lecture notes say of rates, with numbers that you measured.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional. Your optimizers
# are watched over whole runs: a dozen steps, with gradients of changing size and rates that change on
# the way.
#
# **Conventions of this lab.** Ours are torch's. Every row has cost somebody an evening.
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | velocity | b ← μ b + g, w ← w − η b: η **outside** | CS231n: v ← μ v − η g, w ← w + v; the same only while η is constant |
# | ε | **outside** the root: √v̂ + ε | inside in TensorFlow's RMSProp (and in batch normalization) |
# | t | 1 in Adam's first step | schedules count from 0 |
# | weight decay λ | w ← (1 − ηλ) w | some multiply by 1 − λ, without η |

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
autograder.open_lab("optimizers")

# %% [markdown]
# ## 1 · A valley
#
# The simplest loss with a difficulty is a long valley: steep across, flat along. Gradient descent
# at three rates, thirty steps each.

# %% tags=["show"]
# Thirty steps at three rates, in a valley


def valley(x, y):
    """A quadratic with the curvatures 1 (along x) and 20 (along y)."""
    return 0.5 * (x**2 + 20 * y**2)


def walk(make, start=(-2.5, 0.9), steps=30, loss=valley):
    """The points that an optimizer visits."""
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = make([w])
    path = [w.detach().clone()]
    for _ in range(steps):
        optimizer.zero_grad()
        loss(w[0], w[1]).backward()
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


window = {"xlim": (-3, 1), "ylim": (-1.2, 1.2), "log": True, "minimum": (0, 0)}
rates = {
    f"rate {rate}": walk(lambda w, rate=rate: torch.optim.SGD(w, rate))
    for rate in (0.01, 0.05, 0.097)
}
for name, path in rates.items():
    print(f"{name:10} loss after 30 steps {valley(*path[-1]).item():.4f}")
plotting.path_panels(valley, rates, columns=3, title="Three rates in one valley", **window)

# %% [markdown]
# At 0.01 the way along the valley takes forever; at 0.097 the steps jump from slope to slope. The
# steep direction limits the rate, the flat one has to live with it.

# %% exercise="smaller_rate"

# %% exercise="critical_learning_rates"

# %% tags=["show"]
# The loss after 10, 50 and 250 steps, over the rate
committed("optimizers/smaller_rate")
curvatures = np.array([1.0, 50.0])
limit, best = (float(rate) for rate in critical_learning_rates(torch.from_numpy(curvatures)))


def loss_after(steps, rates):
    """The loss of gradient descent from (1, 1) after so many steps, for every rate."""
    factors = 1 - np.reshape(rates, (-1, 1)) * curvatures
    return 0.5 * (factors ** (2 * steps) * curvatures).sum(axis=1)


budgets = (10, 50, 250)
print(f"stability limit {limit:.4f}, best rate {best:.4f}; the loss after")
print(" " * 11, "".join(f"{steps:5} steps" for steps in budgets))
for rate in (0.0004, 0.004, 0.039, best, 0.041):
    losses = "".join(f"{loss_after(steps, rate)[0]:11.2g}" for steps in budgets)
    print(f"rate {rate:<6.4g}", losses)
candidates = np.linspace(0.0002, 0.042, 2000)
by_budget = {f"{steps} steps": loss_after(steps, candidates) for steps in budgets}
lowest = "".join(f"{candidates[losses.argmin()]:11.4f}" for losses in by_budget.values())
print("lowest at  ", lowest)
figure = plotting.lines_over(
    candidates,
    by_budget,
    log="y",
    xlabel="learning rate",
    ylabel="loss",
    title="The limit (dashed) and the best rate (dotted)",
)
figure.axes[0].set_ylim(1e-10, 1e2)
figure.axes[0].axvline(limit, color="#8A8A8A", linestyle="--", linewidth=1.2)
figure.axes[0].axvline(best, color="#8A8A8A", linestyle=":", linewidth=1.2)
figure

# %% [markdown]
# Whatever the budget, the loss is lowest not far left of where everything breaks. *Best* in your
# derivation means the smallest factor per step, which decides in the long run: the more steps, the
# nearer the lowest point comes to it. After 50 steps 0.0392 is still too large: the steep direction
# weighs fifty times as much in the loss, and its factor is −0.96. *"A low rate is best, it only takes
# longer"* is true with an unlimited budget only, and on a quadratic.
#
# ## 2 · The frame
#
# Write gradient descent so that every later rule fits in.

# %% exercise="GradientDescent"

# %% [markdown]
# ## 3 · What to remember

# %% exercise="Momentum"

# %% tags=["show"]
# The quadratic of section 1 again, 50 steps, three values of μ
curvatures = torch.tensor([1.0, 50.0], dtype=torch.float64)
rates = np.geomspace(2e-4, 0.1, 160)
after_50 = {}
for mu in (0.0, 0.5, 0.9):
    after_50[f"μ = {mu}"] = losses = []
    for rate in rates:
        w = torch.ones(2, dtype=torch.float64)
        optimizer = Momentum([w], lr=float(rate), momentum=mu)
        for _ in range(50):
            w.grad = curvatures * w
            optimizer.step()
        losses.append(float((curvatures * w**2).sum() / 2))
    print(
        f"μ = {mu}: lowest loss {min(losses):.2g} at rate {rates[np.argmin(losses)]:.3f}, "
        f"below 0.5 at {np.mean(np.array(losses) < 0.5):.0%} of the rates"
    )
figure = plotting.lines_over(
    rates, after_50, log="xy", xlabel="learning rate", ylabel="loss", title="After 50 steps"
)
figure.axes[0].set_ylim(1e-7, 1e2)
figure

# %% [markdown]
# With the right μ the same number of steps reaches a loss that is tens of thousands of times smaller,
# and with 0.9 the rate matters far less. The price is one number of memory per weight.

# %% exercise="momentum_of_one"

# %% tags=["show"]
# A heavy ball in a bowl, with three values of μ
committed("optimizers/momentum_of_one")
swings = {}
for mu in (0.9, 0.99, 1.0):
    w = torch.ones(1, dtype=torch.float64)
    optimizer, swings[f"μ = {mu}"] = Momentum([w], lr=0.01, momentum=mu), []
    for _ in range(400):
        w.grad = w.clone()
        optimizer.step()
        swings[f"μ = {mu}"].append(float(w))
figure = plotting.training_curves(swings, ylabel="w", title="A ball in a bowl", window=1)
figure.axes[0].set_ylim(-1.1, 1.5)
figure.axes[0].legend(loc="upper center", ncols=3)
figure

# %% [markdown]
# ## 4 · A rate for every weight
#
# Steep and flat directions want different rates. Adaptive methods look at each weight's own gradients,
# and divide by their size.

# %% exercise="RMSProp"


# %% tags=["show"]
# Twenty steps of the notes' lines and of your RMSProp, all with the gradient 1
cache, notes = 0.0, []
for _ in range(20):
    cache += 0.9 * cache + (1 - 0.9)  # as printed
    notes.append(1 / math.sqrt(cache))

w, yours = torch.zeros(1, dtype=torch.float64), []
optimizer = RMSProp([w], lr=1.0, alpha=0.9)
for _ in range(20):
    before, w.grad = float(w), torch.ones_like(w)
    optimizer.step()
    yours.append(before - float(w))
print(f"the 20th step: {notes[-1]:.2g} η in the notes, {yours[-1]:.2g} η with RMSProp")
plotting.training_curves(
    {"the notes": notes, "RMSProp": yours},
    log=True,
    ylabel="length of the step, in η",
    title="One character",
)

# %% [markdown]
# In twenty steps the optimizer of the notes has stopped.
#
# ## 5 · Adam

# %% exercise="Adam"


# %% tags=["show"]
# A film: four optimizers, 100 steps in Rosenbrock's valley
def banana(x, y):
    """Rosenbrock's valley, curved; the minimum is at (1, 1)."""
    return 0.2 * (1 - x) ** 2 + 2 * (y - x**2) ** 2


contest = {
    "gradient descent": walk(lambda w: GradientDescent(w, 0.04), (-1.5, -0.6), 100, banana),
    "momentum": walk(lambda w: Momentum(w, 0.004, 0.9), (-1.5, -0.6), 100, banana),
    "RMSProp": walk(lambda w: RMSProp(w, 0.05, 0.9), (-1.5, -0.6), 100, banana),
    "Adam": walk(lambda w: Adam(w, 0.1, (0.9, 0.9)), (-1.5, -0.6), 100, banana),
}
for name, path in contest.items():
    print(f"{name:18} loss after 100 steps {banana(*path[-1]).item():.4f}")
scene = {"xlim": (-2, 1.8), "ylim": (-1, 2.6), "log": True, "minimum": (1, 1)}
plotting.animated_paths(banana, contest, frames=14, title="Rosenbrock's valley", **scene)

# %% tags=["show"]
# The same four, each by itself
plotting.path_panels(banana, contest, title="Rosenbrock's valley, 100 steps", **scene)

# %% [markdown]
# No ranking follows from this: each rate was chosen for this picture. What to see is the *character*.
# Gradient descent drops into the valley and creeps; momentum overshoots and uses its speed; RMSProp
# and Adam move at nearly the same pace in steep and flat regions, because they divide by the size of
# the gradients.
#
# ## 6 · What decay does

# %% exercise="AdamW"

# %% tags=["show"]
# What 2000 steps leave of a weight of 1: a penalty of 0.1, and a decay of 0.1
noises = (0.1, 1.0, 10.0)
size = torch.tensor(noises, dtype=torch.float64).repeat_interleave(200)
left = {}
for name in ("penalty", "AdamW"):
    torch.manual_seed(0)
    w = torch.ones(len(size), dtype=torch.float64)
    decay = name == "AdamW"
    optimizer = AdamW([w], lr=0.01, weight_decay=0.1) if decay else Adam([w], lr=0.01)
    for _ in range(2000):
        noise = size * torch.randn(len(size), dtype=torch.float64)
        w.grad = noise if decay else noise + 0.1 * w
        optimizer.step()
    for noise, mean in zip(noises, w.view(3, 200).mean(dim=1), strict=True):
        left[f"{name}\nnoise {noise:g}"] = float(mean)
plotting.bars_with_prediction(
    left,
    dict.fromkeys(left, (1 - 0.01 * 0.1) ** 2000),
    ylabel="mean of 200 weights",
    title="A penalty in Adam's gradient, and AdamW",
)

# %% [markdown]
# The gradients here are noise around zero: only decay moves the weights on average. A penalty is divided
# by √v̂ like every gradient, so that weights with loud gradients hardly decay and those with quiet ones
# are gone. AdamW shrinks all alike, by (1 − ηλ)²⁰⁰⁰ = 0.135.
#
# ## 7 · Which rate, on a real network?
#
# *"Good learning rates lie between 1e-6 and 1e-3."*

# %% exercise="best_sgd_rate"

# %% tags=["show"]
# Eight rates from 1e-6 to 3, 300 steps each, with your SGD and your Adam
committed("optimizers/best_sgd_rate")
digits = data.digits()
pixels = digits.x_train.flatten(1) - 0.3


def digit_loss(make, rate, seed, steps=300):
    """Loss on all training digits after so many steps with batches of 64."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    optimizer = make(model.parameters(), rate)
    for _ in range(steps):
        batch = torch.randint(len(pixels), (64,))
        loss = F.cross_entropy(model(pixels[batch]), digits.y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        return F.cross_entropy(model(pixels), digits.y_train).item()


decades = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 3.0)
sweep = {}
for name, make in (("SGD", GradientDescent), ("Adam", Adam)):
    sweep[name] = [np.mean([digit_loss(make, rate, seed) for seed in range(2)]) for rate in decades]
    print(
        f"{name:5}",
        "  ".join(f"{rate:g}: {loss:.2f}" for rate, loss in zip(decades, sweep[name], strict=True)),
    )
figure = plotting.lines_over(
    decades,
    sweep,
    log="xy",
    xlabel="learning rate",
    ylabel="training loss",
    title="300 steps on the digits; gray: the loss of guessing",
)
figure.axes[0].axhline(math.log(10), color="#8A8A8A", linewidth=1.2, zorder=1)
figure

# %% [markdown]
# The loss of guessing is ln 10. In the range of the notes SGD has learned nothing at all, and Adam
# much at its upper end. Adam's best rate is a hundredth of SGD's.

# %% exercise="advice_on_rates"

# %% [markdown]
# ## Where to go from here
#
# - Goh 2017, *Why momentum really works* (distill.pub): the quadratic, in pictures.
# - Kingma & Ba 2015, *Adam*; Loshchilov & Hutter 2019, *Decoupled weight decay regularization*.
# - `torch.optim`: compare its source with your classes.

# %% [markdown]
# # Further
#
# How noisy a batch is and how much momentum can help; Newton's method; AdaGrad, clipping and decay
# groups; and what the learning rate does to the curvature of a network.

# %% [markdown]
# ## 8 · The noise of a batch
#
# In practice gradients come from mini-batches and are noisy. How noisy?

# %% exercise="minibatch_variance"

# %% tags=["show"]
# The noise of batches of 1 to 190 out of 200 examples, measured and derived
torch.manual_seed(0)
examples, rounds = 200, 2000
single = torch.randn(examples, dtype=torch.float64) * 2 + 1  # one entry of 200 examples' gradients
sizes = [1, 2, 5, 10, 20, 50, 100, 150, 190]
order = torch.rand(rounds, examples).argsort(dim=1)
measured = [float(single[order[:, :size]].mean(dim=1).std()) for size in sizes]
derived = [math.sqrt(minibatch_variance(float(single.var()), size, examples)) for size in sizes]
for size, seen, wanted in zip(sizes, measured, derived, strict=True):
    print(f"batch of {size:3}  measured {seen:.4f}  derived {wanted:.4f}")
figure = plotting.lines_over(
    sizes,
    {
        "measured": measured,
        "derived": derived,
        "S/√B, with replacement": float(single.std()) / np.sqrt(sizes),
    },
    log="xy",
    xlabel="batch size",
    ylabel="standard deviation",
    title="The noise of a mini-batch of 200 examples",
)
figure.axes[0].get_lines()[0].set(linestyle="none", marker="o", markersize=8)
figure.axes[0].legend()
figure

# %% [markdown]
# On both logarithmic axes the slope is −1/2 at first: four times the batch, half the noise. Toward
# B = N the noise vanishes, as it must when the batch is everything.
#
# ## 9 · How much can momentum help?
#
# How bad is a valley? One number says it.

# %% exercise="condition_number"

# %% exercise="heavy_ball_settings"


# %% tags=["show"]
# Steps to an error of 1e-6, for condition numbers of 10, 100 and 1000
def steps_needed(optimizer, curvatures, accuracy=1e-6, most=20_000):
    """Steps until the error of a quadratic is below the accuracy, from a start of ones."""
    (w,) = optimizer.parameters
    for step in range(most):
        if float(w.norm() / math.sqrt(len(w))) < accuracy:
            return step
        w.grad = curvatures * w
        optimizer.step()
    return most


counts = {"gradient descent": [], "heavy ball": []}
conditions = (10, 100, 1000)
for condition in conditions:
    spectrum = torch.tensor([1.0, condition], dtype=torch.float64)
    _, best = critical_learning_rates(spectrum)
    rate, mu = heavy_ball_settings(1.0, float(condition))
    plain = steps_needed(GradientDescent([torch.ones_like(spectrum)], float(best)), spectrum)
    heavy = steps_needed(Momentum([torch.ones_like(spectrum)], rate, mu), spectrum)
    counts["gradient descent"].append(plain)
    counts["heavy ball"].append(heavy)
    print(
        f"κ = {condition:4}: gradient descent {plain:5} steps (κ/2 · ln 10⁶ = "
        f"{condition / 2 * math.log(1e6):5.0f}), heavy ball {heavy:4} (with μ = {mu:.3f})"
    )
figure = plotting.lines_over_depth(
    counts, log=True, xlabel="condition number κ", ylabel="steps to an error of 1e-6"
)
figure.axes[0].set_xticks(range(1, 4), conditions)
figure

# %% [markdown]
# Ten times the condition number costs gradient descent ten times the steps, the heavy ball about
# √10 = 3.2 times. Both have their best settings here; the heavy ball wants a μ that depends on κ.

# %% exercise="Nesterov"

# %% [markdown]
# ## 10 · Where the gradient is zero
#
# A zero gradient is not a minimum yet.

# %% exercise="classify_critical_points"

# %% exercise="newton_step"

# %% exercise="newton_at_a_saddle"

# %% tags=["show"]
# Three ways through a landscape with one saddle and two minima
committed("optimizers/newton_at_a_saddle")


def saddle(x, y):
    """Falls along y, rises along x; bounded below by the fourth power."""
    return 0.5 * (x**2 - y**2) + 0.05 * y**4


torch.manual_seed(0)
start = torch.tensor([-2.0, 0.0], dtype=torch.float64)
exact = walk(lambda w: GradientDescent(w, 0.2), tuple(start.tolist()), 80, saddle)


class NoisyDescent(GradientDescent):
    """Gradient descent whose gradients carry a little noise, as those of mini-batches do."""

    def update(self, parameter, gradient, state):
        super().update(parameter, gradient + 0.01 * torch.randn_like(gradient), state)


noisy = walk(lambda w: NoisyDescent(w, 0.2), tuple(start.tolist()), 80, saddle)
w, newton = torch.tensor([-2.0, 0.5], dtype=torch.float64), []
for _ in range(5):
    newton.append(w)
    gradient = torch.stack([w[0], -w[1] + 0.2 * w[1] ** 3])
    hessian = torch.diag(torch.stack([torch.ones_like(w[0]), -1 + 0.6 * w[1] ** 2]))
    w = newton_step(w, gradient, hessian)
print("gradient descent ends at    ", exact[-1].numpy().round(3) + 0.0)
print("with a little noise at      ", noisy[-1].numpy().round(3) + 0.0)
print("Newton's method ends at     ", newton[-1].numpy().round(3) + 0.0)
plotting.path_panels(
    saddle,
    {
        "gradient descent, y = 0 exactly": exact,
        "with a little noise": noisy,
        "Newton's method": torch.stack(newton),
    },
    columns=3,
    xlim=(-2.4, 1.4),
    ylim=(-3.5, 3.5),
    title="A saddle at (0, 0), minima at (0, ±2.2)",
)

# %% [markdown]
# Three lessons. Newton's method *seeks* the saddle. Gradient descent that starts exactly on the ridge
# stays on it, for the gradient has no component that leads off. And a noise of 0.01 is enough to fall
# into a minimum: noise is not only a nuisance.
#
# *"Second-order methods have no learning rate."* Do they need none?

# %% exercise="newton_from_two"

# %% exercise="newton_path"

# %% tags=["show"]
# Newton's method from three starts, with and without damping; what a Hessian costs
committed("optimizers/newton_from_two")
starts = torch.tensor([0.9, 1.1, 2.0], dtype=torch.float64)
free = newton_path(starts, 3)
damped = newton_path(starts, 12, damping=1.0)
for n, start in enumerate(starts.tolist()):
    print(f"from {start}: undamped", "  ".join(f"{w:.4g}" for w in free[:, n].tolist()))
    print(
        "          damping 1",
        "  ".join(f"{w:.3f}" for w in damped[:6, n].tolist()),
        "…",
        f"{damped[-1, n]:.4f}",
    )
print()
for size in (100, 200, 400, 800):
    matrix = torch.randn(size, size, dtype=torch.float64)
    matrix = matrix @ matrix.T + size * torch.eye(size, dtype=torch.float64)
    print(
        f"{size:4} weights: a Hessian of {size**2:7,} entries, about {2 / 3 * size**3 / 1e6:6.1f} million operations a step"
    )

# %% [markdown]
# From 2 it is −8, 512, −134 million. With a damping of 1 every start converges. A method with damping or
# a line search *has* a learning rate, under another name. And the price is the Hessian: memory grows
# with d², the time of a step with d³. For a million weights there is no Newton's method.
#
# ## 11 · AdaGrad, and Adam without correction

# %% exercise="AdaGrad"

# %% [markdown]
# The lecture notes that printed RMSProp's line have an Adam, too.

# %% exercise="first_step_of_the_notes"

# %% exercise="efficient_form"

# %% tags=["show"]
# Adam's steps without bias correction, relative to those with it
committed("optimizers/first_step_of_the_notes")
steps = np.arange(1, 3001)
too_large = [1 / efficient_form(int(t), 1.0, (0.9, 0.999), 0.0)[0] for t in steps]
print(
    f"first step {too_large[0]:.2f} times too large, 10th {too_large[9]:.2f}, 100th {too_large[99]:.2f}, 1000th {too_large[999]:.2f}"
)
plotting.lines_over(
    steps,
    {"without correction": too_large, "with it": np.ones(len(steps))},
    log="x",
    xlabel="step",
    ylabel="step size, relative to Adam's",
    title="What the bias correction is for",
)

# %% [markdown]
# Around the tenth step they are more than six times too large without the correction, just when the
# network knows least.
#
# ## 12 · What decays, and what is clipped

# %% exercise="decay_groups"

# %% exercise="clip_by_global_norm"

# %% exercise="accumulated_gradient"

# %% tags=["show"]
# Which tensors decay, and what clipping leaves of one bad batch
torch.manual_seed(0)
network = nn.Sequential(nn.Linear(5, 8), nn.LayerNorm(8), nn.Linear(8, 1))
for group in decay_groups(dict(network.named_parameters()), 0.1):
    print(f"weight decay {group['weight_decay']}:", [tuple(p.shape) for p in group["params"]])
sizes = []
for label, spike in (("an ordinary batch", 1.0), ("one bad batch", 100.0)):
    network.zero_grad()
    x, y = torch.randn(16, 5), torch.randn(16, 1) * spike
    F.mse_loss(network(x), y).backward()
    gradients = [p.grad for p in network.parameters()]
    clipped = clip_by_global_norm(gradients, 1.0)
    before, after = (
        float(torch.cat([g.flatten() for g in gs]).norm()) for gs in (gradients, clipped)
    )
    print(f"{label:18} length of all gradients {before:8.2f}, clipped to 1: {after:.2f}")

# %% [markdown]
# In a training loop the order is `zero_grad`, `backward`, **clip**, `step`. After the step it is too late,
# and nothing says so.
#
# ## 13 · Does Adam need a schedule?

# %% exercise="cosine_for_adam"

# %% tags=["show"]
# AdamW on MNIST-1D at a constant rate and along a cosine, three seeds
committed("optimizers/cosine_for_adam")
signals = data.mnist1d()


def train_adamw(schedule, seed, steps=600):
    """Losses of AdamW on MNIST-1D, and the loss on all training and all test signals at the end."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(40, 100), nn.ReLU(), nn.Linear(100, 100), nn.ReLU(), nn.Linear(100, 10)
    )
    optimizer = AdamW(model.parameters(), lr=0.02, weight_decay=0.1)
    losses = []
    for step in range(steps):
        optimizer.lr = 0.02 * schedule(step / steps)
        batch = torch.randint(len(signals.x_train), (64,))
        loss = F.cross_entropy(model(signals.x_train[batch]), signals.y_train[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    with torch.no_grad():
        train = F.cross_entropy(model(signals.x_train), signals.y_train).item()
        test = F.cross_entropy(model(signals.x_test), signals.y_test).item()
    return losses, train, test


schedules = {
    "constant": lambda part: 1.0,
    "cosine": lambda part: 0.5 * (1 + math.cos(math.pi * part)),
}
curves = {}
for name, schedule in schedules.items():
    runs = [train_adamw(schedule, seed) for seed in range(3)]
    curves[name] = np.mean([run[0] for run in runs], axis=0)
    print(
        f"{name:9} training loss",
        "  ".join(f"{run[1]:.2f}" for run in runs),
        "  test loss",
        "  ".join(f"{run[2]:.2f}" for run in runs),
    )
plotting.training_curves(
    curves,
    ylabel="training loss (mean of 3 seeds)",
    title="AdamW on MNIST-1D, the same rate at the start",
)

# %% [markdown]
# On every seed the schedule wins, on training and on test data. The next lab is about nothing else.
#
# ## 14 · The sharpest direction
#
# On a quadratic the curvature is what it is. In a network the weights choose it. To see what they
# choose, measure the largest eigenvalue of the Hessian, without ever forming the Hessian.

# %% exercise="hessian_vector_product"

# %% exercise="sharpness"

# %% exercise="growing_sharpness"

# %% tags=["show"]
# 1500 steps with all data at three rates: sharpness and loss
committed("optimizers/growing_sharpness")
digits = data.digits()
pixels = digits.x_train.flatten(1) - 0.3
images, targets = pixels[:400], F.one_hot(digits.y_train[:400], 10).float()


def full_batch(rate, steps=1500, every=50):
    """Losses of full-batch gradient descent on a tanh network, and its sharpness on the way."""
    torch.manual_seed(0)
    weights = [
        (torch.randn(32, 64) / 8).requires_grad_(),
        (torch.randn(10, 32) / 11.3).requires_grad_(),
    ]
    direction = [torch.randn_like(weight) for weight in weights]
    optimizer, losses, found = GradientDescent(weights, rate), [], []
    for step in range(steps):
        loss = ((torch.tanh(images @ weights[0].T) @ weights[1].T - targets) ** 2).sum() / (
            2 * len(images)
        )
        optimizer.zero_grad()
        loss.backward()
        if step % every == 0:
            values = [weight.detach() for weight in weights]
            found.append(float(sharpness(images, targets, values, direction, iterations=20)))
        optimizer.step()
        losses.append(loss.item())
    return losses, found


edge, edge_losses = {}, {}
for rate in (0.2, 0.4, 0.8):
    losses, found = full_batch(rate)
    edge[f"η = {rate}, 2/η = {2 / rate:g}"], edge_losses[f"η = {rate}"] = found, losses
    rises = sum(after > before for before, after in itertools.pairwise(losses))
    windows = np.mean(np.reshape(losses, (-1, 300)), axis=1)
    print(
        f"η = {rate}: sharpness {found[0]:.1f} at the start, {np.mean(found[-5:]):.1f} at the end (2/η = {2 / rate:g}); "
        f"the loss rises in {rises} steps, and over windows of 300 steps {np.sum(np.diff(windows) > 0)} times"
    )
figure = plotting.lines_over(
    range(0, 1500, 50),
    edge,
    xlabel="step",
    ylabel="sharpness",
    title="Sharpness on the way; thin: 2/η",
)
for number, rate in enumerate((0.2, 0.4, 0.8)):
    figure.axes[0].axhline(2 / rate, color=plotting.PALETTE[number], linewidth=0.8, zorder=1)
display(figure)
plotting.training_curves(
    {name: losses[:400] for name, losses in edge_losses.items()},
    log=True,
    title="The first 400 steps",
    window=1,
)

# %% [markdown]
# No noise, no schedule, and still the loss jitters: the weights climb to where the rate is just about
# stable, and are thrown back. So the learning rate does not only decide how fast a minimum is
# reached, but which one. That is why "small is safe" is bad advice. More in Cohen et al. 2021, *Gradient
# descent on neural networks typically occurs at the edge of stability*.

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("optimizers", AdamW=AdamW)

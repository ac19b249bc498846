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
# # Lab 7 · Learning-rate schedules
#
# The learning rate is the one number that everybody tunes, and it should not be one number. Far from
# a minimum large steps are right; close to it they only rattle about. A *schedule* says how large
# the step is at every moment of the training. All of them are short formulas, and nearly all of
# the accidents happen at their ends: at the first step, where two of them are joined, and after the
# last.
#
# By the end you can
# - say why a constant rate stops improving, and *derive* where;
# - write drops and a cosine as functions of the step, right at both ends;
# - join a warm-up to another schedule without a jump and without changing the length;
# - carry a schedule over to another batch size;
# - correct three sentences that one often reads, with numbers that you measured.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional. The checks
# ask for steps in any order, some twice, and for steps *after* the end.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | step t | one optimizer update, counted from **0** | papers, and Adam's bias correction, count from 1 |
# | `total_steps` T | length of the training: t = 0, …, T − 1; t = T is the first step *after* it | torch: `T_max`, `total_iters` |
# | `base_lr` α₀ | the rate that the schedule multiplies; with a warm-up, its peak | torch: the optimizer's `lr`; papers: η |
# | `gamma` γ | the factor that is **kept** at a drop, below 1 | "divide by 10" is γ = 0.1 |
# | after the end | every docstring says; the rate is held | torch's: see section 3 |
# | epoch | one pass over the data | in many codes a fixed number of steps |

# %% tags=["setup"]
import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("schedules")

# %% [markdown]
# ## 1 · A constant rate
#
# It has one number. "A constant rate needs no tuning", one hears.

# %% tags=["show"]
# The network and the training loop of this lab's experiments
signals = data.mnist1d()


class Windows(nn.Module):
    """A 1-d convolution of several networks side by side: windows of the signal times weights.

    Shapes: (networks, N, length, channels) -> (networks, N, windows, out). One product for all
    networks takes a quarter of the time that `nn.Conv1d` takes for one after the other.
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


def small_networks(count):
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


def loss_of_each(scores, labels):
    """The mean cross-entropy of every network."""
    each = F.cross_entropy(scores.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(dim=1)


def train(schedule, steps, make_optimizer=None, runs=3):
    """Train independent networks, each on batches of its own, with the rate of `schedule`.

    The losses of every step and run, the final losses on all training data, the test accuracies.
    """
    torch.manual_seed(0)
    model = small_networks(runs)
    if make_optimizer is None:
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9)
    else:
        optimizer = make_optimizer(model.parameters())
    losses = []
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule(step)
        batch = torch.randint(len(signals.x_train), (runs, 32))
        loss = loss_of_each(model(signals.x_train[batch, :, None]), signals.y_train[batch])
        optimizer.zero_grad()
        loss.sum().backward()  # no network has a part in the loss of another
        optimizer.step()
        losses.append(loss.tolist())
    with torch.no_grad():
        x, y = (part.expand(runs, *part.shape) for part in (signals.x_train, signals.y_train))
        final = loss_of_each(model(x[..., None]), y).tolist()
        scores = model(signals.x_test.expand(runs, *signals.x_test.shape)[..., None])
        right = (scores.argmax(dim=-1) == signals.y_test).float().mean(dim=1).tolist()
    return losses, final, right


def compare(schedules, steps, **more):
    """Three runs of every schedule: print the results, return the mean losses."""
    curves = {}
    for name, schedule in schedules.items():
        losses, final, right = train(schedule, steps, **more)
        print(
            f"{name:22} final loss", "  ".join(f"{loss:.2f}" for loss in final),
            "  test accuracy", "  ".join(f"{share:.2f}" for share in right),
        )  # fmt: skip
        curves[name] = np.mean(losses, axis=1)
    return curves


STEPS = 1000
constant_runs = {}  # filled by the experiment below, drawn again in section 6

# %% exercise="three_constant_rates"

# %% tags=["show"]
# 1000 steps at each of three constant rates, three runs
committed("schedules/three_constant_rates")
constant_rates = {
    "constant 0.01": lambda t: 0.01,
    "constant 0.03": lambda t: 0.03,
    "constant 0.1": lambda t: 0.1,
}
constant_runs |= compare(constant_rates, STEPS)
plotting.training_curves(
    constant_runs, ylabel="training loss (mean of 3 runs)", title="Three constant rates"
)

# %% [markdown]
# The largest rate learns fastest at first (look at step 100), and then it stops improving. Why? Take
# the smallest problem that shows it, a parabola whose gradients are noisy.

# %% exercise="noise_floor"

# %% tags=["show"]
# 4000 walkers on a noisy parabola: their mean loss, and what you derived
torch.manual_seed(0)
curvature, noise_variance, walkers = 1.0, 1.0, 4000


def descend(schedule, steps=300):
    """Mean loss of many independent walkers on the noisy parabola."""
    x, losses = torch.full((walkers,), 20.0), []
    for step in range(steps):
        losses.append(float((curvature * x**2 / 2).mean()))
        noise = math.sqrt(noise_variance) * torch.randn(walkers)
        x = x - schedule(step) * (curvature * x + noise)
    return losses


on_the_parabola = {
    "constant 0.4": descend(lambda t: 0.4),
    "constant 0.05": descend(lambda t: 0.05),
    "0.4, then 0.05": descend(lambda t: 0.4 if t < 30 else 0.05),
}
for rate in (0.4, 0.05):
    simulated = np.mean(on_the_parabola[f"constant {rate}"][-100:])
    print(f"rate {rate:<5} simulated {simulated:.4f}, derived {noise_floor(rate, 1.0, 1.0):.4f}")
plotting.lines_over(
    range(300),
    on_the_parabola,
    log="y",
    xlabel="step",
    ylabel="loss",
    title="Every constant rate has a floor",
)

# %% [markdown]
# A large rate is quick and stops high; a small one is slow and stops low; **one drop has both**.
# That cliff in the green curve is the one you know from the training curves of ResNet papers.
#
# ## 2 · Drops
#
# A schedule here is a function: step in, rate out; its other arguments come by name. It knows nothing
# but the step, not even the rate before. Then a training can be resumed anywhere, and nothing depends on
# how often the function was asked.

# %% exercise="multi_step"

# %% [markdown]
# ## 3 · Schedules with a last step
#
# Drops go on forever. The schedule that is used most today knows how long the training is, T steps, and
# is (nearly) at zero when it ends. So now there is a step after the last one, and somebody will ask for
# it: a run that is resumed, prolonged, or off by one.

# %% exercise="cosine"

# %% exercise="torch_after_the_end"

# %% tags=["show"]
# torch's cosine and yours, to step 120 of 50
committed("schedules/torch_after_the_end")


def rates_of_torch(make_scheduler, steps, lr=0.1):
    """The rate of every update under one of torch's schedulers, stepped after each."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    scheduler, rates = make_scheduler(optimizer), []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


torchs = rates_of_torch(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=50), 121)
ours = [cosine(t, base_lr=0.1, total_steps=50) for t in range(121)]
for t in (0, 25, 49, 50, 75, 100):
    print(f"step {t:3}  torch {torchs[t]:.4f}  ours {ours[t]:.4f}")
plotting.rates_over_steps(
    {"torch's CosineAnnealingLR": torchs, "clamped": ours},
    total_steps=50,
    title="After the last step (gray) torch's rate rises again",
)

# %% [markdown]
# Up to the end both agree; after it torch comes back to where it started. No warning is given: "ten
# more epochs" are ten epochs of a growing rate.

# %% exercise="no_hyperparameters"

# %% tags=["show"]
# Three lengths T for a training that stops after 100 steps
committed("schedules/no_hyperparameters")
lengths = {
    f"T = {T}": [cosine(t, base_lr=0.1, total_steps=T) for t in range(121)] for T in (50, 100, 200)
}
print("rate at step 100:", {name: round(rates[100], 4) for name, rates in lengths.items()})
plotting.rates_over_steps(lengths, total_steps=100, title="Training stops after 100 steps")

# %% [markdown]
# T is a hyperparameter. With T = 200 the training ends at half of the rate; with T = 50 half of it
# is spent at rate zero.
#
# ## 4 · Warm-up
#
# At the very start gradients are large and point anywhere, and Adam's averages hold next to nothing.
# A short ramp keeps the first steps small.

# %% exercise="warmup_then_cosine"


# %% tags=["show"]
# Three ways to join a warm-up of 15 steps to a cosine, yours among them
def joined(t, w=15, T=100):
    """Three ways to join a warm-up of 15 steps to a cosine."""
    ramp = 0.1 * (t + 1) / w
    return {
        "right": warmup_then_cosine(t, base_lr=0.1, warmup_steps=w, total_steps=T),
        "cosine already running": ramp if t < w else cosine(t, base_lr=0.1, total_steps=T),
        "cosine too long": ramp if t < w else cosine(t - w, base_lr=0.1, total_steps=T),
    }


ways = {name: [joined(t)[name] for t in range(111)] for name in joined(0)}
for name, rates in ways.items():
    jump = rates[15] - rates[14]
    print(f"{name:24} change at the joint {jump:+.4f}   at the last step, 99: {rates[99]:.5f}")
plotting.rates_over_steps(ways, total_steps=100, title="Where two schedules are joined")

# %% [markdown]
# The jump is small, and so is what is left at the end: hardly anybody would see them in a log file.
# That is why one tests a schedule and does not only look at it.
#
# ## 5 · Another batch size
#
# A schedule is a promise about *examples*: drop after so many of them. Change the batch size, and the
# promise must be kept in other numbers.

# %% exercise="rescale_for_batch_size"

# %% tags=["show"]
# A recipe for batches of 256, carried over to 1024
lr, length, drops = rescale_for_batch_size(
    256, 1024, base_lr=0.1, total_steps=450_000, milestones=(150_000, 300_000)
)
print(
    f"256 -> 1024: rate {float(lr):g}, {length:,} steps, milestones {', '.join(f'{m:,}' for m in drops)}"
)
print(f"examples before the first drop: {256 * 150_000:,} and {1024 * drops[0]:,}")

# %% [markdown]
# ## 6 · The experiment
#
# The network of the beginning, as many steps, three runs. The constant rate 0.1 was one of the
# worst: it stood still at a high loss. Now it is only the *first* rate of each schedule.

# %% tags=["show"]
# Drops, cosine, and warm-up with cosine from 0.1, beside the constant rates
decaying = compare(
    {
        "step decay from 0.1": lambda t: multi_step(
            t, base_lr=0.1, milestones=(500, 750), gamma=0.3
        ),
        "cosine from 0.1": lambda t: cosine(t, base_lr=0.1, total_steps=STEPS),
        "warm-up and cosine": lambda t: warmup_then_cosine(
            t, base_lr=0.1, warmup_steps=100, total_steps=STEPS
        ),
    },
    STEPS,
)
plotting.training_curves(
    {
        **{name: run for name, run in constant_runs.items() if name != "constant 0.01"},
        **decaying,
    },
    ylabel="training loss (mean of 3 runs)",
    title="At equal steps: two constant rates, and decay from 0.1",
)

# %% [markdown]
# The rate that failed as a constant is a good start for a decay. With cosine the loss is lower
# than with the best of the three constant rates, in every run. And with Adam, which "adapts"?

# %% exercise="decay_with_adam"

# %% tags=["show"]
# AdamW at a constant rate, and with warm-up and cosine, three runs
committed("schedules/decay_with_adam")
with_adam = compare(
    {
        "AdamW, constant 0.03": lambda t: 0.03,
        "warm-up and cosine": lambda t: warmup_then_cosine(
            t, base_lr=0.03, warmup_steps=80, total_steps=800
        ),
    },
    800,
    make_optimizer=lambda parameters: torch.optim.AdamW(parameters, lr=1.0),
)
plotting.training_curves(
    with_adam, ylabel="training loss (mean of 3 runs)", title="AdamW, 800 steps"
)

# %% exercise="three_sentences"

# %% [markdown]
# ## Where to go from here
#
# - Loshchilov & Hutter 2017, *SGDR*: the cosine, and restarts, which hardly anybody uses now.
# - Goyal et al. 2017, *Accurate, large minibatch SGD*: warm-up and the linear rule.
# - Smith et al. 2018, *Don't decay the learning rate, increase the batch size*.
# - Hägele et al. 2024, *Scaling laws and compute-optimal training beyond fixed training durations*: a
#   constant rate with a short decay at the end, so that T need not be known in advance.

# %% [markdown]
# # Further
#
# The other schedules in use, each with its ends; what an epoch is and who calls `step()`; what DeepSeek
# does; and a schedule that watches the validation loss.

# %% [markdown]
# ## 7 · Stairs, epochs, and the loop

# %% exercise="constant"

# %% exercise="step_decay"

# %% exercise="halve_every"

# %% exercise="milestones_in_new_epochs"

# %% [markdown]
# And then there is the loop. A scheduler of torch counts its own calls; where they stand in your
# loop decides what they count.

# %% exercise="stepped_per_batch"

# %% exercise="updates_per_schedule_step"

# %% tags=["show"]
# The same `StepLR`, called once an epoch and once a batch
committed("schedules/stepped_per_batch")


def loop(per_batch, epochs=91, batches=100):
    """The rate of every update of a run whose StepLR drops after 30 calls."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=30, gamma=0.1)
    rates = []
    for _ in range(epochs):
        for _ in range(batches):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_batch:
                scheduler.step()
        if not per_batch:
            scheduler.step()
    return torch.tensor(rates, dtype=torch.float64)


for name, per_batch in {"per epoch": False, "per batch": True}.items():
    rates = loop(per_batch)
    print(f"{name}: rate at update 100 {rates[100]:.0e}, at update 3000 {rates[3000]:.0e}")
for name, per_batch in {"per epoch": False, "per batch": True}.items():
    found = updates_per_schedule_step(loop(per_batch), step_size=30)
    print(f"{name}: {int(found)} update(s) per call")

# %% [markdown]
# ## 8 · Smooth decay, and two lines of the notes
#
# Exponential decay loses the same *fraction* at every step. One set of lecture notes prints it as
#
# ```python
# lr = lr0 * e (-kt)       # from the notes
# ```

# %% exercise="the_notes_line"

# %% exercise="exponential"

# %% tags=["show"]
# The line of the notes as typed, and mended
committed("schedules/the_notes_line")
print("step          0       1       2       10")
typed = "  ".join(f"{0.1 * math.e * (-0.05 * t):6.3f}" for t in (0, 1, 2, 10))
meant = "  ".join(f"{exponential(t, base_lr=0.1, k=0.05):6.3f}" for t in (0, 1, 2, 10))
print("the notes ", typed)
print("mended    ", meant)

# %% exercise="gamma_of_half_life"

# %% [markdown]
# The oldest schedule of all falls like 1/t. Robbins and Monro (1951) proved that with it noise does
# not keep you from the minimum: the rates sum to infinity, so that you can get anywhere, and their
# squares do not, so that the noise dies out.

# %% exercise="inverse_time"

# %% exercise="steps_until"

# %% [markdown]
# Between constant and 1/t lies the inverse square root. In two sets of notes it is α₀/√t.

# %% exercise="inverse_square_root"

# %% exercise="inverse_square_root_with_warmup"

# %% exercise="transformer_peak"

# %% tags=["show"]
# The schedule of the first transformer, with two lengths of the warm-up
print(f"d = 512, w = 4000: the highest rate is {float(transformer_peak(512, 4000)):.2e}")
peak = {
    "w = 1000": [
        inverse_square_root_with_warmup(t, base_lr=transformer_peak(512, 1000), warmup_steps=1000)
        for t in range(0, 12000, 20)
    ],
    "w = 4000": [
        inverse_square_root_with_warmup(t, base_lr=transformer_peak(512, 4000), warmup_steps=4000)
        for t in range(0, 12000, 20)
    ],
}
plotting.rates_over_steps(
    peak, every=20, title="“Attention is all you need”: both tails are the same curve"
)

# %% [markdown]
# The warm-up decides how far up the curve you enter it; the tail is the same whatever w is.
#
# ## 9 · Straight lines

# %% exercise="linear"

# %% exercise="linear_warmup"

# %% [markdown]
# ## 10 · "What DeepSeek does"
#
# One set of notes has a section of that name: warm up over 2000 steps to 4.2e-4, then multiply by
# 0.316 at 80 %, and by 0.316 again at 90 %. Percent of what?

# %% exercise="tokens_or_steps"

# %% exercise="token_fraction_decay"

# %% tags=["show"]
# Batches that grow from one to four million tokens: drops counted in tokens, and in steps
committed("schedules/tokens_or_steps")
length = 10_000
batches = [1_000_000 + 3_000_000 * t // (length - 1) for t in range(length)]  # one to four million
seen = np.cumsum([0, *batches])
steps = list(range(0, length + 1000, 50))
by_tokens = [token_fraction_decay(t, batch_tokens=batches) for t in steps]
by_steps = [token_fraction_decay(t, batch_tokens=[1] * length) for t in steps]
for share in (0.8, 0.9):
    step = int(np.argmax(seen >= share * seen[-1]))
    print(
        f"{share:.0%} of the tokens have been seen at step {step}, {step / length:.1%} of the steps"
    )
print(f"rate at the end {by_tokens[-1]:.4g}, which is {by_tokens[-1] / 4.2e-4:.4f} of the peak")
plotting.rates_over_steps(
    {"80 % and 90 % of the tokens": by_tokens, "of the steps": by_steps},
    total_steps=length,
    every=50,
    title="Growing batches",
)

# %% [markdown]
# 0.316 is the root of a tenth: two drops make a tenth. And it is not "what DeepSeek does" but what
# **DeepSeek-V2-Lite** did (with batches of one size). DeepSeek-V2 drops at 60 % and 90 %, from
# 2.4e-4, with batches that grow; the first DeepSeek LLM had two sizes with two rates.
#
# ## 11 · When it stands still
#
# All schedules so far are fixed in advance. The oldest practice is not: watch the validation loss,
# and divide the rate when it no longer falls. That needs a memory, so it is a class.

# %% exercise="ReduceOnPlateau"

# %% tags=["show"]
# A small network with few signals: its losses, and what the class is told
signals = data.mnist1d()


def watch(steps=1200, every=20, seed=0):
    """Training and validation loss of a network with few signals, every 20 steps."""
    torch.manual_seed(seed)
    x, y = signals.x_train[:1000], signals.y_train[:1000]
    model = nn.Sequential(nn.Linear(40, 100), nn.ReLU(), nn.Linear(100, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    training, validation = [], []
    for step in range(steps):
        batch = torch.randint(len(x), (32,))
        loss = F.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % every == every - 1:
            with torch.no_grad():
                training.append(F.cross_entropy(model(x), y).item())
                validation.append(F.cross_entropy(model(signals.x_test), signals.y_test).item())
    return training, validation


training, validation = watch()
on_validation = ReduceOnPlateau(0.02, factor=0.5, patience=6, threshold=0.01)
on_training = ReduceOnPlateau(0.02, factor=0.5, patience=6, threshold=0.01)
told = {
    "told the validation loss": [on_validation.step(metric) for metric in validation],
    "told the training loss": [on_training.step(metric) for metric in training],
}
for name, rates in told.items():
    drops = [n for n in range(1, len(rates)) if rates[n] < rates[n - 1]]
    print(
        f"{name:26} drops after evaluation",
        ", ".join(str(n + 1) for n in drops) or "none",
        f"of {len(rates)}",
    )
print(
    f"validation loss: best {min(validation):.2f} at evaluation {int(np.argmin(validation)) + 1}, last {validation[-1]:.2f}"
)
plotting.training_curves(
    {"training loss": training, "validation loss": validation},
    xlabel="evaluation", window=1, title="What the class is told",
)  # fmt: skip

# %% tags=["show"]
# The rates that the class gives
plotting.rates_over_steps(
    {name: [0.02, *rates] for name, rates in told.items()},
    xlabel="evaluation", title="What it makes of it (rates not applied here)",
)  # fmt: skip

# %% [markdown]
# Both are right about the number they were told. The training loss falls to the end, so whoever
# passes that one never hears that the validation loss has long turned.
#
# ## 12 · All of them
#
# One hundred steps, and twenty more that nobody had planned.

# %% tags=["show"]
# Every schedule of this lab in a panel of its own
plateau = ReduceOnPlateau(1.0, factor=0.3, patience=12, threshold=0.01)
stalling = [max(math.exp(-t / 12), 0.1) for t in range(121)]
every_schedule = {
    "constant": lambda t: constant(t, base_lr=1.0),
    "step decay": lambda t: step_decay(t, base_lr=1.0, step_size=30, gamma=0.3),
    "multi-step": lambda t: multi_step(t, base_lr=1.0, milestones=(50, 75), gamma=0.3),
    "halving": lambda t: halve_every(t, base_lr=1.0, epochs=2, steps_per_epoch=10),
    "exponential": lambda t: exponential(t, base_lr=1.0, k=0.03),
    "1/t": lambda t: inverse_time(t, base_lr=1.0, k=0.1),
    "inverse square root": lambda t: inverse_square_root(t, base_lr=1.0),
    "… with warm-up": lambda t: inverse_square_root_with_warmup(t, base_lr=1.0, warmup_steps=10),
    "linear": lambda t: linear(t, base_lr=1.0, total_steps=100),
    "cosine": lambda t: cosine(t, base_lr=1.0, total_steps=100),
    "warm-up, constant": lambda t: linear_warmup(t, base_lr=1.0, warmup_steps=10),
    "warm-up, cosine": lambda t: warmup_then_cosine(
        t, base_lr=1.0, warmup_steps=10, total_steps=100
    ),
    "token fractions": lambda t: token_fraction_decay(
        t, batch_tokens=[1 + s for s in range(100)], base_lr=1.0, warmup_steps=10
    ),
    "plateau": lambda t: plateau.step(stalling[t]),
}
panels = {
    name: [float(schedule(t)) for t in range(121)] for name, schedule in every_schedule.items()
}
print("schedule              step 0  step 99  step 100  mean of steps 0 to 99")
for name, rates in panels.items():
    print(
        f"{name:20} {rates[0]:7.3f} {rates[99]:8.4f} {rates[100]:9.4f} {np.mean(rates[:100]):9.3f}"
    )
plotting.rate_panels(
    panels, total_steps=100, title="Every schedule of this lab; gray is after the last step"
)

# %% [markdown]
# Cosine and linear have the same mean rate: the area under both is the same, cosine only spends more
# of it at the start. (0.505 each, and not ½, because step 0 counts and step T does not.)

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("schedules", warmup_then_cosine=warmup_then_cosine)

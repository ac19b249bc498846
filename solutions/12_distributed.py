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
# # Lab 12 · Large batches and distributed training
#
# One worker is too slow, or too small. With many, the question is always: *what would one worker have computed?* Get an
# average wrong and nothing fails: all agree, the loss falls, and the rate is not what you think it is.
#
# By the end you can
# - average gradients of unequal shards, and add up tensors in a ring where nobody carries more than the others;
# - take one step of SGD in several processes at once, or in several pieces one after the other;
# - rescale a rate for a larger batch, and say where that ends;
# - draw the timetable of a pipeline, and say what of it is idle.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional.
#
# **Workers.** A function that takes a `worker` runs on all of them at the same time. `simulate(f, p, …)` runs it on p
# threads that take turns: messages are counted, and when all wait for one another you are told at once. `launch(f, p, …)`
# runs the same function in p processes, forked from your notebook, that talk through torch's *gloo*.
#
# | symbol | meaning here |
# |---|---|
# | p, `worker.size` | number of workers; `worker.rank` is 0 … p − 1 |
# | n_k | examples on worker k, its *shard* |
# | k, `factor` | how many times as large the batch becomes |

# %% tags=["setup"]
import math
import time
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting
from course_lib.workers import Deadlock, Worker, WorkerError, launch, simulate

plotting.style()
autograder.open_lab("distributed")

# %% [markdown]
# ## 1 · Whose mean?
#
# *Data parallelism*: every worker has the whole network and a part of the batch. Each computes a gradient; the
# average of them is the step for all.

# %% exercise="mean_over_shards"

# %% tags=["show"]
# 10 examples as 7 and 3: the gradient of a least-squares loss, put together in three ways
torch.manual_seed(0)
inputs, outputs = torch.randn(10, 4), torch.randn(10)


def mean_gradient(x, y):
    """The gradient of the mean squared error at w = 1."""
    return 2 * x.T @ (x.sum(dim=1) - y) / len(x)


whole = mean_gradient(inputs, outputs)
shards = [mean_gradient(inputs[:7], outputs[:7]), mean_gradient(inputs[7:], outputs[7:])]
ways = {
    "mean over shards": mean_over_shards(shards, (7, 3)),
    "mean of means": torch.stack(shards).mean(dim=0),
    "sum of means": torch.stack(shards).sum(dim=0),
}
for name, gradient in ways.items():
    off = (gradient - whole).norm() / whole.norm()
    print(f"{name:18} off by {100 * off:5.1f} %")

# %% [markdown]
# The sum of means, which some lecture notes recommend, is a rate that grows with the number of workers.
#
# ## 2 · All-reduce
#
# Now the workers have to talk. Sending has a trap of its own.

# %% exercise="send_first"

# %% tags=["show"]
# Three workers who all send first: as threads that take turns, and as processes
committed("distributed/send_first")


def send_first(worker, x):
    """Send to the next, then receive from the one before."""
    worker.send(x, (worker.rank + 1) % worker.size)
    return worker.receive((worker.rank - 1) % worker.size)


def send_meanwhile(worker, x):
    """Begin to send, receive, and wait for the sending last."""
    sent = worker.isend(x, (worker.rank + 1) % worker.size)
    received = worker.receive((worker.rank - 1) % worker.size)
    sent()
    return received


own = [{"x": torch.tensor([10.0 * rank])} for rank in range(3)]
for run in (simulate, launch):
    try:
        run(send_first, 3, each=own)
    except Deadlock as stuck:
        print(f"{run.__name__}: {stuck}")
    print(f"{run.__name__}: {[x.item() for x in run(send_meanwhile, 3, each=own).returned]}\n")

# %% exercise="ring_all_reduce"

# %% tags=["show"]
# Your ring as threads and as processes; and what its busiest worker sends, against one that serves all
torch.manual_seed(0)
held = [{"x": torch.randn(1000)} for _ in range(4)]
simulated = simulate(ring_all_reduce, 4, each=held)
real = launch(ring_all_reduce, 4, each=held)
same = all(torch.equal(a, b) for a, b in zip(simulated.returned, real.returned, strict=True))
print("threads and processes give the same bits:", same)
print("numbers sent by each:", simulated.numbers, "and", real.numbers)


def through_one(worker, x):
    """Worker 0 adds up everything, and sends the sum to all."""
    if worker.rank:
        worker.send(x, 0)
        return worker.receive(0)
    total = x + sum(worker.receive(rank) for rank in range(1, worker.size))
    for rank in range(1, worker.size):
        worker.send(total, rank)
    return total


sizes = range(2, 11)
busiest = {
    name: [max(simulate(f, p, x=torch.ones(5040)).numbers) / 5040 for p in sizes]
    for name, f in {"through one worker": through_one, "your ring": ring_all_reduce}.items()
}
plotting.lines_over(
    sizes,
    busiest,
    xlabel="workers p",
    ylabel="numbers sent, in units of N",
    title="What the busiest worker sends: (p − 1) N, and 2 (p − 1)/p N",
)

# %% [markdown]
# The ring's line is flat: twice the tensor, however many workers.
#
# What else goes wrong with processes: when a worker dies, the others say *connection closed by peer*; look for the first
# exception. A fork of a process that has worked with several threads may hang: each worker begins with
# `torch.set_num_threads(1)`.
#
# ## 3 · One step together

# %% exercise="data_parallel_step"

# %% tags=["show"]
# Thirty steps on images of digits: three processes, and one that has every example
digits = data.digits()
pixels, labels = digits.x_train.flatten(1)[:600], digits.y_train[:600]
pixels = (pixels - pixels.mean()) / pixels.std()
parts = [slice(0, 250), slice(250, 450), slice(450, 600)]


def thirty_steps(worker, x, target):
    """The losses on this worker's shard along the way, and the last weight."""
    weight, losses = torch.zeros(x.shape[1], 10), []
    for _ in range(30):
        losses.append(F.cross_entropy(x @ weight, target).item())
        weight = data_parallel_step(worker, weight, x, target, lr=0.5)
    return losses, weight


started = time.perf_counter()
together = launch(thirty_steps, 3, each=[{"x": pixels[p], "target": labels[p]} for p in parts])
print(f"three processes, {sum(together.messages)} messages: {time.perf_counter() - started:.1f} s")
alone = torch.zeros(64, 10, requires_grad=True)
optimizer = torch.optim.SGD([alone], lr=0.5)
for _ in range(30):
    optimizer.zero_grad()
    F.cross_entropy(pixels @ alone, labels).backward()
    optimizer.step()
weights = [weight for _, weight in together.returned]
print("the three agree to the last bit:", all(torch.equal(weights[0], w) for w in weights))
print(f"largest difference from one process: {(weights[0] - alone).abs().max():.1e}")

# %% [markdown]
# The difference is rounding: sums in another order.
#
# ## 4 · One worker, many pieces
#
# The opposite case: a single worker, and a batch that is too large for it.

# %% exercise="train_accumulating"


# %% tags=["show"]
# One batch of 64 against eight micro-batches of 8: without and with batch normalization
def stepped(pieces, normalized):
    """The weights of a small network after one step on 64 digits."""
    torch.manual_seed(0)
    middle = [nn.BatchNorm1d(16)] if normalized else []
    model = nn.Sequential(nn.Linear(64, 16), *middle, nn.ReLU(), nn.Linear(16, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batch = list(zip(pixels[:64].chunk(pieces), labels[:64].chunk(pieces), strict=True))
    train_accumulating(model, optimizer, [batch], max_norm=1e9)
    return torch.cat([p.detach().flatten() for p in model.parameters()])


for normalized in (False, True):
    off = (stepped(8, normalized) - stepped(1, normalized)).abs().max()
    print(f"{'with' if normalized else 'without'} batch normalization: off by {off:.1e}")

# %% [markdown]
# Batch normalization sees micro-batches, and no average afterwards gives it the statistics of the whole batch.
#
# ## 5 · Sixteen times the batch
#
# With 16 workers the batch becomes 16 times as large. What about the rate? Suppose k small steps, and the gradient
# hardly changes along the way: then they go as far as *one* step of the mean gradient at k times the rate. That is the
# **linear scaling rule**, for SGD. For Adam, which divides by the size of the gradient's noise, it is √k.

# %% tags=["show"]
# Eight small steps, and one large one at eight times the rate: where they end
torch.manual_seed(0)
signals = data.mnist1d()


def ends_apart(rate, seed, k=8, batch_size=32):
    """How far the ends lie apart, and how far the small steps went."""
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(40, 64), nn.ReLU(), nn.Linear(64, 10)).double()
    start = [p.detach().clone() for p in model.parameters()]
    batch = torch.randperm(4000)[: k * batch_size]

    def distance(some, others):
        squares = [float((a - b).pow(2).sum()) for a, b in zip(some, others, strict=True)]
        return math.sqrt(sum(squares))

    def gradient(examples):
        x = signals.x_train.flatten(1)[examples].double()
        loss = F.cross_entropy(model(x), signals.y_train[examples])
        return torch.autograd.grad(loss, list(model.parameters()))

    large = [w - k * rate * g for w, g in zip(start, gradient(batch), strict=True)]
    for examples in batch.split(batch_size):
        for p, g in zip(model.parameters(), gradient(examples), strict=True):
            p.data -= rate * g
    small = [p.detach() for p in model.parameters()]
    return distance(large, small), distance(small, start)


rates = [0.4, 0.1, 0.025, 0.00625]
found = np.array([np.mean([ends_apart(rate, seed) for seed in range(5)], axis=0) for rate in rates])
for rate, (apart, way) in zip(rates, found, strict=True):
    print(
        f"rate {rate:7.5f}: {apart:.5f} apart after a way of {way:.3f}, which is {apart / way:.2f} of it"
    )
plotting.lines_over(
    rates,
    {"the way of 8 small steps": found[:, 1], "discrepancy": found[:, 0]},
    log="xy",
    xlabel="rate of the small steps",
    ylabel="distance between weights",
    title="The way grows like η, what the rule neglects nearly like η²",
)

# %% exercise="sixteen_times"

# %% tags=["show"]
# A network of three convolutions for MNIST-1D
x_train, y_train = signals.x_train.reshape(-1, 1, 40), signals.y_train
x_test, y_test = signals.x_test.reshape(-1, 1, 40), signals.y_test


def convolutional(channels=25):
    """Three convolutions with batch normalization."""
    layers, before = [], 1
    for size in (5, 3, 3):
        convolution = nn.Conv1d(before, channels, size, stride=2, padding=1, bias=False)
        layers += [convolution, nn.BatchNorm1d(channels), nn.ReLU()]
        before = channels
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(5 * channels, 10))


# %% exercise="large_batch_options"

# %% tags=["show"]
# MNIST-1D: batches of 32, of 512 at 16 times the rate, and of 512 with your warm-up of five epochs
committed("distributed/sixteen_times")


def accuracies(batch_size, factor, warmup_steps, seed, epochs=12):
    """The test accuracy after every epoch."""
    torch.manual_seed(seed)
    model, step, found = convolutional(), 0, []
    options = {"lr": 0.1, "momentum": 0.9}
    optimizer = torch.optim.SGD(model.parameters(), **options)
    for _ in range(epochs):
        model.train()
        for batch in torch.randperm(4000).split(batch_size):
            now = large_batch_options(step, options, factor=factor, warmup_steps=warmup_steps)
            optimizer.param_groups[0].update(now)
            optimizer.zero_grad()
            F.cross_entropy(model(x_train[batch]), y_train[batch]).backward()
            optimizer.step()
            step += 1
        model.eval()
        with torch.no_grad():
            found.append((model(x_test).argmax(dim=1) == y_test).float().mean().item())
    return found


recipes = {
    "32, rate 0.1": (32, 1, 0),
    "512, rate 0.1": (512, 1, 0),
    "512, rate 1.6": (512, 16, 0),
    "512, rate 1.6,\nwarm-up": (512, 16, 40),
}
curves = {
    name: [accuracies(*recipe, seed) for seed in range(3)] for name, recipe in recipes.items()
}
for name, runs in curves.items():
    ends = "  ".join(f"{run[-1]:.3f}" for run in runs)
    print(f"{' '.join(name.split()):24} {ends}   mean {np.mean([run[-1] for run in runs]):.3f}")
plotting.scores_with_error(
    {name: [run[-1] for run in runs] for name, runs in curves.items()},
    ylabel="test accuracy",
    title="MNIST-1D, 12 epochs each",
)

# %% [markdown]
# From the first step on, 16 times the rate does harm; with the warm-up it does nearly as well as the old rate, and
# neither brings back what the small batch had. (With 0.05 in the place of 0.1 the rule pays: try it.) Beyond some
# *critical batch size* only steps are lost. For ImageNet that is far away: Goyal et al. trained it with batches of 8192
# in one hour, by this rule and this warm-up.
#
# ## 6 · Layers on several devices
#
# Data parallelism needs a worker that holds the whole network. Where none does, the layers are dealt out.

# %% exercise="four_devices"

# %% exercise="pipeline_timetable"

# %% tags=["show"]
# Four stages and one batch, cut into 1, 4 and 8 micro-batches; and a slow stage
committed("distributed/four_devices")
tables, taken = {}, {}
for m in (1, 4, 8):
    name = f"{m} micro-batch{'es' if m > 1 else ''}"
    taken[name] = torch.full((4,), 8.0 / m)
    tables[name] = pipeline_timetable(taken[name], m)
taken["8, and stage 2 is slow"] = torch.tensor([1.0, 1.0, 2.0, 1.0])
tables["8, and stage 2 is slow"] = pipeline_timetable(taken["8, and stage 2 is slow"], 8)
for name, table in tables.items():
    end = float((table + taken[name][:, None]).max())
    work = float(taken[name].sum() * table.shape[1])
    print(
        f"{name:24} ends at {end:4.1f}; one device would need {work:4.1f}: {work / end:.2f} times as fast"
    )
plotting.timetables(tables, taken, title="The same batch in smaller pieces: the bubble shrinks")

# %% tags=["show"]
# Which share of a pipeline is idle, over the number of micro-batches
counts = [1, 2, 4, 8, 16, 32, 64]
idle = {}
for stages in (2, 4, 8):
    ones = torch.ones(stages)
    ends = [float(pipeline_timetable(ones, m).max()) + 1 for m in counts]
    idle[f"{stages} stages"] = [1 - m / end for m, end in zip(counts, ends, strict=True)]
print(
    "4 stages:",
    ", ".join(f"m = {m}: {s:.2f}" for m, s in zip(counts, idle["4 stages"], strict=True)),
)
plotting.lines_over(
    counts,
    idle,
    log="x",
    xlabel="micro-batches",
    ylabel="idle share",
    title="The bubble: what p − 1 units of waiting are a share of",
)

# %% [markdown]
# The backward passes come back through the same stages, in a pipeline of the same form. Every micro-batch adds to the
# gradients: section 4 again.

# %% exercise="three_sentences_on_workers"

# %% [markdown]
# ## Where to go from here
#
# - Goyal et al. 2017, *Accurate, large minibatch SGD*: the rule, and what else must be right.
# - Li et al. 2020, *PyTorch distributed*: messages hidden behind the backward pass.
# - Shallue et al. 2019, *Measuring the effects of data parallelism*.
# - Huang et al. 2019, *GPipe*; Shoeybi et al. 2019, *Megatron-LM*.

# %% [markdown]
# # Further
#
# What else a data-parallel training needs; batch normalization over workers; layers cut along their units; what a
# fair comparison is; and the same with torch's own tools.

# %% [markdown]
# ## 7 · A training that one process could have done

# %% exercise="shard"

# %% tags=["show"]
# 10 examples on 4 workers: torch's DistributedSampler, and yours
from torch.utils.data import DistributedSampler

for rank in range(4):
    theirs = list(DistributedSampler(range(10), num_replicas=4, rank=rank, shuffle=False))
    print(
        f"rank {rank}: DistributedSampler {theirs}, yours {shard(torch.arange(10), rank, 4).tolist()}"
    )

# %% [markdown]
# Examples 0 and 1 are there twice, so that all shards are equal and a plain mean of means will do: torch has chosen
# which of the two errors it makes.

# %% exercise="broadcast"

# %% exercise="average_gradients"

# %% exercise="train_data_parallel"

# %% tags=["show"]
# Ten steps with momentum on three workers who begin apart: gradients averaged, and weights averaged
torch.manual_seed(1)
starts = [torch.randn(64, 10) * 0.1 for _ in range(3)]
batches = [torch.randint(0, 600, (60,)) for _ in range(10)]
cuts = [torch.tensor_split(batch, [5 + 2 * n, 40 - n]) for n, batch in enumerate(batches)]
each = [
    {"weight": starts[r], "shards": [(pixels[cut[r]], labels[cut[r]]) for cut in cuts]}
    for r in range(3)
]


def weights_averaged(worker, weight, shards, *, lr, momentum):
    """Each worker its own momentum; the weights are averaged after every step."""
    weight, velocity = broadcast(worker, weight), torch.zeros_like(weight)
    for x, target in shards:
        leaf = weight.clone().requires_grad_()
        F.cross_entropy(x @ leaf, target).backward()
        velocity = momentum * velocity + leaf.grad
        n = torch.tensor([float(len(x))])
        sums = ring_all_reduce(worker, torch.cat([n * (weight - lr * velocity).flatten(), n]))
        weight = (sums[:-1] / sums[-1]).reshape(weight.shape)
    return weight


one = starts[0].clone().requires_grad_()
optimizer = torch.optim.SGD([one], lr=0.2, momentum=0.9)
for batch in batches:
    optimizer.zero_grad()
    F.cross_entropy(pixels[batch] @ one, labels[batch]).backward()
    optimizer.step()
for name, f in {"gradients": train_data_parallel, "weights": weights_averaged}.items():
    ended = simulate(f, 3, each=each, lr=0.2, momentum=0.9).returned[0]
    print(f"{name} averaged: off from one process by {(ended - one).abs().max():.1e}")

# %% [markdown]
# With plain SGD, or with shards that never change in size, both would be the same: averages of sums are sums of averages.
#
# ## 8 · Batch normalization on several workers

# %% exercise="local_statistics"

# %% exercise="sync_batch_norm"

# %% tags=["show"]
# A batch of 64 on 2 to 32 workers: how far local statistics are off, and yours
committed("distributed/local_statistics")
torch.manual_seed(0)
batch = torch.randn(64, 5) * torch.tensor([0.5, 1, 2, 3, 4]) + 1
wanted = F.batch_norm(batch, None, None, training=True)
sizes, local, synchronized = [2, 4, 8, 16, 32], [], []
for p in sizes:
    pieces = [{"x": piece} for piece in batch.chunk(p)]
    apart = [F.batch_norm(piece["x"], None, None, training=True) for piece in pieces]
    common = simulate(sync_batch_norm, p, each=pieces).returned
    local.append(float((torch.cat(apart) - wanted).pow(2).mean().sqrt()))
    synchronized.append(float((torch.cat(common) - wanted).pow(2).mean().sqrt()))
print(
    "local       ", "  ".join(f"{p} workers {off:.2f}" for p, off in zip(sizes, local, strict=True))
)
print(f"synchronized off by at most {max(synchronized):.1e}")
plotting.lines_over(
    sizes,
    {"local statistics": local, "synchronized": synchronized},
    xlabel="workers that share a batch of 64",
    ylabel="root mean square error",
    title="Normalized by whom? The fewer examples each, the further off",
)

# %% [markdown]
# `DistributedDataParallel` leaves the statistics local, and hands out worker 0's running statistics to all before every
# forward pass: those are what a checkpoint holds.
#
# ## 9 · A layer cut along its units

# %% exercise="tensor_parallel_block"

# %% tags=["show"]
# A block of 512 hidden units on 1, 2 and 4 workers, and what each of them holds
torch.manual_seed(0)
a, a_bias, b, b_bias = (
    torch.randn(32, 512),
    torch.randn(512),
    torch.randn(512, 16) / 20,
    torch.randn(16),
)
x = torch.randn(8, 32)
dense = torch.relu(x @ a + a_bias) @ b + b_bias
for p in (1, 2, 4):
    each = [
        {"first": a.chunk(p, 1)[r], "first_bias": a_bias.chunk(p)[r], "second": b.chunk(p)[r]}
        for r in range(p)
    ]
    run = simulate(tensor_parallel_block, p, each=each, x=x, second_bias=b_bias)
    off = max(float((y - dense).abs().max()) for y in run.returned)
    held = sum(t.numel() for t in each[0].values())
    print(
        f"p = {p}: {held:6} weights on each, {run.numbers[0]:4} numbers sent by each, off by {off:.0e}"
    )

# %% [markdown]
# ## 10 · What is a fair comparison?

# %% exercise="idle_share"

# %% exercise="equal_budgets"

# %% tags=["show"]
# The runs of section 5 in three budgets: 1500 steps on 32, against batches of 512
small, large = [], []
for size, seconds in ((32, small), (512, large)):
    model = convolutional()
    for _ in range(12):
        began = time.perf_counter()
        F.cross_entropy(model(x_train[:size]), y_train[:size]).backward()
        seconds.append(time.perf_counter() - began)
t_small, t_large = np.median(small), np.median(large)
per_example = max((t_large - t_small) / 480, 1e-9)
overhead = max(t_small - 32 * per_example, 1e-9)
print(f"here a step takes {1e3 * overhead:.2f} ms, and {1e6 * per_example:.1f} µs for each example")
print(
    "steps of 512 for the same",
    equal_budgets(1500, 32, 16, overhead=overhead, per_example=per_example),
)
print(
    "on a device with 50 ms of overhead",
    equal_budgets(1500, 32, 16, overhead=0.05, per_example=2e-6),
)
print("idle share of 4 stages with 8 micro-batches:", round(idle_share(4, 8), 3))

# %% [markdown]
# On one core a batch of 512 takes nearly 16 times as long as one of 32, and nothing is gained. On many workers it takes
# hardly longer, and equal *time* lets the large batch make as many steps. Papers that compare at equal epochs only have
# chosen the winner.
#
# ## 11 · The same with torch's own tools
#
# `DistributedDataParallel` broadcasts the weights of worker 0, averages gradients in buckets by a ring, and hides the
# messages behind the backward pass.

# %% tags=["show", "open"]
# DistributedDataParallel, and your training, on two processes
from torch.nn.parallel import DistributedDataParallel


def by_torch(worker, weight, shards, lr, momentum):
    """The same training by torch: shards of equal size, for it takes the mean of means."""
    layer = nn.Linear(*weight.shape, bias=False)
    layer.weight.data = weight.T.clone()
    model = DistributedDataParallel(layer)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=momentum)
    for x, target in shards:
        optimizer.zero_grad()
        F.cross_entropy(model(x), target).backward()
        optimizer.step()
    return layer.weight.detach().T


each = [
    {"weight": starts[r], "shards": [(pixels[b[r::2]], labels[b[r::2]]) for b in batches]}
    for r in range(2)
]
theirs = launch(by_torch, 2, each=each, lr=0.2, momentum=0.9).returned
ours = launch(train_data_parallel, 2, each=each, lr=0.2, momentum=0.9).returned
print(f"largest difference after ten steps: {(theirs[0] - ours[0]).abs().max():.1e}")

# %% [markdown]
# Forks of a notebook are for a lesson. Real trainings are started from a shell, one process for each device:
#
# ```
# torchrun --nproc-per-node 2 train.py
# ```
#
# torchrun tells every process its rank by environment variables, which `torch.distributed.init_process_group` reads. In a
# script of yours, `from course_lib.workers import joined` and `worker = joined()` give you the worker that this process
# is, and all your functions run as they are. `scripts/data_parallel.py` in the course's repository is such a script.

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("distributed", mean_over_shards=mean_over_shards)

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
# # Lab 13 · Write the kernels under your training loop
#
# A GPU like the H100 computes some 80 operations in the time in which it loads one float. So all that is no matrix product
# takes as long as its *bytes*: activations, dropout, the loss, the step of the optimizer. In this lab you write those as
# kernels, and count.
#
# By the end you can
# - write a kernel of blocks and masks that touches what it should, and nothing else;
# - say how many bytes a computation has to move, and see whether yours moves more;
# - draw a mask again instead of keeping it, and compute a loss and its gradient in one pass;
# - see why a kernel that passes every test may still be wrong.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional.
#
# **No GPU is needed.** [Triton](https://triton-lang.org) is Python that is compiled for GPUs; here its *interpreter* runs
# your kernels with numpy, one program after the other. `launch(kernel, grid, …)` runs one and watches: an access outside of
# your tensors is refused before it happens, masked lanes hold NaN, bytes are counted, races found. The checks compile it
# for A100 and H100 besides. Most of their numbers are float64, so that rounding hides nothing: keep what you load in its own
# dtype, without `.to(tl.float32)`. What an experiment defines is not handed in; copy it into a cell of yours if you need it.
#
# | word | meaning here |
# |---|---|
# | program | one run of a kernel; `tl.program_id(0)` is its number. On a GPU all run at the same time, in no order |
# | grid | how many programs there are |
# | block | the elements that a program works on at once, `BLOCK` of them, a power of two |
# | lane | a place in a block; `tl.arange(0, BLOCK)` numbers them |
# | mask | which lanes have something to load or store |

# %% tags=["setup"]
import os

os.environ.setdefault("TRITON_INTERPRET", "1")  # Triton reads it once, when it is first imported

import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting
from course_lib.tracing import OutOfBounds, jitted, launch, ready

ready()
import triton
import triton.language as tl

plotting.style()
autograder.open_lab("kernels")

# %% [markdown]
# ## 1 · What one program does


# %% tags=["show", "open"]
# A kernel of one program, and its trace
@triton.jit
def double(x_ptr, out_ptr, BLOCK: tl.constexpr):
    """Double as many numbers as the block has."""
    i = tl.arange(0, BLOCK)  # 0, 1, …, BLOCK − 1
    x = tl.load(x_ptr + i)  # an address and numbers are addresses: a block is loaded
    tl.store(out_ptr + i, 2.0 * x)


eight, doubled = torch.arange(8.0), torch.empty(8)
print(launch(double, (1,), eight, doubled, BLOCK=8))
print(doubled)

# %% [markdown]
# `BLOCK` is known when the kernel is compiled; everything else when it runs. With more elements than fit into a block there
# are more programs, and the last block is not full.

# %% exercise="vector_add"

# %% exercise="without_a_mask"

# %% tags=["show"]
# 37 sums in memory that goes on: what lies behind `out` belongs to somebody else
committed("kernels/without_a_mask")


@triton.jit
def unmasked_add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """The first kernel without its masks."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + tl.load(y_ptr + i))


torch.manual_seed(0)
memory = {name: torch.randn(48) for name in ("x", "y", "out")}
x, y, out = (memory[name][:37] for name in memory)
behind = memory["out"][37:].clone()
launch(unmasked_add, (3,), *memory.values(), 37, BLOCK=16)
print("out is right:", torch.equal(out, x + y))
print("numbers behind it that have changed:", int((memory["out"][37:] != behind).sum()))
try:
    launch(unmasked_add, (3,), x.clone(), y.clone(), torch.empty(37), 37, BLOCK=16)
except OutOfBounds as refused:
    print("\nwhere only 37 are yours:", refused)

# %% [markdown]
# ## 2 · What it costs

# %% exercise="three_kernels"

# %% tags=["show"]
# relu(x s + b) of 4096 numbers as three kernels and as one: what was loaded and stored
committed("kernels/three_kernels")


@triton.jit
def multiply(x_ptr, out_ptr, s, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i) * s)


@triton.jit
def add(x_ptr, out_ptr, b, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.load(x_ptr + i) + b)


@triton.jit
def relu(x_ptr, out_ptr, b, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.maximum(tl.load(x_ptr + i), b))


@triton.jit
def all_in_one(x_ptr, out_ptr, s, b, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(out_ptr + i, tl.maximum(tl.load(x_ptr + i) * s + b, 0.0))


x = torch.randn(4096)
products, sums, chained, fused = (torch.empty(4096) for _ in range(4))
chain = [
    launch(multiply, (4,), x, products, 3.0, BLOCK=1024),
    launch(add, (4,), products, sums, -1.0, BLOCK=1024),
    launch(relu, (4,), sums, chained, 0.0, BLOCK=1024),
]
one = launch(all_in_one, (4,), x, fused, 3.0, -1.0, BLOCK=1024)
print("the same numbers:", torch.allclose(chained, fused))
print(f"three kernels move {sum(t.moved for t in chain):,} bytes, one {one.moved:,}")
moves = [
    ("load x", 4), ("store x·s", 4), ("load x·s", 4), ("store x·s + b", 4), ("load x·s + b", 4),
    ("store result", 4),
]  # fmt: skip
plotting.traffic(
    {"three kernels": moves, "one kernel": [("load x", 4), ("store result", 4)]},
    xlabel="bytes for each element of float32",
    title="The same arithmetic, a third of the bytes",
)

# %% [markdown]
# Such a figure comes before any kernel from now on: what *has* to be read, and what has to be written? Divided by the
# bandwidth of the memory (an H100 has 3.35 TB/s) it is the time that no kernel can beat.
#
# ## 3 · An activation, forward and back
#
# The maths is a function on values that are loaded already; kernels get such functions handed over.


# %% tags=["show", "open"]
# GELU as a function on loaded values, and a kernel for any such function
@triton.jit
def gelu(x):
    """x Φ(x), with Φ the distribution function of the normal distribution."""
    return x * (0.5 * (1.0 + tl.erf(x * 0.7071067811865476)))


@triton.jit
def forward(x_ptr, out_ptr, n, VALUE: tl.constexpr, BLOCK: tl.constexpr):
    """Apply a function to n numbers."""
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, VALUE(x), mask=i < n)


x = torch.linspace(-3, 3, 100)
activated = torch.empty(100)
launch(forward, (2,), x, activated, 100, VALUE=gelu, BLOCK=64)
print(f"off from torch's by at most {(activated - F.gelu(x)).abs().max():.0e}")

# %% exercise="gelu_slope"

# %% tags=["show"]
# What the way back has to move: x is kept, and nothing else
plotting.traffic(
    {
        "forward": [("load x", 4), ("store result", 4)],
        "backward": [("load x", 4), ("load gradient", 4), ("store gradient of x", 4)],
    },
    xlabel="bytes for each element of float32",
    title="An activation in both directions",
)

# %% exercise="backward"


# %% tags=["show"]
# GELU as autograd has it: your kernels inside, and the slope that comes out
class Gelu(torch.autograd.Function):
    """GELU by kernels, of float32 or float64."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        out = torch.empty_like(x)
        grid = (-(-x.numel() // 64),)
        launch(forward, grid, x, out, x.numel(), VALUE=gelu, BLOCK=64)
        return out

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        out = torch.empty_like(x)
        grid = (-(-x.numel() // 64),)
        arguments = (x, grad.contiguous(), out, x.numel())
        launch(backward, grid, *arguments, SLOPE=jitted(gelu_slope), BLOCK=64)
        return out


few = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
print("agrees with finite differences:", torch.autograd.gradcheck(Gelu.apply, few))
x = torch.linspace(-4, 4, 400, requires_grad=True)
value = Gelu.apply(x)
(slope,) = torch.autograd.grad(value.sum(), x)
plotting.lines_over(
    x.detach(),
    {"GELU": value.detach(), "its slope": slope},
    xlabel="x",
    title="GELU: its slope goes below 0, and above 1",
)

# %% [markdown]
# ## 4 · A mask that nobody keeps
#
# Torch's dropout writes its mask, a byte an element, and reads it on the way back.

# %% tags=["show"]
# What dropout moves, forward and back, with a mask that is kept and with one that is drawn again
plotting.traffic(
    {
        "a mask, forward": [("load x", 4), ("store result", 4), ("store m", 1)],
        "a seed, forward": [("load x", 4), ("store result", 4)],
        "a mask, backward": [("load gradient", 4), ("load m", 1), ("store gradient of x", 4)],
        "a seed, backward": [("load gradient", 4), ("store gradient of x", 4)],
    },
    xlabel="bytes for each element of float32",
    title="Dropout: an eighth more in float32, a quarter more in half precision",
)

# %% exercise="seeded_dropout"

# %% tags=["show"]
# One seed, two block sizes; forward of ones and backward of a gradient of ones; and another seed
ones, n = torch.ones(24 * 60), 24 * 60
masks = {}
for name, seed, block in (("seed 7", 7, 512), ("seed 7 again", 7, 128), ("seed 8", 8, 512)):
    out = torch.empty(n)
    launch(seeded_dropout, (-(-n // block),), ones, out, n, 0.4, seed, BLOCK=block)
    masks[name] = out
print("the same with another block size:", torch.equal(masks["seed 7"], masks["seed 7 again"]))
print(f"mean {masks['seed 7'].mean():.3f}, kept {(masks['seed 7'] > 0).float().mean():.3f}")
plotting.image_grid(
    torch.stack(list(masks.values())).reshape(3, 24, 60), list(masks), columns=3, size=2.4
)

# %% [markdown]
# The backward pass is the same kernel, on the gradient, with the same seed.
#
# ## 5 · A loss and its gradient in one pass

# %% exercise="passes_over_logits"

# %% exercise="cross_entropy"

# %% tags=["show"]
# 128 rows of 10 classes: losses and gradient against torch's, and what was moved
committed("kernels/passes_over_logits")
torch.manual_seed(0)
logits, targets, losses = torch.randn(128, 10) * 4, torch.randint(0, 10, (128,)), torch.empty(128)
theirs = logits.clone().requires_grad_()
F.cross_entropy(theirs, targets).backward()
wanted = F.cross_entropy(logits, targets, reduction="none")
trace = launch(cross_entropy, (8,), logits, targets, losses, 128, 10, 1 / 128, ROWS=16, CLASSES=16)
print(trace)
print(f"losses off by {(losses - wanted).abs().max():.0e}, ", end="")
print(f"gradient off by {(logits - theirs.grad).abs().max():.0e}")
passes = [("load logits", 4), ("store log-probabilities", 4), ("load log-probabilities", 4)]
plotting.traffic(
    {
        "torch": [*passes, ("store gradient", 4)],
        "yours": [("load logits", 4), ("store gradient", 4)],
    },
    xlabel="bytes for each logit of float32",
    title="A loss and its gradient",
)

# %% [markdown]
# What if a row does not fit into a block? Then a program goes through it twice: once for the maximum and the sum, which can
# be brought up to date block by block, once for the gradient. That is 3 N V, and still less than 4.
#
# ## 6 · One launch for a whole network
#
# A launch takes some 5 µs, whatever it does. A residual network has 160 tensors, most of them small.

# %% tags=["show"]
# What a step of AdamW has to move, for each parameter; and a step made of one operation after the other
chain = [
    ("load m, g", 8), ("store m", 4), ("load v, g", 8), ("store v", 4), ("load v", 4),
    ("store √v", 4), ("load w", 4), ("store w", 4), ("load w, m, √v", 12), ("store w", 4),
]  # fmt: skip
plotting.traffic(
    {
        "m, v, √v, decay, step": chain,
        "one kernel": [(f"load {t}", 4) for t in "wgmv"] + [(f"store {t}", 4) for t in "wmv"],
    },
    xlabel="bytes for each parameter",
    title="AdamW: seven numbers have to move, 28 bytes",
)

# %% exercise="adamw"


# %% tags=["show"]
# Five steps on a network of ten tensors: your kernel, one launch each, against torch's AdamW
def tables(tensors, block):
    """Sizes, and for every program its tensor and where in it it begins."""
    pieces = [(k, at) for k, t in enumerate(tensors) for at in range(0, t.numel(), block)]
    tensor_of, start_of = torch.tensor(pieces).T.contiguous()
    return torch.tensor([t.numel() for t in tensors]), tensor_of, start_of


class OneLaunch:
    """AdamW by a kernel, on parameters of float32."""

    def __init__(self, parameters, lr, weight_decay, block=1024):
        self.w = [p.detach() for p in parameters]  # the same memory
        self.m = [torch.zeros_like(w) for w in self.w]
        self.v = [torch.zeros_like(w) for w in self.w]
        self.tables, self.block = tables(self.w, block), block
        self.lr, self.weight_decay, self.t = lr, weight_decay, 0

    def step(self, gradients):
        """One launch for all."""
        self.t += 1
        settings = (self.lr, 0.9, 0.999, 1e-8, self.weight_decay)
        corrections = (1 - 0.9**self.t, 1 - 0.999**self.t)
        arguments = (self.w, gradients, self.m, self.v, *self.tables, *settings, *corrections)
        return launch(adamw, (len(self.tables[1]),), *arguments, BLOCK=self.block)


def small_network():
    """The same network each time: ten tensors."""
    torch.manual_seed(0)
    layers = [layer for _ in range(4) for layer in (nn.Linear(20, 20), nn.ReLU())]
    return nn.Sequential(*layers, nn.Linear(20, 3))


ours, theirs = small_network(), small_network()
yours = OneLaunch(ours.parameters(), lr=0.01, weight_decay=0.1)
optimizer = torch.optim.AdamW(theirs.parameters(), lr=0.01, weight_decay=0.1)
for _ in range(5):
    x = torch.randn(16, 20)
    gradients = torch.autograd.grad(ours(x).square().mean(), list(ours.parameters()))
    trace = yours.step(list(gradients))
    optimizer.zero_grad()
    theirs(x).square().mean().backward()
    optimizer.step()
ends = [
    torch.cat([p.detach().flatten() for p in network.parameters()]) for network in (ours, theirs)
]
count = len(ends[0])
print(f"after five steps off by at most {(ends[0] - ends[1]).abs().max():.0e}")
print(
    f"a step: one launch of {trace.programs} programs, {trace.moved / count:.1f} bytes a parameter"
)

# %% [markdown]
# ## 7 · What no comparison shows

# %% exercise="everybody_adds"

# %% tags=["show"]
# The sum by everybody: in two orders, on its trace, and as a GPU would run it
committed("kernels/everybody_adds")


@triton.jit
def everybody_adds(x_ptr, sum_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i)
    tl.store(sum_ptr, tl.load(sum_ptr) + tl.sum(x))


@triton.jit
def partial_sums(x_ptr, sums_ptr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    tl.store(sums_ptr + tl.program_id(0), tl.sum(tl.load(x_ptr + i)))


x = torch.arange(64.0)
for order in ("forward", "backward"):
    total = torch.zeros(1)
    trace = launch(everybody_adds, (4,), x, total, order=order, BLOCK=16)
    print(f"{order:8}: {total.item():.0f}, and torch says {x.sum():.0f}")
print(*trace.races, sep="\n")
seen = [0.0] * 4  # all four load before the first one stores
print(
    "\nall at once:",
    [before + float(x[16 * k : 16 * k + 16].sum()) for k, before in enumerate(seen)],
)
parts, total = torch.empty(4), torch.empty(1)
clean = launch(partial_sums, (4,), x, parts, BLOCK=16)
again = launch(partial_sums, (1,), parts, total, BLOCK=4)
print(f"in two stages: {total.item():.0f}, races: {clean.races + again.races}")

# %% exercise="three_sentences_on_kernels"

# %% [markdown]
# ## Where to go from here
#
# - Tillet et al. 2019, *Triton*: a language of blocks, and its compiler.
# - Salmon et al. 2011, *Parallel random numbers: as easy as 1, 2, 3*: what `tl.rand` is.
# - Milakov & Gimelshein 2018, *Online normalizer calculation for softmax*.
# - Dao et al. 2022, *FlashAttention*: the bytes of attention, counted in the same way.

# %% [markdown]
# # Further
#
# Kernels for more of the training, and the loop of lab 1 with yours inside.

# %% [markdown]
# ## 8 · Sums, and bytes

# %% exercise="bias_gradient"

# %% tags=["show"]
# A bias's gradient over 1000 rows in two stages, in three orders
torch.manual_seed(0)
grad, found = torch.randn(1000, 24), []
for order in ("forward", "backward", "shuffled"):
    sums, total = torch.empty(8, 24), torch.empty(1, 24)
    launch(bias_gradient, (8,), grad, sums, 1000, 24, order=order, ROWS=128, WIDTH=32)
    launch(bias_gradient, (1,), sums, total, 8, 24, order=order, ROWS=8, WIDTH=32)
    found.append(total)
print(f"off from torch's sum by at most {(found[0] - grad.sum(dim=0)).abs().max():.0e}")
print("the same bits in every order:", all(torch.equal(found[0], other) for other in found))

# %% exercise="cross_entropy_bytes"

# %% tags=["show"]
# From bytes to time: the loss of a language model, 8192 rows of 50,000 classes in bfloat16
bandwidths = {"A100": 2.04e12, "H100": 3.35e12, "H200": 4.8e12}
needed = cross_entropy_bytes(8192, 50_000, 2)
print(f"{needed / 1e9:.2f} GB have to move")
for device, bandwidth in bandwidths.items():
    print(f"{device}: {1e6 * needed / bandwidth:4.0f} µs at the full bandwidth of its memory")

# %% [markdown]
# Good kernels reach 80 to 90 % of that. `benchmarks/` in the course's repository measures the course's own.
#
# ## 9 · Dropout as fast as memory

# %% exercise="dropout_in_fours"

# %% tags=["show"]
# 1440 elements: the mask of four numbers a call, and what neighbors have in common
ones, n = torch.ones(1440), 1440
out = torch.empty(n)
launch(dropout_in_fours, (3,), ones, out, n, 0.4, 7, BLOCK=512)
print(f"kept {(out > 0).float().mean():.3f}, mean {out.mean():.3f}")
print("correlations of the four that share a counter:")
print(np.corrcoef((out > 0).reshape(-1, 4).float().T).round(2))

# %% [markdown]
# ## 10 · More in one launch

# %% exercise="bias_dropout_residual"

# %% tags=["show"]
# A branch of 32 rows of 24: yours against the operations one after the other
torch.manual_seed(0)
x, residual, bias = torch.randn(32, 24), torch.randn(32, 24), torch.randn(24)
n, fused, apart = x.numel(), torch.empty(32, 24), torch.empty(32, 24)
settings = {"VALUE": gelu, "BLOCK": 256}
launch(bias_dropout_residual, (3,), x, bias, residual, fused, n, 24, 0.2, 5, **settings)
launch(seeded_dropout, (3,), F.gelu(x + bias), apart, n, 0.2, 5, BLOCK=256)
print(f"off by at most {(fused - residual - apart).abs().max():.0e}")
chain = [("load", 4), ("store", 4)] * 3
plotting.traffic(
    {
        "x + bias, GELU, dropout, sum": [
            *chain,
            ("load branch", 4),
            ("load residual", 4),
            ("store", 4),
        ],
        "one kernel": [("load x", 4), ("load residual", 4), ("store result", 4)],
    },
    xlabel="bytes for each element of float32, without bias and mask",
    title="The end of a residual branch",
)

# %% exercise="sgd_momentum"

# %% tags=["show"]
# Three steps of momentum on the network of section 6, against torch's SGD
ours, theirs = small_network(), small_network()
optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
weights = [p.detach() for p in ours.parameters()]
buffers, lookup = [torch.zeros_like(w) for w in weights], tables(weights, 1024)
for _ in range(3):
    x = torch.randn(16, 20)
    gradients = list(torch.autograd.grad(ours(x).square().mean(), list(ours.parameters())))
    grid = (len(lookup[1]),)
    launch(sgd_momentum, grid, weights, gradients, buffers, *lookup, 0.1, 0.9, 0.01, BLOCK=1024)
    optimizer.zero_grad()
    theirs(x).square().mean().backward()
    optimizer.step()
ends = [
    torch.cat([p.detach().flatten() for p in network.parameters()]) for network in (ours, theirs)
]
print(f"after three steps off by at most {(ends[0] - ends[1]).abs().max():.0e}")

# %% [markdown]
# ## 11 · Augmentation on the device

# %% exercise="mixup"

# %% tags=["show"]
# Digits mixed with partners, in one launch
eight = data.digits().x_train[:8].contiguous()
partner, share = torch.arange(8).roll(3), torch.linspace(0.5, 1.0, 8)
mixed = torch.empty_like(eight)
trace = launch(mixup, (8, 1), eight, partner, share, mixed, 64, BLOCK=64)
print(f"{trace.moved / eight.numel():.2f} bytes an element")
plotting.image_grid(
    torch.cat([eight.reshape(8, 8, 8), mixed.reshape(8, 8, 8)]),
    [""] * 8 + [f"w = {w:.2f}" for w in share.tolist()],
)

# %% [markdown]
# ## 12 · The training loop of lab 1, by your kernels

# %% tags=["show"]
# Six steps on images of digits: GELU, dropout, loss and AdamW by your kernels, and the same by torch
digits = data.digits()
images = digits.x_train.flatten(1)[:96]
images, labels = (images - images.mean()) / images.std(), digits.y_train[:96]
DROP = 0.2


class SeededDropout(torch.autograd.Function):
    """Dropout that keeps a seed: backward is forward, on the gradient."""

    @staticmethod
    def forward(ctx, x, seed):
        ctx.seed = seed
        return dropped(x, seed)

    @staticmethod
    def backward(ctx, grad):
        return dropped(grad, ctx.seed), None


def dropped(x, seed):
    """What a seed keeps of x, enlarged."""
    out, n = torch.empty_like(x), x.numel()
    launch(seeded_dropout, (1,), x.contiguous(), out, n, DROP, seed, BLOCK=1024)
    return out


class CrossEntropy(torch.autograd.Function):
    """The mean loss; its gradient is there before anybody asks."""

    @staticmethod
    def forward(ctx, logits, targets):
        (rows, classes), gradient = logits.shape, logits.detach().clone()
        losses = torch.empty(rows)
        arguments = (gradient, targets, losses, rows, classes, 1 / rows)
        launch(cross_entropy, (1,), *arguments, ROWS=32, CLASSES=16)
        ctx.save_for_backward(gradient)
        return losses.mean()

    @staticmethod
    def backward(ctx, grad):
        (gradient,) = ctx.saved_tensors
        return grad * gradient, None


def by_kernels(network, x, y, seed):
    """The loss of a batch, by kernels in the place of torch's functions."""
    first, last = network
    hidden = SeededDropout.apply(Gelu.apply(first(x)), seed)
    return CrossEntropy.apply(last(hidden), y)


def by_torch(network, x, y, seed):
    """The same by torch, with the same mask."""
    first, last = network
    hidden = F.gelu(first(x))
    kept = dropped(torch.ones_like(hidden), seed)
    return F.cross_entropy(last(hidden * kept), y)


losses = {}
for name, loss_of in (("kernels", by_kernels), ("torch", by_torch)):
    torch.manual_seed(0)
    network = nn.ModuleList([nn.Linear(64, 24), nn.Linear(24, 10)])
    parameters = list(network.parameters())
    if name == "kernels":
        optimizer = OneLaunch(parameters, lr=0.01, weight_decay=0.1)
    else:
        optimizer = torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1)
    losses[name] = []
    for step in range(6):
        batch = slice(32 * (step % 3), 32 * (step % 3) + 32)
        loss = loss_of(network, images[batch], labels[batch], seed=step)
        losses[name].append(loss.item())
        gradients = torch.autograd.grad(loss, parameters)
        if name == "kernels":
            optimizer.step(list(gradients))
        else:
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            optimizer.step()
for name, values in losses.items():
    print(f"{name:8}", " ".join(f"{value:.5f}" for value in values))
off = max(abs(a - b) for a, b in zip(*losses.values(), strict=True))
print(f"largest difference: {off:.0e}")
plotting.lines_over(
    range(6),
    {name: values for name, values in losses.items()},
    xlabel="step",
    ylabel="loss of the batch",
    title="Two trainings, one line: only matrix products are torch's in the first",
)

# %% [markdown]
# With a GPU, set `TRITON_INTERPRET=0` before the kernel starts, put tensors on the GPU and launch by
# `vector_add[grid](…)`: the same source is compiled. `course_lib.kernels` has what a training needs, of half precision
# too.

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs. This lab changes no number of it but by rounding: AdamW's step is one launch of
# your kernel.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("kernels", adamw=adamw)

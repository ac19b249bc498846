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
# # Lab 1 · The training loop
#
# Four calls train every network there is: forward, loss, backward, step. They fit into five lines,
# and they go wrong **quietly**. A loop that forgets to clear its gradients runs. A loss with softmax
# applied twice runs. An evaluation that leaves the model in the wrong mode runs, and prints numbers that
# look all right. Nothing raises; the network is just worse than it should be, and nobody knows why.
#
# By the end you can
# - write a training loop and say why each line stands where it does;
# - know what the loss must be before the first step, and what it means if it is not;
# - measure a network without touching it, and say which bugs a test cannot see;
# - train a convolutional network with pieces that are all your own.
#
# **How it works.** You write a function, run the gray cell below it, and read at once what is right
# and, if it behaves like a known mistake, which one. Each run of a check draws fresh inputs.
# `hint("minibatches")` shows one hint after the other; `failing("minibatches")` gives you the inputs on
# which it failed; `reference("minibatches")` shows the course's way and how yours differs, after success
# or three different tries; `progress()` shows where you are. The core takes about an hour; *Further*, at the
# end, is graded alike and optional.
#
# Experiments run whatever you have solved: where an answer of yours is missing or wrong, the course's
# stands in, and the cell says so. Before some of them you commit to a prediction. It earns nothing and
# costs nothing, but the experiment waits for it.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | `scores` | what the last layer gives, shape (N, C), **before** any softmax | logits |
# | `target` | class numbers, shape (N,) | sometimes one-hot |
# | loss of a batch | **mean** over its examples, natural logarithm | sums; CS231n: both |
# | a step, an iteration | one update of the parameters | |
# | an epoch | one pass over the data, ⌈N/B⌉ steps | a fixed number of steps |

# %% tags=["setup"]
import copy
import math
import sys
from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import nn
from tqdm import tqdm

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting

plotting.style()
autograder.open_lab("training_loop")

# %% [markdown]
# ## Why it matters
#
# Three loops train the same network on the same 10,000 images of clothes, for one epoch, with batches
# of 50. One of them is right. The other two are each one line away from it.

# %% tags=["show"]
# Three loops on the same images, one of them right
clothes = data.fashion_mnist()
pixels = (clothes.x_train.flatten(1) - 0.286) / 0.353
labels = clothes.y_train
test_pixels = (clothes.x_test.flatten(1) - 0.286) / 0.353


def small_network(hidden=100):
    """Two layers, the same weights every time."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))


def first_epoch(order, clear=True, softmax_first=False):
    """Loss of every step, and the test accuracy after one epoch in the given order."""
    model = small_network()
    losses = []
    for batch in order.split(50):
        scores = model(pixels[batch])
        loss = F.cross_entropy(scores.softmax(dim=1) if softmax_first else scores, labels[batch])
        loss.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.05 * parameter.grad
                if clear:
                    parameter.grad = None
        losses.append(min(loss.item(), 6.0) if math.isfinite(loss.item()) else 6.0)
    with torch.no_grad():
        right = (model(test_pixels).argmax(dim=1) == clothes.y_test).float().mean()
    return losses, float(right)


shuffled = torch.randperm(10_000, generator=torch.Generator().manual_seed(1))
loops = {
    "right": first_epoch(shuffled),
    "gradients never cleared": first_epoch(shuffled, clear=False),
    "softmax before the loss": first_epoch(shuffled, softmax_first=True),
}
for name, (_, accuracy) in loops.items():
    print(f"{name:26} test accuracy {accuracy:.2f}")
plotting.training_curves(
    {name: losses for name, (losses, _) in loops.items()},
    ylabel="training loss",
    title="Three loops, one epoch",
)

# %% [markdown]
# None of them raises an error, and each of the wrong ones learns *something*. (Values above 6 are drawn
# at 6.)
#
# ## 1 · The loss
#
# Softmax and cross-entropy. In a study of students' solutions, more than half had a loss here that
# becomes infinite.

# %% exercise="softmax_cross_entropy"

# %% tags=["show"]
# Your loss beside the formula as it is written, for larger and larger scores
torch.manual_seed(0)
example = torch.randn(6, 4)
truth = torch.tensor([0, 1, 2, 3, 0, 1])
print("scores times    −log p as it is written    yours")
for factor in (1, 10, 100, 1000):
    probabilities = F.softmax(factor * example, dim=1)
    naive = -torch.log(probabilities[torch.arange(6), truth]).mean()
    stable = softmax_cross_entropy(factor * example, truth)
    print(f"{factor:12}    {naive:23.3f}    {stable:.3f}")

# %% [markdown]
# With scores a hundred times as large the probability of some true class rounds to zero, and its
# logarithm is −∞. The two formulas are the same on paper.
#
# ## 2 · Before the first step
#
# A network that knows nothing has a loss that you can compute in your head.

# %% exercise="initial_loss"

# %% tags=["show"]
# The loss of a fresh network, with pixels scaled and unscaled
batch = pixels[:500], labels[:500]
gray = 255 * clothes.x_train[:500].flatten(1)
with torch.no_grad():
    fresh = softmax_cross_entropy(small_network()(batch[0]), batch[1])
    unscaled = softmax_cross_entropy(small_network()(gray), batch[1])
print(f"expected                      {initial_loss(10):.2f}")
print(f"measured                      {fresh:.2f}")
print(f"measured, pixels from 0 to 255 {unscaled:.2f}")

# %% [markdown]
# A loss far above ln C says that the network is *confidently* wrong before it has seen anything. Here
# somebody forgot to scale the inputs.
#
# And where the classes are not equally frequent?

# %% exercise="noise_with_unequal_labels"

# %% tags=["show"]
# A linear model learns from noise
committed("training_loop/noise_with_unequal_labels")
torch.manual_seed(0)
noise = torch.randn(4000, 3)
rare = torch.zeros(4000, dtype=torch.int64)
rare[:400] = 1
linear = nn.Linear(3, 2)
nn.init.zeros_(linear.weight)
nn.init.zeros_(linear.bias)
optimizer = torch.optim.SGD(linear.parameters(), lr=1.0)
losses = []
for _ in range(60):
    loss = softmax_cross_entropy(linear(noise), rare)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
entropy = -(0.9 * math.log(0.9) + 0.1 * math.log(0.1))
print(f"ln 2 {math.log(2):.3f}, first loss {losses[0]:.3f}")
print(f"−Σ p ln p {entropy:.3f}, last loss {losses[-1]:.3f}")
figure = plotting.training_curves({"loss": losses}, title="Pure noise, labels 90 : 10")
levels = {"ln 2": math.log(2), "−Σ p ln p": entropy}
for (name, level), color in zip(levels.items(), plotting.PALETTE[1:], strict=False):
    figure.axes[0].axhline(level, linestyle="--", color=color, label=name)
figure.axes[0].legend()
figure

# %% [markdown]
# The model knows nothing about any input, and its loss has more than halved.
#
# ## 3 · The step

# %% exercise="sgd_step"

# %% tags=["show"]
# Five steps beside those of torch's SGD
torch.manual_seed(0)
weight = nn.Parameter(torch.tensor([2.0, -1.0]))
optimizer = torch.optim.SGD([nn.Parameter(weight.detach().clone())], lr=0.03)
theirs = optimizer.param_groups[0]["params"][0]
scale = torch.tensor([1.0, 10.0])
for _ in range(5):
    for parameter in (weight, theirs):
        (scale * parameter**2).sum().backward()
    sgd_step([weight], 0.03)
    optimizer.step()
    optimizer.zero_grad()
print("yours  ", [round(value, 4) for value in weight.tolist()])
print("torch's", [round(value, 4) for value in theirs.tolist()])

# %% [markdown]
# Step for step the same.
#
# ## 4 · The batches and the loop

# %% exercise="minibatches"

# %% exercise="train_epoch"

# %% [markdown]
# Now a loop that is right in every line, on data stored class by class.

# %% exercise="sorted_by_class"

# %% tags=["show"]
# One epoch, shuffled and class by class
committed("training_loop/sorted_by_class")
by_class = labels.argsort(stable=True)
ordered = list(zip(pixels[by_class].split(50), labels[by_class].split(50), strict=True))
torch.manual_seed(0)
orders = {
    "shuffled": minibatches(pixels[by_class], labels[by_class], 50),
    "class by class": ordered,
}
curves = {}
for name, batches in orders.items():
    model = small_network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    curves[name] = [train_epoch(model, optimizer, [one]) for one in batches]
    with torch.no_grad():
        answers = model(test_pixels).argmax(dim=1)
    accuracy = (answers == clothes.y_test).float().mean()
    print(f"{name:15} test accuracy {accuracy:.2f}, different answers {len(answers.unique())}")
plotting.training_curves(
    {name: [min(loss, 12.0) for loss in losses] for name, losses in curves.items()},
    ylabel="training loss",
    title="The same examples, once each",
    window=1,
)

# %% [markdown]
# Within a class the loss falls to nothing, and at each new class it jumps. At the end the network has three
# answers left, and is right as often as chance.
#
# ## 5 · Measuring

# %% exercise="evaluate"

# %% tags=["show"]
# One network, the same test images, measured in both modes
torch.manual_seed(0)
normalized = nn.Sequential(
    nn.Linear(784, 100), nn.BatchNorm1d(100), nn.ReLU(), nn.Dropout(0.5), nn.Linear(100, 10)
)
optimizer = torch.optim.SGD(normalized.parameters(), lr=0.02, momentum=0.9)
for _ in range(3):
    train_epoch(normalized, optimizer, minibatches(pixels[:2000], labels[:2000], 50))

as_they_come = list(zip(test_pixels.split(100), clothes.y_test.split(100), strict=True))
sorted_test = clothes.y_test.argsort(stable=True)
in_classes = [(test_pixels[some], clothes.y_test[some]) for some in sorted_test.split(100)]


def accuracy_in_train_mode(batches):
    """The share of right answers of a model that nobody has put into eval mode."""
    normalized.train()
    with torch.no_grad():
        right = sum(int((normalized(x).argmax(dim=1) == y).sum()) for x, y in batches)
    return right / len(test_pixels)


for order, batches in {"as they come": as_they_come, "class by class": in_classes}.items():
    accuracy = evaluate(normalized, batches)["accuracy"]
    print(f"eval mode,  images {order:15} accuracy {accuracy:.3f}")
for order, batches in {
    "as they come": as_they_come,
    "the same again": as_they_come,
    "class by class": in_classes,
}.items():
    print(f"train mode, images {order:15} accuracy {accuracy_in_train_mode(batches):.3f}")
afterwards = evaluate(normalized, as_they_come)["accuracy"]
print(f"eval mode,  images {'as they come':15} accuracy {afterwards:.3f}, afterwards")

# %% [markdown]
# In train mode dropout draws new masks: the same network measured twice gives two numbers. Batch
# normalization uses the batch at hand: an image among 100 of its own kind loses what they have in common.
# And it keeps what it has seen: the last line measures another network than the first, though nothing
# was trained.
#
# ## 6 · Overfit on purpose
#
# Before a long run: can this network learn thirty images by heart? The loss must go to nearly zero; if
# it does not, something is broken. And if it does, is everything in order?

# %% exercise="permuted_labels"

# %% tags=["show"]
# Thirty images, their own labels and shuffled ones
committed("training_loop/permuted_labels")
chosen = torch.cat([(labels == c).nonzero()[:3, 0] for c in range(10)])
few, names = pixels[chosen], labels[chosen]
wrong_names = names[torch.randperm(30, generator=torch.Generator().manual_seed(4))]


def big_enough(dropout, weight_decay):
    """A network with batch normalization and dropout, and an optimizer with weight decay."""
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(784, 128), nn.BatchNorm1d(128), nn.ReLU(), nn.Dropout(dropout), nn.Linear(128, 10)
    )
    options = {"lr": 0.1, "momentum": 0.9, "weight_decay": weight_decay}
    return model, torch.optim.SGD(model.parameters(), **options)


by_heart = {}
for name, told in {"right labels": names, "shuffled labels": wrong_names}.items():
    model, optimizer = big_enough(dropout=0.0, weight_decay=0.0)
    by_heart[name] = [train_epoch(model, optimizer, [(few, told)]) for _ in range(70)]
    print(f"{name:16} last loss {by_heart[name][-1]:.4f}")
plotting.training_curves(by_heart, log=True, title="Thirty images, again and again")

# %% [markdown]
# ## 7 · All together
#
# A convolutional network with 29,000 parameters, 10,000 images, three epochs: about 15 seconds on one
# core. The loss, the batches, the loop and the evaluation are yours.

# %% tags=["show"]
# Three epochs with your own pieces
images = ((clothes.x_train - 0.286) / 0.353)[:, None]
test_images = ((clothes.x_test - 0.286) / 0.353)[:, None]
test_set = list(zip(test_images.split(500), clothes.y_test.split(500), strict=True))


def block(channels_in, channels_out):
    return (
        nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        nn.MaxPool2d(2),
    )


torch.manual_seed(0)
network = nn.Sequential(
    *block(1, 16), *block(16, 32), *block(32, 64), nn.Flatten(), nn.Linear(64 * 9, 10)
)
print(f"{sum(p.numel() for p in network.parameters()):,} parameters")
epochs, batch_size = 3, 100
per_epoch = math.ceil(len(images) / batch_size)
optimizer = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * per_epoch)
start = evaluate(network, test_set)
print(f"before: loss {start['loss']:.2f} (ln 10 = {math.log(10):.2f})")

training_loss, validation = [], [start["loss"]]
for epoch in range(epochs):
    batches = list(minibatches(images, clothes.y_train, batch_size))
    bar = tqdm(batches, f"epoch {epoch + 1}", file=sys.stdout, ncols=72, mininterval=1)
    for batch in bar:
        training_loss.append(train_epoch(network, optimizer, [batch]))
        scheduler.step()
        bar.set_postfix(loss=f"{training_loss[-1]:.2f}", refresh=False)
    result = evaluate(network, test_set)
    validation.append(result["loss"])
    print(f"validation loss {result['loss']:.3f}, accuracy {result['accuracy']:.3f}")

# %% tags=["show"]
# Training and validation loss
figure = plotting.training_curves(
    {"training": training_loss}, title="Your loop, your loss, your batches"
)
ends = [per_epoch * epoch for epoch in range(epochs + 1)]
figure.axes[0].plot(ends, validation, "s--", color=plotting.PALETTE[1], label="validation")
figure.axes[0].legend()
figure

# %% [markdown]
# The pale line is the loss of each batch, the strong one its running median. The validation loss is
# measured after each epoch, in eval mode. What does the network still get wrong?

# %% tags=["show"]
# Its weakest classes, and its first ten mistakes
network.eval()
with torch.no_grad():
    answers = torch.cat([network(x).argmax(dim=1) for x, _ in test_set])
right = [(answers == clothes.y_test)[clothes.y_test == c].float().mean() for c in range(10)]
for c in torch.stack(right).argsort()[:3].tolist():
    print(f"{data.FASHION_CLASSES[c]:10} recall {right[c]:.2f}")
wrong = (answers != clothes.y_test).nonzero()[:10, 0]
captions = [
    f"{data.FASHION_CLASSES[clothes.y_test[i]]}\nas {data.FASHION_CLASSES[answers[i]]}"
    for i in wrong
]
plotting.image_grid(clothes.x_test[wrong], captions, columns=5, title="Its first ten mistakes")

# %% exercise="diagnose_a_run"

# %% [markdown]
# ## Where to go from here
#
# - Karpathy 2019, *A recipe for training neural networks*: the same distrust, from the first batch on.
# - CS231n, *Neural networks part 3*: gradient checks and sanity checks.
# - Bottou, Curtis & Nocedal 2018, *Optimization methods for large-scale machine learning*.
# - The next lab opens the network: what stands between the layers, and what it lets through.

# %% [markdown]
# # Further
#
# Optional, and graded like the core: gradients by hand and how to check them, what a loss adds up and
# averages, what an epoch and a batch cost, rare classes, a sharper test by overfitting, and a run that
# resumes to the last bit.
#
# ## 8 · Gradients by hand
#
# The gradient of softmax and cross-entropy is worth knowing by heart.

# %% exercise="softmax_cross_entropy_gradient"

# %% tags=["show"]
# Your gradient beside autograd's
scores = (3 * example).requires_grad_()
softmax_cross_entropy(scores, truth).backward()
by_hand = softmax_cross_entropy_gradient(scores.detach(), truth)
print(f"largest difference to autograd: {(by_hand - scores.grad).abs().max():.1e}")
print("the rows add up to", " ".join(f"{total:.0e}" for total in by_hand.sum(dim=1).abs()))

# %% [markdown]
# What an example teaches is the difference between what was said and what is so. Each row adds up to
# zero (up to rounding): whatever the true class gains, the others lose.
#
# The hinge loss asks for something else: a margin, and nothing beyond it. It adds up over the wrong
# classes (torch's `F.multi_margin_loss` divides by C).

# %% exercise="hinge_loss"

# %% exercise="hinge_loss_gradient"

# %% [markdown]
# ## 9 · Gradients you can trust
#
# Autograd does not make mistakes in its rules; people do, in everything they write by hand. The judge is
# a gradient from numbers alone.

# %% exercise="best_step_size"

# %% exercise="numeric_gradient"

# %% tags=["show"]
# The error of difference quotients of exp, for twelve steps h
committed("training_loop/best_step_size")
point = torch.linspace(0.5, 2, 20, dtype=torch.float64)


def worst_error(difference, h, dtype):
    """Largest relative error of a difference quotient of exp."""
    x = point.to(dtype)
    if difference == "central":
        slope = (torch.exp(x + h) - torch.exp(x - h)) / (2 * h)
    else:
        slope = (torch.exp(x + h) - torch.exp(x)) / h
    error = (slope.double() / torch.exp(point) - 1).abs().max().item()
    return max(error, 1e-16)


exponents = range(1, 13)
errors = {
    "central, float64": [worst_error("central", 10.0**-k, torch.float64) for k in exponents],
    "one-sided, float64": [worst_error("one-sided", 10.0**-k, torch.float64) for k in exponents],
    "central, float32": [worst_error("central", 10.0**-k, torch.float32) for k in exponents],
}
for name, values in errors.items():
    best = min(exponents, key=lambda k: values[k - 1])
    print(f"{name:20} smallest error {values[best - 1]:.0e} at h = 1e-{best}")
yours = numeric_gradient(lambda x: torch.exp(x).sum(), point, h=1e-5)
print(f"your numeric_gradient at 1e-5   {(yours / torch.exp(point) - 1).abs().max():.0e}")
plotting.lines_over_depth(
    errors,
    xlabel="k, with h = 10⁻ᵏ",
    ylabel="largest relative error",
    title="The error of a difference quotient",
    log=True,
)

# %% [markdown]
# On the left the formula's own error: a tenth of h makes it a hundred times smaller for central
# differences, ten times for one-sided ones. On the right rounding takes over. In float32 even the best h
# leaves an error of 2e-05, more than half a million times that of float64: check in float64. (Yours lies above
# the curve at 1e-5, for it differentiates a sum of twenty terms, and the sum is rounded too.)
#
# Next: how does one say that two gradients agree?

# %% exercise="relative_error"

# %% exercise="gradient_verdicts"

# %% tags=["show"]
# Verdicts on your hinge gradient, and on a broken one
torch.manual_seed(1)
hinge_scores = torch.randn(5, 4, dtype=torch.float64)
hinge_scores[0, 1] = hinge_scores[0, 0] - 1 + 2e-6  # one margin is violated by a hair
classes = torch.tensor([0, 1, 2, 3, 0])
good = hinge_loss_gradient(hinge_scores, classes)
broken = good.clone()
broken[1, 1] *= 0.5


def loss_of(flat):
    return hinge_loss(flat.view(5, 4), classes)


for name, gradient in {"your hinge gradient": good, "one entry halved": broken}.items():
    verdicts = gradient_verdicts(loss_of, hinge_scores.flatten(), gradient.flatten())
    counts = {word: verdicts.count(word) for word in ("right", "inconclusive", "wrong")}
    print(f"{name:20} {counts}")

# %% [markdown]
# The inconclusive entries hang on a margin that is violated by 2e-6: a step of 1e-5 crosses it. Without
# the third word you would search for a bug that is not there.
#
# ## 10 · Unequal classes, and penalties
#
# The level to which the loss on pure noise fell (Section 2) has a name and a formula.

# %% exercise="label_entropy"

# %% [markdown]
# A penalty on the weights comes on top of the loss, and must not be there while you compare with ln C.
# Here it is (λ/2) Σ W², with the gradient λW; elsewhere you may find λ Σ W² and 2λW.

# %% exercise="regularized_loss"

# %% tags=["show"]
# The same loss with and without a penalty
model = small_network()
x, y = pixels[:500], labels[:500]
with torch.no_grad():
    each = F.cross_entropy(model(x), y, reduction="none")
    without = regularized_loss(each, dict(model.named_parameters()), 0.0)
    with_penalty = regularized_loss(each, dict(model.named_parameters()), 0.01)
    half_a_batch = regularized_loss(each[:250], dict(model.named_parameters()), 0.01)
    weights = sum((layer.weight**2).sum() for layer in (model[0], model[2]))
print(f"without penalty {without:.4f}, with it {with_penalty:.4f}")
print(f"difference {with_penalty - without:.4f}, (λ/2) Σ W² {0.01 / 2 * weights:.4f}")
penalty = half_a_batch - each[:250].mean()
print(f"penalty on half a batch {penalty:.4f}")

# %% [markdown]
# ## 11 · Sum or mean
#
# Whether a loss adds up or averages does not change the direction of a step, but its length.

# %% exercise="squared_error"

# %% exercise="learning_rate_for_sum"

# %% tags=["show"]
# Twenty steps on a mean, and on a sum with two rates
torch.manual_seed(0)
inputs, wanted = torch.randn(40, 5, dtype=torch.float64), torch.randn(40, 7, dtype=torch.float64)


def descend(reduction, learning_rate, steps=20):
    """Weights after some steps on the squared error."""
    weight = torch.zeros(5, 7, dtype=torch.float64, requires_grad=True)
    for _ in range(steps):
        loss = squared_error(inputs @ weight, wanted, reduction=reduction)
        (gradient,) = torch.autograd.grad(loss, weight)
        with torch.no_grad():
            weight -= learning_rate * gradient
    return weight.detach()


mean = descend("mean", 0.5)
same = descend("sum", learning_rate_for_sum(0.5, wanted.numel()))
by_examples = descend("sum", learning_rate_for_sum(0.5, len(wanted)))
print(f"sum with η / 280 (all elements): largest difference {(mean - same).abs().max():.1e}")
print(f"sum with η / 40 (the examples): largest difference {(mean - by_examples).abs().max():.1e}")

# %% [markdown]
# Divided by the number of elements, 40 × 7 = 280, the sum takes the same steps as torch's mean. Divided
# by the number of examples it takes steps seven times as long, because the "mean" of a squared error is
# one over *elements*.
#
# Now two lines from a set of lecture notes, put together into one function.

# %% exercise="one_hot_squared_error"

# %% [markdown]
# ## 12 · Counting

# %% exercise="iterations_per_epoch"

# %% exercise="passes_over_the_data"

# %% [markdown]
# A claim to be tested, from the notes: *"The size of an epoch is limited by the memory of the GPU."*

# %% exercise="memory_limit"

# %% exercise="largest_batch_size"

# %% tags=["show"]
# Bytes kept for the backward pass, in four settings
committed("training_loop/memory_limit")


def kept_bytes(batch_size, iterations, images):
    """The most bytes that torch keeps at any moment for a backward pass."""
    model = small_network()
    own = {parameter.data_ptr() for parameter in model.parameters()}
    most, kept = 0, {}

    def keep(tensor):
        if tensor.data_ptr() not in own:
            kept[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    for step in range(iterations):
        kept.clear()
        first = step * batch_size % images
        chosen = torch.arange(first, first + batch_size) % images
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            F.cross_entropy(model(pixels[chosen]), labels[chosen])
        most = max(most, sum(kept.values()))
    return most / 1e6


base = kept_bytes(100, iterations=10, images=2000)
measured = {
    "batch 100,\n10 iterations,\n2000 images": base,
    "twice the\nimages": kept_bytes(100, iterations=10, images=4000),
    "twice the\niterations": kept_bytes(100, iterations=20, images=2000),
    "twice the\nbatch": kept_bytes(200, iterations=10, images=2000),
}
for name, megabytes in measured.items():
    print(f"{' '.join(name.split()):40} {megabytes:.2f} MB")
plotting.bars_with_prediction(
    measured,
    dict(zip(measured, (base, base, base, 2 * base), strict=True)),
    ylabel="MB kept for the backward pass",
    title="Bytes for the backward pass",
)

# %% [markdown]
# If a batch does not fit, halve it: an epoch then has twice as many steps
# and as many examples as before.
#
# ## 13 · Rare classes
#
# Three measures that look at each class by itself.

# %% exercise="precision_recall_f1"

# %% exercise="macro_f1"

# %% [markdown]
# Why macro-F1? A set in which one class is rare, and a network trained on it.

# %% tags=["show"]
# Accuracy and F1 where one class is rare
torch.manual_seed(0)
shirts = (labels == 6).nonzero()[:, 0]
keep = torch.cat([(labels != 6).nonzero()[:, 0], shirts[:25]])
test_keep = (clothes.y_test != 6) | (torch.arange(2000) % 10 == 0)
model = small_network()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for _ in range(2):
    train_epoch(model, optimizer, minibatches(pixels[keep], labels[keep], 50))
rare_test = test_pixels[test_keep], clothes.y_test[test_keep]
test_batches = list(zip(*(part.split(300) for part in rare_test), strict=True))
print("accuracy", f"{evaluate(model, test_batches)['accuracy']:.2f}")
with torch.no_grad():
    answers = [model(x).argmax(dim=1) for x, _ in test_batches]
truths = [y for _, y in test_batches]
print("macro-F1", f"{macro_f1(answers, truths, 10):.2f}")
precision, recall, f1 = precision_recall_f1(torch.cat(answers), torch.cat(truths), 10)
print(f"shirts in the test: {int((rare_test[1] == 6).sum())} of {len(rare_test[1])}")
print(f"shirts: precision {precision[6]:.2f}, recall {recall[6]:.2f}, F1 {f1[6]:.2f}")
tops = {data.FASHION_CLASSES[c]: float(f1[c]) for c in (0, 2, 3, 4, 6)}
title = f"F1 of what is worn on top: 25 shirts among {len(keep):,} examples"
plotting.bars_with_prediction(tops, {}, ylabel="F1", title=title)

# %% [markdown]
# Accuracy hardly notices a class that is hardly there. Macro-F1 does.
#
# ## 14 · A sharper test
#
# Two things make overfitting on purpose a good test: a sample with all classes in it, and nothing that
# keeps the loss up on purpose. And what it cannot see, labels that belong to other images, another test can.

# %% exercise="small_sample"

# %% exercise="overfit"

# %% exercise="neighbor_agreement"

# %% tags=["show"]
# Overfitting with and without regularization, and asking the neighbors
chosen = small_sample(labels, 3)
few, names = pixels[chosen], labels[chosen]
model, optimizer = big_enough(dropout=0.6, weight_decay=0.05)
curves = {
    "regularization on": [train_epoch(model, optimizer, [(few, names)]) for _ in range(70)],
    "overfit()": overfit(*big_enough(dropout=0.6, weight_decay=0.05), few, names, 70),
}
for name, losses in curves.items():
    print(f"{name:20} last loss {losses[-1]:.4f}")
mixed = labels[:600][torch.randperm(600, generator=torch.Generator().manual_seed(4))]
print(f"neighbors agree:     {neighbor_agreement(pixels[:600], labels[:600]):.2f}")
print(f"with labels shuffled {neighbor_agreement(pixels[:600], mixed):.2f}")
plotting.training_curves(curves, log=True, title="With and without regularization")

# %% [markdown]
# With regularization on, the loss stays up and you would look for a bug that is not there. And the bug
# that overfitting cannot see, the neighbors can.
#
# ## 15 · Keeping a run

# %% exercise="Checkpoint"

# %% tags=["show"]
# A run interrupted after step 25, and resumed in three ways
torch.manual_seed(0)
stream = list(minibatches(pixels, labels, 100))


def begin():
    """Network with dropout, optimizer with momentum, and a rate that falls."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(784, 100), nn.ReLU(), nn.Dropout(0.2), nn.Linear(100, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    return model, optimizer, torch.optim.lr_scheduler.StepLR(optimizer, 10, gamma=0.5)


def go_on(run, steps):
    """All weights after each of the given steps."""
    model, optimizer, scheduler = run
    path = []
    for step in steps:
        train_epoch(model, optimizer, [stream[step]])
        scheduler.step()
        path.append(nn.utils.parameters_to_vector(model.parameters()).detach().clone())
    return path


run = begin()
go_on(run, range(25))
checkpoint = Checkpoint(*run, 25)
kept = [copy.deepcopy(part.state_dict()) for part in run]
uninterrupted = go_on(run, range(25, 65))
paths = {}

weights_only = begin()
weights_only[0].load_state_dict(kept[0])
paths["weights only"] = go_on(weights_only, range(25, 65))

no_random_state = begin()
for part, state in zip(no_random_state, kept, strict=True):
    part.load_state_dict(state)
paths["all but the random numbers"] = go_on(no_random_state, range(25, 65))

resumed = begin()
paths["your checkpoint"] = go_on(resumed, range(checkpoint.restore(*resumed), 65))

away = {}
for name, path in paths.items():
    pairs = zip(path, uninterrupted, strict=True)
    away[name] = [0.0] * 25 + [float((a - b).norm()) for a, b in pairs]
    same = all(torch.equal(a, b) for a, b in zip(path, uninterrupted, strict=True))
    print(f"{name:28} distance after 40 steps {away[name][-1]:.4f}, the same bits? {same}")
plotting.training_curves(
    away,
    ylabel="distance of the weights",
    title="Interrupted after step 25: how far from the uninterrupted run?",
)

# %% [markdown]
# From weights alone it is another run, with no momentum and back at its first rate. With everything but
# the random numbers it still drifts: dropout draws other masks. Only a complete checkpoint stays on
# the path, to the last bit. (Another run need not be a worse one; but you cannot find out *what* made
# the difference, and to know that is worth a lot more than a lucky run.)

# %% exercise="fade"

# %% [markdown]
# ## The course's network
#
# One network goes through all labs of this course. It starts with sigmoids and plain gradient descent; each
# lab changes one thing. Here it begins, trained by your step:
# one in ten right is what guessing gets, and lab 2 says what is wrong.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("training_loop", sgd_step=sgd_step)

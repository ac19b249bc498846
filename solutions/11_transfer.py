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
# # Lab 11 · Ensembles, weight averaging, transfer
#
# Three ways to get more out of networks than one training gives. *Several* networks are better than each of them.
# The *average of the weights* along one training is better than where it ends. And a network that was trained on
# a million photographs helps with two hundred silhouettes. Each has a place where it silently goes wrong, and in
# two of the three that place is batch normalization.
#
# By the end you can
# - predict with an ensemble, and say what must not be averaged;
# - average weights along a training, and make the average fit for use;
# - take the head off a network and use what is left, without changing it;
# - fine-tune: who learns how fast, and by whose statistics the network is tested.
#
# **How it works.** As in lab 1; the core takes about an hour, and *Further* is optional. Experiments that take more
# than five seconds say so. The trained network comes with the course; nothing is downloaded.
#
# **Conventions of this lab**
#
# | symbol | meaning here | elsewhere |
# |---|---|---|
# | decay d | weight of the *old* average | |
# | momentum of a batch normalization | weight of the *new* batch, as in torch | Keras: of the old value |
# | head, trunk | the last layer, and all before it | backbone, feature extractor |

# %% tags=["setup"]
import copy
import itertools
import math
import time
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

import autograder
from autograder import check, commit, committed, failing, hint, progress, reference, resume
from course_lib import data, plotting, pretrained

plotting.style()
autograder.open_lab("transfer")

# %% [markdown]
# ## 1 · Several networks

# %% exercise="average_probabilities"

# %% tags=["show"]
# Five networks that differ in nothing but their random numbers (6 s)
signals = data.mnist1d()
x_train, y_train = signals.x_train[:, None], signals.y_train
x_test, y_test = signals.x_test[:, None], signals.y_test


def convolutional(seed):
    """A small network for signals of length 40, with three batch normalizations."""
    torch.manual_seed(seed)
    layers, channels = [], 1
    for out in (24, 24, 24):
        layers += [nn.Conv1d(channels, out, 5, stride=2, padding=2, bias=False)]
        layers += [nn.BatchNorm1d(out), nn.ReLU()]
        channels = out
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(24 * 5, 10))


def train(model, epochs, lr, after_step=None, after_epoch=None):
    """Train with momentum at a constant rate; call what is given after every step, every epoch."""
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, weight_decay=1e-4)
    for _ in range(epochs):
        for batch in torch.randperm(len(x_train)).split(100):
            model.train()
            optimizer.zero_grad()
            F.cross_entropy(model(x_train[batch]), y_train[batch]).backward()
            optimizer.step()
            if after_step:
                after_step(model)
        if after_epoch:
            after_epoch(model)
    return model


def scores(model):
    """What a network says of the test signals."""
    model.eval()
    with torch.no_grad():
        return model(x_test)


def accuracy(predicted):
    """The share of test signals whose largest entry is that of their class."""
    return (predicted.argmax(dim=-1) == y_test).float().mean().item()


def log_loss(probabilities):
    """The mean cross-entropy of probabilities."""
    return -probabilities[range(len(y_test)), y_test].log().mean().item()


members = [train(convolutional(seed), epochs=8, lr=0.05) for seed in range(5)]
logits = torch.stack([scores(member) for member in members])
ensemble = average_probabilities(logits)
of_each = [log_loss(table.softmax(dim=1)) for table in logits]
print("members      ", "  ".join(f"{accuracy(table):.3f}" for table in logits))
print(f"ensemble      {accuracy(ensemble):.3f}")
print(f"log loss      {np.mean(of_each):.3f} on average, ensemble {log_loss(ensemble):.3f}")
sizes, by_size = range(1, 6), []
for size in sizes:
    chosen = [logits[list(some)] for some in itertools.combinations(range(5), size)]
    by_size.append(np.mean([accuracy(average_probabilities(some)) for some in chosen]))
figure = plotting.lines_over(
    sizes,
    {"ensemble (mean of all choices)": by_size, "mean member": [by_size[0]] * 5},
    xlabel="members",
    ylabel="test accuracy",
    title="The second network helps most",
)
figure.axes[0].set_xticks(sizes)
figure

# %% [markdown]
# Members are right for the same reasons and wrong for different ones, so errors average out. The log loss of
# the average is *never* above the average log loss (Jensen's inequality: −log is convex); for the accuracy there is
# no such law, and yet it rises. Averaging scores instead gives another ensemble, sometimes as good; but one
# member that shouts decides it.
#
# ## 2 · One network, averaged along its training
#
# Five networks cost five times as much, at every prediction. Can one average *weights* instead?

# %% exercise="update_average"

# %% exercise="recompute_statistics"

# %% tags=["show"]
# Eight epochs at a high constant rate; after each, the average so far, tested in two ways
average, wandering = copy.deepcopy(members[0]), []
curves = {"the network itself": [], "the average": [], "the average, fresh statistics": []}


def take_in(model):
    """Average a network in, and test all three."""
    update_average(average, model, len(wandering))
    wandering.append(copy.deepcopy(model))
    fresh = copy.deepcopy(average)
    recompute_statistics(fresh, x_train.split(500))
    for tested, line in zip((model, average, fresh), curves.values(), strict=True):
        line.append(accuracy(scores(tested)))


torch.manual_seed(0)
train(copy.deepcopy(members[0]), epochs=8, lr=0.2, after_epoch=take_in)
for name, line in curves.items():
    print(f"{name:30}", "  ".join(f"{value:.3f}" for value in line))
plotting.lines_over(
    range(1, 9),
    curves,
    xlabel="epoch at the constant rate 0.2",
    ylabel="test accuracy",
    title="The average needs statistics of its own",
)

# %% [markdown]
# The network jumps around a place that is better than wherever it stands; the average sits there, once its
# batch normalizations know what its own activations look like.

# %% exercise="average_of_two_networks"

# %% tags=["show"]
# On the straight line between two networks
committed("transfer/average_of_two_networks")


def between(first, second, share):
    """The accuracy of a network whose weights lie between those of two, with fresh statistics."""
    mixed = copy.deepcopy(first)
    with torch.no_grad():
        for w, other in zip(mixed.parameters(), second.parameters(), strict=True):
            w.lerp_(other, share)
    recompute_statistics(mixed, x_train.split(500))
    return accuracy(scores(mixed))


shares = np.linspace(0, 1, 11)
lines = {
    "trained from different random weights": [between(*members[:2], s) for s in shares],
    "epochs 4 and 8 of one training": [between(wandering[3], wandering[7], s) for s in shares],
}
for name, line in lines.items():
    print(f"{name:38} ends {line[0]:.3f} and {line[-1]:.3f}, in the middle {line[5]:.3f}")
figure = plotting.lines_over(
    shares, lines, xlabel="share of the second network", ylabel="test accuracy",
    title="Two hills with a valley between, and one hill",
)  # fmt: skip
figure.axes[0].set_ylim(0, 1)
figure

# %% [markdown]
# Averages of weights make sense where the weights have a common past. SWA needs epochs to average; while
# the weights still travel, an average that forgets does better.

# %% exercise="WeightEMA"

# %% tags=["show"]
# The first 160 steps: the network, your average, and one that starts at the random weights
torch.manual_seed(0)
moving = convolutional(seed=10)
yours, shown = WeightEMA(0.99), copy.deepcopy(moving)
from_the_start = {name: value.clone() for name, value in moving.state_dict().items()}
steps, heard = [0], {"the network": [], "your average": [], "started at the random weights": []}


def listen(model):
    """Update both averages after a step, and test all three after every eighth."""
    state = model.state_dict()
    averaged = yours.update(state)
    for name, value in state.items():
        old = from_the_start[name]
        from_the_start[name] = 0.99 * old + 0.01 * value if value.is_floating_point() else value
    steps[0] += 1
    if steps[0] % 8 == 0:
        for line, tested in zip(heard.values(), (state, averaged, from_the_start), strict=True):
            shown.load_state_dict(tested)
            line.append(accuracy(scores(shown)))


train(moving, epochs=4, lr=0.1, after_step=listen)
for name, line in heard.items():
    print(f"{name:30} after 16 steps {line[1]:.3f}, after 160 {line[-1]:.3f}")
plotting.lines_over(
    range(8, 161, 8),
    heard,
    xlabel="step",
    ylabel="test accuracy",
    title="An average of d = 0.99, with and without its past",
)

# %% [markdown]
# ## 3 · A network from elsewhere
#
# 20 silhouettes of each of ten animals, 28 × 28 pixels, are all we have for training. And a network that has seen
# a million photographs, none of them a silhouette: the first eleven blocks of EfficientNet-Lite0, with
# the weights that ImageNet gave them.

# %% tags=["show", "open"]
# Two hundred animals
animals = data.animal_mnist()
some = torch.cat([(animals.y_train == kind).nonzero()[:20, 0] for kind in range(10)])
few, few_labels = animals.x_train[some], animals.y_train[some]
new, new_labels = animals.x_test[:300], animals.y_test[:300]
plotting.image_grid(
    few.reshape(10, 20, 28, 28)[:, :2].transpose(0, 1).flatten(0, 1),
    labels=[*data.ANIMAL_CLASSES, *[""] * 10],
    columns=10,
    size=0.9,
    title="Two of the twenty of each kind",
)

# %% exercise="frozen_features"

# %% tags=["show", "open"]
# The trunk and its new head, and how a head is trained on features
few_large, new_large = (
    pretrained.prepare(1 - x).contiguous(memory_format=torch.channels_last) for x in (few, new)
)


def classifier(trunk):
    """All blocks of a trunk in a row, the mean of each quarter of its maps, and a head."""
    quarters = nn.AdaptiveAvgPool2d(2), nn.Flatten()
    model = nn.Sequential(trunk.stem, *trunk.blocks, *quarters, nn.Linear(4 * 112, 10))
    return model.to(memory_format=torch.channels_last).eval()


def fit_head(head, features, labels, l2=0.01):
    """Give a linear layer the weights that logistic regression finds on standardized features."""
    mean, std = features.mean(dim=0), features.std(dim=0) + 1e-6
    standardized = (features - mean) / std
    weight = torch.zeros_like(head.weight, requires_grad=True)
    bias = torch.zeros_like(head.bias, requires_grad=True)
    fitting = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss():
        fitting.zero_grad()
        value = F.cross_entropy(standardized @ weight.T + bias, labels)
        value = value + l2 / 2 * (weight * weight).sum()
        value.backward()
        return value

    fitting.step(loss)
    with torch.no_grad():
        head.weight.copy_(weight / std)
        head.bias.copy_(bias - (weight / std) @ mean)


def right_on_new(features, head):
    """The accuracy of a head on features of the new animals."""
    with torch.no_grad():
        return (head(features).argmax(dim=1) == new_labels).float().mean().item()


def head_on(model):
    """Fit the head of a network on its frozen features, and test it."""
    fit_head(model[-1], frozen_features(model, few_large.split(50)), few_labels)
    return right_on_new(frozen_features(model, new_large.split(100)), model[-1])


torch.manual_seed(0)
on_pixels = nn.Linear(784, 10)
fit_head(on_pixels, few.flatten(1), few_labels)
pixels = right_on_new(new.flatten(1), on_pixels)
transferred = classifier(pretrained.efficientnet_lite0_trunk())
trained = head_on(transferred)
print(f"a head on raw pixels {pixels:.3f}, on the trained trunk {trained:.3f}")

# %% exercise="trunk_with_random_weights"

# %% tags=["show"]
# The same trunk with random weights
committed("transfer/trunk_with_random_weights")
torch.manual_seed(0)
random = head_on(classifier(pretrained.EfficientNetLite0Trunk()))
print(f"pixels {pixels:.3f}   random trunk {random:.3f}   trained trunk {trained:.3f}")
plotting.bars_with_prediction(
    {"raw pixels": pixels, "random trunk": random, "trained trunk": trained},
    {},
    ylabel="test accuracy",
    title="Heads on 200 silhouettes",
)

# %% [markdown]
# So far the trunk stood still. Fine-tuning lets it learn as well: carefully, for 200 images are few and its weights
# know more than those.

# %% exercise="fine_tuning_groups"

# %% tags=["show"]
# Fine-tuning in evaluation mode: batch normalization keeps the statistics of photographs (5 s)


def right(model):
    """The accuracy of a network on the new animals, in evaluation mode."""
    model.eval()
    with torch.no_grad():
        guesses = torch.cat([model(x).argmax(dim=1) for x in new_large.split(100)])
    return (guesses == new_labels).float().mean().item()


def fine_tune(model, lr, training_mode, epochs=4):
    """Train the head at a rate and the rest at a tenth of it, 10 steps in an epoch."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD(fine_tuning_groups(model, head="14", lr=lr), momentum=0.9)
    for _ in range(epochs):
        model.train(training_mode)
        for batch in torch.randperm(200).split(20):
            optimizer.zero_grad()
            F.cross_entropy(model(few_large[batch]), few_labels[batch]).backward()
            optimizer.step()
    return model


tuned = fine_tune(copy.deepcopy(transferred), lr=0.002, training_mode=False)
print(f"frozen trunk {trained:.3f}, fine-tuned {right(tuned):.3f}")

# %% exercise="whose_statistics"

# %% tags=["show"]
# Fine-tuning in training mode, with slow and with fast statistics (10 s)
committed("transfer/whose_statistics")
slow = fine_tune(copy.deepcopy(transferred), lr=0.002, training_mode=True)
fresh = copy.deepcopy(slow)
recompute_statistics(fresh, few_large.split(20))
fast = copy.deepcopy(transferred)
for layer in fast.modules():
    if isinstance(layer, nn.BatchNorm2d):
        layer.momentum = 0.1
fast = fine_tune(fast, lr=0.002, training_mode=True)
results = {
    "momentum\n0.01": right(slow),
    "the same, fresh\nstatistics": right(fresh),
    "momentum\n0.1": right(fast),
}
for name, value in results.items():
    print(f"{name.replace(chr(10), ' '):28} {value:.3f}")
plotting.bars_with_prediction(
    results, {}, ylabel="test accuracy", title="Fine-tuned in training mode"
)

# %% [markdown]
# No weight differs between the first two lines. Whether statistics are better frozen, fast or recomputed depends on
# rate, data and luck; *what must not be* is a network that is trained by one kind and tested by another.

# %% exercise="three_sentences_on_reuse"

# %% [markdown]
# ## Where to go from here
#
# - Izmailov et al. 2018, *Averaging weights leads to wider optima and better generalization*: SWA.
# - Lakshminarayanan et al. 2017: ensembles know when they do not know.
# - Kumar et al. 2022, *Fine-tuning can distort pretrained features*: why the head comes first.
# - Wortsman et al. 2022, *Model soups*: averages of the weights of several fine-tunings of *one* network.

# %% [markdown]
# # Further
#
# What an ensemble cannot average away; an ensemble out of one training; averages of noisy steps; two classic
# heads, in the language of scikit-learn; which layer to take; and what to freeze, when.

# %% [markdown]
# ## 4 · What an ensemble gains

# %% exercise="variance_of_mean"

# %% tags=["show"]
# The errors of the five networks: variance of the mean of so many, and your formula
errors = 1 - logits.softmax(dim=2)[:, range(len(y_test)), y_test].double()
covariances = torch.cov(errors)
sigma2 = covariances.diagonal().mean().item()
rho = (covariances.sum() - covariances.trace()).item() / 20 / sigma2
measured, predicted = {}, {}
for size in (1, 2, 3, 5):
    chosen = [errors[list(some)] for some in itertools.combinations(range(5), size)]
    measured[f"{size}"] = np.mean([some.mean(dim=0).var().item() for some in chosen])
    predicted[f"{size}"] = variance_of_mean(sigma2, rho, size)
forever = variance_of_mean(sigma2, rho, 10**6)
print(f"σ² = {sigma2:.4f}, ρ = {rho:.2f}; with any number of members at least {forever:.4f}")
plotting.bars_with_prediction(
    measured,
    predicted,
    ylabel="variance of the error",
    title=f"Members, correlated with ρ = {rho:.2f}",
)

# %% [markdown]
# The formula is exact on average over the choices of members. To gain more, make the members *differ*: other
# data, other widths, other views; each a little worse, and less correlated.
#
# ## 5 · An ensemble for the price of one

# %% exercise="cyclic_cosine"

# %% exercise="snapshots"

# %% tags=["show"]
# Four cycles of three epochs, from one of the five networks on
torch.manual_seed(0)
order = torch.cat([torch.randperm(len(x_train)) for _ in range(12)])
batches = [(x_train[some], y_train[some]) for some in order.split(100)]
traveler = copy.deepcopy(members[0]).train()
kept = snapshots(traveler, batches, cycles=4, peak=0.5)
on_the_way = []
for state in kept:
    traveler.load_state_dict(state)
    on_the_way.append(scores(traveler))
together = average_probabilities(torch.stack(on_the_way))
print("snapshots     ", "  ".join(f"{accuracy(table):.3f}" for table in on_the_way))
print(f"their mean     {np.mean([accuracy(table) for table in on_the_way]):.3f}")
print(f"together       {accuracy(together):.3f}")
rates = [cyclic_cosine(step, len(batches), 4, 0.5) for step in range(len(batches))]
plotting.lines_over(
    range(len(batches)),
    {"rate": rates},
    xlabel="step",
    ylabel="learning rate",
    title="A snapshot at the foot of each cliff",
)

# %% [markdown]
# Together they beat the *mean* snapshot. The last one alone may be as good: snapshots of one training get better
# along the way and share a past, so that they err alike. Long cycles, of tens of epochs, make them differ more.
#
# ## 6 · Averages of noisy steps

# %% exercise="four_times_as_long"

# %% tags=["show"]
# Squared errors of 1000 runs at a constant rate, last iterate and average
committed("transfer/four_times_as_long")
torch.manual_seed(0)
w, mean = torch.zeros(1000), torch.zeros(1000)
times, squares = [10, 30, 100, 300, 1000, 3000], {"last iterate": [], "average": []}
for step in range(1, 3001):
    w = w - 0.2 * (w + torch.randn(1000))
    mean += (w - mean) / step
    if step in times:
        squares["last iterate"].append((w * w).mean().item())
        squares["average"].append((mean * mean).mean().item())
plotting.lines_over(
    times,
    {**squares, "like 1/T": [squares["average"][2] * 100 / t for t in times]},
    log="xy",
    xlabel="steps T",
    ylabel="mean squared error",
    title="Rate 0.2 throughout: the average does not mind",
)

# %% [markdown]
# ## 7 · Two classic heads

# %% exercise="logistic_head_loss"

# %% exercise="c_of_l2"

# %% tags=["show"]
# Your loss on frozen features beside scikit-learn's, standardized and not
from sklearn.linear_model import LogisticRegression

features = frozen_features(transferred, few_large.split(50)).double()
standardized = (features - features.mean(dim=0)) / features.std(dim=0)


def gradient_at(x, fitted, l2):
    """How long the gradient of your loss is where scikit-learn has stopped."""
    weight = torch.tensor(fitted.coef_, requires_grad=True)
    bias = torch.tensor(fitted.intercept_, requires_grad=True)
    loss = logistic_head_loss(weight, bias, x, few_labels, l2=l2)
    return sum(g.square().sum() for g in torch.autograd.grad(loss, (weight, bias))).sqrt().item()


inputs = {
    "features, standardized": standardized,
    "features as they are": features,
    "pixels from 0 to 255": 255 * few.flatten(1).double(),
}
for name, x in inputs.items():
    fitted = LogisticRegression(C=c_of_l2(0.01, len(x)), max_iter=10_000, tol=1e-5)
    fitted.fit(x.numpy(), few_labels.numpy())
    print(
        f"{name:23} {fitted.n_iter_[0]:5} iterations, gradient {gradient_at(x, fitted, 0.01):.0e}"
    )

# %% exercise="svm_head_loss"

# %% tags=["show"]
# Cats against dogs: your loss at what LinearSVC finds, and a little beside it
from sklearn.svm import LinearSVC

cats_and_dogs = (few_labels == 2) | (few_labels == 4)
pair, is_dog = standardized[cats_and_dogs, ::10], (few_labels[cats_and_dogs] == 4).long()
machine = LinearSVC(C=0.01, loss="hinge", intercept_scaling=20, max_iter=100_000, tol=1e-5)
machine.fit(pair.numpy(), is_dog.numpy())
found, offset = torch.tensor(machine.coef_[0]), torch.tensor(machine.intercept_[0])
torch.manual_seed(0)
direction = torch.randn(len(found), dtype=torch.float64)
moves = torch.linspace(-0.02, 0.02, 41, dtype=torch.float64)
plotting.lines_over(
    moves,
    {
        "in a random direction": [
            svm_head_loss(found + m * direction, offset, pair, is_dog, c=0.01) for m in moves
        ],
        "w longer or shorter": [
            svm_head_loss((1 + 20 * m) * found, offset, pair, is_dog, c=0.01) for m in moves
        ],
        "another intercept": [
            svm_head_loss(found, offset + 20 * m, pair, is_dog, c=0.01) for m in moves
        ],
    },
    xlabel="distance from what LinearSVC found (the second and third times 20)",
    ylabel="your loss",
    title="LinearSVC stands at the minimum of your loss",
)

# %% [markdown]
# ## 8 · Which layer?
#
# The last layers of a network know most about what it was trained on, the first about all pictures. Whose features
# do silhouettes want?

# %% tags=["show"]
# A head on the features after each third block
depths, by_depth = (1, 3, 5, 7, 9, 11, 12), []
with torch.no_grad():
    few_maps, new_maps, start = few_large, new_large, 0
    for depth in depths:
        few_maps, new_maps = (transferred[start:depth](maps) for maps in (few_maps, new_maps))
        start = depth
        few_pooled, new_pooled = (
            F.adaptive_avg_pool2d(maps, 2).flatten(1) for maps in (few_maps, new_maps)
        )
        head = nn.Linear(few_pooled.shape[1], 10)
        with torch.enable_grad():
            fit_head(head, few_pooled, few_labels)
        by_depth.append(right_on_new(new_pooled, head))
print("  ".join(f"{d}: {value:.3f}" for d, value in zip(depths, by_depth, strict=True)))
plotting.lines_over(
    depths,
    {"head on these features": by_depth, "head on raw pixels": [pixels] * len(depths)},
    xlabel="layers of the trunk",
    ylabel="test accuracy",
    title="Deeper features are better, up to a point",
)

# %% [markdown]
# ## 9 · What to freeze, and when

# %% exercise="train_with_frozen_layers"

# %% exercise="frozen_after_the_forward"

# %% tags=["show"]
# A weight that is frozen between the forward and the backward pass
committed("transfer/frozen_after_the_forward")
late = torch.ones(2, requires_grad=True)
loss = (late * late).sum()
late.requires_grad_(False)
loss.backward()
print("gradient:", late.grad)

# %% tags=["show"]
# Seconds of a training step by the number of frozen layers
frozen_counts, seconds, waits = (0, 3, 6, 9, 12), [], []
tried = copy.deepcopy(transferred)
for count in frozen_counts:
    train_with_frozen_layers(tried, count)
    took = []
    for _ in range(3):
        began = time.process_time()
        loss = F.cross_entropy(tried(few_large[:40]), few_labels[:40])
        between_passes = time.process_time()
        loss.backward()
        took.append((between_passes - began, time.process_time() - between_passes))
    forward, backward = np.median(took, axis=0)
    seconds.append(forward)
    waits.append(backward)
plotting.lines_over(
    frozen_counts,
    {"forward": seconds, "backward": waits},
    xlabel="frozen layers",
    ylabel="CPU seconds",
    title="Below the lowest layer that learns, nothing flows back",
)

# %% exercise="head_first"

# %% tags=["show"]
# Head first, or all at once: what becomes of the features, and of the accuracy (7 s)
pairs = [
    (few_large[some], few_labels[some])
    for some in torch.randperm(200, generator=torch.Generator().manual_seed(0)).split(20)
]
before = frozen_features(transferred, few_large.split(50))


def drift(model):
    """How far the features of a network have moved, relative to their spread."""
    moved = frozen_features(model, few_large.split(50)) - before
    return (moved.norm() / (before - before.mean(dim=0)).norm()).item()


for name, head_epochs in {"all at once": 0, "head first": 4}.items():
    model = copy.deepcopy(transferred)
    torch.manual_seed(1)
    model[-1].reset_parameters()
    head_first(model, pairs, head_epochs=head_epochs, epochs=2, lr=0.01)
    print(
        f"{name:12} features moved by {drift(model):.3f}, right on new animals {right(model):.3f}"
    )

# %% [markdown]
# ## The course's network
#
# The network that goes through all labs, with what this one adds and all that the earlier ones did.

# %% tags=["show"]
# One network: what this lab adds, with your answer in it
from course_lib import one_network

one_network.trained_with_yours("transfer", average_probabilities=average_probabilities)

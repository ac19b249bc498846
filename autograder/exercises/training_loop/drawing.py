"""Inputs that several exercises of the lab draw alike."""

import numpy as np

AUTOGRAD = (
    ".backward",
    "torch.autograd.grad",
    "torch.autograd.backward",
    "torch.func.grad",
    "torch.func.jacrev",
)
CROSS_ENTROPY = (
    "torch.nn.functional.cross_entropy",
    "torch.nn.CrossEntropyLoss",
    "torch.nn.functional.log_softmax",
    "torch.nn.LogSoftmax",
    "torch.log_softmax",
    "torch.logsumexp",
    "torch.special.logsumexp",
    "torch.special.log_softmax",
    ".logsumexp",
    ".log_softmax",
)


A_NUMBER = "a tensor of one number counts as the number"
FLOAT32 = 1e-5
"""Near enough for an answer that computes in torch's float32 and returns a number."""
PAIR = (
    "You subtract what is no tensor. `scores.max(dim=1)` returns a pair, the largest values and "
    "their positions: take `.values`, or use `scores.amax(dim=1, keepdim=True)`."
)
AXIS_LOST = (
    "You combine one number for each row, of shape (N,), with the table of shape (N, C); torch "
    "lines the N up with the C. `keepdim=True` makes it (N, 1), one number for each row."
)


def draw_labels(rng, count, classes):
    """Labels in which no class is missing and none is as frequent as all others."""
    labels = np.concatenate([np.arange(classes), rng.integers(0, classes, count - classes)])
    return rng.permutation(labels)


def draw_scores(rng):
    """Scores of more examples than classes, some right by far, some wrong by far."""
    classes = int(rng.integers(3, 6))
    count = int(rng.integers(classes + 2, classes + 6))
    return {
        "scores": 2 * rng.normal(size=(count, classes)),
        "target": draw_labels(rng, count, classes),
    }


def draw_high_scores(rng):
    """Ordinary scores, all of them ten thousand too high: only what is common to all overflows."""
    drawn = draw_scores(rng)
    return {**drawn, "scores": drawn["scores"] + 1e4}


def draw_distant_rows(rng):
    """Ordinary scores in every row, but rows ten thousand apart."""
    drawn = draw_scores(rng)
    rows = len(drawn["scores"])
    levels = rng.permutation(np.linspace(-1e4, 1e4, rows))
    return {**drawn, "scores": drawn["scores"] + levels[:, None]}


def draw_large_scores(rng):
    """Scores in the thousands, of both signs: most probabilities round to zero.

    One example at least is wrong by far: where all are right, the gradient rounds to zero, too.
    """
    drawn = draw_scores(rng)
    drawn["target"][0] = lowest = drawn["scores"][0].argmin()
    drawn["scores"][0, lowest] -= 1
    return {**drawn, "scores": 1500 * drawn["scores"]}


def draw_network(rng, *, features, hidden, classes, dropout=0.0, training=False):
    """A small network with batch normalization; with dropout twice, once in a block, if asked for."""
    layers = [
        {
            "kind": "linear",
            "weight": rng.normal(size=(hidden, features)) / np.sqrt(features),
            "bias": 0.3 * rng.normal(size=hidden),
        },
        {"kind": "batch_norm", "features": hidden},
        {"kind": "relu"},
    ]
    if dropout:
        dropped = {"kind": "dropout", "p": dropout}
        layers += [{"kind": "nested", "layers": [layers.pop(), dropped]}, dropped]
    layers.append(
        {
            "kind": "linear",
            "weight": rng.normal(size=(classes, hidden)) / np.sqrt(hidden),
            "bias": 0.3 * rng.normal(size=classes),
        }
    )
    return {
        "make": "network",
        "layers": layers,
        "training": training,
        "seed": int(rng.integers(10**6)),
    }


def draw_batches(rng, *, features, classes, sizes):
    """Pairs of inputs and labels; batches differ in size, level and spread."""
    return [
        [
            rng.uniform(0.5, 2) * rng.normal(size=(size, features)) + rng.normal(size=features),
            rng.integers(0, classes, size),
        ]
        for size in sizes
    ]


def draw_answers(rng, count, classes):
    """Unequal classes: one never predicted, one never there, one there once and found.

    The last class and one before others are neither there nor predicted.
    """
    absent = rng.integers(classes - 2)
    rest = np.delete(np.arange(classes - 1), absent)
    never_predicted, never_there, only_once, *frequent = rng.permutation(rest)
    shares = rng.dirichlet(np.linspace(2, 8, len(frequent)))
    target = rng.choice(frequent, count, p=shares)
    predicted = np.where(rng.random(count) < 0.55, target, rng.choice(frequent, count))
    places = rng.permutation(count)
    target[places[:4]] = never_predicted
    predicted[places[2:7]] = never_there
    predicted[places[7]] = target[places[7]] = only_once
    return predicted, target

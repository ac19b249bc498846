"""Networks that several exercises of the lab draw alike, and what is looked at of them."""

from dataclasses import replace

import numpy as np

from autograder.judging.checks import Check, matches_reference


def linear(rng, out, features, **more):
    """A linear layer with weights of ordinary size."""
    weight = rng.normal(size=(out, features)) / np.sqrt(features)
    return {"kind": "linear", "weight": weight, "bias": 0.3 * rng.normal(size=out), **more}


def batch_norm(rng, features, momentum=0.1):
    """A batch normalization that has seen data, with a scale and a shift."""
    values = {
        "weight": rng.uniform(0.5, 1.5, features) * rng.choice([-1, 1], features),
        "bias": 0.5 * rng.normal(size=features),
        "running_mean": rng.normal(size=features),
        "running_var": rng.uniform(0.5, 3, features),
        "num_batches_tracked": np.array(rng.integers(4, 9)),
    }
    return {"kind": "batch_norm", "features": features, "momentum": momentum, "values": values}


def network(rng, layers, training):
    """A network to hand to an answer, with layers in a list or by name."""
    seed = int(rng.integers(10**6))
    return {"make": "network", "layers": layers, "training": training, "seed": seed}


def batches(rng, sizes, features):
    """Inputs only; batches differ in level and spread."""
    return [
        rng.uniform(0.5, 2) * rng.normal(size=(size, features)) + rng.normal(size=features)
        for size in sizes
    ]


def labeled(rng, sizes, features, classes):
    """Pairs of inputs and class numbers."""
    return [[x, rng.integers(0, classes, len(x))] for x in batches(rng, sizes, features)]


def of_parts(property: str, of: str, words: tuple[str, str] | None = None) -> Check:
    """Compare what the probe saw beside the numbers: modes, momenta, what is trainable."""
    return replace(matches_reference(property, of=f"parts.{of}", words=words), entries=("parts",))

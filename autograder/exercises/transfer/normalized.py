"""Networks with batch normalizations of several kinds, and batches that their statistics are of."""

from autograder.exercises.transfer.drawing import batch_norm, batches, linear, network


def of_features(training):
    def draw(rng):
        features, hidden, wide = (int(n) for n in rng.permutation([3, 4, 5]))
        block = [linear(rng, wide, hidden), batch_norm(rng, wide, momentum=0.25)]
        layers = [
            linear(rng, hidden, features),
            batch_norm(rng, hidden, momentum=0.05),
            {"kind": "relu"},
            {"kind": "nested", "layers": dict(zip(("dense", "norm"), block, strict=True))},
        ]
        count = int(rng.integers(3, 5))
        sizes = [int(n) for n in rng.permutation([4, 5, 7, 8])[:count]]
        return {
            "model": network(rng, layers, training),
            "batches": batches(rng, sizes, features),
        }

    return draw


def walked_once(rng):
    """Batches that come one after the other, and do not come again."""
    drawn = of_features(False)(rng)
    return {**drawn, "batches": {"make": "generator", "items": drawn["batches"]}}


def of_images(rng):
    """Other kinds of layers: normalizations of channels, and a dropout that acts in training mode."""
    channels, hidden, wide = (int(n) for n in rng.permutation([3, 4, 5]))

    def block(out, of, momentum):
        weight = rng.normal(size=(out, of, 1, 1)) / of**0.5
        norm = batch_norm(rng, out, momentum) | {"kind": "batch_norm_2d"}
        return [{"kind": "conv", "weight": weight, "bias": rng.normal(size=out)}, norm]

    nested = dict(zip(("conv", "norm"), block(wide, hidden, 0.25), strict=True))
    layers = [
        *block(hidden, channels, 0.05),
        {"kind": "dropout", "p": 0.4},
        {"kind": "nested", "layers": nested},
    ]
    images = [rng.normal(size=(n, channels, 2, 3)) + rng.normal() for n in (5, 8, 4)]
    return {"model": network(rng, layers, False), "batches": images}

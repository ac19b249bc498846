"""One network through all labs: what each of them adds, on the same data.

Two thousand photographs of clothes, a network of four convolutions, eight epochs in batches of 32.
It starts with sigmoids, brightness as it is, torch's own initialization and plain gradient descent.
Every lab changes one thing, and the later ones keep it.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import nn

from course_lib import (
    activations,
    augmentation,
    distributed,
    initialization,
    normalization,
    optimizers,
    plotting,
    preprocessing,
    regularization,
    schedules,
    search,
    training_loop,
    transfer,
)
from course_lib.data import Split, fashion_mnist
from course_lib.kernels import plain
from course_lib.tracing import jitted, pointer_table, ready

STEPS: dict[str, tuple[str, Callable[..., Any]]] = {
    "training_loop": ("plain gradient descent", training_loop.sgd_step),
    "activations": ("ReLU for the sigmoid", activations.relu),
    "preprocessing": ("standardized images", preprocessing.ImageNormalizer),
    "initialization": ("Kaiming initialization", initialization.kaiming_normal),
    "normalization": ("batch normalization", normalization.BatchNorm2d),
    "optimizers": ("AdamW", optimizers.AdamW),
    "schedules": ("warm-up, then cosine", schedules.warmup_then_cosine),
    "regularization": ("dropout", regularization.dropout),
    "augmentation": ("mirrored images", augmentation.random_flip),
    "search": ("rate and decay searched", search.best_run),
    "transfer": ("mean of two networks", transfer.average_probabilities),
    "distributed": ("two workers for a batch", distributed.mean_over_shards),
    "kernels": ("AdamW in one launch", plain.adamw.fn),
}
"""What each lab adds, in the order of the labs, and the function or class that adds it."""

IMAGES, EPOCHS, BATCH = 2_048, 8, 32
SGD_RATE, RATE, DECAY = 0.1, 0.01, 0.01

# Made by `python scripts/make_one_network.py`.
TRIALS: tuple[tuple[float, float, tuple[float, ...]], ...] = (
    (0.00697, 0.0111, (0.5067, 0.4711)),
    (0.02019, 0.0218, (0.4942, 0.4728)),
    (0.00141, 0.0387, (0.5726, 0.5422)),
    (0.00168, 0.1089, (0.5581, 0.5268)),
    (0.00333, 0.2485, (0.5129, 0.4813)),
    (0.01195, 0.3981, (0.4435, 0.4147)),
    (0.0068, 0.021, (0.4982, 0.4723)),
    (0.03335, 0.0367, (0.4814, 0.4845)),
    (0.00594, 0.2308, (0.4842, 0.4517)),
    (0.01187, 0.6767, (0.434, 0.4361)),
    (0.00392, 0.0623, (0.5214, 0.4846)),
    (0.00481, 0.5602, (0.4761, 0.4512)),
)
"""Rates and decays of a random search, each with the validation losses of two seeds."""

ACCURACIES: dict[str, tuple[float, ...]] = {
    "training_loop": (0.097, 0.1, 0.1015, 0.1, 0.1015, 0.1, 0.1, 0.1015, 0.1015, 0.1015),
    "activations": (0.774, 0.768, 0.808, 0.782, 0.738, 0.774, 0.786, 0.813, 0.784, 0.7965),
    "preprocessing": (0.8165, 0.7915, 0.819, 0.803, 0.812, 0.817, 0.823, 0.82, 0.82, 0.818),
    "initialization": (0.809, 0.8195, 0.815, 0.8055, 0.8035, 0.813, 0.816, 0.8, 0.817, 0.8275),
    "normalization": (0.8285, 0.8385, 0.8235, 0.84, 0.8265, 0.812, 0.828, 0.8325, 0.8285, 0.846),
    "optimizers": (0.8185, 0.8245, 0.8205, 0.838, 0.8295, 0.8515, 0.8265, 0.8405, 0.8075, 0.849),
    "schedules": (0.8525, 0.848, 0.849, 0.8445, 0.856, 0.844, 0.8405, 0.8475, 0.84, 0.844),
    "regularization": (0.8465, 0.862, 0.848, 0.8515, 0.8395, 0.8515, 0.8435, 0.852, 0.8435, 0.856),
    "augmentation": (0.8495, 0.8615, 0.843, 0.851, 0.8505, 0.8545, 0.8405, 0.8495, 0.8455, 0.852),
    "search": (0.858, 0.865, 0.8555, 0.848, 0.859, 0.862, 0.863, 0.8555, 0.848, 0.8525),
    "transfer": (0.8615, 0.867, 0.856, 0.863, 0.865, 0.8635, 0.8685, 0.8585, 0.858, 0.8615),
    "distributed": (0.8555, 0.8625, 0.861, 0.8635, 0.857, 0.863, 0.867, 0.8665, 0.864, 0.86),
    "kernels": (0.853, 0.8645, 0.864, 0.86, 0.856, 0.8605, 0.8625, 0.863, 0.864, 0.865),
}
"""After each lab, the test accuracies of ten seeds."""


class OneNetwork:
    """The training as it is after a lab, with the course's functions or with others in their place.

    Convention: others are keyword arguments of the same names, such as `kaiming_normal=mine`.
    Raises:     ValueError for another lab than those of `STEPS`, and for a function that no lab up
                to this one adds.
    """

    def __init__(self, lab: str, **others: Callable[..., Any]) -> None:
        if lab not in STEPS:
            raise ValueError(f"lab: got {lab!r}, allowed are {', '.join(STEPS)}")
        added = list(STEPS)[: list(STEPS).index(lab) + 1]
        self.uses = {STEPS[name][1].__name__: STEPS[name][1] for name in added}
        if unknown := sorted(set(others) - set(self.uses)):
            allowed = ", ".join(self.uses)
            raise ValueError(f"{', '.join(unknown)}: not in this training, allowed are {allowed}")
        self.uses |= others

    def accuracies(self, seeds: Iterable[int]) -> torch.Tensor:
        """The shares of the 2,000 test images that trainings with these seeds get right.

        Shapes: (number of seeds,), float64.
        """
        split = fashion_mnist(IMAGES)
        right = [self.scores(split, seed).argmax(dim=1) == split.y_test for seed in seeds]
        return torch.stack(right).double().mean(dim=1)

    def scores(self, split: Split, seed: int) -> torch.Tensor:
        """Train on a split, and score the images of its test: (M, 10)."""
        rate, decay = RATE, DECAY
        if "best_run" in self.uses:
            best = self.uses["best_run"](torch.tensor([losses for *_, losses in TRIALS]))
            rate, decay, _ = TRIALS[best]
        if "average_probabilities" not in self.uses:
            return self.trained(split, seed, rate, decay)
        members = [self.trained(split, 1_000 * k + seed, rate, decay) for k in range(2)]
        averaged: torch.Tensor = self.uses["average_probabilities"](torch.stack(members))
        return averaged

    def trained(self, split: Split, seed: int, rate: float, decay: float) -> torch.Tensor:
        """As `scores`, of a single network; plain gradient descent takes its own rate."""
        torch.manual_seed(seed)
        network = self._network(split.x_train[:, None])
        parameters = list(network.parameters())
        optimizer = None
        if "adamw" in self.uses:
            optimizer = _OneLaunch(self.uses["adamw"], parameters, rate, decay)
        elif "AdamW" in self.uses:
            optimizer = self.uses["AdamW"](parameters, lr=rate, weight_decay=decay)
        epoch = len(split.x_train) // BATCH
        for step in range(EPOCHS * epoch):
            if step % epoch == 0:
                batches = torch.randperm(len(split.x_train)).split(BATCH)
            batch = batches[step % epoch]
            images = self._seen(split.x_train[batch, None])
            gradients = self._gradients(network, images, split.y_train[batch])
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.grad = gradient
            if optimizer is None:
                self.uses["sgd_step"](parameters, SGD_RATE)
                continue
            if "warmup_then_cosine" in self.uses:
                optimizer.lr = self.uses["warmup_then_cosine"](
                    step, base_lr=rate, warmup_steps=epoch, total_steps=EPOCHS * epoch
                )
            optimizer.step()
        network.eval()
        with torch.no_grad():
            scores: torch.Tensor = network(split.x_test[:, None])
        return scores

    def _network(self, images: torch.Tensor) -> nn.Sequential:
        """Four convolutions and a linear layer: 13 thousand parameters."""
        layers: list[nn.Module] = []
        if "ImageNormalizer" in self.uses:
            layers.append(self.uses["ImageNormalizer"](images))
        for channels, maps in ((1, 8), (8, 16), (16, 16), (16, 16)):
            layers.append(nn.Conv2d(channels, maps, 3, padding=1))
            if "BatchNorm2d" in self.uses:
                layers.append(self.uses["BatchNorm2d"](maps))
            layers.append(_Layer(lambda x, training: self.uses.get("relu", torch.sigmoid)(x)))
            if channels < 16:
                layers.append(nn.MaxPool2d(2))
        layers.append(nn.Flatten())
        if "dropout" in self.uses:
            layers.append(_Layer(lambda x, training: self.uses["dropout"](x, 0.3, training)))
        layers.append(nn.Linear(16 * 7 * 7, 10))
        if "kaiming_normal" in self.uses:
            for layer in layers:
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    assert layer.bias is not None
                    layer.weight.data = self.uses["kaiming_normal"](tuple(layer.weight.shape))
                    nn.init.zeros_(layer.bias)
        return nn.Sequential(*layers)

    def _seen(self, images: torch.Tensor) -> torch.Tensor:
        """What the network is shown of a batch."""
        if "random_flip" not in self.uses:
            return images
        mirrored: torch.Tensor = self.uses["random_flip"](images, torch.zeros(len(images), 4))[0]
        return mirrored

    def _gradients(
        self, network: nn.Module, images: torch.Tensor, labels: torch.Tensor
    ) -> list[torch.Tensor]:
        """The gradients of the batch's mean loss, of one worker or of two with unequal shards."""
        counts = [20, 12] if "mean_over_shards" in self.uses else [BATCH]
        of_shards = [
            torch.autograd.grad(F.cross_entropy(network(x), y), list(network.parameters()))
            for x, y in zip(images.split(counts), labels.split(counts), strict=True)
        ]
        if len(counts) == 1:
            return list(of_shards[0])
        return [self.uses["mean_over_shards"](g, counts) for g in zip(*of_shards, strict=True)]


class _OneLaunch:
    """AdamW by a kernel: parameters become parts of one tensor, on which one program works.

    Raises: TritonError where kernels do not run in the interpreter.
    """

    def __init__(
        self, kernel: Any, parameters: list[nn.Parameter], lr: float, weight_decay: float
    ) -> None:
        ready()
        self.kernel, self.parameters = jitted(kernel), parameters
        self.lr, self.weight_decay, self.steps = lr, weight_decay, 0
        self.weights = torch.cat([p.detach().flatten() for p in parameters])
        parts = self.weights.split([p.numel() for p in parameters])
        for parameter, part in zip(parameters, parts, strict=True):
            parameter.data = part.view_as(parameter)
        self.averages = torch.zeros_like(self.weights)
        self.squares = torch.zeros_like(self.weights)

    def step(self) -> None:
        """Update every parameter."""
        self.steps += 1
        gradient = torch.cat([p.grad.flatten() for p in self.parameters if p.grad is not None])
        tensors = (self.weights, gradient, self.averages, self.squares)
        tables = [pointer_table([tensor]) for tensor in tensors]
        count, zero = len(gradient), torch.zeros(1, dtype=torch.int64)
        settings = (self.lr, 0.9, 0.999, 1e-8, self.weight_decay)
        corrections = (1 - 0.9**self.steps, 1 - 0.999**self.steps)
        self.kernel[(1,)](
            *tables, torch.tensor([count]), zero, zero, *settings, *corrections,
            BLOCK=1 << (count - 1).bit_length(),
        )  # fmt: skip


class _Layer(nn.Module):
    """A function of what comes in, and of whether the network is in training, as a layer."""

    def __init__(self, function: Callable[[torch.Tensor, bool], torch.Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.function(x, self.training)


def trained_with_yours(lab: str, **yours: Callable[..., Any]) -> Figure:
    """Train once as it is after a lab with functions of yours, and show what every lab added.

    Errors: as `OneNetwork`.
    """
    right = OneNetwork(lab, **yours).accuracies([0]).item()
    mean = torch.tensor(ACCURACIES[lab]).mean().item()
    print(f"{STEPS[lab][0]}: {right:.1%} right with your {', '.join(yours)}")
    print(f"ten trainings with the course's: {mean:.1%}")
    return ladder(lab, right)


def ladder(lab: str, yours: float | None = None) -> Figure:
    """Draw what the training reaches after each lab up to one."""
    shown = list(STEPS)[: list(STEPS).index(lab) + 1]
    return plotting.ladder(
        {STEPS[name][0]: [100 * share for share in ACCURACIES[name]] for name in shown},
        yours=None if yours is None else 100 * yours,
        cut=70,
        xlabel="test accuracy, %",
        title="One network, and what each lab adds",
    )

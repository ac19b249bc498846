"""A better training for the same budget: what it costs, what it gains, and one that is better."""

from collections.abc import Callable, Mapping

import torch
import torch.nn.functional as F
from torch import nn


def conv_flops(
    channels: int, out: int, kernel: int, height: int, width: int, *, first: bool = False
) -> int:
    """Count the FLOPs that a convolution takes for one image, forward and backward.

    Formula:    F = 2·C·K²·O·H·W forward; backward once more for the weights' gradient, and once
                more for the inputs', which the first layer of a network does not need: 3F, or 2F.
    Convention: a multiplication with an addition is two. H and W are those of the output; the
                bias is left out, as `torch.utils.flop_counter` does.

    >>> conv_flops(1, 8, 3, 28, 28, first=True)
    225792
    """
    forward = 2 * channels * kernel**2 * out * height * width
    return forward * (2 if first else 3)


def mean_gain(accuracies: torch.Tensor, baseline: torch.Tensor) -> tuple[float, float]:
    """Say by how many points runs are better than others, and how uncertain that is.

    Formula:    100·(mean(a) − mean(b)), and 100·√(s_a²/n_a + s_b²/n_b) with the unbiased variances.
    Shapes:     accuracies (n_a,) and baseline (n_b,), shares in [0, 1], of different seeds.
    Convention: a point is one hundredth of the images.
    Source:     Welch 1947 (the standard error of a difference of means).

    >>> points, error = mean_gain(torch.tensor([0.84, 0.86]), torch.tensor([0.78, 0.80, 0.76]))
    >>> round(points, 3), round(error, 3)
    (7.0, 1.528)
    """
    points = 100 * (accuracies.mean() - baseline.mean())
    squared = accuracies.var() / len(accuracies) + baseline.var() / len(baseline)
    return points.item(), 100 * squared.sqrt().item()


def worth_keeping(changes: Mapping[str, torch.Tensor], baseline: torch.Tensor) -> list[str]:
    """Name the changes that gain more than two standard errors, the largest gain first.

    Shapes:  every change (n,), its accuracies with n seeds; baseline (m,).
    """
    gains = {name: mean_gain(accuracies, baseline) for name, accuracies in changes.items()}
    kept = [name for name, (points, error) in gains.items() if points > 2 * error]
    return sorted(kept, key=lambda name: gains[name][0], reverse=True)


def paired_gain(accuracies: torch.Tensor, baseline: torch.Tensor) -> tuple[float, float]:
    """Say by how many points runs are better than those with the same seeds, and how uncertain.

    Formula: with dᵢ = aᵢ − bᵢ: 100·mean(d), and 100·s_d/√n with the unbiased standard deviation.
    Shapes:  accuracies and baseline (n,), shares in [0, 1], the i-th of both with the same seed.
    Source:  Student 1908 (the paired comparison).
    """
    differences = accuracies - baseline
    error = differences.std() / len(differences) ** 0.5
    return 100 * differences.mean().item(), 100 * error.item()


def train(
    images: torch.Tensor, labels: torch.Tensor, seed: int
) -> Callable[[torch.Tensor], torch.Tensor]:
    """Train a network on photographs of clothes; what comes back scores other photographs.

    Shapes: images (N, 28, 28) with brightness in [0, 1], labels (N,) in 0…9 -> a function from
            images (M, 28, 28) to scores (M, 10), the highest at the class it takes an image for.
    """
    epochs, size, rate = 5, 32, 0.01
    mean, std = images.mean(), images.std()
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 10),
    )
    steps = len(images) // size  # an epoch leaves out what does not fill a batch
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=epochs * steps)
    for _ in range(epochs):
        for batch in torch.randperm(len(images)).split(size)[:steps]:
            scores = network((images[batch, None] - mean) / std)
            optimizer.zero_grad()
            F.cross_entropy(scores, labels[batch]).backward()
            optimizer.step()
            schedule.step()
    network.eval()

    def predict(images: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            scores: torch.Tensor = network((images[:, None] - mean) / std)
        return scores

    return predict

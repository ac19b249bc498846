"""The training that the capstone starts from, and how one that is to be better is measured.

Nobody is graded on it. An entry is a function ``train(images, labels, seed)`` that gives a function
``predict(images)``: images (N, 28, 28) with brightness in [0, 1], labels (N,), scores (M, 10).
"""

from collections.abc import Callable, Iterable

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_lib.data import fashion_mnist

Predict = Callable[[torch.Tensor], torch.Tensor]
Train = Callable[[torch.Tensor, torch.Tensor, int], Predict]

IMAGES = 2_049
"""So many images an entry is trained on. Batches of a power of two leave one image over."""

BUDGET = 8.2e6
"""So many FLOPs a training may take for every image it is given; the baseline takes 6.5e6."""

# Made by `python scripts/make_baseline.py`, seeds 0 to 9.
ACCURACIES = (0.761, 0.7655, 0.7785, 0.7705, 0.7675, 0.787, 0.731, 0.8035, 0.7625, 0.777)
"""The baseline's accuracy on the test images of `data.fashion_mnist`, for each of ten seeds."""


def small_cnn() -> nn.Sequential:
    """Two convolutions with max pooling and a linear layer, 9 thousand parameters.

    Shapes:  (N, 1, 28, 28) -> (N, 10).
    """
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 10),
    )


def baseline(images: torch.Tensor, labels: torch.Tensor, seed: int) -> Predict:
    """Train `small_cnn` by plain SGD: four epochs, batches of 32, a rate of 0.1.

    Shapes:  images (N, 28, 28), labels (N,) -> a function from images (M, 28, 28) to scores
             (M, 10).
    """
    torch.manual_seed(seed)
    network = small_cnn()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(4):
        # What does not fill a batch is left out: a last step on one image would undo much.
        for batch in torch.randperm(len(images)).split(32)[: len(images) // 32]:
            loss = F.cross_entropy(network(images[batch, None]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    def predict(images: torch.Tensor) -> torch.Tensor:
        network.eval()
        with torch.no_grad():
            scores: torch.Tensor = network(images[:, None])
        return scores

    return predict


def flops(train: Train) -> float:
    """How many FLOPs a training takes for every image it is given, counted on 65 images.

    Convention: a multiplication with an addition is two; matrix products and convolutions count,
                what is done element by element does not, as in `FlopCounterMode`.
    """
    split = fashion_mnist(65, 1)
    with FlopCounterMode(display=False) as counter:
        train(split.x_train, split.y_train, 0)
    return counter.get_total_flops() / len(split.x_train)


def accuracies(train: Train, seeds: Iterable[int]) -> torch.Tensor:
    """The shares of the 2,000 test images that trainings with these seeds get right.

    Shapes:  (number of seeds,), float64.
    """
    split = fashion_mnist(IMAGES)
    shares = []
    for seed in seeds:
        scores = train(split.x_train, split.y_train, seed)(split.x_test)
        shares.append((scores.argmax(dim=1) == split.y_test).double().mean())
    return torch.stack(shares)

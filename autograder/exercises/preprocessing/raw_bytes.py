"""Pixels from 0 to 255: a prediction about a network that gets them centered only."""

import functools

import torch

from autograder.exercises.preprocessing.lab import lab
from course_lib import data

CENTERED_ONLY = (
    "both learn about equally well",
    "only the network on standardized pixels learns",
    "only the network on centered pixels learns",
    "neither learns",
)


@functools.cache
def _centered_bytes():
    clothes = data.fashion_mnist(600, 1)
    pixels = clothes.x_train.flatten(1) * 255
    centered = pixels - pixels.mean()
    learns = []
    with torch.random.fork_rng(devices=[]):
        for x in (centered, centered / pixels.std()):
            torch.manual_seed(0)
            model = torch.nn.Sequential(
                torch.nn.Linear(784, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10)
            )
            optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
            for step in range(120):
                batch = torch.arange(40) + 40 * (step % 15)
                loss = torch.nn.functional.cross_entropy(model(x[batch]), clothes.y_train[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                right = (model(x).argmax(dim=1) == clothes.y_train).float().mean()
            learns.append(bool(right > 0.5))
    return CENTERED_ONLY[{(True, True): 0, (False, True): 1, (True, False): 2}.get(tuple(learns), 3)]  # fmt: skip


lab.prediction(
    "centered_bytes",
    title="Predict: “for images: center only”",
    statement="""The notes: *“For images: center only; the pixels share one scale already.”* Take
photographs of clothes with pixels from 0 to 255, and the same small network twice, with the same
starting weights and the same learning rate of 0.05: once on pixels that are only centered, once on
pixels that are also divided by their standard deviation, 90. What will be seen?""",
    minutes=2,
    core=False,
    syllabus=("3.2", "3.6"),
    choices=CENTERED_ONLY,
    outcome=_centered_bytes,
    explanation="""Inputs 90 times as large make the curvature of the loss, in the first layer's
weights, 8100 times as large. The rate that is right for the one is far beyond stability for the
other. One scale for all pixels is good; it also has to be a scale that fits the learning rate and
the initialization.""",
)

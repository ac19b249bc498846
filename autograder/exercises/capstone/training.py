"""The entry: a training of one's own, held to what makes a training trustworthy, then measured."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from autograder import probes
from autograder.exercises.capstone.lab import lab
from autograder.exercises.capstone.trusting import (
    BUDGET,
    FORM,
    GAINS,
    LEARNS,
    ONLY_SCORES,
    PROCESS,
    few,
    full,
    gains,
    outcome,
)
from autograder.judging import Part, edit
from course_lib import capstone

UNCOUNTED = (
    "numpy", ".numpy", ".__array__", ".__dlpack__", "scipy", "sklearn", "ctypes",
    "multiprocessing", "torch.multiprocessing", "concurrent.futures.ProcessPoolExecutor",
    "subprocess", "os", "_thread",
    ".compile", "torch.compile", "torch.jit", "torch.utils._python_dispatch", "torch._C",
)  # fmt: skip
"""What computes where no FLOPs are counted."""

ELSEWHERE = ("course_lib.data", "torchvision")
"""Where there are images that the entry is not given."""

train = lab.exercise(
    capstone.train,
    title="Your entry",
    statement=(
        "Write a training that is better than the baseline and costs at most **8.2 million FLOPs for each "
        "image** it is given (the baseline takes 6.5; what is counted are convolutions and matrix products "
        "during `train`, as `flops(train)` does). Nothing is learned but from these images and labels, whose "
        "classes may have other numbers than in your data. Compute with torch as it is: numpy, other processes, "
        "`torch.compile` and `torch.jit`, whose products nobody counts, are not allowed. Start from the baseline above, change one thing at a time, "
        "and choose from the whole course. Six points are for what makes a result trustworthy, one each:\n\n"
        "1. the same seed gives the same network;\n"
        "2. another seed gives another one;\n"
        "3. an image's scores do not depend on the images it is asked with;\n"
        "4. asked twice, `predict` says the same;\n"
        "5. the budget is kept, with 257 images as with 2,049 (beyond it no gain counts, either);\n"
        "6. `images` and `labels` are left as they were.\n\n"
        "Each of them asks for a network that learns what it is shown. Six more are for what you gain, two "
        "each at **2**, **3.5** and **5 points** above the baseline's mean of ten seeds, as the mean of three "
        "seeds, on images that are in no data set of yours. The check trains six times: it takes some ten "
        "seconds."
    ),
    minutes=30,
    difficulty=3,
    syllabus=("14.3",),
    seeds=True,
    forbidden=UNCOUNTED + ELSEWHERE,
    inputs=(few, full),
    probe=probes.entry(),
    signature=outcome,
    parts=[
        *(Part(check.property, 1, (FORM, LEARNS, check)) for check in PROCESS),
        *(Part(f"{least:g} points", 2, (LEARNS, BUDGET, ONLY_SCORES, gains(least)))
        for least in GAINS),
    ],
    hints=(
        "Look at the baseline's curves: does its loss still fall at the end? What of lab 6 and lab 7 makes more "
        "of four epochs?",
        "AdamW on one cycle (`torch.optim.lr_scheduler.OneCycleLR`, one step a batch, ending near zero) gains "
        "most; standardized inputs and batch normalization come next. The budget has room for a fifth epoch.",
        "Take mean and standard deviation from `images` in `train` and let `predict` use *those*; "
        "`network.eval()` before `predict` is returned.",
    ),
)  # fmt: skip

train.mistake(
    "seed_forgotten",
    edit("torch.manual_seed(seed)", "pass"),
    "Two calls with the same `seed` give two networks, and nobody can repeat your result: "
    "`torch.manual_seed(seed)` before the network is made, nothing random from elsewhere, and nothing that one "
    "call leaves behind for the next.",
)
train.mistake(
    "always_the_same_seed",
    edit("torch.manual_seed(seed)", "torch.manual_seed(0)"),
    "Your seed is always the same one, so three seeds are one run seen three times. Use the `seed` that is "
    "given.",
)
train.mistake(
    "left_in_training_mode",
    edit("network.eval()", "pass"),
    "An image's scores depend on its company: batch normalization still normalizes with the batch that is "
    "asked, or your standardization does. `network.eval()`, and the mean and deviation of the *training* "
    "images.",
)
train.mistake(
    "statistics_of_the_asked",
    edit("(images[:, None] - mean) / std", "(images[:, None] - images.mean()) / images.std()"),
    "An image's scores depend on its company: batch normalization still normalizes with the batch that is "
    "asked, or your standardization does. `network.eval()`, and the mean and deviation of the *training* "
    "images.",
)  # fmt: skip
train.mistake(
    "dropout_stays_on",
    edit(
        "scores: torch.Tensor = network((images[:, None] - mean) / std)",
        "scores = network(F.dropout((images[:, None] - mean) / std, 0.1))",
    ),
    "Something random is still on when `predict` is asked, such as `F.dropout(x, p)` without "
    "`training=self.training`, which is on in `eval` mode, too.",
)
train.mistake(
    "over_budget",
    edit("epochs, size, rate = 5", "epochs, size, rate = 6"),
    "It costs more than the budget allows. `flops(train)` says what you spend: fewer epochs, or a narrower "
    "network.",
)
train.mistake(
    "changes_the_images",
    edit("mean, std = images.mean(), images.std()", "mean, std = images.mean(), images.std(); images -= mean").also(
        "(images[batch, None] - mean) / std", "images[batch, None] / std"
    ),
    "You change `images` in place. Whoever trains the next network on them trains on something else: "
    "`images = images - mean` makes new ones.",
)  # fmt: skip


train.mistake(
    "classes_for_scores",
    edit("return scores", "return scores.argmax(dim=1)"),
    "`predict` gives classes. Asked for are the ten scores of every image, from which others choose.",
)


train.mistake(
    "scores_upside_down",
    edit("return scores", "return -scores"),
    "Your *lowest* score is at the right class. The highest belongs there: logits or probabilities, not losses "
    "or distances.",
)


@train.mistake(
    "No convolution and no matrix product was counted: what compares images with stored ones, or multiplies "
    "element by element and sums, is no training that the budget could measure. Train layers of torch."
)
def no_network(images, labels, seed):
    centers = [images[labels == k].sum(0) / max(int((labels == k).sum()), 1) for k in range(10)]

    def predict(asked):
        return torch.stack([-(asked - c).square().sum((1, 2)) for c in centers], dim=1)

    return predict


@train.mistake(
    "No convolution and no matrix product was counted: what compares images with stored ones, or multiplies "
    "element by element and sums, is no training that the budget could measure. Train layers of torch."
)
def products_by_element(images, labels, seed):
    torch.manual_seed(seed)
    weights = 0.01 * torch.randn(10, 28, 28)

    def predict(asked):
        return (asked[:, None] * weights).sum((2, 3))

    for _ in range(3):
        for batch in torch.randperm(len(images)).split(32):
            error = F.one_hot(labels[batch], 10) - predict(images[batch]).softmax(dim=1)
            weights += 0.1 * (error[:, :, None, None] * images[batch, None]).mean(dim=0)
    return predict


@train.mistake(
    "`predict` goes on training. What is trained belongs into `train`, where it is counted; `predict` only "
    "scores, the same today as tomorrow."
)
def trained_further_when_asked(images, labels, seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)

    def train_on(batches):
        for batch in batches:
            optimizer.zero_grad()
            F.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimizer.step()

    batches = torch.randperm(len(images)).split(32)
    train_on(batches * 3)

    def predict(asked):
        train_on(batches[:4])
        return network(asked).detach()

    return predict


@train.mistake(
    "`predict` backpropagates. What is trained belongs into `train`, where it is counted."
)
def trained_when_asked(images, labels, seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    batches = list(torch.randperm(len(images)).split(32)) * 3

    def predict(asked):
        while batches:
            batch = batches.pop()
            optimizer.zero_grad()
            F.cross_entropy(network(images[batch]), labels[batch]).backward()
            optimizer.step()
        return network(asked).detach()

    return predict


train.mistake(
    "labels_of_other_images",
    edit("labels[batch]", "labels[: len(batch)]"),
    "It learns next to nothing. Are the labels of a batch those of its images (both with the same indices, "
    "`images[batch]` and `labels[batch]`)? Is it trained on the arguments, and by steps that do not diverge? Does "
    "`predict` show the network what it was trained on, standardized alike?",
)


@train.mistake(
    "It can be trusted, and does not gain enough yet. Change one thing at a time: begin with the optimizer and "
    "its schedule."
)
def the_baseline_itself(images, labels, seed):
    torch.manual_seed(seed)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * 7 * 7, 10),
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(4):
        for batch in torch.randperm(len(images)).split(32)[: len(images) // 32]:
            optimizer.zero_grad()
            F.cross_entropy(network(images[batch, None]), labels[batch]).backward()
            optimizer.step()

    @torch.no_grad()
    def predict(images):
        return network(images[:, None])

    return predict


@train.alternative
def nesterov_on_a_cosine(images, labels, seed):
    torch.manual_seed(seed)
    center, scale = images.mean(), images.std()
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(784, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(network.parameters(), 0.02, momentum=0.9, nesterov=True)
    batches = [b for _ in range(5) for b in torch.randperm(len(images)).split(32) if len(b) == 32]
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, len(batches))
    for batch in batches:
        loss = F.cross_entropy(network((images[batch, None] - center) / scale), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()

    def predict(images):
        network.eval()
        with torch.no_grad():
            return network((images[:, None] - center) / scale).softmax(dim=1)

    return predict


@train.alternative
class ModuleThatStandardizes(nn.Module):
    """What is returned may be a module, and `train` a class."""

    def __new__(cls, images, labels, seed):
        torch.manual_seed(seed)
        self = super().__new__(cls)
        nn.Module.__init__(self)
        self.register_buffer("mean", images.mean())
        self.register_buffer("std", images.std())
        self.layers = nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(784, 10),
        )  # fmt: skip
        optimizer = torch.optim.AdamW(self.parameters(), lr=0.01)
        batches = [
            b for _ in range(5) for b in torch.randperm(len(images)).split(48) if len(b) == 48
        ]
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=len(batches))
        for batch in batches:
            optimizer.zero_grad()
            F.cross_entropy(self(images[batch]), labels[batch]).backward()
            optimizer.step()
            schedule.step()
        return self.eval()

    def __init__(self, images, labels, seed):
        pass

    def forward(self, images):
        return self.layers((images[:, None] - self.mean) / self.std)

"""The entry: a training of one's own, held to what makes a training trustworthy, then measured."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder import probes
from autograder.exercises.capstone.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import Case, Check, finding, leaves_inputs_alone
from autograder.judging.verdict import Finding
from course_lib import baseline, capstone, data

GAINS = (2.0, 4.5, 7.0)
"""Points above the baseline that are worth something; the last is worth everything."""

KINDS = (0, 1, 8, 9)  # T-shirt, trouser, bag, ankle boot: told apart within a few steps
LEARNED = 0.6
_FEW, _ASKED = 257, 1_500


@functools.cache
def _held_out() -> dict[str, np.ndarray]:
    with np.load(Path(__file__).with_name("held_out.npz")) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _bytes(images: torch.Tensor) -> np.ndarray:
    return (images * 255).round().to(torch.uint8).numpy()


def _few(rng):
    """Few images of four kinds under other labels; the second seed is the first one again."""
    split, held_out = data.fashion_mnist(), _held_out()
    names = rng.permutation(10)[: len(KINDS)]
    chosen = rng.permutation(np.flatnonzero(np.isin(split.y_train, KINDS)))[:_FEW]
    asked = rng.permutation(np.flatnonzero(np.isin(held_out["labels"], KINDS)))[:96]

    def renamed(labels):
        return names[np.searchsorted(KINDS, labels)].astype(np.int64)

    first, other = (int(seed) for seed in rng.permutation(1000)[:2])
    return {
        "images": _bytes(split.x_train[chosen]),
        "labels": renamed(split.y_train[chosen].numpy()),
        "asked": held_out["images"][asked],
        "truth": renamed(held_out["labels"][asked]),
        "seeds": [first, first, other],
        "counted": 0,
    }


def _full(rng):
    """The training of the course, asked for images that nobody has seen, with three seeds."""
    split, held_out = data.fashion_mnist(baseline.IMAGES), _held_out()
    asked = rng.permutation(len(held_out["labels"]))[:_ASKED]
    return {
        "images": _bytes(split.x_train),
        "labels": split.y_train.numpy(),
        "asked": held_out["images"][asked],
        "truth": held_out["labels"][asked].astype(np.int64),
        "seeds": [int(seed) for seed in 1000 + rng.permutation(1000)[:3]],
        "counted": int(rng.integers(3)),
        "to_beat": float(held_out["right"][asked].mean() / 10),
    }


def _runs(case: Case) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = case.observed["result"]
    return runs


def _scores(run: dict[str, Any], case: Case) -> np.ndarray:
    """The scores of a run for all images that were asked; anything else raises, and has failed."""
    scores = np.asarray(run["scores"], dtype=np.float64)
    if scores.shape != (len(case.inputs["truth"]), 10):
        raise ValueError
    return scores


def _accuracy(run: dict[str, Any], case: Case) -> float:
    scores = _scores(run, case)
    right = scores.argmax(axis=1) == case.inputs["truth"]
    return float((right & np.isfinite(scores).all(axis=1)).mean())


def _is_full(case: Case) -> bool:
    return "to_beat" in case.inputs


def _form(case: Case) -> Finding:
    wanted = (len(case.inputs["truth"]), 10)
    for run in _runs(case):
        scores = run["scores"]
        if not isinstance(scores, np.ndarray):
            gist = "`predict(images)` gives no tensor"
            return finding(False, f"scores of shape {wanted}", "something else", gist)
        if scores.shape != wanted:
            gist = "a row for each image, a column for each class"
            return finding(False, f"shape {wanted}", f"shape {scores.shape}", gist)
    return finding(True)


def _learns(case: Case) -> Finding:
    if _is_full(case):
        return finding(True)
    shares = [_accuracy(run, case) for run in _runs(case)]
    gist = (
        "with 257 images of four kinds, under labels that are not the usual ones, it learns next to "
        "nothing: is it trained on the images and labels that it is given?"
    )
    observed = f"{min(shares):.0%}"
    return finding(min(shares) >= LEARNED, f"at least {LEARNED:.0%} right", observed, gist)


def _repeats(case: Case) -> Finding:
    if _is_full(case):
        return finding(True)
    one, again = (_scores(run, case) for run in _runs(case)[:2])
    gist = "the same seed gave two networks: `torch.manual_seed(seed)` before anything is drawn"
    return finding(np.array_equal(one, again), "equal scores", "other scores", gist)


def _varies(case: Case) -> Finding:
    if _is_full(case):
        return finding(True)
    one, _, other = (_scores(run, case) for run in _runs(case))
    gist = "two seeds gave one network: the seed that is given has no part in it"
    return finding(not np.array_equal(one, other), "other scores", "equal scores", gist)


def _stands_alone(case: Case) -> Finding:
    for run in _runs(case):
        alone = np.concatenate([np.asarray(one, dtype=np.float64) for one in run["alone"]])
        together = _scores(run, case)[: len(alone)]
        if not np.allclose(alone, together, rtol=1e-3, atol=1e-3):
            gist = (
                "an image's scores depend on its company: `network.eval()` is missing, or the images "
                "that are asked have a part in the statistics"
            )
            return finding(False, "the same scores", "other ones", gist)
    return finding(True)


def _is_calm(case: Case) -> Finding:
    for run in _runs(case):
        once, again = (np.asarray(scores, dtype=np.float64) for scores in run["twice"])
        if not np.allclose(once, again, rtol=1e-3, atol=1e-3):
            gist = "asked twice, it gives two answers: something random is still switched on"
            return finding(False, "the same scores", "other ones", gist)
    return finding(True)


def _keeps_to_the_budget(case: Case) -> Finding:
    spent = sum(run.get("flops", 0.0) for run in _runs(case)) / len(case.inputs["images"])
    gist = f"{spent / baseline.BUDGET:.3g} times the budget"
    wanted = f"at most {baseline.BUDGET / 1e6:g} million FLOPs for each image"
    return finding(0 < spent <= baseline.BUDGET, wanted, f"{spent / 1e6:.3g} million", gist)


def _only_scores(case: Case) -> Finding:
    trains = any(run["trains_when_asked"] is not False for run in _runs(case))
    gist = "`predict` backpropagates: training belongs into `train`, where it is counted"
    return finding(not trains, "a `predict` that only scores", "one that trains", gist)


def _gain(case: Case) -> float:
    shares = [_accuracy(run, case) for run in _runs(case)]
    return 100 * (float(np.mean(shares)) - case.inputs["to_beat"])


def _gains(least: float) -> Check:
    def look(case: Case) -> Finding:
        if not _is_full(case):
            return finding(True)
        gained = _gain(case)
        said = f"{gained:+.1f} points"
        return finding(gained >= least, f"at least {least:+g} points", said, said, measured=gained)

    return Check(f"{least:g} points better than the baseline", look)


FORM = Check("scores of ten classes", _form)
LEARNS = Check("it learns what it is shown", _learns)
BUDGET = Check("it keeps to the budget", _keeps_to_the_budget)
ONLY_SCORES = Check("nothing is trained when scores are asked for", _only_scores)
PROCESS = (
    Check("the same seed gives the same network", _repeats),
    Check("another seed gives another network", _varies),
    Check("an image is scored for itself", _stands_alone),
    Check("asked twice, it says the same", _is_calm),
    BUDGET,
    leaves_inputs_alone(stated=True),
)


def _outcome(observation: dict[str, Any]) -> tuple[bool, ...]:
    """What is seen of an entry, check by check."""
    case = Case(observation["inputs"], observation, {})
    checks = (FORM, LEARNS, *PROCESS, ONLY_SCORES, *map(_gains, GAINS))
    return tuple(check(case).passed for check in checks)


train = lab.exercise(
    capstone.train,
    title="Your entry",
    statement=(
        "Write a training that is better than the baseline and costs at most **8.2 million FLOPs for each "
        "image** it is given (the baseline takes 6.5; what is counted are convolutions and matrix products "
        "during `train`, as `flops(train)` does). Start from the baseline above, change one thing at a time, "
        "and choose from the whole course. Six points are for what makes a result trustworthy, one each:\n\n"
        "1. the same seed gives the same network;\n"
        "2. another seed gives another one;\n"
        "3. an image's scores do not depend on the images it is asked with;\n"
        "4. asked twice, `predict` says the same;\n"
        "5. the budget is kept, with 257 images as with 2,049 (beyond it no gain counts, either);\n"
        "6. `images` and `labels` are left as they were.\n\n"
        "Each of them asks for a network that learns what it is shown. Six more are for what you gain, two "
        "each at **2**, **4.5** and **7 points** above the baseline's mean of ten seeds, as the mean of three "
        "seeds, on images that are in no data set of yours. The check trains six times: it takes some ten "
        "seconds."
    ),
    minutes=30,
    difficulty=3,
    syllabus=("14.3",),
    seeds=True,
    inputs=(_few, _full),
    probe=probes.entry(),
    signature=_outcome,
    parts=[
        *(Part(check.property, 1, (FORM, LEARNS, check)) for check in PROCESS),
        *(Part(f"{least:g} points", 2, (LEARNS, BUDGET, ONLY_SCORES, _gains(least)))
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
    "You never use `seed`: two calls with the same one give two networks, and nobody can repeat your result. "
    "`torch.manual_seed(seed)` before the network is made.",
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
    "The labels of a batch are not those of its images, so there is nothing to be learned: take both with the "
    "same indices, `images[batch]` and `labels[batch]`.",
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

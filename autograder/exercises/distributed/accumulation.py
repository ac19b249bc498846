"""Gradient accumulation: a large batch on a small device."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder import probes
from autograder.exercises.distributed.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import check, finding, leaves_inputs_alone, matches_reference
from autograder.judging.comparison import difference
from course_lib import distributed

FEATURES, HIDDEN, CLASSES = 4, 5, 3
_SMALL = 1e-5
"""`clip_grad_norm_` adds 1e-6 to the norm; who clips by hand may not."""


def _batches(rng):
    """Micro-batches of unequal sizes and unlike examples; some steps are clipped, and some not."""
    batches = []
    for count in (3, 2, 3):
        sizes = 1 + rng.choice(6, size=count, replace=False)
        batches.append(
            [
                [
                    rng.normal(size=(int(n), FEATURES)) + rng.normal(size=FEATURES),
                    rng.integers(CLASSES, size=int(n)),
                ]
                for n in sizes
            ]
        )
    return {
        "model": {
            "make": "network",
            "layers": [
                {
                    "kind": "linear",
                    "weight": rng.normal(size=(HIDDEN, FEATURES)),
                    "bias": rng.normal(size=HIDDEN),
                },
                {"kind": "relu"},
                {
                    "kind": "linear",
                    "weight": rng.normal(size=(CLASSES, HIDDEN)),
                    "bias": rng.normal(size=CLASSES),
                },
            ],
            "training": True,
            "seed": int(rng.integers(10**6)),
        },
        "optimizer": {"make": "sgd", "of": "model", "lr": 0.2, "momentum": 0.6},
        "batches": batches,
        "max_norm": 1.0,
    }


def _unclipped(rng):
    """A norm that nothing reaches: clipping hides no factor there."""
    return _batches(rng) | {"max_norm": 1e6}


@check("the weights after the last step")
def _weights(case):
    got, wanted = (seen["result"]["model"]["state"] for seen in (case.observed, case.expected))
    size = max(np.abs(w).max() for w in wanted.values())
    allowed = size * (_SMALL if case.dtype == "float64" else 1e-4)
    if all(np.abs(got[name] - w).max() <= allowed for name, w in wanted.items()):
        return finding(True)
    found = difference(got, wanted)
    return finding(False, found.expected, found.observed, found.gist)


@check("the model stays in train mode")
def _train_mode(case):
    seen = case.observed["result"]["model"]
    called = np.asarray(seen["calls"])[:, 0]
    if called.all() and seen["training"]:
        return finding(True)
    when = "left in eval mode" if called.all() else "called in eval mode"
    return finding(False, "train mode", when, when)


@check("the losses are floats")
def _floats(case):
    seen = case.observed
    if not seen["parts"]["returned"]:
        return finding(True)
    graph = seen["result"]["in_graph"]
    got = "tensors with the graph behind them" if graph else "tensors"
    return finding(False, "floats", got, got)


train_accumulating = lab.exercise(
    distributed.train_accumulating,
    title="A large batch on a small device",
    statement=(
        "`backward()` *adds* to `.grad`: run it for one micro-batch after "
        "the other, and step once. Nothing else may differ from a step on the whole batch.\n\n"
        "`batches` is a list of batches; each is a list of micro-batches `(x, target)`, **which may differ in size**. "
        "For each batch: the loss is the mean cross-entropy over all its examples; the gradient of that loss is "
        "clipped to the norm `max_norm` (`nn.utils.clip_grad_norm_`); one step of `optimizer`. Return the losses of "
        "the batches, as floats. The model stays in train mode."
    ),
    parts=[
        Part("the training", 4, (_weights, _train_mode, leaves_inputs_alone())),
        Part(
            "the losses",
            1,
            (matches_reference("the losses", of="result.returned", rtol=1e-4), _floats),
        ),
    ],
    minutes=9,
    difficulty=2,
    syllabus=("12.4",),
    hide=("Formula",),
    inputs=(_batches, _unclipped, _batches),
    probe=probes.supplied(),
    hints=(
        "Where is `zero_grad()`: once a batch, or once a micro-batch? And `step()`?",
        "Micro-batch k contributes its mean loss times n_k / N. Call `backward()` on that.",
        "The norm is that of the whole gradient: clip when all micro-batches are in it.",
    ),
)

train_accumulating.mistake(
    "not_divided",
    edit(
        "F.cross_entropy(model(x), target) * len(x) / examples", "F.cross_entropy(model(x), target)"
    ),
    "Each micro-batch adds the gradient of its own mean, and nothing is divided: your gradient is about as many times too "
    "large as there are micro-batches. Weight each loss with n_k / N.",
)
train_accumulating.mistake(
    "equal_weights",
    edit("* len(x) / examples", "/ len(micro_batches)"),
    "You divide by the number of micro-batches, which is right where all are of one size. Here they differ: weight each "
    "loss with n_k / N.",
)
train_accumulating.mistake(
    "clips_every_micro_batch",
    edit(
        "loss += part.item()",
        "loss += part.item()\nnn.utils.clip_grad_norm_(model.parameters(), max_norm)",
    ).also(
        "nn.utils.clip_grad_norm_(model.parameters(), max_norm)\noptimizer.step()",
        "optimizer.step()",
    ),
    "You clip after every micro-batch, when only a part of the gradient is there. Clip once, before the step.",
)
_STEPS_OFTEN = (
    "You step after every micro-batch: that is training with small batches. Add up all gradients of a batch, then step "
    "once."
)
_CLIP, _STEP = "nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n", "optimizer.step()"
_PART = "part = F.cross_entropy(model(x), target) * len(x) / examples\npart.backward()"
_PLAIN = (
    "part = F.cross_entropy(model(x), target)\npart.backward()\npart = part * len(x) / examples"
)


def _often(name, clip=_CLIP, part=_PART):
    """A step after every micro-batch, in one of the forms that it takes."""
    one = f"loss += part.item()\n{clip}{_STEP}"
    change = edit("loss += part.item()", one).also(f"{_CLIP}{_STEP}\n", "").also(_PART, part)
    train_accumulating.mistake(name, change, _STEPS_OFTEN)


_often("steps_at_every_micro_batch", part=f"optimizer.zero_grad()\n{_PART}")
_often("steps_and_keeps_gradients")
_often("steps_unclipped", clip="", part=f"optimizer.zero_grad()\n{_PART}")
_often("steps_unclipped_and_keeps_gradients", clip="")
_often("steps_by_plain_means", part=f"optimizer.zero_grad()\n{_PLAIN}")
_often("steps_by_plain_means_and_keeps_gradients", part=_PLAIN)
_often("steps_by_plain_means_unclipped_and_keeps_gradients", clip="", part=_PLAIN)
_often("steps_by_plain_means_unclipped", clip="", part=f"optimizer.zero_grad()\n{_PLAIN}")
train_accumulating.mistake(
    "keeps_the_old_gradients",
    edit("optimizer.zero_grad()\n", ""),
    "The gradients of the batches before are still there. Set them to zero once for every batch.",
)
train_accumulating.mistake(
    "only_the_last_micro_batch",
    edit("part = F", "optimizer.zero_grad()\npart = F"),
    "You set the gradients to zero for every micro-batch, so that only the last one is left at the step. Once for every "
    "batch.",
)
_NOT_CLIPPED = (
    "The gradient that the step uses is not clipped. Clip to `max_norm` when all micro-batches are in it, *before* the "
    "step."
)
train_accumulating.mistake(
    "does_not_clip",
    edit("nn.utils.clip_grad_norm_(model.parameters(), max_norm)\n", ""),
    _NOT_CLIPPED,
)
train_accumulating.mistake(
    "clips_after_the_step",
    edit(
        "nn.utils.clip_grad_norm_(model.parameters(), max_norm)\noptimizer.step()",
        "optimizer.step()\nnn.utils.clip_grad_norm_(model.parameters(), max_norm)",
    ),
    _NOT_CLIPPED,
)
train_accumulating.mistake(
    "in_eval_mode",
    edit("losses = []", "losses = []\nmodel.eval()"),
    "You train in eval mode: dropout is off, and batch normalization learns nothing. The model comes in train mode: leave "
    "it there.",
)
_TENSORS = (
    "You return tensors. A float is asked for (`part.item()`): a loss that is added up as a tensor holds on to the graph, "
    "and so to the memory, of every micro-batch."
)
train_accumulating.mistake(
    "losses_with_their_graphs", edit("loss += part.item()", "loss = loss + part"), _TENSORS
)
train_accumulating.mistake(
    "losses_as_tensors", edit("loss += part.item()", "loss = loss + part.detach()"), _TENSORS
)
train_accumulating.mistake(
    "sums",
    edit(
        "F.cross_entropy(model(x), target) * len(x) / examples",
        'F.cross_entropy(model(x), target, reduction="sum")',
    ),
    "Your gradient is that of the *sum* over the examples. The loss is the mean: divide by N, the number of examples of "
    "the batch.",
)


@train_accumulating.alternative
def one_big_batch(model, optimizer, batches, *, max_norm):
    losses = []
    for parts in batches:
        x = torch.cat([x for x, _ in parts])
        target = torch.cat([target for _, target in parts])
        loss = F.cross_entropy(model(x), target)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), max_norm)
        optimizer.step()
        losses.append(loss.item())
    return losses


@train_accumulating.alternative
def divides_at_the_end(model, optimizer, batches, *, max_norm):
    losses = []
    for parts in batches:
        model.zero_grad()
        total = 0.0
        for x, target in parts:
            loss = F.cross_entropy(model(x), target, reduction="sum")
            loss.backward()
            total += float(loss)
        n = sum(len(target) for _, target in parts)
        for p in model.parameters():
            p.grad /= n
        norm = torch.sqrt(sum((p.grad**2).sum() for p in model.parameters()))
        if norm > max_norm:
            for p in model.parameters():
                p.grad *= max_norm / norm
        optimizer.step()
        losses.append(total / n)
    return losses

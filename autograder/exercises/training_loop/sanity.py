"""Overfitting a small sample on purpose, before a long run."""

import numpy as np
import torch
from torch import nn

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_labels, draw_network
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop
from course_lib.training_loop import softmax_cross_entropy
from course_lib.training_loop import train_epoch


def _labeled(in_order):
    def draw(rng):
        classes, per_class = int(rng.integers(4, 7)), int(rng.integers(3, 5))
        names = rng.choice(20, classes, replace=False)
        rest = rng.integers(0, classes, int(rng.integers(9, 20)))
        labels = np.concatenate([np.repeat(np.arange(classes), per_class), rest])
        target = names[np.sort(labels) if in_order else rng.permutation(labels)]
        return {"target": target, "per_class": per_class}

    return draw


small_sample = lab.exercise(
    training_loop.small_sample,
    title="A small sample with all classes in it",
    statement="""To overfit a few examples you need a few of **every** class: the first hundred of
sorted data are all T-shirts, and a network that has learned to say "T-shirt" proves nothing. Return
positions: for each class that occurs in `target`, in ascending order of the classes, those of its
first `per_class` examples. (Class numbers need not start at 0, and not all need occur.)""",
    points=1,
    core=False,
    syllabus=("1.9",),
    inputs=(_labeled(False), _labeled(True), _labeled(False)),
    probe=probes.call(),
    checks=[matches_reference("the positions"), leaves_inputs_alone()],
    hints=("`(target == c).nonzero()[:, 0]` are the positions of class c.",),
)


@small_sample.mistake(
    "You take the first examples as they are stored. If the data are sorted, most classes are "
    "missing: choose from each class."
)
def first_examples(target, per_class):
    return torch.arange(per_class * len(target.unique()))


@small_sample.mistake("You take `per_class` examples in all. It is meant for every class.")
def per_class_in_all(target, per_class):
    return torch.arange(per_class)


@small_sample.mistake(
    "You return labels; asked for are positions, with which one can choose from x as well."
)
def labels_instead_of_positions(target, per_class):
    return torch.cat([target[target == c][:per_class] for c in target.unique()])


@small_sample.mistake(
    "You take the classes to be 0, 1, 2, …: those that occur are `target.unique()`."
)
def classes_from_zero(target, per_class):
    classes = range(len(target.unique()))
    return torch.cat([(target == c).nonzero()[:per_class, 0] for c in classes])


@small_sample.mistake("You return a mask; asked for are positions.")
def boolean_mask(target, per_class):
    mask = torch.zeros(len(target), dtype=torch.bool)
    for c in target.unique():
        mask[(target == c).nonzero()[:per_class, 0]] = True
    return mask


@small_sample.mistake("You take the last ones of every class, not the first.")
def last_of_every_class(target, per_class):
    return torch.cat([(target == c).nonzero()[-per_class:, 0] for c in target.unique()])


@small_sample.mistake(
    "You go through the classes 0 to 9. Here numbers go up to 19, and not all occur: "
    "`target.unique()`."
)
def ten_classes(target, per_class):
    return torch.cat([(target == c).nonzero()[:per_class, 0] for c in range(10)])


@small_sample.mistake(
    "Your classes come in the order in which they appear. Asked for is ascending order: "
    "`target.unique()` is sorted."
)
def in_the_order_of_appearance(target, per_class):
    classes = dict.fromkeys(target.tolist())
    return torch.cat([(target == c).nonzero()[:per_class, 0] for c in classes])


@small_sample.mistake(
    "`nonzero()` gives a table with a column for each axis. Positions are asked for as one row of "
    "numbers: `nonzero()[:, 0]`."
)
def as_a_column(target, per_class):
    return torch.cat([(target == c).nonzero()[:per_class] for c in target.unique()])


@small_sample.mistake(
    "You return a table with a row for each class. All positions come one after the other: "
    "`torch.cat`, not `torch.stack`."
)
def a_row_for_each_class(target, per_class):
    return torch.stack([(target == c).nonzero()[:per_class, 0] for c in target.unique()])


@small_sample.mistake("You take one of every class, not `per_class`.")
def one_of_every_class(target, per_class):
    return torch.stack([(target == c).nonzero()[0, 0] for c in target.unique()])


@small_sample.mistake(
    "The right examples, in the order of the data. Asked for is class after class."
)
def in_the_order_of_the_data(target, per_class):
    chosen = torch.cat([(target == c).nonzero()[:per_class, 0] for c in target.unique()])
    return chosen.sort().values


@small_sample.mistake("You take all; `per_class` is the limit.")
def all_of_every_class(target, per_class):
    return torch.cat([(target == c).nonzero()[:, 0] for c in target.unique()])


@small_sample.alternative
def by_counting(target, per_class):
    found = {}
    for position, label in enumerate(target.tolist()):
        found.setdefault(label, []).append(position)
    return torch.tensor([p for label in sorted(found) for p in found[label][:per_class]])


@small_sample.alternative
def by_stable_sort(target, per_class):
    order = torch.argsort(target, stable=True)
    counts = target.unique(return_counts=True)[1].tolist()
    return torch.cat([group[:per_class] for group in order.split(counts)])


def _small_batch(rng):
    """Dropout between layers, in a block and at the end; two groups of parameters."""
    features, hidden, classes, count = int(rng.integers(5, 8)), 11, 3, 9
    model = draw_network(rng, features=features, hidden=hidden, classes=classes, dropout=0.4)
    last = str(len(model["layers"]) - 1)
    model["layers"].append({"kind": "dropout", "p": 0.4})
    return {
        "model": model,
        "optimizer": {
            "make": "sgd",
            "of": "model",
            "lr": float(rng.uniform(0.1, 0.3)),
            "momentum": float(rng.uniform(0.5, 0.8)),
            "groups": [
                {"parameters": names, "weight_decay": float(rng.uniform(0.3, 0.6))}
                for names in (["0", "1"], [last])
            ],
        },
        "x": rng.normal(size=(count, features)) + rng.normal(size=features),
        "y": draw_labels(rng, count, classes),
        "steps": int(rng.integers(4, 7)),
    }


overfit = lab.repair(
    training_loop.overfit,
    title="Overfit on purpose",
    statement="""A network that cannot learn ten examples by heart will not learn ten thousand. So before
a long run, train on one small batch again and again: the loss must go to nearly zero. If it does not,
something is broken.

The code below has the idea and still proves nothing: **regularization is on**, and keeps the loss up
on purpose. Repair it so that it switches off, before the first step, dropout (`nn.Dropout` modules
anywhere in the model) and the optimizer's weight decay. It returns the loss before each of the
`steps` steps. Do not use `model.eval()` for it: that would freeze batch normalization as well, and
`train_epoch` undoes it anyway.""",
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("1.9",),
    planted="nothing_switched_off",
    hide=("Raises",),
    needs=("training_loop/train_epoch",),
    inputs=_small_batch,
    probe=probes.supplied(),
    checks=[
        matches_reference("the losses", of="result.returned"),
        matches_reference("the model afterwards", of="result.model.state"),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "for module in model.modules(): => for module in but_first(model.modules()):": "the first of "
        "them is the model itself"
    },
    hints=(
        "`for module in model.modules():` visits every layer, however deep.",
        "`for group in optimizer.param_groups:`",
    ),
)


@overfit.mistake(
    "Dropout and weight decay are still on: the loss cannot come near zero, and you would look "
    "for a bug that is not there."
)
def nothing_switched_off(model, optimizer, x, y, steps):
    return [train_epoch(model, optimizer, [(x, y)]) for _ in range(steps)]


@overfit.mistake(
    "Dropout is still on: every step trains another subnetwork, and the loss stays noisy and "
    "high. Set `module.p = 0` for every `nn.Dropout` in `model.modules()`."
)
def dropout_left_on(model, optimizer, x, y, steps):
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    return [train_epoch(model, optimizer, [(x, y)]) for _ in range(steps)]


overfit.mistake(
    "first_group_only",
    edit("in optimizer.param_groups", "in optimizer.param_groups[:1]"),
    "Weight decay is still on for some of the parameters: an optimizer may have several groups, "
    "each with its own. Set it in all of `optimizer.param_groups`.",
)
overfit.mistake(
    "outer_layers_only",
    edit("model.modules()", "model.children()"),
    "You look at the outermost layers only (`model`, `model.children()`). A layer may be a block "
    "with a dropout in it: `model.modules()` visits every module, however deep.",
)
overfit.mistake(
    "weight_decay_left_on",
    edit('for group in optimizer.param_groups:\n    group["weight_decay"] = 0.0', ""),
    'Weight decay is still on. It belongs to the optimizer: set `group["weight_decay"] = 0` for '
    "every group in `optimizer.param_groups`.",
)


@overfit.mistake(
    "You train in eval mode. That switches dropout off, and batch normalization too: it then uses "
    "its stored statistics instead of the batch's, another network than the one you will train."
)
def in_eval_mode(model, optimizer, x, y, steps):
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    model.eval()
    losses = []
    for _ in range(steps):
        loss = softmax_cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


overfit.mistake(
    "labels_drawn_anew",
    edit("return [", "y = y[torch.randperm(len(y))]\nreturn ["),
    "You shuffle the labels without the inputs. The network would learn that by heart as well, "
    "and you would not notice.",
)


@overfit.mistake(
    "You measure the loss after each step; asked for is the one before it, which `train_epoch` "
    "returns. (And a second look in train mode moves the running statistics.)"
)
def loss_after_the_step(model, optimizer, x, y, steps):
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.0
    losses = []
    for _ in range(steps):
        train_epoch(model, optimizer, [(x, y)])
        losses.append(softmax_cross_entropy(model(x), y).item())
    return losses


overfit.mistake(
    "another_optimizer",
    edit(
        'for group in optimizer.param_groups:\n    group["weight_decay"] = 0.0',
        'optimizer = torch.optim.SGD(model.parameters(), lr=optimizer.param_groups[0]["lr"])',
    ),
    "The optimizer's momentum is gone (a new optimizer has none). Change the one you are given: "
    '`group["weight_decay"] = 0` for every group in `optimizer.param_groups`.',
)
overfit.mistake(
    "last_loss_only",
    edit("range(steps)]", "range(steps)][-1]"),
    "You return the last loss only; asked for is the list of all.",
)
overfit.mistake(
    "one_step_too_many", edit("range(steps)", "range(steps + 1)"), "You take one step too many."
)
overfit.mistake(
    "dropout_keeps_nothing",
    edit("module.p = 0.0", "module.p = 1.0"),
    "`p` is the probability of dropping a unit: 1 drops them all, 0 none.",
)


@overfit.alternative
def dropout_in_eval_mode(model, optimizer, x, y, steps):
    dropouts = [module for module in model.modules() if "Dropout" in type(module).__name__]
    for group in optimizer.param_groups:
        group["weight_decay"] = 0
    losses = []
    for _ in range(steps):
        model.train()
        for module in dropouts:
            module.eval()
        optimizer.zero_grad()
        loss = softmax_cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@overfit.alternative
def one_list_of_batches(model, optimizer, x, y, steps):
    model.apply(lambda module: setattr(module, "p", 0) if isinstance(module, nn.Dropout) else None)
    for group in optimizer.param_groups:
        group.update(weight_decay=0)
    losses = []
    while len(losses) < steps:
        losses += [train_epoch(model, optimizer, zip([x], [y], strict=True))]
    return losses

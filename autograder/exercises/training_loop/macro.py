"""Macro-F1: one number over all classes, of a set that comes in batches."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import A_NUMBER, draw_answers
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop
from course_lib.training_loop import precision_recall_f1


def _answers_in_batches(rng):
    classes, count = int(rng.integers(7, 10)), int(rng.integers(50, 80))
    predicted, target = draw_answers(rng, count, classes)
    cuts = np.sort(rng.choice(np.arange(5, count - 5), 3, replace=False))
    return {
        "predicted": np.split(predicted, cuts),
        "target": np.split(target, cuts),
        "num_classes": classes,
    }


macro_f1 = lab.exercise(
    training_loop.macro_f1,
    title="One number over all classes",
    statement="""Macro-F1 is the plain mean of the F1 of all `num_classes` classes, a rare one counting
as much as a frequent one. The answers come in **batches**, two lists of tensors; the result must not
depend on how the set was cut. (F1 is a ratio of counts: its mean over batches is something else.) Use
your `precision_recall_f1`.""",
    points=1,
    difficulty=2,
    core=False,
    syllabus=("1.11",),
    needs=("training_loop/precision_recall_f1",),
    inputs=_answers_in_batches,
    probe=probes.call(),
    checks=[matches_reference("macro-F1", rtol=1e-5), leaves_inputs_alone()],
    forbidden=("sklearn.metrics.f1_score", "sklearn.metrics.classification_report"),
    equivalent_mutants={
        "return f1.double().mean().item() => return unconverted(f1.double().mean(), f1.double().mean().item())": A_NUMBER,
        "return f1.double().mean().item() => return unconverted(f1, f1.double()).mean().item()": "float32 is near enough",
        "_, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes) => "
        "_, _, f1 = precision_recall_f1(torch.cat(target), torch.cat(predicted), num_classes)": "F1 "
        "is the same with false alarms and misses swapped",
    },
    hints=("`torch.cat(predicted)` puts the batches together.",),
)


@macro_f1.mistake(
    "You average the F1 of the batches. F1 is a ratio of counts: put the batches together (or add "
    "up the counts) first. A class that a batch does not hold would count 0 there."
)
def mean_over_batches(predicted, target, num_classes):
    scores = [
        precision_recall_f1(p, t, num_classes)[2].mean().item()
        for p, t in zip(predicted, target, strict=True)
    ]
    return sum(scores) / len(scores)


@macro_f1.mistake(
    "You compute one F1 from mean precision and mean recall. Macro-F1 is the mean of the F1 of "
    "each class; the two differ."
)
def from_macro_precision_and_recall(predicted, target, num_classes):
    precision, recall, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    p, r = precision.mean(), recall.mean()
    return (2 * p * r / (p + r)).item()


@macro_f1.mistake(
    "This is the accuracy (also called micro-F1): frequent classes dominate. Macro-F1 averages "
    "over classes."
)
def micro(predicted, target, num_classes):
    return (torch.cat(predicted) == torch.cat(target)).double().mean().item()


@macro_f1.mistake(
    "You weight the classes by their frequency. In macro-F1 every class counts the same."
)
def weighted_by_frequency(predicted, target, num_classes):
    target = torch.cat(target)
    _, _, f1 = precision_recall_f1(torch.cat(predicted), target, num_classes)
    return (f1 * torch.bincount(target, minlength=num_classes)).sum() / len(target)


@macro_f1.mistake(
    "You leave out classes that do not occur. Here all `num_classes` count, with F1 = 0 if need be."
)
def classes_that_occur(predicted, target, num_classes):
    target = torch.cat(target)
    _, _, f1 = precision_recall_f1(torch.cat(predicted), target, num_classes)
    return f1[target.unique()].mean()


@macro_f1.mistake("You leave out classes with F1 = 0: the worst ones. All `num_classes` count.")
def classes_above_zero(predicted, target, num_classes):
    _, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return f1[f1 > 0].mean().item()


@macro_f1.mistake(
    "You average the F1 of the batches, weighted by their size. F1 is a ratio of counts, not a "
    "mean over examples: put the batches together first."
)
def weighted_mean_over_batches(predicted, target, num_classes):
    pairs = list(zip(predicted, target, strict=True))
    total = sum(precision_recall_f1(p, t, num_classes)[2].mean().item() * len(t) for p, t in pairs)
    return total / sum(len(t) for t in target)


@macro_f1.mistake("You average the precision; F1 is the third.")
def precision_taken(predicted, target, num_classes):
    precision, _, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return precision.mean().item()


@macro_f1.mistake("You average the recall; F1 is the third.")
def recall_taken(predicted, target, num_classes):
    _, recall, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return recall.mean()


@macro_f1.mistake("You look at the last batch only. Put all of them together first: `torch.cat`.")
def last_batch_only(predicted, target, num_classes):
    return precision_recall_f1(predicted[-1], target[-1], num_classes)[2].mean()


@macro_f1.mistake("You return the F1 of each class; asked for is their mean, one number.")
def one_for_each_class(predicted, target, num_classes):
    return precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)[2]


@macro_f1.mistake("You add up the classes; asked for is their mean.")
def summed(predicted, target, num_classes):
    _, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return f1.sum().item()


@macro_f1.alternative
def counts_added_up(predicted, target, num_classes):
    hits = claimed = present = 0
    for p, t in zip(predicted, target, strict=True):
        one = torch.arange(num_classes)[:, None]
        hits = hits + ((p == one) & (t == one)).sum(dim=1)
        claimed = claimed + (p == one).sum(dim=1)
        present = present + (t == one).sum(dim=1)
    f1 = torch.where(claimed + present == 0, 0.0, 2 * hits / (claimed + present))
    return float(f1.sum()) / num_classes


@macro_f1.alternative
def from_precision_and_recall(predicted, target, num_classes):
    p, r, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return torch.nan_to_num(2 * p * r / (p + r)).mean()

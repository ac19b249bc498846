"""Precision, recall and F1, of each class and over all of them."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import matches_reference
from course_lib import training_loop
from course_lib.training_loop import precision_recall_f1


def _answers(rng, count, classes):
    """Unequal classes: one never predicted, one never there, one there once and found."""
    never_predicted, never_there, only_once, *frequent = rng.permutation(classes)
    shares = rng.dirichlet(np.linspace(2, 8, len(frequent)))
    target = rng.choice(frequent, count, p=shares)
    predicted = np.where(rng.random(count) < 0.55, target, rng.choice(frequent, count))
    places = rng.permutation(count)
    target[places[:4]] = never_predicted
    predicted[places[2:7]] = never_there
    predicted[places[7]] = target[places[7]] = only_once
    return predicted, target


def _labels(rng):
    classes, count = int(rng.integers(6, 9)), int(rng.integers(50, 80))
    predicted, target = _answers(rng, count, classes)
    return {"predicted": predicted, "target": target, "num_classes": classes}


def swapped(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits = (says & is_so).sum(dim=1)
    precision = hits / is_so.sum(dim=1).clamp(min=1)
    recall = hits / says.sum(dim=1).clamp(min=1)
    return precision, recall, 2 * hits / (says.sum(1) + is_so.sum(1)).clamp(min=1)


def not_a_number(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits = (says & is_so).sum(dim=1)
    precision, recall = hits / says.sum(dim=1), hits / is_so.sum(dim=1)
    return precision, recall, 2 * precision * recall / (precision + recall)


def one_where_nothing_is_claimed(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits, claimed, present = (says & is_so).sum(1), says.sum(1), is_so.sum(1)
    precision = torch.where(claimed == 0, 1.0, hits / claimed.clamp(min=1))
    recall = torch.where(present == 0, 1.0, hits / present.clamp(min=1))
    return precision, recall, 2 * hits / (claimed + present).clamp(min=1)


def arithmetic_mean(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits = (says & is_so).sum(dim=1)
    precision = hits / says.sum(dim=1).clamp(min=1)
    recall = hits / is_so.sum(dim=1).clamp(min=1)
    return precision, recall, (precision + recall) / 2


def two_forgotten(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits = (says & is_so).sum(dim=1)
    precision = hits / says.sum(dim=1).clamp(min=1)
    recall = hits / is_so.sum(dim=1).clamp(min=1)
    return precision, recall, hits / (says.sum(1) + is_so.sum(1)).clamp(min=1)


def over_all_examples(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits = (says & is_so).sum(dim=1)
    share = hits / len(target)
    return share, share, 2 * hits / (says.sum(1) + is_so.sum(1)).clamp(min=1)


def accuracy_of_the_class(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits = (says & is_so).sum(dim=1)
    agree = (says == is_so).double().mean(dim=1)
    recall = hits / is_so.sum(dim=1).clamp(min=1)
    return agree, recall, 2 * hits / (says.sum(1) + is_so.sum(1)).clamp(min=1)


def class_by_class(predicted, target, num_classes):
    rows = []
    for c in range(num_classes):
        tp = int(((predicted == c) & (target == c)).sum())
        fp = int(((predicted == c) & (target != c)).sum())
        fn = int(((predicted != c) & (target == c)).sum())
        precision = tp / (tp + fp) if tp + fp else 0.0
        recall = tp / (tp + fn) if tp + fn else 0.0
        total = precision + recall
        rows.append((precision, recall, 2 * precision * recall / total if total else 0.0))
    return tuple(torch.tensor(rows, dtype=torch.float64).T)


def by_confusion_matrix(predicted, target, num_classes):
    table = torch.bincount(target * num_classes + predicted, minlength=num_classes**2)
    table = table.view(num_classes, num_classes).double()
    precision = torch.nan_to_num(table.diagonal() / table.sum(dim=0))
    recall = torch.nan_to_num(table.diagonal() / table.sum(dim=1))
    return precision, recall, torch.nan_to_num(2 * precision * recall / (precision + recall))


lab.exercise(
    training_loop.precision_recall_f1,
    title="Precision, recall, F1",
    statement="""Accuracy says little when classes are unequal. For each class c count the hits TP
(predicted c, and it is c), false alarms FP (predicted c, but it is not) and misses FN (it is c, but
something else was predicted), and return three tensors of shape (C,):

- precision P = TP / (TP + FP): of what was called c, how much is c?
- recall R = TP / (TP + FN): of what is c, how much was called so?
- F1 = 2 TP / (2 TP + FP + FN), their harmonic mean.

Where a denominator is 0, all of them are **0**: a class that is never predicted has precision 0.""",
    points=2,
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("1.11",),
    inputs=_labels,
    probe=probes.call(),
    checks=[
        matches_reference("precision", of="result.0"),
        matches_reference("recall", of="result.1"),
        matches_reference("F1", of="result.2"),
    ],
    mistakes=[
        Mistake(
            "swapped",
            swapped,
            "Precision and recall have changed places. Precision divides by what was *predicted* "
            "to be c; one who always says c has recall 1.",
        ),
        Mistake(
            "not_a_number",
            not_a_number,
            "Where a class is never predicted (or never there) you divide by 0 and get NaN, which "
            "spreads to every mean. The convention here is 0.",
        ),
        Mistake(
            "one_where_nothing_is_claimed",
            one_where_nothing_is_claimed,
            "You give 1 where nothing was predicted (or nothing was there). The convention here is 0, "
            "or whoever never names a rare class would be praised for it.",
        ),
        Mistake(
            "arithmetic_mean",
            arithmetic_mean,
            "Your F1 is the arithmetic mean of precision and recall. It is the harmonic one, "
            "2PR/(P + R) = 2TP/(2TP + FP + FN), which is small as soon as one of them is.",
        ),
        Mistake(
            "two_forgotten",
            two_forgotten,
            "The factor 2 is missing in F1: a perfect class would get ½.",
        ),
        Mistake(
            "over_all_examples",
            over_all_examples,
            "You divide the hits by all examples. Precision divides by those predicted to be c, recall "
            "by those that are.",
        ),
        Mistake(
            "accuracy_of_the_class",
            accuracy_of_the_class,
            'Your precision counts agreement on "not c" too. Precision looks at what was predicted '
            "to be c only.",
        ),
    ],
    alternatives=[
        Alternative("class_by_class", class_by_class),
        Alternative("by_confusion_matrix", by_confusion_matrix),
    ],
    equivalent_mutants={
        "f1 = 2 * hits / (claimed + present).clamp(min=1) => "
        "f1 = 2 * hits / (claimed + present).clamp(min=2)": "where claimed and present are one "
        "together, there is no hit"
    },
    hints=(
        "`predicted == torch.arange(num_classes)[:, None]` is a (C, N) table: row c says where c was "
        "predicted.",
        "`(says & is_so).sum(dim=1)` are the hits; `.clamp(min=1)` keeps a denominator from 0.",
    ),
)


def _answers_in_batches(rng):
    classes, count = int(rng.integers(6, 9)), int(rng.integers(50, 80))
    predicted, target = _answers(rng, count, classes)
    cuts = np.sort(rng.choice(np.arange(5, count - 5), 3, replace=False))
    return {
        "predicted": np.split(predicted, cuts),
        "target": np.split(target, cuts),
        "num_classes": classes,
    }


def mean_over_batches(predicted, target, num_classes):
    scores = [
        precision_recall_f1(p, t, num_classes)[2].mean().item()
        for p, t in zip(predicted, target, strict=True)
    ]
    return sum(scores) / len(scores)


def weighted_mean_over_batches(predicted, target, num_classes):
    pairs = list(zip(predicted, target, strict=True))
    total = sum(precision_recall_f1(p, t, num_classes)[2].mean().item() * len(t) for p, t in pairs)
    return total / sum(len(t) for t in target)


def from_macro_precision_and_recall(predicted, target, num_classes):
    precision, recall, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    p, r = precision.mean(), recall.mean()
    return (2 * p * r / (p + r)).item()


def micro(predicted, target, num_classes):
    return (torch.cat(predicted) == torch.cat(target)).double().mean().item()


def weighted_by_frequency(predicted, target, num_classes):
    target = torch.cat(target)
    _, _, f1 = precision_recall_f1(torch.cat(predicted), target, num_classes)
    return (f1 * torch.bincount(target, minlength=num_classes)).sum().item() / len(target)


def classes_that_occur(predicted, target, num_classes):
    target = torch.cat(target)
    _, _, f1 = precision_recall_f1(torch.cat(predicted), target, num_classes)
    return f1[target.unique()].mean().item()


def classes_above_zero(predicted, target, num_classes):
    _, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return f1[f1 > 0].mean().item()


def precision_taken(predicted, target, num_classes):
    precision, _, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return precision.mean().item()


def summed(predicted, target, num_classes):
    _, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return f1.sum().item()


def counts_added_up(predicted, target, num_classes):
    hits = claimed = present = 0
    for p, t in zip(predicted, target, strict=True):
        one = torch.arange(num_classes)[:, None]
        hits = hits + ((p == one) & (t == one)).sum(dim=1)
        claimed = claimed + (p == one).sum(dim=1)
        present = present + (t == one).sum(dim=1)
    f1 = torch.where(claimed + present == 0, 0.0, 2 * hits / (claimed + present))
    return float(f1.sum()) / num_classes


def from_precision_and_recall(predicted, target, num_classes):
    p, r, _ = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes)
    return torch.nan_to_num(2 * p * r / (p + r)).mean()


lab.exercise(
    training_loop.macro_f1,
    title="One number over all classes",
    statement="""Macro-F1 is the plain mean of the F1 of all `num_classes` classes, a rare one counting
as much as a frequent one. The answers come in **batches**, two lists of tensors; the result must not
depend on how the set was cut. (F1 is a ratio of counts: its mean over batches is something else.) Use
your `precision_recall_f1`.""",
    points=1,
    minutes=5,
    difficulty=2,
    core=False,
    syllabus=("1.11",),
    needs=("training_loop/precision_recall_f1",),
    inputs=_answers_in_batches,
    probe=probes.call(),
    checks=[matches_reference("macro-F1", rtol=1e-5)],
    mistakes=[
        Mistake(
            "mean_over_batches",
            mean_over_batches,
            "You average the F1 of the batches. F1 is a ratio of counts: put the batches together (or "
            "add up the counts) first. A class that a batch does not hold would count 0 there.",
        ),
        Mistake(
            "from_macro_precision_and_recall",
            from_macro_precision_and_recall,
            "You compute one F1 from mean precision and mean recall. Macro-F1 is the mean of the F1 "
            "of each class; the two differ.",
        ),
        Mistake(
            "micro",
            micro,
            "This is the accuracy (also called micro-F1): frequent classes dominate. Macro-F1 averages "
            "over classes.",
        ),
        Mistake(
            "weighted_by_frequency",
            weighted_by_frequency,
            "You weight the classes by their frequency. In macro-F1 every class counts the same.",
        ),
        Mistake(
            "classes_that_occur",
            classes_that_occur,
            "You leave out classes that do not occur. Here all `num_classes` count, with F1 = 0 if "
            "need be.",
        ),
        Mistake(
            "classes_above_zero",
            classes_above_zero,
            "You leave out classes with F1 = 0: the worst ones. All `num_classes` count.",
        ),
        Mistake(
            "weighted_mean_over_batches",
            weighted_mean_over_batches,
            "You average the F1 of the batches, weighted by their size. F1 is a ratio of counts, not a "
            "mean over examples: put the batches together first.",
        ),
        Mistake("precision_taken", precision_taken, "You average the precision; F1 is the third."),
        Mistake("summed", summed, "You add up the classes; asked for is their mean."),
    ],
    alternatives=[
        Alternative("counts_added_up", counts_added_up),
        Alternative("from_precision_and_recall", from_precision_and_recall),
    ],
    forbidden=("sklearn.metrics.f1_score", "sklearn.metrics.classification_report"),
    equivalent_mutants={
        "_, _, f1 = precision_recall_f1(torch.cat(predicted), torch.cat(target), num_classes) => "
        "_, _, f1 = precision_recall_f1(torch.cat(target), torch.cat(predicted), num_classes)": "F1 "
        "is the same with false alarms and misses swapped",
    },
    hints=("`torch.cat(predicted)` puts the batches together.",),
)

"""Precision, recall and F1 of each class."""

import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_answers
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _labels(rng):
    classes, count = int(rng.integers(7, 10)), int(rng.integers(50, 80))
    predicted, target = draw_answers(rng, count, classes)
    return {"predicted": predicted, "target": target, "num_classes": classes}


precision_recall_f1 = lab.exercise(
    training_loop.precision_recall_f1,
    title="Precision, recall, F1",
    statement="""Accuracy says little when classes are unequal. For each class c count the hits TP
(predicted c, and it is c), false alarms FP (predicted c, but it is not) and misses FN (it is c, but
something else was predicted), and return three tensors of shape (C,):

- precision P = TP / (TP + FP): of what was called c, how much is c?
- recall R = TP / (TP + FN): of what is c, how much was called so?
- F1 = 2 TP / (2 TP + FP + FN), their harmonic mean.

Whichever has the denominator 0 is **0**: a class that is never predicted has precision 0, and one that
is neither predicted nor there has 0 three times.""",
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
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "precision = hits / claimed.clamp(min=1) => precision = hits / claimed.clamp_(min=1)": "a class that is not claimed has no hits",
        "recall = hits / present.clamp(min=1) => recall = hits / present.clamp_(min=1)": "a class that is not there has no hits",
        "f1 = 2 * hits / (claimed + present).clamp(min=1) => "
        "f1 = 2 * hits / (claimed + present).clamp(min=2)": "where claimed and present are one "
        "together, there is no hit",
    },
    hints=(
        "`predicted == torch.arange(num_classes)[:, None]` is a (C, N) table: row c says where c was "
        "predicted.",
        "`(says & is_so).sum(dim=1)` are the hits; `.clamp(min=1)` keeps a denominator from 0.",
    ),
)


precision_recall_f1.mistake(
    "swapped",
    edit("precision, recall, f1", "recall, precision, f1"),
    "Precision and recall have changed places. Precision divides by what was *predicted* to be c; "
    "one who always says c has recall 1.",
)
precision_recall_f1.mistake(
    "not_a_number",
    edit("hits / claimed.clamp(min=1)", "hits / claimed")
    .also("hits / present.clamp(min=1)", "hits / present")
    .also(
        "2 * hits / (claimed + present).clamp(min=1)",
        "2 * precision * recall / (precision + recall)",
    ),
    "Where a class is never predicted (or never there) you divide by 0 and get NaN, which spreads "
    "to every mean. The convention here is 0.",
)
precision_recall_f1.mistake(
    "not_a_number_from_counts",
    edit("hits / claimed.clamp(min=1)", "hits / claimed")
    .also("hits / present.clamp(min=1)", "hits / present")
    .also("(claimed + present).clamp(min=1)", "(claimed + present)"),
    "Where a class is never predicted (or never there) you divide by 0 and get NaN, which spreads "
    "to every mean. The convention here is 0.",
)
precision_recall_f1.mistake(
    "f1_not_a_number",
    edit(
        "2 * hits / (claimed + present).clamp(min=1)",
        "2 * precision * recall / (precision + recall)",
    ),
    "Where precision and recall are both 0, your F1 is 0/0 = NaN. The convention here is 0; 2 TP "
    "/ (2 TP + FP + FN) is 0/0 only for a class that is neither predicted nor there.",
)


@precision_recall_f1.mistake(
    "You return entries for the classes that occur. There are `num_classes` of them, and one that "
    "is neither predicted nor there has 0 in its place."
)
def only_classes_that_occur(predicted, target, num_classes):
    seen = torch.cat([predicted, target]).unique()
    return [values[seen] for values in class_by_class(predicted, target, num_classes)]


@precision_recall_f1.mistake(
    "You take the largest class number seen for the last class. There are `num_classes` of them; "
    "the last ones may not occur."
)
def as_many_as_the_largest(predicted, target, num_classes):
    count = int(torch.maximum(predicted, target).max()) + 1
    return class_by_class(predicted, target, count)


precision_recall_f1.mistake(
    "one_added_below",
    edit("hits / claimed.clamp(min=1)", "hits / (claimed + 1)")
    .also("hits / present.clamp(min=1)", "hits / (present + 1)")
    .also("(claimed + present).clamp(min=1)", "(claimed + present + 1)"),
    "You add 1 to every denominator so that none is 0. That changes all the others too: use "
    "`.clamp(min=1)`, which only raises a 0.",
)


@precision_recall_f1.mistake(
    "You count over all classes together, and get one number (the accuracy) three times. Each "
    "class has its own TP, FP and FN."
)
def over_all_classes(predicted, target, num_classes):
    share = (predicted == target).double().mean()
    return share, share, share


@precision_recall_f1.mistake("The order is precision, recall, F1.")
def f1_first(predicted, target, num_classes):
    precision, recall, f1 = class_by_class(predicted, target, num_classes)
    return f1, precision, recall


@precision_recall_f1.mistake(
    "`table[target, predicted] += 1` adds 1 only once where a pair of indices comes several "
    "times. Use `torch.bincount`, or `index_put_(…, accumulate=True)`."
)
def counted_once_a_pair(predicted, target, num_classes):
    table = torch.zeros(num_classes, num_classes)
    table[target, predicted] += 1
    hits, claimed, present = table.diagonal(), table.sum(dim=0), table.sum(dim=1)
    return (
        hits / claimed.clamp(min=1),
        hits / present.clamp(min=1),
        2 * hits / (claimed + present).clamp(min=1),
    )


precision_recall_f1.mistake(
    "one_where_nothing_is_claimed",
    edit(
        "hits / claimed.clamp(min=1)", "torch.where(claimed == 0, 1.0, hits / claimed.clamp(min=1))"
    ).also(
        "hits / present.clamp(min=1)", "torch.where(present == 0, 1.0, hits / present.clamp(min=1))"
    ),
    "You give 1 where nothing was predicted (or nothing was there). The convention here is 0, or "
    "whoever never names a rare class would be praised for it.",
)


@precision_recall_f1.mistake(
    "You give 1 where a denominator is 0. The convention here is 0, or whoever never names a rare "
    "class would be praised for it."
)
def one_for_f1_too(predicted, target, num_classes):
    classes = torch.arange(num_classes)[:, None]
    says, is_so = predicted == classes, target == classes
    hits, claimed, present = (says & is_so).sum(1), says.sum(1), is_so.sum(1)
    counts = hits / claimed, hits / present, 2 * hits / (claimed + present)
    return [torch.nan_to_num(values, nan=1.0) for values in counts]


precision_recall_f1.mistake(
    "arithmetic_mean",
    edit("2 * hits / (claimed + present).clamp(min=1)", "(precision + recall) / 2"),
    "Your F1 is the arithmetic mean of precision and recall. It is the harmonic one, 2PR/(P + R) "
    "= 2TP/(2TP + FP + FN), which is small as soon as one of them is.",
)
precision_recall_f1.mistake(
    "two_forgotten",
    edit("2 * hits", "hits"),
    "The factor 2 is missing in F1: a perfect class would get ½.",
)
precision_recall_f1.mistake(
    "overlap",
    edit(
        "2 * hits / (claimed + present).clamp(min=1)",
        "hits / (says | is_so).sum(dim=1).clamp(min=1)",
    ),
    "Your F1 is TP / (TP + FP + FN), the overlap (Jaccard index). F1 counts the hits twice, above "
    "and below: 2 TP / (2 TP + FP + FN).",
)
precision_recall_f1.mistake(
    "over_all_examples",
    edit("hits / claimed.clamp(min=1)", "hits / len(target)").also(
        "hits / present.clamp(min=1)", "hits / len(target)"
    ),
    "You divide the hits by all examples. Precision divides by those predicted to be c, recall by "
    "those that are.",
)
precision_recall_f1.mistake(
    "accuracy_of_the_class",
    edit("hits / claimed.clamp(min=1)", "(says == is_so).double().mean(dim=1)"),
    'Your precision counts agreement on "not c" too. Precision looks at what was predicted to be '
    "c only.",
)


@precision_recall_f1.alternative
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


@precision_recall_f1.alternative
def by_confusion_matrix(predicted, target, num_classes):
    table = torch.bincount(target * num_classes + predicted, minlength=num_classes**2)
    table = table.view(num_classes, num_classes).double()
    precision = torch.nan_to_num(table.diagonal() / table.sum(dim=0))
    recall = torch.nan_to_num(table.diagonal() / table.sum(dim=1))
    return precision, recall, torch.nan_to_num(2 * precision * recall / (precision + recall))

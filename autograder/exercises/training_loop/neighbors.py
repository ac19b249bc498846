"""Whether labels belong to their inputs, asked of the nearest neighbors."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.training_loop.drawing import A_NUMBER, draw_labels
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import training_loop


def _neighbors(rng):
    """Clouds of unequal size around class centers, some labels wrong.

    Apart from them stands an example between two others, nearly as far from the one that has its
    label as from the other.
    """
    count, features, classes = int(rng.integers(35, 60)), 3, 4
    target = draw_labels(rng, count, classes)
    centers = 1.6 * rng.normal(size=(classes, features))
    x = centers[target] + rng.normal(size=(count, features))
    apart = x.max(axis=0) + 2 + np.array([[0, 0, 0], [1.0003, 0, 0], [0, 1, 0]])
    label = int(rng.integers(classes))
    labels = [label, (label + 1) % classes, label]
    return {"x": np.concatenate([x, apart]), "target": np.concatenate([target, labels])}


neighbor_agreement = lab.exercise(
    training_loop.neighbor_agreement,
    title="Do the labels belong to the inputs?",
    statement="""There is a bug that overfitting does not find: labels that were shuffled against their
inputs are learned by heart as well as right ones. Something else finds it. Look for each example's
nearest **other** example (Euclidean distance between rows of x), and return the share of examples
whose nearest neighbor has the same label. Right labels agree far more often than chance.""",
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("1.9",),
    inputs=_neighbors,
    dtypes=("float64", "float64", "float64", "float64", "float32"),
    probe=probes.call(),
    checks=[matches_reference("the share that agrees"), leaves_inputs_alone()],
    forbidden=("sklearn.neighbors.KNeighborsClassifier", "sklearn.neighbors.NearestNeighbors"),
    equivalent_mutants={
        "distance = torch.cdist(x, x, compute_mode='donot_use_mm_for_euclid_dist') => "
        "distance = torch.cdist(x, x)": "rounding of matrix products decides no neighbor here",
        "return (target[nearest] == target).double().mean().item() => return unconverted((target[nearest] == target).double().mean(), (target[nearest] == target).double().mean().item())": A_NUMBER,
        "nearest = distance.argmin(dim=1) => nearest = distance.argmin(dim=0)": "distances are "
        "symmetric",
    },
    hints=(
        "`torch.cdist(x, x)` holds all distances.",
        "`distance.fill_diagonal_(math.inf)` keeps everybody from being their own neighbor.",
    ),
)


@neighbor_agreement.mistake(
    "Every example is its own nearest neighbor, at distance 0: the share is always 1. Put "
    "infinity on the diagonal of the distances."
)
def own_neighbor(x, target):
    return (target[torch.cdist(x, x).argmin(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You compare with the next one in the list. The nearest neighbor is the one with the smallest "
    "distance between the inputs."
)
def neighbor_in_the_list(x, target):
    return (target[1:] == target[:-1]).double().mean().item()


@neighbor_agreement.mistake("You take the farthest example: `argmin`, not `argmax`.")
def farthest_example(x, target):
    return (target[torch.cdist(x, x).argmax(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You leave out distances of exactly 0. `torch.cdist` of an example and itself need not be "
    "exactly 0 (it multiplies matrices, and rounds), so some stay their own neighbor. Use "
    "`fill_diagonal_(math.inf)`."
)
def zeros_left_out(x, target):
    distance = torch.cdist(x, x)
    distance[distance == 0] = float("inf")
    return (target[distance.argmin(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You add up absolute differences, `p=1`. The distance is Euclidean: the root of the sum of "
    "squares."
)
def by_absolute_differences(x, target):
    distance = torch.cdist(x, x, p=1).fill_diagonal_(float("inf"))
    return (target[distance.argmin(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You compare directions (cosine similarity). The distance is Euclidean: lengths count."
)
def by_angle(x, target):
    unit = x / x.norm(dim=1, keepdim=True)
    cosine = (unit @ unit.T).fill_diagonal_(-float("inf"))
    return (target[cosine.argmax(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You take the largest difference of a coordinate. The distance is Euclidean: the root of the "
    "sum of squares."
)
def by_largest_difference(x, target):
    distance = torch.cdist(x, x, p=float("inf")).fill_diagonal_(float("inf"))
    return (target[distance.argmin(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "This is how often any two labels agree: chance. Look at each example's nearest neighbor only."
)
def all_pairs(x, target):
    return (target[:, None] == target).double().mean().item()


@neighbor_agreement.mistake("This is how many agree; divide by N.")
def number_that_agree(x, target):
    distance = torch.cdist(x, x)
    distance.fill_diagonal_(float("inf"))
    return (target[distance.argmin(dim=1)] == target).sum().item()


@neighbor_agreement.mistake("This is in percent; asked for is the share, between 0 and 1.")
def in_percent(x, target):
    distance = torch.cdist(x, x).fill_diagonal_(float("inf"))
    return 100 * (target[distance.argmin(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake("This is the share that disagrees.")
def share_that_disagrees(x, target):
    distance = torch.cdist(x, x)
    distance.fill_diagonal_(float("inf"))
    return (target[distance.argmin(dim=1)] != target).double().mean().item()


@neighbor_agreement.mistake(
    "You compare the first feature only. The distance is between whole rows."
)
def by_the_first_feature(x, target):
    distance = (x[:, None, 0] - x[None, :, 0]).abs()
    distance.fill_diagonal_(float("inf"))
    return (target[distance.argmin(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You take the largest inner product; long vectors win it whatever their direction. Asked for "
    "is the smallest distance."
)
def by_inner_product(x, target):
    product = x @ x.T
    product.fill_diagonal_(-float("inf"))
    return (target[product.argmax(dim=1)] == target).double().mean().item()


@neighbor_agreement.mistake(
    "You compare with the means of the classes. Asked for is the nearest single example."
)
def nearest_class_mean(x, target):
    means = torch.stack([x[target == c].mean(dim=0) for c in range(int(target.max()) + 1)])
    return (torch.cdist(x, means).argmin(dim=1) == target).double().mean().item()


@neighbor_agreement.alternative
def one_by_one(x, target):
    agree = 0
    for i in range(len(x)):
        distance = ((x - x[i]) ** 2).sum(dim=1)
        distance[i] = float("inf")
        agree += int(target[distance.argmin()] == target[i])
    return agree / len(x)


@neighbor_agreement.alternative
def second_nearest(x, target):
    squares = (x[:, None] - x[None]).pow(2).sum(dim=2)
    nearest = squares.topk(2, dim=1, largest=False).indices[:, 1]
    return (target[nearest] == target).float().mean()

"""Which parameters decay, and which do not."""

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


def draw_network(rng):
    """Parameters with the names and shapes of a network with normalization."""
    a, b, c, d = (int(n) for n in rng.permutation([2, 3, 4, 5]))
    shapes = {
        "conv.weight": (a, b, 3, 3),
        "conv.bias": (a,),
        "norm.weight": (a,),
        "norm.bias": (a,),
        "scale": (),
        "head.weight": (c, d),
        "head.bias": (c,),
        "vectors.bias": (d, c),
    }
    names = rng.permutation(list(shapes)).tolist()
    return {
        "named_parameters": {name: rng.normal(size=shapes[name]) for name in names},
        "weight_decay": float(rng.uniform(0.01, 0.2)),
    }


decay_groups = lab.exercise(
    optimizers.decay_groups,
    title="What should decay, and what should not",
    statement="""Decay is meant for the matrices and kernels that multiply signals. Biases, and the
scales and shifts of normalization layers, are commonly left alone: there are few of them, and a
scale that is pulled to zero takes its feature with it.

Names differ from model to model; what tells them apart is the number of **dimensions**. Split
`named_parameters` (a dict from name to tensor) into two groups, as `torch.optim.AdamW` takes them:
a list of two dicts with the keys `"params"` (a list of tensors in the order given) and
`"weight_decay"`. The first holds what has **two or more** dimensions, with the given decay; the
second all others, with 0.""",
    points=2,
    minutes=5,
    difficulty=1,
    core=False,
    syllabus=("6.10",),
    inputs=draw_network,
    probe=probes.call(),
    checks=[matches_reference("the two groups"), leaves_inputs_alone()],
    hints=(
        "`tensor.ndim` is the number of dimensions.",
        "Two list comprehensions over `named_parameters.values()`.",
    ),
)


@decay_groups.mistake(
    "You leave out what is called “bias”. The scale of a normalization layer is called “weight” "
    "and decays with you, and a matrix may be called “bias”. Ask for dimensions."
)
def by_the_name_bias(named_parameters, weight_decay):
    decaying = [p for name, p in named_parameters.items() if "bias" not in name]
    others = [p for name, p in named_parameters.items() if "bias" in name]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake(
    "You go by the name “weight”, which the scale of a normalization layer has as well. Ask for "
    "the number of dimensions."
)
def by_the_name_weight(named_parameters, weight_decay):
    decaying = [p for name, p in named_parameters.items() if name.endswith("weight")]
    others = [p for name, p in named_parameters.items() if not name.endswith("weight")]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake(
    "Everything decays with you. Parameters of fewer than two dimensions belong to the second "
    "group."
)
def everything_decays(named_parameters, weight_decay):
    return [
        {"params": list(named_parameters.values()), "weight_decay": weight_decay},
        {"params": [], "weight_decay": 0.0},
    ]


@decay_groups.mistake(
    "Your groups are exchanged: matrices and kernels decay, vectors and numbers do not."
)
def the_other_way_round(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim < 2]
    others = [p for p in named_parameters.values() if p.ndim >= 2]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake("The groups are right, in the other order: the decaying one comes first.")
def not_decaying_first(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim >= 2]
    others = [p for p in named_parameters.values() if p.ndim < 2]
    return [
        {"params": others, "weight_decay": 0.0},
        {"params": decaying, "weight_decay": weight_decay},
    ]


@decay_groups.mistake(
    "You take exactly two dimensions. The kernel of a convolution has four, and decays."
)
def matrices_only(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim == 2]
    others = [p for p in named_parameters.values() if p.ndim != 2]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake("You ask for more than two dimensions. A matrix has exactly two, and decays.")
def kernels_only(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim > 2]
    others = [p for p in named_parameters.values() if p.ndim <= 2]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake("Your groups hold names. `torch.optim.AdamW` takes the tensors themselves.")
def names_for_tensors(named_parameters, weight_decay):
    decaying = [name for name, p in named_parameters.items() if p.ndim >= 2]
    others = [name for name, p in named_parameters.items() if p.ndim < 2]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake('Your `"params"` are dicts. Wanted are lists of tensors, without the names.')
def dicts_for_lists(named_parameters, weight_decay):
    decaying = {name: p for name, p in named_parameters.items() if p.ndim >= 2}
    others = {name: p for name, p in named_parameters.items() if p.ndim < 2}
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake(
    "Your second group does not say its decay, so that torch takes its default, 0.01. Say 0."
)
def default_decay(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim >= 2]
    others = [p for p in named_parameters.values() if p.ndim < 2]
    return [{"params": decaying, "weight_decay": weight_decay}, {"params": others}]


@decay_groups.mistake(
    "A single number (no dimensions) decays with you. Only two or more dimensions do."
)
def numbers_decay(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim != 1]
    others = [p for p in named_parameters.values() if p.ndim == 1]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]


@decay_groups.mistake("Both of your groups have the given decay. The second has 0.")
def both_decay(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim >= 2]
    others = [p for p in named_parameters.values() if p.ndim < 2]
    return [
        {"params": decaying, "weight_decay": weight_decay},
        {"params": others, "weight_decay": weight_decay},
    ]


@decay_groups.mistake("The second group is missing, and what is in no group is never trained.")
def others_forgotten(named_parameters, weight_decay):
    decaying = [p for p in named_parameters.values() if p.ndim >= 2]
    return [{"params": decaying, "weight_decay": weight_decay}]


@decay_groups.alternative
def in_one_loop(named_parameters, weight_decay):
    groups = [
        {"params": [], "weight_decay": weight_decay},
        {"params": [], "weight_decay": 0},
    ]
    for parameter in named_parameters.values():
        groups[len(parameter.shape) < 2]["params"].append(parameter)
    return groups


@decay_groups.alternative
def as_a_pair(named_parameters, weight_decay):
    parameters = list(named_parameters.values())
    return (
        dict(params=list(filter(lambda p: p.dim() > 1, parameters)), weight_decay=weight_decay),
        dict(params=[p for p in parameters if not p.dim() > 1], weight_decay=0.0),
    )

"""Which parameters decay, and which do not."""

from functools import partial

from autograder import probes
from autograder.exercises.optimizers.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import optimizers


def _network(rng, decay_outside):
    """Parameters with the names and shapes of a network with normalization.

    ``decay_outside`` says whether the first and the last of them decay, or neither.
    """
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
    outside = [name for name in shapes if (len(shapes[name]) >= 2) is decay_outside]
    first, last = rng.choice(outside, 2, replace=False)
    between = rng.permutation([name for name in shapes if name not in (first, last)])
    names = [str(name) for name in (first, *between, last)]
    return {
        "named_parameters": {name: rng.normal(size=shapes[name]) for name in names},
        "weight_decay": float(rng.uniform(0.01, 0.2)),
    }


_OUTSIDE, _INSIDE = partial(_network, decay_outside=True), partial(_network, decay_outside=False)

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
    core=False,
    syllabus=("6.10",),
    inputs=(_OUTSIDE, _INSIDE, _OUTSIDE),
    probe=probes.call(),
    equivalent_mutants={"everything is done under torch.no_grad()": "no tensor is made"},
    checks=[matches_reference("the two groups"), leaves_inputs_alone()],
    hints=(
        "`tensor.ndim` is the number of dimensions.",
        "Two list comprehensions over `named_parameters.values()`.",
    ),
)


decay_groups.mistake(
    "by_the_name_bias",
    edit(
        "p for p in named_parameters.values() if p.ndim >= 2",
        'p for name, p in named_parameters.items() if "bias" not in name',
    ).also(
        "p for p in named_parameters.values() if p.ndim < 2",
        'p for name, p in named_parameters.items() if "bias" in name',
    ),
    "You leave out what is called “bias”. The scale of a normalization layer is called “weight” "
    "and decays with you, and a matrix may be called “bias”. Ask for dimensions.",
)
decay_groups.mistake(
    "by_the_name_weight",
    edit(
        "p for p in named_parameters.values() if p.ndim >= 2",
        'p for name, p in named_parameters.items() if name.endswith("weight")',
    ).also(
        "p for p in named_parameters.values() if p.ndim < 2",
        'p for name, p in named_parameters.items() if not name.endswith("weight")',
    ),
    "You go by the name “weight”, which the scale of a normalization layer has as well. Ask for "
    "the number of dimensions.",
)


@decay_groups.mistake(
    "Everything decays with you. Parameters of fewer than two dimensions belong to the second "
    "group."
)
def everything_decays(named_parameters, weight_decay):
    return [
        {"params": list(named_parameters.values()), "weight_decay": weight_decay},
        {"params": [], "weight_decay": 0.0},
    ]


decay_groups.mistake(
    "the_other_way_round",
    edit("ndim >= 2", "ndim < 2").also("ndim < 2", "ndim >= 2"),
    "Your groups are exchanged: matrices and kernels decay, vectors and numbers do not.",
)
decay_groups.mistake(
    "not_decaying_first",
    edit('decaying, "weight_decay": weight_decay', 'others, "weight_decay": 0.0').also(
        'others, "weight_decay": 0.0', 'decaying, "weight_decay": weight_decay'
    ),
    "The groups are right, in the other order: the decaying one comes first.",
)
decay_groups.mistake(
    "matrices_only",
    edit("ndim >= 2", "ndim == 2").also("ndim < 2", "ndim != 2"),
    "You take exactly two dimensions. The kernel of a convolution has four, and decays.",
)
decay_groups.mistake(
    "kernels_only",
    edit("ndim >= 2", "ndim > 2").also("ndim < 2", "ndim <= 2"),
    "You ask for more than two dimensions. A matrix has exactly two, and decays.",
)
decay_groups.mistake(
    "names_for_tensors",
    edit(
        "p for p in named_parameters.values() if p.ndim >= 2",
        "name for name, p in named_parameters.items() if p.ndim >= 2",
    ).also(
        "p for p in named_parameters.values() if p.ndim < 2",
        "name for name, p in named_parameters.items() if p.ndim < 2",
    ),
    "Your groups hold names. `torch.optim.AdamW` takes the tensors themselves.",
)
decay_groups.mistake(
    "dicts_for_lists",
    edit(
        "[p for p in named_parameters.values() if p.ndim >= 2]",
        "{name: p for name, p in named_parameters.items() if p.ndim >= 2}",
    ).also(
        "[p for p in named_parameters.values() if p.ndim < 2]",
        "{name: p for name, p in named_parameters.items() if p.ndim < 2}",
    ),
    'Your `"params"` are dicts. Wanted are lists of tensors, without the names.',
)
decay_groups.mistake(
    "default_decay",
    edit('others, "weight_decay": 0.0', "others"),
    "Your second group does not say its decay, so that torch takes its default, 0.01. Say 0.",
)
decay_groups.mistake(
    "numbers_decay",
    edit("ndim >= 2", "ndim != 1").also("ndim < 2", "ndim == 1"),
    "A single number (no dimensions) decays with you. Only two or more dimensions do.",
)
decay_groups.mistake(
    "both_decay",
    edit("0.0", "weight_decay"),
    "Both of your groups have the given decay. The second has 0.",
)


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

"""Parameter groups: a new head learns fast, what was learned before slowly."""

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, linear, network, of_parts
from autograder.exercises.transfer.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import TRAINABLE, matches_reference
from course_lib import transfer

OTHER_HEADS = ("header", "head_norm", "headless")


def _model(partly_frozen, head_last=True):
    def draw(rng):
        features, hidden, wide, classes = (int(n) for n in rng.permutation([3, 4, 5, 6]))
        alike = str(rng.choice(OTHER_HEADS))
        trunk = {
            "stem": linear(rng, hidden, features, frozen=partly_frozen),
            "norm": batch_norm(rng, hidden),
            "last": linear(rng, wide, hidden),
        }
        inner = {
            "hidden": linear(rng, wide, wide, frozen=partly_frozen),
            "out": linear(rng, classes, wide),
        }
        first = ("trunk", {"kind": "nested", "layers": trunk})
        second = (alike, linear(rng, wide, wide))
        head = ("head", {"kind": "nested", "layers": inner})
        if not head_last:
            # The module's order need not be that of the computation; nothing is computed here.
            second, head = head, second
        layers = dict([first, second, head])
        return {
            "model": network(rng, layers, bool(rng.integers(2))),
            "head": "head",
            "lr": float(rng.uniform(0.02, 0.4)),
        }

    return draw


fine_tuning_groups = lab.exercise(
    transfer.fine_tuning_groups,
    title="The head fast, the rest slowly",
    statement="""A new head starts from nothing and has to learn fast; the trunk under it knows a lot already, and
large steps would undo it. So fine-tuning trains the trunk at about **a tenth** of the rate.

Return a list of two parameter groups, as every `torch.optim` optimizer takes them:
`{"params": [parameters], "lr": rate}`. First that of the head at `lr`, then that of all else at `lr / 10`.

- The head's parameters are those that `model.named_parameters()` calls `head + "."` and something. (A layer may
  be called `head_norm`, and is none of it.) Where the head stands among the layers is not said.
- `"params"` is a list of the parameters themselves, without their names.
- A **frozen** parameter (`requires_grad` is False) is in no group, every other in exactly one, in the
  model's order. What is in no group never learns, and no error says so.""",
    parts=[
        Part(
            "who is in which group",
            2,
            (
                matches_reference("the parameters", of="result.returned.0.params"),
                matches_reference("the others", of="result.returned.1.params"),
                of_parts("they are the model's own", "returned"),
                of_parts("what is trainable is as before", "model.trainable", TRAINABLE),
            ),
        ),
        Part(
            "how fast they learn",
            1,
            (
                of_parts("all are in a group", "returned"),
                matches_reference("the rate of the head", of="result.returned.0.lr"),
                matches_reference("the rate of the rest", of="result.returned.1.lr"),
            ),
        ),
    ],
    minutes=8,
    syllabus=("11.8",),
    inputs=(_model(True), _model(False, head_last=False), _model(True)),
    probe=probes.supplied(),
    equivalent_mutants={"everything is done under torch.no_grad()": "no tensor is made"},
    hints=(
        '`name.startswith(head + ".")`, with the dot.',
        "`parameter.requires_grad` says whether it is trained.",
    ),
)

fine_tuning_groups.mistake(
    "one_rate_for_all",
    edit("lr / 10", "lr"),
    "Both groups have the full rate, so that the first steps undo what the trunk has learned. The rest gets lr / 10.",
)
fine_tuning_groups.mistake(
    "both_slow",
    edit('"params": new, "lr": lr}', '"params": new, "lr": lr / 10}'),
    "The new head gets the tiny rate, too. It starts from nothing and needs `lr`.",
)
fine_tuning_groups.mistake(
    "rates_exchanged",
    edit('"params": new, "lr": lr}', '"params": new, "lr": lr / 10}').also(
        '"params": old, "lr": lr / 10', '"params": old, "lr": lr'
    ),
    "The rates are exchanged: the head learns slowly, and the trunk fast.",
)
fine_tuning_groups.mistake(
    "groups_exchanged",
    edit('[{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]',
         '[{"params": old, "lr": lr / 10}, {"params": new, "lr": lr}]'),
    "The groups are right, in the other order: the head's comes first.",
)  # fmt: skip
fine_tuning_groups.mistake(
    "frozen_too",
    edit("if parameter.requires_grad:", "if True:"),
    "Frozen parameters are in your groups. They get no gradient, but a careless optimizer (or a later "
    "`requires_grad_()`) would move them: leave them out.",
)
fine_tuning_groups.mistake(
    "without_the_dot",
    edit('name.startswith(head + ".")', "name.startswith(head)"),
    "A layer whose name only *begins* like that of the head is among the head's with you. Ask for "
    '`head + "."`, with the dot.',
)
fine_tuning_groups.mistake(
    "last_layer",
    edit(
        'name.startswith(head + ".")', 'name.startswith(list(model.named_children())[-1][0] + ".")'
    ),
    "You take the last layer for the head. The head is the one that is called `head`, wherever it stands.",
)
fine_tuning_groups.mistake(
    "name_of_the_layer",
    edit('name.startswith(head + ".")', "name == head"),
    "Your first group is empty: no parameter is called `head`, for parameters have the names of their layers before "
    'their own, "head.out.weight". Ask for `name.startswith(head + ".")`.',
)
fine_tuning_groups.mistake(
    "no_rate_for_the_rest",
    edit('"params": old, "lr": lr / 10', '"params": old'),
    "The second group has no rate, so it would get the optimizer's, whichever that is. It is `lr / 10`.",
)
fine_tuning_groups.mistake(
    "ten_times_for_the_head",
    edit('"params": new, "lr": lr}', '"params": new, "lr": 10 * lr}').also(
        '"params": old, "lr": lr / 10', '"params": old, "lr": lr'
    ),
    "The ratio is right, and both are ten times too fast: `lr` is the rate of the head, and the rest gets a tenth.",
)
fine_tuning_groups.mistake(
    "frozen_in_the_head",
    edit(
        "if parameter.requires_grad:", 'if parameter.requires_grad or name.startswith(head + "."):'
    ),
    "Frozen parameters of the head are in your first group. A new head may be partly frozen as well: what does not ask "
    "for a gradient is in no group.",
)
fine_tuning_groups.mistake(
    "frozen_in_the_rest",
    edit("if parameter.requires_grad:",
         'if parameter.requires_grad or not name.startswith(head + "."):'),
    "Frozen parameters of the rest are in your second group. What does not ask for a gradient is in no group.",
)  # fmt: skip
fine_tuning_groups.mistake(
    "one_group_for_each",
    edit('return [{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]',
         'of_head = {id(p) for p in new}\n'
         'return [{"params": [p], "lr": lr if id(p) in of_head else lr / 10}\n'
         '        for p in model.parameters() if p.requires_grad]'),
    "You make a group of every parameter. Two are asked for: the head, and all else.",
)  # fmt: skip
fine_tuning_groups.mistake(
    "an_optimizer",
    edit('return [{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]',
         'return torch.optim.SGD([{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}])'),
    "You return an optimizer. Asked for are the groups, for whichever optimizer.",
)  # fmt: skip
fine_tuning_groups.mistake(
    "head_alone",
    edit(
        '[{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]', '[{"params": new, "lr": lr}]'
    ),
    "The second group is missing: what is in no group never learns.",
)
fine_tuning_groups.mistake(
    "head_in_both",
    edit('(new if name.startswith(head + ".") else old)', "(new if False else old)").also(
        'return [{"params": new',
        "new = [p for p in model.get_submodule(head).parameters() if p.requires_grad]\n"
        'return [{"params": new',
    ),
    "The head's parameters are in both groups; torch refuses that. Every parameter belongs to exactly one.",
)
fine_tuning_groups.mistake(
    "only_weights",
    edit("if parameter.requires_grad:", "if parameter.requires_grad and parameter.ndim > 1:"),
    "Biases, scales and shifts are in no group, so that they never learn. Every trainable parameter is in one.",
)
fine_tuning_groups.mistake(
    "a_hundredth",
    edit("lr / 10", "lr / 100"),
    "The rest gets a hundredth. Asked for is a tenth of `lr`.",
)
fine_tuning_groups.mistake(
    "copies",
    edit(".append(parameter)", ".append(nn.Parameter(parameter.detach().clone()))"),
    "Your groups hold copies. The optimizer would train those, and the model would stay as it is: put in the "
    "parameters themselves.",
)
fine_tuning_groups.mistake(
    "detached",
    edit(".append(parameter)", ".append(parameter.detach())"),
    "`.detach()` and `.data` give other tensors, which get no gradients: the optimizer would never move anything. Put in "
    "the parameters themselves.",
)
fine_tuning_groups.mistake(
    "with_their_names",
    edit(".append(parameter)", ".append((name, parameter))"),
    "Your groups hold pairs of a name and a parameter. Asked for are the parameters alone.",
)
_ITERATORS = (
    "Your groups hold a `filter` or a generator, which is empty once somebody has looked into it. Asked for is a list of "
    "parameters."
)
fine_tuning_groups.mistake(
    "filters",
    edit('[{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]',
         '[{"params": filter(torch.is_tensor, new), "lr": lr},\n'
         '        {"params": filter(torch.is_tensor, old), "lr": lr / 10}]'),
    _ITERATORS,
)  # fmt: skip
fine_tuning_groups.mistake(
    "generators",
    edit('[{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]',
         '[{"params": (p for p in new), "lr": lr}, {"params": (p for p in old), "lr": lr / 10}]'),
    _ITERATORS,
)  # fmt: skip
fine_tuning_groups.mistake(
    "names",
    edit(".append(parameter)", ".append(name)"),
    "Your groups hold names. An optimizer takes the parameters themselves.",
)
fine_tuning_groups.mistake(
    "thaws_all",
    edit(
        "if parameter.requires_grad:", "parameter.requires_grad = True\nif parameter.requires_grad:"
    ),
    "You make everything trainable. What somebody has frozen stays frozen: only ask `parameter.requires_grad`.",
)


@fine_tuning_groups.mistake(
    "`parameter in some_list` compares tensors entry by entry, and fails as soon as a shape differs. Go by the name, "
    "or compare with `is` (`id(parameter)`).",
    raises="RuntimeError",
)
def asks_whether_it_is_in_a_list(model, head, lr):
    new = [p for name, p in model.named_parameters() if name.startswith(head + ".")]
    new = [p for p in new if p.requires_grad]
    old = [p for p in model.parameters() if p not in new and p.requires_grad]
    return [{"params": new, "lr": lr}, {"params": old, "lr": lr / 10}]


@fine_tuning_groups.alternative
def by_identity(model, head, lr):
    of_head = {id(p) for p in model.get_submodule(head).parameters()}
    trained = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trained if id(p) in of_head], "lr": lr},
        {"params": [p for p in trained if id(p) not in of_head], "lr": 0.1 * lr},
    ]


@fine_tuning_groups.alternative
def as_a_pair(model, head, lr):
    groups = {True: [], False: []}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            groups[name.partition(".")[0] == head].append(parameter)
    return tuple({"params": groups[own], "lr": lr / (1 if own else 10)} for own in (True, False))

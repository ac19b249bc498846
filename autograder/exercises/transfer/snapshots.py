"""An ensemble out of one training: a copy of the network at the end of every cycle."""

import copy
import math

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.transfer.drawing import batch_norm, labeled, linear, network
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import transfer
from course_lib.transfer import cyclic_cosine as right_rate


def _training(rng):
    features, hidden, classes = (int(n) for n in rng.permutation([3, 4, 5]))
    layers = [
        linear(rng, hidden, features),
        batch_norm(rng, hidden),
        {"kind": "relu"},
        linear(rng, classes, hidden),
    ]
    cycles, length = 3, int(rng.integers(4, 6))
    steps = cycles * length - 1
    return {
        "model": network(rng, layers, True),
        "batches": labeled(rng, [6] * steps, features, classes),
        "cycles": cycles,
        "peak": float(rng.uniform(0.3, 0.6)),
    }


snapshots = lab.exercise(
    transfer.snapshots,
    title="Networks along the way",
    statement="""At the end of a cycle the rate is close to 0 and the network has settled; then the rate jumps, and
it leaves for another place. Snapshot ensembles keep the network just before it leaves: several networks for the
price of one training.

Take one step on each of `batches` (pairs x, y) with plain SGD on the cross-entropy (`torch.optim.SGD` and
`F.cross_entropy` are welcome), in the mode that the model comes in, at the rate
`cyclic_cosine(step, len(batches), cycles, peak)`; steps count from 0. After the **last step of each cycle** of
⌈T/M⌉ steps, and after the last step of all where that cuts a cycle short, keep a **copy** of the whole
`state_dict()`. Return the list of copies.

*Convention.* Plain SGD has no state, so there is nothing that a restart could reset.""",
    points=3,
    minutes=9,
    difficulty=2,
    core=False,
    syllabus=("11.2",),
    needs=("transfer/cyclic_cosine",),
    forbidden=("torch.optim.lr_scheduler",),
    inputs=_training,
    probe=probes.supplied(),
    checks=[
        matches_reference("the snapshots", of="result.returned"),
        matches_reference("the network at the end", of="result.model.state"),
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "length = math.ceil(total / cycles) => length = -math.ceil(total / cycles)": "whether a "
        "number is a multiple does not depend on the sign",
        "optimizer = torch.optim.SGD(model.parameters(), lr=peak) => "
        "optimizer = torch.optim.SGD(model.parameters())": "the rate is set before every step",
    },
    hints=(
        '`optimizer.param_groups[0]["lr"] = …` before the step.',
        "`(step + 1) % length == 0` after the last step of a cycle.",
        "`copy.deepcopy(model.state_dict())`: the state dict itself holds the model's own tensors.",
    ),
)

_REFERENCES = (
    "All your snapshots are the last network: `state_dict()` hands out the model's own tensors, and training goes "
    "on changing them. Copy: `copy.deepcopy(model.state_dict())`."
)
snapshots.mistake(
    "references", edit("copy.deepcopy(model.state_dict())", "model.state_dict()"), _REFERENCES
)
snapshots.mistake(
    "shallow_copies",
    edit("copy.deepcopy(model.state_dict())", "dict(model.state_dict())"),
    _REFERENCES,
)
snapshots.mistake(
    "after_the_restart",
    edit("(step + 1) % length == 0", "step % length == 0 and step > 0"),
    "You keep the network one step too late: after the restart, at the highest rate. Keep it after the last step of "
    "a cycle, where the rate is close to 0.",
    origin="the field's folklore",
)
snapshots.mistake(
    "before_the_last_step",
    edit(
        "(step + 1) % length == 0 or step + 1 == total",
        "(step + 2) % length == 0 or step + 2 == total",
    ),
    "You keep the network one step too early. The snapshot is taken after the last step of the cycle.",
)
snapshots.mistake(
    "the_last_one_missing",
    edit(" or step + 1 == total", ""),
    "The last cycle is cut short, and its network is missing: keep it after the last step of all, too.",
)
snapshots.mistake(
    "parameters_only",
    edit(
        "copy.deepcopy(model.state_dict())",
        "{k: p.detach().clone() for k, p in model.named_parameters()}",
    ),
    "You keep the parameters only. The running statistics are part of the state, and belong to these weights.",
)
snapshots.mistake(
    "at_every_step",
    edit("(step + 1) % length == 0 or step + 1 == total", "True"),
    "You keep every step. One network for each cycle is wanted.",
)
snapshots.mistake(
    "a_constant_rate",
    edit('optimizer.param_groups[0]["lr"] = cyclic_cosine(step, total, cycles, peak)', "pass"),
    "The rate stays at the peak. Set it before every step.",
)
snapshots.mistake(
    "rate_of_the_next_step",
    edit("cyclic_cosine(step, total", "cyclic_cosine((step + 1) % total, total"),
    "You take every step at the rate of the *next* one. Set the rate before the step, for this `step`.",
)
snapshots.mistake(
    "gradients_pile_up",
    edit("optimizer.zero_grad()", ""),
    "Gradients are never cleared and pile up from step to step: `optimizer.zero_grad()`.",
)


snapshots.mistake(
    "rate_set_after_the_step",
    edit('optimizer.param_groups[0]["lr"] = cyclic_cosine(step, total, cycles, peak)\n', "").also(
        "optimizer.step()\n",
        "optimizer.step()\n"
        'optimizer.param_groups[0]["lr"] = cyclic_cosine(step, total, cycles, peak)\n',
    ),
    "You set the rate after the step, so that every step is taken at that of the step *before*. Set it first.",
)
snapshots.mistake(
    "momentum",
    edit("lr=peak)", "lr=peak, momentum=0.9)"),
    "Your SGD has a momentum. Plain SGD is asked for, which has no state that a restart could reset.",
)
snapshots.mistake(
    "whole_networks",
    edit("copy.deepcopy(model.state_dict())", "copy.deepcopy(model)"),
    "You keep copies of the network. Asked for are copies of its `state_dict()`.",
)
snapshots.mistake(
    "rounds_down",
    edit("math.ceil(total / cycles)", "total // cycles"),
    "Your cycles are too short: their length is T/M, rounded *up*, as in `cyclic_cosine`. So the snapshots do not fall on "
    "the steps where the rate is lowest.",
)
snapshots.mistake(
    "every_so_many_steps",
    edit("(step + 1) % length == 0", "(step + 1) % cycles == 0"),
    "You keep a network after every M steps. M is the number of cycles; each has ⌈T/M⌉ steps.",
)
snapshots.mistake(
    "at_the_start_of_cycles",
    edit("(step + 1) % length == 0 or step + 1 == total", "step % length == 0"),
    "You keep the network after the first step of each cycle, at the highest rate. Keep it after the last step, where "
    "the rate is close to 0.",
)
snapshots.mistake(
    "softmax_before",
    edit("F.cross_entropy(model(x), y)", "F.cross_entropy(model(x).softmax(dim=1), y)"),
    "`F.cross_entropy` takes scores and does the softmax itself. You give it probabilities.",
)
snapshots.mistake(
    "evaluation_mode",
    edit("total, kept = len(batches), []", "model.eval()\ntotal, kept = len(batches), []"),
    "You train in evaluation mode, where batch normalization goes by its stored statistics. Leave the mode as it is.",
)
snapshots.mistake(
    "evaluation_mode_for_keeping",
    edit("kept.append(", "model.eval()\nkept.append("),
    "You put the model into evaluation mode when you keep it, and train on like that. `state_dict()` is the same in both "
    "modes: leave the mode as it is.",
)
snapshots.mistake(
    "trains_a_copy",
    edit(
        "total, kept = len(batches), []",
        "model = copy.deepcopy(model)\ntotal, kept = len(batches), []",
    ),
    "You train a copy, and the network that was handed to you stays as it was. Only what you *keep* is copied.",
)


@snapshots.mistake(
    "Every cycle starts from the first weights again. That makes several short trainings; a snapshot goes on from "
    "where the last one ended."
)
def starts_anew(model, batches, *, cycles, peak):
    total, kept = len(batches), []
    length = math.ceil(total / cycles)
    first = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=peak)
    for step, (x, y) in enumerate(batches):
        if step % length == 0:
            model.load_state_dict(first)
        optimizer.param_groups[0]["lr"] = right_rate(step, total, cycles, peak)
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        if (step + 1) % length == 0 or step + 1 == total:
            kept.append(copy.deepcopy(model.state_dict()))
    return kept


@snapshots.alternative
def by_hand(model, batches, *, cycles, peak):
    length, kept = -(-len(batches) // cycles), []
    for step, (x, y) in enumerate(batches):
        gradients = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
        with torch.no_grad():
            for p, g in zip(model.parameters(), gradients, strict=True):
                p -= right_rate(step, len(batches), cycles, peak) * g
        if step % length == length - 1 or step == len(batches) - 1:
            kept.append({name: value.clone() for name, value in model.state_dict().items()})
    return kept

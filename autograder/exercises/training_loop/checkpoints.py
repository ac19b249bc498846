"""Checkpoints that resume bit for bit."""

import copy
import io
import torch
import numpy as np

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_batches, draw_network
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, finding, matches_reference
from course_lib import training_loop


def _run(rng):
    features, hidden, classes = int(rng.integers(5, 8)), 9, 3
    sizes = [6, 7, 8, 5, 6]
    step = int(rng.integers(2, 4))

    def network():
        return draw_network(
            rng, features=features, hidden=hidden, classes=classes, dropout=0.4, training=True
        )

    return {
        "first": network(),
        "other": network(),
        "batches": draw_batches(rng, features=features, classes=classes, sizes=sizes),
        "step": step,
        "lr": float(rng.uniform(0.1, 0.3)),
        "momentum": float(rng.uniform(0.6, 0.85)),
        "decay": [step + 1, float(rng.uniform(0.3, 0.6))],
    }


def _same_bits(name):
    @check(f"the {name} run ends where the uninterrupted one does, bit for bit")
    def look(case):
        result = case.observed["result"]
        wanted, got = result["uninterrupted"], result[name]
        wrong = [
            key
            for key, value in wanted["state"].items()
            if not np.array_equal(value, got["state"][key])
        ]
        gist = f"{len(wrong)} of {len(wanted['state'])} tensors differ from the uninterrupted run"
        return finding(not wrong, "equal tensors", f"{', '.join(wrong[:3])} differ", gist)

    return look


checkpoint = lab.exercise(
    training_loop.Checkpoint,
    title="A checkpoint that resumes bit for bit",
    statement="""A run of days is interrupted. Write a class whose object holds all that a run needs to
go on **as if nothing had happened**: the same weights, to the last bit, as without the interruption.

- `Checkpoint(model, optimizer, scheduler, step)` copies the state of a run.
- `checkpoint.restore(model, optimizer, scheduler)` puts a *new* run, made the same way, into that
  state, and returns the step.

Parameters are the smaller half of it. What else does the next step depend on? (The model below has
batch normalization and dropout; the optimizer has momentum; the rate falls after a number of steps.)

And copies, please, on both ways: `state_dict()` hands out the tensors themselves, and training goes
on changing them. On the way back `model.load_state_dict` copies numbers, but
`optimizer.load_state_dict` **takes over** the tensors it is given. One checkpoint must serve for
several runs.

The check trains a few steps, makes a checkpoint, trains on, then restores two fresh runs in turn.""",
    points=5,
    minutes=12,
    difficulty=3,
    core=False,
    syllabus=("1.12",),
    hide=("Formula",),
    blank=("__init__", "restore"),
    inputs=_run,
    dtypes=("float64", "float64", "float64"),
    seeds=True,
    probe=probes.checkpoint(),
    checks=[
        matches_reference("the uninterrupted run", of="result.uninterrupted"),
        matches_reference("the step", of="result.resumed.step"),
        matches_reference("the learning rate of the resumed run", of="result.resumed.rate"),
        matches_reference("the resumed run", of="result.resumed.state"),
        matches_reference("a second run from the same checkpoint", of="result.resumed again.state"),
        _same_bits("resumed"),
        _same_bits("resumed again"),
    ],
    equivalent_mutants={
        **{
            f"self.scheduler = copy.deepcopy(scheduler.state_dict()) => self.scheduler = {kept}": "what "
            "a StepLR keeps is replaced, never changed"
            for kept in ("copy.copy(scheduler.state_dict())", "scheduler.state_dict()")
        },
        "__init__: everything is done under torch.no_grad()": "copies need no gradients",
        "restore: everything is done under torch.no_grad()": "loading needs no gradients",
        "restore: the random number generators are seeded with 0": "the state that is restored takes "
        "the seed's place",
        "restore: what the first call gave is given again": "it is the same step",
    },
    hints=(
        "Which of the five objects has a `state_dict()`? Which has a `load_state_dict(…)`?",
        "`torch.get_rng_state()` is a copy already.",
    ),
)


checkpoint.mistake(
    "forgets_the_optimizer",
    edit(
        "self.optimizer = copy.deepcopy(optimizer.state_dict())",
        'self.rates = [group["lr"] for group in optimizer.param_groups]',
    ).also(
        "optimizer.load_state_dict(copy.deepcopy(self.optimizer))",
        'for group, rate in zip(optimizer.param_groups, self.rates, strict=True):\n    group["lr"] = rate',
    ),
    "The optimizer's state is missing. Momentum starts again from zero, and the resumed run goes "
    "another way: keep and load `optimizer.state_dict()`.",
)
checkpoint.mistake(
    "hands_its_momentum_over",
    edit("copy.deepcopy(self.optimizer)", "self.optimizer"),
    "`optimizer.load_state_dict` takes over the tensors it is given. The first restored run then "
    "trains with your checkpoint's own momentum, and the second one starts from what is left: "
    "hand over a copy, `copy.deepcopy(self.optimizer)`.",
)
checkpoint.mistake(
    "keeps_references",
    edit("copy.deepcopy(model.state_dict())", "model.state_dict()")
    .also("copy.deepcopy(optimizer.state_dict())", "optimizer.state_dict()")
    .also("copy.deepcopy(scheduler.state_dict())", "scheduler.state_dict()"),
    "You keep what `state_dict()` hands out: the model's own tensors. Training on changes them, "
    "and your checkpoint with them. Copy: `copy.deepcopy(model.state_dict())`.",
)
checkpoint.mistake(
    "keeps_the_optimizers_tensors",
    edit("copy.deepcopy(optimizer.state_dict())", "optimizer.state_dict()"),
    "You copy the model's state but not the optimizer's: its momentum is the running one, and "
    "changes as training goes on. `copy.deepcopy(optimizer.state_dict())`.",
)


@checkpoint.mistake(
    "In `restore` you give the names `model`, `optimizer`, `scheduler` to other objects; those "
    "that you were handed have not changed. Load the state into them: `load_state_dict`."
)
class RebindsTheNames:
    def __init__(self, model, optimizer, scheduler, step):
        self.run = copy.deepcopy((model, optimizer, scheduler))
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model, optimizer, scheduler = copy.deepcopy(self.run)  # noqa: RUF059, the mistake itself
        torch.set_rng_state(self.random)
        return self.step


checkpoint.mistake(
    "keeps_a_shallow_copy",
    edit("copy.deepcopy(model.state_dict())", "model.state_dict().copy()").also(
        "copy.deepcopy(scheduler.state_dict())", "scheduler.state_dict().copy()"
    ),
    "Your state of the model holds its own tensors: `state_dict()` hands them out, and `dict(…)` "
    "or `.copy()` of it is a new dictionary of the same ones. Training on changes them: "
    "`copy.deepcopy`, or `.clone()` of each.",
)
checkpoint.mistake(
    "forgets_the_random_numbers",
    edit("self.random = torch.get_rng_state()", "").also("torch.set_rng_state(self.random)", ""),
    "The state of the random numbers is missing, so dropout draws other masks after the restart: "
    "`torch.get_rng_state()` and `torch.set_rng_state(…)`.",
)
checkpoint.mistake(
    "forgets_the_buffers",
    edit(
        "self.model = copy.deepcopy(model.state_dict())",
        "self.parameters = [p.detach().clone() for p in model.parameters()]",
    ).also(
        "model.load_state_dict(self.model)",
        "for parameter, kept in zip(model.parameters(), self.parameters, strict=True):\n    parameter.data.copy_(kept)",
    ),
    "You keep parameters only. The running statistics of batch normalization are buffers: "
    "`state_dict()` has both.",
)
checkpoint.mistake(
    "forgets_the_scheduler",
    edit("self.scheduler = copy.deepcopy(scheduler.state_dict())", "").also(
        "scheduler.load_state_dict(self.scheduler)", ""
    ),
    "The scheduler's state is missing. It counts from the start again: keep and load "
    "`scheduler.state_dict()`.",
)


@checkpoint.mistake(
    "You keep the model alone. The next step also depends on the optimizer (momentum), the "
    "scheduler (its count) and the random numbers (dropout)."
)
class ModelOnly:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.step = step

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        return self.step


checkpoint.mistake(
    "seeds_anew",
    edit("self.random = torch.get_rng_state()", "").also(
        "set_rng_state(self.random)", "manual_seed(0)"
    ),
    "You seed the random numbers when you restore. That makes runs repeat, but does not continue "
    "the sequence: keep `torch.get_rng_state()`.",
)
checkpoint.mistake(
    "forgets_the_step",
    edit("return self.step", ""),
    "`restore` returns nothing; it gives the step at which the run stands.",
)
checkpoint.mistake(
    "steps_ahead",
    edit("return self.step", "return self.step + 1"),
    "You return the next step. A checkpoint made after `step` steps is restored at `step`.",
)
checkpoint.mistake(
    "hands_its_tensors_over",
    edit(
        "model.load_state_dict(self.model)",
        "for name, tensor in model.state_dict(keep_vars=True).items():\n"
        "    tensor.data = self.model[name]",
    ),
    "The restored model holds the checkpoint's own tensors, and trains them away: the second run "
    "starts where the first one ended. Copy the values into the model's tensors "
    "(`load_state_dict` does).",
)


@checkpoint.alternative
class ClonesTensors:
    def __init__(self, model, optimizer, scheduler, step):
        self.tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        state = optimizer.state_dict()
        self.momentum = {
            number: {name: value.clone() for name, value in kept.items()}
            for number, kept in state["state"].items()
        }
        self.groups = [dict(group) for group in state["param_groups"]]
        self.scheduler = {
            name: list(value) if isinstance(value, list) else value
            for name, value in scheduler.state_dict().items()
        }
        self.step, self.random = step, torch.random.get_rng_state().clone()

    def restore(self, model, optimizer, scheduler):
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                tensor.copy_(self.tensors[name])
        momentum = {
            number: {name: value.clone() for name, value in kept.items()}
            for number, kept in self.momentum.items()
        }
        optimizer.load_state_dict({"state": momentum, "param_groups": self.groups})
        scheduler.load_state_dict(dict(self.scheduler))
        torch.random.set_rng_state(self.random)
        return self.step


@checkpoint.alternative
class ThroughAFile:
    def __init__(self, model, optimizer, scheduler, step):
        file = io.BytesIO()
        kept = [part.state_dict() for part in (model, optimizer, scheduler)]
        torch.save([*kept, step, torch.get_rng_state()], file)
        self.content = file.getvalue()

    def restore(self, model, optimizer, scheduler):
        *kept, step, random = torch.load(io.BytesIO(self.content), weights_only=False)
        for part, state in zip((model, optimizer, scheduler), kept, strict=True):
            part.load_state_dict(state)
        torch.set_rng_state(random)
        return step

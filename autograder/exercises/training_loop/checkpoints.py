"""Checkpoints that resume bit for bit."""

import numpy as np

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_batches, draw_network
from autograder.exercises.training_loop.lab import lab
from autograder.judging import Alternative, Mistake
from autograder.judging.checks import check, finding, matches_reference
from autograder.exercises.training_loop import checkpoint_answers as answers
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


lab.exercise(
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
    core=True,
    syllabus=("1.12",),
    hide=("Formula",),
    blank=("__init__", "restore"),
    inputs=_run,
    dtypes=("float64", "float64", "float64"),
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
    mistakes=[
        Mistake(
            "forgets_the_optimizer",
            answers.ForgetsTheOptimizer,
            "The optimizer's state is missing. Momentum starts again from zero, and the resumed run "
            "goes another way: keep and load `optimizer.state_dict()`.",
        ),
        Mistake(
            "hands_its_momentum_over",
            answers.HandsItsMomentumOver,
            "`optimizer.load_state_dict` takes over the tensors it is given. The first restored run "
            "then trains with your checkpoint's own momentum, and the second one starts from what is "
            "left: hand over a copy, `copy.deepcopy(self.optimizer)`.",
        ),
        Mistake(
            "keeps_references",
            answers.KeepsReferences,
            "You keep what `state_dict()` hands out: the model's own tensors. Training on changes them, "
            "and your checkpoint with them. Copy: `copy.deepcopy(model.state_dict())`.",
        ),
        Mistake(
            "keeps_the_optimizers_tensors",
            answers.KeepsTheOptimizersTensors,
            "You copy the model's state but not the optimizer's: its momentum is the running one, and "
            "changes as training goes on. `copy.deepcopy(optimizer.state_dict())`.",
        ),
        Mistake(
            "rebinds_the_names",
            answers.RebindsTheNames,
            "In `restore` you give the names `model`, `optimizer`, `scheduler` to other objects; those "
            "that you were handed have not changed. Load the state into them: `load_state_dict`.",
        ),
        Mistake(
            "keeps_a_shallow_copy",
            answers.KeepsAShallowCopy,
            "Your state of the model holds its own tensors: `state_dict()` hands them out, and `dict(…)` or "
            "`.copy()` of it is a new dictionary of the same ones. Training on changes them: "
            "`copy.deepcopy`, or `.clone()` of each.",
        ),
        Mistake(
            "forgets_the_random_numbers",
            answers.ForgetsTheRandomNumbers,
            "The state of the random numbers is missing, so dropout draws other masks after the "
            "restart: `torch.get_rng_state()` and `torch.set_rng_state(…)`.",
        ),
        Mistake(
            "forgets_the_buffers",
            answers.ForgetsTheBuffers,
            "You keep parameters only. The running statistics of batch normalization are buffers: "
            "`state_dict()` has both.",
        ),
        Mistake(
            "forgets_the_scheduler",
            answers.ForgetsTheScheduler,
            "The scheduler's state is missing. It counts from the start again: keep and load "
            "`scheduler.state_dict()`.",
        ),
        Mistake(
            "model_only",
            answers.ModelOnly,
            "You keep the model alone. The next step also depends on the optimizer (momentum), the "
            "scheduler (its count) and the random numbers (dropout).",
        ),
        Mistake(
            "seeds_anew",
            answers.SeedsAnew,
            "You seed the random numbers when you restore. That makes runs repeat, but does not "
            "continue the sequence: keep `torch.get_rng_state()`.",
        ),
        Mistake(
            "forgets_the_step",
            answers.ForgetsTheStep,
            "`restore` returns nothing; it gives the step at which the run stands.",
        ),
        Mistake(
            "steps_ahead",
            answers.StepsAhead,
            "You return the next step. A checkpoint made after `step` steps is restored at `step`.",
        ),
        Mistake(
            "hands_its_tensors_over",
            answers.HandsItsTensorsOver,
            "The restored model holds the checkpoint's own tensors, and trains them away: the second "
            "run starts where the first one ended. Copy the values into the model's tensors "
            "(`load_state_dict` does).",
        ),
    ],
    alternatives=[
        Alternative("ClonesTensors", answers.ClonesTensors),
        Alternative("ThroughAFile", answers.ThroughAFile),
    ],
    hints=(
        "Which of the five objects has a `state_dict()`? Which has a `load_state_dict(…)`?",
        "`torch.get_rng_state()` is a copy already.",
    ),
)

"""Layers on several devices: who waits, and what micro-batches do about it."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.distributed.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import (
    Check,
    check,
    finding,
    leaves_inputs_alone,
    matches_reference,
)
from course_lib import distributed

FOUR_DEVICES = (
    "more than 3 times as fast",
    "faster, but at most 3 times",
    "just as fast",
    "slower",
)


def outcome_of_four_devices() -> str:
    """Each batch takes four quarters of its time, and nothing is done beside it."""
    return FOUR_DEVICES[2]


lab.prediction(
    "four_devices",
    title="Predict: four devices",
    statement=(
        "The layers of a network are laid onto **four** devices, a quarter of the work on each. A batch passes through "
        "all of them before the next one starts. How fast is that, compared with *one* such device that holds the whole "
        "network? (Handing over takes no time.)"
    ),
    minutes=1,
    syllabus=("12.8",),
    choices=FOUR_DEVICES,
    outcome=outcome_of_four_devices,
    explanation=(
        "Just as fast, not faster: while one device works, three wait for it, or for what it makes. It is done because the "
        "network *fits*. The idling is cured by cutting the batch into micro-batches."
    ),
)


def _unequal(rng):
    """The slowest stage in the middle: it holds up those before, and starves those behind."""
    durations = rng.uniform(0.5, 1.5, size=4)
    durations[int(rng.integers(1, 3))] = rng.uniform(2, 3)
    return {"durations": durations, "micro_batches": int(rng.integers(5, 9))}


def _equal(rng):
    """Many micro-batches: between 16 and 32 float32 keeps multiples of 2^-19, so that who adds up in
    it loses 0.45 of one every time, and is refused on every seed.
    """
    duration = (int(rng.uniform(1.2, 1.5) * 2**19) + 0.45) / 2**19
    return {
        "durations": np.full(int(rng.integers(3, 6)), duration),
        "micro_batches": int(rng.integers(27, 31)),
    }


def _descending(rng):
    """Every stage is faster than the one before, and waits for it."""
    durations = np.sort(rng.uniform(0.5, 3, size=int(rng.integers(3, 6))))[::-1].copy()
    return {"durations": durations, "micro_batches": int(rng.integers(6, 9))}


@check("it is a tensor")
def _is_a_tensor(case):
    kind = str(case.observed.get("type"))
    # A type may have been named by who has seen the inputs.
    got = {"list": "a list", "numpy.ndarray": "an array of numpy"}.get(kind, "something else")
    return finding(kind == "torch.Tensor", "a tensor", got, got)


def _dtype(case):
    wanted = case.dtype
    got = getattr(case.observed["result"], "dtype", np.dtype(wanted)).name
    default = ", the default of `torch.zeros` and `torch.tensor`" if got == "float32" else ""
    return finding(got == wanted, f"{wanted}, that of `durations`", f"{got}{default}")


_TIMES = matches_reference("the starting times")

pipeline_timetable = lab.exercise(
    distributed.pipeline_timetable,
    title="The timetable of a pipeline",
    statement=(
        "p stages stand in a row, each on a device of its own. A batch is cut into m micro-batches, which go through "
        "all stages in order; `durations[s]` is what stage s takes for one of them. A stage works on one micro-batch "
        "at a time, and begins as soon as it **is free** and what it needs **has come out of the stage before**. "
        "When does stage s start on micro-batch i? Return a tensor (p, m) of starting times; the first is 0.\n\n"
        "With two stages of durations 1 and 3 and three micro-batches: [[0, 1, 2], [1, 4, 7]]. Forward passes "
        "only; handing over takes no time."
    ),
    parts=[
        Part("the starting times", 3, (_TIMES, leaves_inputs_alone())),
        Part(
            "a tensor",
            1,
            (_TIMES, _is_a_tensor, Check("the dtype of the times", _dtype, remark=True)),
        ),
    ],
    minutes=8,
    difficulty=2,
    syllabus=("12.8", "12.9"),
    hide=("Formula",),
    inputs=(_unequal, _equal, _descending),
    probe=probes.call(),
    equivalent_mutants={
        "starts = durations.new_zeros(len(durations), micro_batches) => starts = "
        "-durations.new_zeros(len(durations), micro_batches)": "every entry is written over",
        "starts = durations.new_zeros(len(durations), micro_batches) => starts = "
        "durations.new_ones(len(durations), micro_batches)": "every entry is written over",
        "free = torch.zeros_like(durations) => free = -torch.zeros_like(durations)": "−0 is 0",
        "arrives = durations.new_zeros(()) => arrives = -durations.new_zeros(())": "−0 is 0",
        "right only for positive durations": "others are refused",
        "everything is done under torch.no_grad()": "a timetable is looked at, not trained through",
    },
    hints=(
        "Two things must have happened before: stage s − 1 has ended on micro-batch i, and stage s on micro-batch "
        "i − 1. The later of the two is the start.",
        "end = start + duration. Go through the micro-batches, and for each through the stages.",
        "Keep one number for each stage: when it is free again.",
    ),
)

pipeline_timetable.mistake(
    "one_micro_batch_at_a_time",
    edit("arrives = durations.new_zeros(())", "arrives = free[-1].clone()"),
    "In yours a micro-batch enters when the one before has left the last stage: that is no pipeline, and all stages but "
    "one idle. Stage 0 goes on with the next as soon as it is free.",
)
pipeline_timetable.mistake(
    "stages_never_busy",
    edit("torch.maximum(arrives, free[s])", "arrives"),
    "In yours a stage begins when something arrives, even while it is still at work on another micro-batch. One at a time: "
    "wait until it is free, too.",
)
pipeline_timetable.mistake(
    "does_not_wait_for_input",
    edit("torch.maximum(arrives, free[s])", "free[s].clone()"),
    "In yours a stage begins as soon as it is free, before the stage before it has made what it needs.",
)
pipeline_timetable.mistake(
    "ends",
    edit(
        "starts[s, i] = torch.maximum(arrives, free[s])\narrives = free[s] = starts[s, i] + duration",
        "starts[s, i] = torch.maximum(arrives, free[s]) + duration\narrives = free[s] = starts[s, i]",
    ),
    "These are the times at which the work *ends*. Asked for is when it starts.",
)
pipeline_timetable.mistake(
    "transposed",
    edit("return starts", "return starts.T"),
    "Your table is transposed: stages are its rows, micro-batches its columns.",
)


@pipeline_timetable.mistake(
    "You give each stage a fixed beat, and start micro-batch i after i beats of the stage itself: a stage behind a slower "
    "one then starts before its input is there. The start is the *later* of two times."
)
def own_beat(durations, micro_batches):
    before = torch.cumsum(durations, dim=0) - durations
    return before[:, None] + durations[:, None] * torch.arange(micro_batches)


@pipeline_timetable.mistake(
    "All stages march to one beat in yours, that of the slowest. A stage need not wait for the beat: it begins as soon as "
    "it is free and has its input."
)
def one_beat(durations, micro_batches):
    places = torch.arange(len(durations))[:, None] + torch.arange(micro_batches)
    return places * durations.max()


@pipeline_timetable.mistake(
    "In yours the slowest stage sets the beat of all once the pipeline is filled, as in the formula for the *end*, "
    "Σ d + (m − 1) · max d. A stage before the slowest is not held up: it goes on as soon as it is free."
)
def beat_of_the_slowest(durations, micro_batches):
    before = torch.cumsum(durations, dim=0) - durations
    return before[:, None] + durations.max() * torch.arange(micro_batches)


pipeline_timetable.mistake(
    "rows_of_numbers",
    edit("return starts", "return starts.tolist()"),
    "Your times are right, but they are no tensor, and what comes after reckons with one: "
    "`torch.tensor(rows, dtype=durations.dtype)`.",
)


@pipeline_timetable.mistake(
    "You count beats, s + i, as if every stage took the time 1. Use `durations`."
)
def all_ones(durations, micro_batches):
    places = torch.arange(len(durations))[:, None] + torch.arange(micro_batches)
    return places.to(durations.dtype)


@pipeline_timetable.alternative
def by_the_slowest_so_far(durations, micro_batches):
    before = torch.cumsum(durations, dim=0) - durations
    slowest = torch.cummax(durations, dim=0).values
    i = torch.arange(micro_batches, dtype=durations.dtype)
    return before[:, None] + slowest[:, None] * i


@pipeline_timetable.alternative
def stage_by_stage(durations, micro_batches):
    rows, arrivals = [], [0.0] * micro_batches
    for duration in durations.tolist():
        row, free = [], 0.0
        for arrival in arrivals:
            row.append(max(arrival, free))
            free = row[-1] + duration
        rows.append(row)
        arrivals = [start + duration for start in row]
    return torch.tensor(rows, dtype=durations.dtype)

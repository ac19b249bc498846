"""Two old lines of code, made to run on any device and in any precision."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder import probes
from autograder.exercises.training_loop.drawing import draw_scores
from autograder.exercises.training_loop.lab import lab
from autograder.judging.checks import check, find, finding, leaves_inputs_alone, matches_reference
from course_lib import training_loop


@check("result and input have one dtype and one device")
def stays_where_it_is(case):
    result = case.observed["result"]
    wanted, got = case.dtype, result["dtype"]
    if got != wanted:
        return finding(False, wanted, str(got), f"dtype {got}, wanted {wanted}")
    elsewhere = find(case.observed, "result.elsewhere", case)
    if elsewhere is None:
        return finding(True)
    if "raised" in elsewhere:
        return finding(
            False,
            "a result on another device",
            f"{elsewhere['raised']} there",
            "on another device it raises: something is created on the default device",
        )
    place = elsewhere["device"], elsewhere["dtype"]
    return finding(
        place == ("meta", wanted),
        f"{wanted} on the device of the input",
        f"{place[1]} on {place[0]}",
        "on another device the result has another device or dtype than the input",
    )


def _small_scores(rng):
    drawn = draw_scores(rng)
    return {**drawn, "scores": np.clip(drawn["scores"], -3, 3)}


one_hot_squared_error = lab.repair(
    training_loop.one_hot_squared_error,
    title="Two old lines from the lecture notes",
    statement="""This function is put together from two lines of a set of lecture notes:
`.type(torch.cuda.FloatTensor)` and `size_average=False`. It runs on one kind of machine, in one
precision, with a warning. Repair it:

- it works on **any device** and in **any precision** (float16, float32, float64), and what it
  returns is where its input is, and of its dtype;
- the loss is what `size_average=False` meant, in today's words. Which reduction was that?

The check calls it in all three precisions, and on torch's device `meta`, which has shapes but no
numbers: whatever is created on the default device instead shows at once, without a GPU.""",
    points=2,
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("1.6", "1.13"),
    planted="from_the_notes",
    hide=("Formula", "Convention", "Raises"),
    inputs=_small_scores,
    dtypes=("float64", "float16", "float32"),
    probe=probes.devices(),
    checks=[
        matches_reference("the sum of squares", of="result.value"),
        stays_where_it_is,
        leaves_inputs_alone(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "what is asked for is where the result is, and of which dtype",
        "one_hot = torch.zeros_like(scores) => one_hot = -torch.zeros_like(scores)": "−0 is 0",
    },
    hints=(
        "`torch.zeros_like(scores)` takes device and dtype from `scores`.",
        'Old: `size_average=True` or `False`. New: `reduction="mean"` or `"sum"`.',
    ),
)


@one_hot_squared_error.mistake(
    "`torch.cuda.FloatTensor` exists only where there is a GPU, and is float32 always. Create the "
    "tensor like another one: `torch.zeros_like(scores)`.",
    origin="lecture notes; 43 of 143 students ask for CUDA somewhere",
    raises="RuntimeError",
)
def from_the_notes(scores, target):
    one_hot = torch.zeros(scores.shape).type(torch.cuda.FloatTensor)
    one_hot[range(len(target)), target] = 1
    loss_function = nn.MSELoss(size_average=False)
    return loss_function(scores, one_hot)


FIXED = (
    "Your one-hot tensor is float32 on the default device, whatever the scores are: "
    "`torch.FloatTensor` always is, and `torch.zeros(scores.shape)` where nothing else is said. "
    "`torch.zeros_like(scores)` follows them in dtype and device."
)


@one_hot_squared_error.mistake(FIXED, origin="23 of 117 students fix a dtype")
def old_float_tensor(scores, target):
    one_hot = torch.zeros(scores.shape).type(torch.FloatTensor)
    one_hot[torch.arange(len(target)), target] = 1
    return nn.MSELoss(reduction="sum")(scores, one_hot)


@one_hot_squared_error.mistake(FIXED)
def default_tensor(scores, target):
    one_hot = torch.zeros(scores.shape)
    one_hot[torch.arange(len(target)), target] = 1
    return ((scores - one_hot) ** 2).sum()


@one_hot_squared_error.mistake(
    '`size_average=False` meant *not* to average: today\'s `reduction="sum"`. You return the '
    "mean, torch's default."
)
def mean_instead(scores, target):
    one_hot = torch.zeros_like(scores)
    one_hot[torch.arange(len(target)), target] = 1
    return nn.MSELoss()(scores, one_hot)


@one_hot_squared_error.mistake(
    'You keep all squares, `reduction="none"`. `size_average=False` did not average, but it added '
    'up: `reduction="sum"`.'
)
def not_added_up(scores, target):
    one_hot = torch.zeros_like(scores)
    one_hot[range(len(target)), target] = 1
    return nn.MSELoss(reduction="none")(scores, one_hot)


@one_hot_squared_error.mistake(
    "You divide by the number of examples. `size_average=False` meant the plain sum."
)
def mean_over_examples(scores, target):
    one_hot = torch.zeros_like(scores)
    one_hot[torch.arange(len(target)), target] = 1
    return ((scores - one_hot) ** 2).sum() / len(scores)


@one_hot_squared_error.mistake(
    "The dtype follows the scores, the device does not: `device=scores.device` is missing."
)
def dtype_but_not_device(scores, target):
    one_hot = torch.zeros(scores.shape, dtype=scores.dtype)
    one_hot[torch.arange(len(target)), target] = 1
    return ((scores - one_hot) ** 2).sum()


@one_hot_squared_error.mistake(
    "The device follows the scores, the dtype does not: `dtype=scores.dtype` is missing, and "
    "float16 becomes float32."
)
def device_but_not_dtype(scores, target):
    one_hot = torch.zeros(scores.shape, device=scores.device)
    one_hot[torch.arange(len(target)), target] = 1
    return ((scores - one_hot) ** 2).sum()


@one_hot_squared_error.mistake(
    "`.float()` turns everything into float32. Convert the targets to the dtype of the scores "
    "instead: `.to(scores)`."
)
def scores_made_float(scores, target):
    one_hot = F.one_hot(target, scores.shape[1]).float()
    return ((scores.float() - one_hot) ** 2).sum()


@one_hot_squared_error.mistake(
    "`one_hot[:, target] = 1` fills whole columns. Row i has a single 1, in column `target[i]`."
)
def whole_columns(scores, target):
    one_hot = torch.zeros_like(scores)
    one_hot[:, target] = 1
    return ((scores - one_hot) ** 2).sum()


@one_hot_squared_error.alternative
def by_comparison(scores, target):
    classes = torch.arange(scores.shape[1], device=scores.device)
    one_hot = (target[:, None] == classes).to(scores)
    return nn.MSELoss(reduction="sum")(scores, one_hot)


@one_hot_squared_error.alternative
def by_eye(scores, target):
    one_hot = torch.eye(scores.shape[1], dtype=scores.dtype, device=scores.device)[target]
    return (scores - one_hot).pow(2).sum()


@one_hot_squared_error.alternative
def in_a_loop(scores, target):
    one_hot = scores.new_zeros(scores.shape)
    for i in range(len(target)):
        one_hot[i, target[i]] = 1.0
    return F.mse_loss(scores, one_hot, reduction="sum")

"""One step of gradient descent."""

import torch

from autograder import probes
from autograder.exercises.training_loop.lab import lab
from autograder.judging import edit
from autograder.judging.checks import matches_reference
from course_lib import training_loop

OPTIMIZERS = ("torch.optim.SGD", "torch.optim.sgd.sgd", "torch.optim.Adam", "torch.optim.AdamW")


def _descent(rng):
    """Four steps at changing rates; the second of three parameters takes part in two."""
    shapes = [(3, int(rng.integers(4, 7))), (int(rng.integers(2, 5)),), (2, 3)]
    steps = [
        {
            "gradients": [
                rng.normal(size=shape) if index != 1 or used else None
                for index, shape in enumerate(shapes)
            ],
            "learning_rate": float(rng.uniform(0.05, 0.9)),
        }
        for used in (False, True, True, False)
    ]
    return {"parameters": [rng.normal(size=shape) for shape in shapes], "steps": steps}


sgd_step = lab.exercise(
    training_loop.sgd_step,
    title="One step downhill",
    statement="""`loss.backward()` has left a gradient in `parameter.grad` of every parameter that took
part in the loss. Take one step of gradient descent, w ← w − η ∂L/∂w, and clear the gradients for the
next one.

- Change the tensors that the **model holds**, in place. `w = w - …` makes a new tensor and lets the
  *name* w point to it; the model never hears of it.
- The update is not part of the model: no graph of it may be kept, and the parameters stay leaves
  that require gradients. That is what `torch.no_grad()` is for.
- Gradients **add up** in `.grad` until somebody clears them (`None`, or zeros).
- A parameter without a gradient (`.grad is None`) took no part; leave it alone. `parameters` is what
  `model.parameters()` gives: it can be walked through **once**.

Nothing is returned.""",
    points=4,
    minutes=8,
    difficulty=2,
    syllabus=("1.1",),
    hide=("Formula",),
    inputs=_descent,
    probe=probes.descent(),
    checks=[
        matches_reference("the parameters after the first step", of="result.0.values"),
        matches_reference("the parameters after the second step", of="result.1.values"),
        matches_reference("the parameters after four steps", of="result.3.values"),
        matches_reference(
            "gradients are cleared", of="result.0.cleared", words=("cleared", "not cleared")
        ),
        matches_reference(
            "the parameters are leaves that require gradients",
            of="result.3.leaves",
            words=("all of them", "not all of them"),
        ),
    ],
    forbidden=OPTIMIZERS,
    equivalent_mutants={
        "everything is done under torch.no_grad()": "a step is no part of the model",
    },
    hints=(
        "`with torch.no_grad():` around a loop over the parameters.",
        "`parameter -= learning_rate * parameter.grad` changes the tensor itself.",
    ),
)


NOT_CLEARED = (
    "The gradients are never cleared. `backward()` adds to what is there, so the second step also "
    "takes the first one's gradient, the third those of both: set `parameter.grad = None` after "
    "the update. (In a second loop over `parameters`? `model.parameters()` gives its tensors once; "
    "do both in one loop, or keep `list(parameters)`.)"
)
NOT_MOVED = (
    "The parameters of the model have not moved, and their gradients are gone. Either the gradient "
    "is cleared before it is used, or what you update is another tensor: `parameter = parameter − "
    "…` makes a new one and gives it the name. Update in place, `parameter -= …`, and clear then."
)

sgd_step.mistake("gradients_kept", edit("parameter.grad = None", ""), NOT_CLEARED)


@sgd_step.mistake(NOT_CLEARED)
def walks_twice(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= learning_rate * parameter.grad
    for parameter in parameters:
        parameter.grad = None


sgd_step.mistake(
    "in_the_graph",
    edit("no_grad()", "enable_grad()"),
    "torch refuses to change a parameter in place while it records operations for the backward "
    "pass. The update is no part of the model: put it under `torch.no_grad()`.",
    raises="RuntimeError",
)


@sgd_step.mistake(NOT_MOVED)
def rebinds_the_name(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                gradient, parameter.grad = parameter.grad, None
                parameter = parameter - learning_rate * gradient


@sgd_step.mistake(
    "`parameter = parameter - …` makes a new tensor and gives it the name; the one that the model "
    "holds has not moved. Update in place under `torch.no_grad()`, then clear the gradient."
)
def rebinds_and_keeps_gradients(parameters, learning_rate):
    for parameter in parameters:
        if parameter.grad is not None:
            parameter = parameter - learning_rate * parameter.grad


sgd_step.mistake(
    "uphill",
    edit("-= learning_rate", "+= learning_rate"),
    "You walk uphill. The gradient points to where the loss grows: subtract it.",
)


@sgd_step.mistake(
    "You use `.grad` of every parameter. One that took no part in the loss (a frozen layer, say) "
    "has `None` there: leave it out.",
    raises="TypeError",
)
def every_parameter_has_a_gradient(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            parameter -= learning_rate * parameter.grad
            parameter.grad = None


sgd_step.mistake(
    "stops_at_one_without_a_gradient",
    edit("if parameter.grad is not None:", "if parameter.grad is None:\n    break\nelse:"),
    "You stop (`break` or `return`) at the first parameter without a gradient, and those after it "
    "stay where they are. Leave out that one only: `continue`.",
)
sgd_step.mistake(
    "rate_forgotten",
    edit("learning_rate * parameter.grad", "parameter.grad"),
    "You subtract the whole gradient. The step is η times as long: `learning_rate * "
    "parameter.grad`.",
)


@sgd_step.mistake(
    "Your clearing stands after the loop and so concerns its last parameter only; the others keep "
    "their gradients, and the next `backward()` adds to them. Indent it."
)
def last_one_cleared(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter -= learning_rate * parameter.grad
    parameter.grad = None


sgd_step.mistake(
    "cleared_first",
    edit("if parameter.grad is not None", "parameter.grad = None\nif parameter.grad is not None"),
    NOT_MOVED,
)
sgd_step.mistake(
    "of_unit_length",
    edit(
        "learning_rate * parameter.grad", "learning_rate * parameter.grad / parameter.grad.norm()"
    ),
    "You divide the gradient by its length. Then the steps do not get smaller near a minimum; the "
    "rule is w − η ∂L/∂w with the gradient as it is.",
)
sgd_step.mistake(
    "gradient_replaces",
    edit(
        "parameter -= learning_rate * parameter.grad",
        "parameter.copy_(-learning_rate * parameter.grad)",
    ),
    "You overwrite the parameter with the step. The step is added to it: w − η ∂L/∂w.",
)


@sgd_step.mistake(
    "You switch `requires_grad` off and leave it off: the next `backward()` gives these "
    "parameters no gradient. Use `torch.no_grad()` for the update instead.",
    raises="RuntimeError",
)
def no_longer_a_leaf_that_learns(parameters, learning_rate):
    for parameter in parameters:
        parameter.requires_grad_(False)
        if parameter.grad is not None:
            parameter -= learning_rate * parameter.grad
            parameter.grad = None


@sgd_step.alternative
def through_data(parameters, learning_rate):
    for parameter in parameters:
        if parameter.grad is None:
            continue
        parameter.data -= learning_rate * parameter.grad.data
        parameter.grad.zero_()


@sgd_step.alternative
@torch.no_grad()
def by_sub(parameters, learning_rate):
    for parameter in list(parameters):
        if parameter.grad is not None:
            parameter.sub_(parameter.grad, alpha=learning_rate)
        parameter.grad = None


@sgd_step.alternative
def with_new_data(parameters, learning_rate):
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.data = parameter.data - learning_rate * parameter.grad
            parameter.grad = torch.zeros_like(parameter)


@sgd_step.alternative
def copied_in(parameters, learning_rate):
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is not None:
                parameter.copy_(parameter - learning_rate * parameter.grad)
                parameter.grad = None

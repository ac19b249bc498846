"""The slope of leaky ReLU, which never is zero."""

import torch

from autograder import probes
from autograder.exercises.activations.lab import (
    AT_THE_KINK,
    AUTOGRAD,
    draw_gradient_off_zero,
    draw_slope,
    draw_values,
    lab,
    put_in,
    without,
)
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import activations


def _far_left(low, high):
    def draw(rng):
        x = put_in(rng, draw_values(rng), -1e6 * rng.uniform(0.5, 2, size=3))
        gradient = draw_gradient_off_zero(rng, x)
        return {"grad_output": gradient, "x": x, "negative_slope": draw_slope(rng, low, high)}

    return draw


_shallow = _far_left(0.1, 0.7)


leaky_relu_backward = lab.exercise(
    activations.leaky_relu_backward,
    title="The slope of leaky ReLU",
    statement=r"""Backpropagate through the leaky ReLU by hand: `grad_output` is
$\partial L/\partial y$, `x` the input. Return $\partial L/\partial x$. How much gradient is left at
x = −1,000,000? (At exactly 0, where there is no derivative, any finite slope will do.)""",
    points=2,
    minutes=4,
    core=False,
    syllabus=("2.4",),
    hide=("Formula",),
    inputs=(_far_left(1.3, 3), _far_left(-2, -0.3), without(_shallow, "negative_slope"), _shallow),
    probe=probes.call(),
    checks=[matches_reference("the gradient"), leaves_inputs_alone(), keeps_dtype()],
    forbidden=AUTOGRAD,
    equivalent_mutants={
        "return torch.where(x > 0, grad_output, negative_slope * grad_output) => "
        "return torch.where(x >= 0, grad_output, negative_slope * grad_output)": AT_THE_KINK,
    },
    hints=("The slope is 1 on the right and α on the left. It does not depend on how far x is.",),
)


@leaky_relu_backward.mistake("Your slope is 0 on the left, as ReLU's. The leaky ReLU's is α there.")
def relu_slope(grad_output, x, negative_slope=0.01):
    return grad_output * (x > 0)


@leaky_relu_backward.mistake(
    "You pass the gradient on unchanged. On the left it is multiplied by α."
)
def one_everywhere(grad_output, x, negative_slope=0.01):
    return grad_output * 1


@leaky_relu_backward.mistake(
    "On the left you multiply by αx, the value. The slope of αx is α, however far left x lies."
)
def value_for_slope(grad_output, x, negative_slope=0.01):
    return torch.where(x > 0, grad_output, negative_slope * x * grad_output)


@leaky_relu_backward.mistake("The slope on the left is +α, not −α.")
def negative_leak(grad_output, x, negative_slope=0.01):
    return torch.where(x > 0, grad_output, -negative_slope * grad_output)


@leaky_relu_backward.mistake("The sides are swapped: α belongs to negative x.")
def slopes_swapped(grad_output, x, negative_slope=0.01):
    return torch.where(x > 0, negative_slope * grad_output, grad_output)


@leaky_relu_backward.mistake(
    "You apply the leaky ReLU to `grad_output`. What decides is the sign of x."
)
def leak_of_the_gradient(grad_output, x, negative_slope=0.01):
    return torch.where(grad_output > 0, grad_output, negative_slope * grad_output)


@leaky_relu_backward.mistake(
    "On the left you return α itself. The chain rule multiplies it by `grad_output`."
)
def leak_without_gradient(grad_output, x, negative_slope=0.01):
    return torch.where(x > 0, grad_output, torch.full_like(x, negative_slope))


@leaky_relu_backward.mistake(
    "You return the slope alone. The chain rule multiplies it by `grad_output`."
)
def slope_alone(grad_output, x, negative_slope=0.01):
    return torch.where(x > 0, torch.ones_like(x), torch.full_like(x, negative_slope))


@leaky_relu_backward.mistake("You ignore `negative_slope` and always use 0.01.")
def fixed_leak(grad_output, x, negative_slope=0.01):
    return torch.where(x > 0, grad_output, 0.01 * grad_output)


@leaky_relu_backward.mistake("Your default slope is 0.1; the lab's is 0.01.")
def other_default(grad_output, x, negative_slope=0.1):
    return torch.where(x > 0, grad_output, negative_slope * grad_output)


@leaky_relu_backward.alternative
def slope_times_gradient(grad_output, x, negative_slope=0.01):
    return grad_output * (negative_slope + (1 - negative_slope) * (x > 0))


@leaky_relu_backward.alternative
def overwrites(grad_output, x, negative_slope=0.01):
    grad_output[x < 0] *= negative_slope
    return grad_output

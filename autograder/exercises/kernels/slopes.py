"""An activation on the way back: its slope on loaded values, and the kernel for any slope."""

import numpy as np

from autograder import probes
from autograder.exercises.kernels.lab import (
    FIRST_BLOCK,
    LEAVES_OUT,
    LOADS_BEYOND,
    LOADS_TWICE,
    OVERLAPPING,
    STORES_BEYOND,
    by_what_it_does,
    held,
    lab,
    numbers,
    output,
    ragged,
    whole,
)
from autograder.judging import Part, edit
from autograder.judging.checks import matches_reference
from autograder.judging.kernels import (
    compiles,
    moves_few_bytes,
    no_races,
    same_in_any_order,
    writes_everything,
)
from course_lib.kernels import plain
from course_lib.tracing.language import tl

_AROUND = """
def around(x_ptr, out_ptr, n, SLOPE: tl.constexpr, BLOCK: tl.constexpr):
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    tl.store(out_ptr + i, SLOPE(tl.load(x_ptr + i, mask=inside)), mask=inside)
"""
"""What a slope is called by."""


def _around(x):
    arguments = {"x_ptr": x, "out_ptr": output(len(x)), "n": len(x), "BLOCK": 64}
    return {"around": _AROUND, "as": "SLOPE", "arguments": arguments, "grid": [1]}


def _ordinary(rng):
    """Where the bell and its sum both count."""
    return _around(rng.uniform(-3, 3, size=int(rng.integers(20, 60))))


def _far_out(rng):
    """Far out, where a power overflows that does not need to; and 0."""
    far = rng.uniform(20, 60, size=int(rng.integers(4, 12))) * rng.choice([-1, 1])
    far = np.concatenate([far, -far, [0.0], rng.uniform(-6, 6, size=9)])
    return _around(far)


def _compiled(rng):
    return _ordinary(rng) | {"gpu": {"BLOCK": 1024}}


gelu_slope = lab.exercise(
    plain.gelu_slope.fn,
    title="The slope of GELU",
    statement=(
        "`gelu` above works on values that a kernel has loaded. Write its derivative, on such values: no addresses, no "
        "masks. `x` is a block; `tl.erf` and `tl.exp` take blocks."
    ),
    points=2,
    minutes=6,
    syllabus=("13.3",),
    hide=("Formula",),
    inputs=(_ordinary, _far_out, _compiled),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    checks=[matches_reference("the slope", of="result.out_ptr"), compiles()],
    hints=(
        "GELU is a product, x · Φ(x): two terms.",
        "Φ′ is the normal density, φ(x) = exp(−x²/2)/√(2π), and 1/√(2π) = 0.3989422804014327.",
        "Φ(x) + x φ(x), with Φ as in `gelu`.",
    ),
)

_HALF = "0.5 * (1.0 + tl.erf(x * 0.7071067811865476))"
_DENSITY = "x * (tl.exp(-0.5 * x * x) * 0.3989422804014327)"

gelu_slope.mistake(
    "without_the_second_term",
    edit(f"share + {_DENSITY}", "share"),
    "You give Φ(x): the second term of the product rule is missing, x Φ′(x) = x φ(x).",
)
gelu_slope.mistake(
    "the_density_alone",
    edit(f"share + {_DENSITY}", _DENSITY),
    "You give x φ(x): the first term of the product rule is missing, Φ(x).",
)
gelu_slope.mistake(
    "density_without_x",
    edit(_DENSITY, _DENSITY.removeprefix("x * ")),
    "You add φ(x). By the product rule it is x φ(x).",
)
gelu_slope.mistake(
    "density_not_normalized",
    edit(" * 0.3989422804014327", ""),
    "Your density is not divided by √(2π), so that its integral is not 1: φ(x) = exp(−x²/2)/√(2π).",
)
gelu_slope.mistake(
    "root_of_two_missing",
    edit("tl.erf(x * 0.7071067811865476)", "tl.erf(x)"),
    "Your Φ lacks the root: Φ(x) = (1 + erf(x/√2))/2.",
)
gelu_slope.mistake(
    "half_missing_in_the_exponent",
    edit("-0.5 * x * x", "-x * x"),
    "Your density has exp(−x²). That of the normal distribution has exp(−x²/2).",
)
gelu_slope.mistake(
    "exponent_of_the_wrong_sign",
    edit("-0.5 * x * x", "0.5 * x * x"),
    "Your exponent is positive, so that the density grows, and overflows. exp(−x²/2) falls.",
)
gelu_slope.mistake(
    "gelu_itself",
    edit(f"share + {_DENSITY}", "x * share"),
    "You give GELU itself, x Φ(x). Asked for is its derivative.",
)
gelu_slope.mistake(
    "minus",
    edit(f"share + {_DENSITY}", f"share - {_DENSITY}"),
    "The sign of your second term is wrong: the derivative of Φ is +φ. Φ(x) + x φ(x).",
)


@gelu_slope.mistake(
    "This is the slope of the approximation x σ(1.702 x), which is off in the second digit. `gelu` above is exact: "
    "Φ(x) + x φ(x).",
)
def of_the_sigmoid(x):
    s = 1.0 / (1.0 + tl.exp(-1.702 * x))
    return s + 1.702 * x * s * (1.0 - s)


@gelu_slope.mistake(
    "This is the slope of the approximation by tanh, which is off in the fourth digit. `gelu` above is exact: "
    "Φ(x) + x φ(x).",
)
def of_the_tanh(x):
    u = 0.7978845608028654 * (x + 0.044715 * x * x * x)
    t = 2.0 / (1.0 + tl.exp(-2.0 * u)) - 1.0
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * 0.7978845608028654 * (1.0 + 0.134145 * x * x)


@gelu_slope.mistake(
    "This is ReLU's slope, a step at 0. GELU's is smooth, below 0 far on the left and above 1 on the right: Φ(x) + x φ(x).",
)
def of_relu(x):
    return tl.where(x > 0, 1.0, 0.0)


@gelu_slope.alternative
def by_parts(x):
    bell = tl.exp(x * x * -0.5)
    return x * bell / 2.5066282746310002 + (tl.erf(x / 1.4142135623730951) + 1.0) / 2.0


@gelu_slope.alternative
def out_of_gelu(x):
    phi = 0.5 + 0.5 * tl.erf(0.7071067811865476 * x)
    return tl.fma(0.3989422804014327 * x, tl.exp(-(x * x) / 2.0), phi)


def _gradient(rng, block, n):
    """A slope that no activation has, so that nobody can leave it out."""
    a, b = (round(float(v), 3) for v in rng.uniform(0.5, 3, size=2))
    slope = {"make": "jit", "source": f"def slope(x):\n    return {a} * x + {b} * x * x"}
    arguments = {"x_ptr": numbers(rng, n), "grad_ptr": numbers(rng, n), "out_ptr": output(n)}
    return {"arguments": {**arguments, "n": n, "SLOPE": slope, "BLOCK": block}, "grid": [3]}


def _last_block_not_full(rng):
    return _gradient(rng, *ragged(rng))


def _more_programs_than_needed(rng):
    return _gradient(rng, *ragged(rng, 2))


def _all_blocks_full(rng):
    return _gradient(rng, *whole(rng)) | {"gpu": {"BLOCK": 1024}}


backward = lab.exercise(
    plain.backward.fn,
    title="One backward kernel for all activations",
    statement=(
        "`SLOPE` is a jitted function like your `gelu_slope`, handed over when the kernel is compiled: call it as "
        "`SLOPE(x)`. Write the backward pass of any elementwise function: `grad_ptr` holds the gradient of the loss by its "
        "output, `out_ptr` gets that by its input. All three are n contiguous numbers; program k takes those from "
        "k · `BLOCK` on.\n\n"
        "*Judged* as before; 3 n numbers are to be moved. The input stays as it is, and so does the gradient: others may "
        "need it."
    ),
    parts=[
        Part("right", 1, (matches_reference("the gradient", of="result.out_ptr"),)),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part(
            "bytes",
            1,
            (moves_few_bytes(lambda given: held(given, "x_ptr", "grad_ptr", "out_ptr")),),
        ),
    ],
    minutes=6,
    syllabus=("13.3", "13.2"),
    hide=("Formula",),
    inputs=(_last_block_not_full, _more_programs_than_needed, _all_blocks_full),
    probe=probes.launched("out_ptr"),
    signature=by_what_it_does,
    hints=(
        "The chain rule, element by element: which derivative, at which point, times what?",
        "The slope is that at x, the input: SLOPE(x) times the gradient.",
    ),
)

backward.mistake(
    "slope_of_the_gradient",
    edit("grad * SLOPE(x)", "x * SLOPE(grad)"),
    "You take the slope at the *gradient*. It is the slope at the input x, times the gradient.",
)
backward.mistake(
    "slope_times_x",
    edit("grad * SLOPE(x)", "x * SLOPE(x)"),
    "You multiply the slope with x. The chain rule multiplies it with the gradient that comes from above.",
)
backward.mistake(
    "slope_of_the_gradient_alone",
    edit("grad * SLOPE(x)", "grad * SLOPE(grad)"),
    "You take the slope at the *gradient*. It is the slope at the input x, times the gradient.",
)
backward.mistake(
    "without_the_gradient",
    edit("grad * SLOPE(x)", "SLOPE(x)"),
    "You give the slope by itself. The chain rule multiplies it with the gradient that comes from above.",
)
backward.mistake(
    "sum",
    edit("grad * SLOPE(x)", "grad + SLOPE(x)"),
    "You add the gradient and the slope. The chain rule multiplies them.",
)
backward.mistake(
    "without_the_slope",
    edit("grad * SLOPE(x)", "grad * x"),
    "`SLOPE` is not called: you multiply with x itself. The gradient is multiplied with SLOPE(x).",
)
backward.mistake(
    "always_gelu",
    edit("grad * SLOPE(x)", f"grad * ({_HALF} + {_DENSITY})"),
    "You have written GELU's slope into the kernel. This one is for any function: call `SLOPE(x)`.",
)
backward.mistake(
    "loads_without_a_mask",
    edit("x_ptr + i, mask=inside", "x_ptr + i").also("grad_ptr + i, mask=inside", "grad_ptr + i"),
    LOADS_BEYOND,
)
backward.mistake(
    "gradient_without_a_mask", edit("grad_ptr + i, mask=inside", "grad_ptr + i"), LOADS_BEYOND
)
backward.mistake(
    "stores_without_a_mask",
    edit("grad * SLOPE(x), mask=inside", "grad * SLOPE(x)"),
    STORES_BEYOND,
)
backward.mistake(
    "over_the_gradient",
    edit("out_ptr + i", "grad_ptr + i"),
    "You write the result over the gradient, and nothing into `out_ptr`. Somebody else may need the gradient: a sum, for "
    "one, hands the same to both of its terms.",
)
backward.mistake("one_before_the_end", edit("i < n", "i < n - 1"), LEAVES_OUT)
backward.mistake("first_block_only", edit("tl.program_id(0) * BLOCK + ", ""), FIRST_BLOCK)
backward.mistake("begins_at_k", edit("tl.program_id(0) * BLOCK", "tl.program_id(0)"), OVERLAPPING)
backward.mistake(
    "loads_x_twice",
    edit("grad * SLOPE(x)", "grad * SLOPE(tl.load(x_ptr + i, mask=inside))"),
    LOADS_TWICE,
)


@backward.alternative
def by_bounds(x_ptr, grad_ptr, out_ptr, n, SLOPE: tl.constexpr, BLOCK: tl.constexpr):
    first = tl.program_id(axis=0) * BLOCK
    lanes = tl.arange(0, BLOCK)
    mask = lanes < n - first
    slope = SLOPE(tl.load(x_ptr + first + lanes, mask=mask, other=0.0))
    grad = tl.load(grad_ptr + first + lanes, mask, other=0.0)
    tl.store(out_ptr + first + lanes, slope * grad, mask)

"""AdamW for all tensors of a network in one launch."""

import numpy as np

from autograder import probes
from autograder.exercises.kernels.lab import by_what_it_does, lab
from autograder.judging import Part, edit
from autograder.judging.checks import matches_reference
from autograder.judging.kernels import (
    compiles,
    moves_few_bytes,
    no_races,
    same_in_any_order,
)
from course_lib.kernels import plain
from course_lib.tracing.language import tl


def tensors(rng, sizes, block):
    """Tables for a launch: every tensor cut into pieces, all first pieces before all second ones."""
    pieces = [(which, at) for which, size in enumerate(sizes) for at in range(0, size, block)]
    pieces.sort(key=lambda piece: piece[1])
    arguments = {
        "parameters": [rng.normal(size=size) * 2 for size in sizes],
        "gradients": [rng.normal(size=size) for size in sizes],
    }
    tables = {
        "sizes": np.array(sizes, dtype=np.int64),
        "tensor_of": np.array([which for which, _ in pieces], dtype=np.int64),
        "start_of": np.array([at for _, at in pieces], dtype=np.int64),
    }
    return arguments, tables, [len(pieces)]


def _step(rng, sizes, block, t):
    arguments, tables, grid = tensors(rng, sizes, block)
    beta1, beta2 = (
        round(float(rng.uniform(low, high)), 3) for low, high in ((0.5, 0.8), (0.85, 0.95))
    )
    arguments |= {
        "averages": [rng.normal(size=size) for size in sizes],
        "squares": [rng.uniform(0.01, 2, size=size) for size in sizes],
    }
    settings = {
        "lr": round(float(rng.uniform(0.05, 0.2)), 3),
        "beta1": beta1,
        "beta2": beta2,
        "eps": 0.1,
        "weight_decay": round(float(rng.uniform(0.2, 0.6)), 3),
        "correction1": 1 - beta1**t,
        "correction2": 1 - beta2**t,
        "BLOCK": block,
    }
    return {"arguments": {**arguments, **tables, **settings}, "grid": grid, "gpu": {"BLOCK": 1024}}


def _inputs(rng):
    """Two tensors: one of two pieces, one that is smaller than a block."""
    sizes = [8 + int(rng.integers(2, 7)), int(rng.integers(1, 7))]
    return _step(rng, sizes, 8, int(rng.integers(2, 5)))


def _fewest(inputs):
    """Four numbers read and three written for each parameter; three tables, and those of addresses."""
    arguments = inputs["arguments"]
    numbers = sum(len(w) for w in arguments["parameters"])
    (programs,) = inputs["grid"]
    return 28 * numbers + programs * (3 + 4) * 8


_SMALL = "whole numbers up to 2048 are exact in half precision"


adamw = lab.exercise(
    plain.adamw.fn,
    title="AdamW, all tensors in one launch",
    statement=(
        "A network of 160 tensors must not take 160 launches. Each program learns from two tables where it works: "
        "number k on tensor `tensor_of[k]`, the `BLOCK` elements from `start_of[k]` on; that tensor has "
        "`sizes[tensor]` elements. `parameters`, `gradients`, `averages` and `squares` are tables too, of *addresses*: "
        "int64, one a tensor. To make such a number an address again:\n\n"
        "`w_ptr = tl.load(parameters + tensor).to(tl.pointer_type(tl.float32))`\n\n"
        "Then one step of lab 6's AdamW in place. The corrections are given: `correction1` = 1 − β₁ᵗ, `correction2` = "
        "1 − β₂ᵗ.\n\n"
        "*Judged* as before; 28 bytes for each parameter, and each program reads an entry of every table once."
    ),
    parts=[
        Part(
            "right",
            2,
            (
                matches_reference("the averages", of="result.averages", rtol=1e-4),
                matches_reference("the squares", of="result.squares", rtol=1e-4),
                matches_reference("the parameters", of="result.parameters", rtol=1e-4),
            ),
        ),
        Part("safe", 1, (no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(_fewest),)),
    ],
    minutes=12,
    difficulty=3,
    syllabus=("13.6", "13.2"),
    hide=("Formula", "Convention"),
    inputs=_inputs,
    dtypes=("float32", "float32"),
    probe=probes.launched("parameters", "averages", "squares"),
    signature=by_what_it_does,
    equivalent_mutants={
        "inside = i < tl.load(sizes + tensor) => inside = i < tl.load(sizes + tensor).to(tl.float16)": _SMALL
    },
    hints=(
        "First the four numbers of a program: which tensor, from where on, how long it is; then i and the mask.",
        "m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g². The decay is w ← (1 − ηλ) w, before the step and apart from the "
        "gradient.",
        "w ← w − η (m/c₁) / (√(v/c₂) + ε). What you store as m and v is not divided by c.",
    ),
)

_STEP = "lr * (m / correction1) / (tl.sqrt(v / correction2) + eps)"

adamw.mistake(
    "no_correction",
    edit(_STEP, "lr * m / (tl.sqrt(v) + eps)"),
    "You do not correct the bias of the averages, which begin at 0: divide m by `correction1` and v by `correction2`.",
)
adamw.mistake(
    "no_correction_of_m",
    edit("(m / correction1)", "m"),
    "m is not corrected: it begins at 0, so that it is too small at first. Divide it by `correction1`.",
)
adamw.mistake(
    "no_correction_of_v",
    edit("tl.sqrt(v / correction2)", "tl.sqrt(v)"),
    "v is not corrected: it begins at 0, so that it is too small at first. Divide it by `correction2`.",
)
adamw.mistake(
    "corrections_swapped",
    edit("m / correction1", "m / correction2").also("v / correction2", "v / correction1"),
    "The corrections are swapped: `correction1` belongs to m, `correction2` to v.",
)
adamw.mistake(
    "stores_corrected_averages",
    edit("tl.store(m_ptr, m,", "tl.store(m_ptr, m / correction1,").also(
        "tl.store(v_ptr, v,", "tl.store(v_ptr, v / correction2,"
    ),
    "You store m and v corrected, and the next step would correct them once more. Corrected they are used, uncorrected kept.",
)
adamw.mistake(
    "decay_in_the_gradient",
    edit(
        "g = tl.load(g_ptr, mask=inside)", "g = tl.load(g_ptr, mask=inside) + weight_decay * w"
    ).also("w = w * (1.0 - lr * weight_decay)\n", ""),
    "You add λw to the gradient, so that it goes through m and v: that is Adam with an L2 penalty. AdamW shrinks the weight "
    "itself, w ← (1 − ηλ) w.",
)
adamw.mistake(
    "decay_after_the_step",
    edit("w = w * (1.0 - lr * weight_decay)\n", "").also(
        f"w = w - {_STEP}", f"w = (w - {_STEP}) * (1.0 - lr * weight_decay)"
    ),
    "You decay after the step, and so decay the step, too. The old weight is decayed: w ← (1 − ηλ) w first.",
)
adamw.mistake(
    "decay_without_the_rate",
    edit("1.0 - lr * weight_decay", "1.0 - weight_decay"),
    "Your decay lacks the rate: w ← (1 − ηλ) w.",
)
adamw.mistake(
    "no_decay",
    edit("w = w * (1.0 - lr * weight_decay)\n", ""),
    "There is no weight decay: w ← (1 − ηλ) w before the step.",
)
adamw.mistake(
    "eps_in_the_root",
    edit("tl.sqrt(v / correction2) + eps", "tl.sqrt(v / correction2 + eps)"),
    "Your ε is inside the root. It is added to the root: √(v/c₂) + ε.",
)
adamw.mistake(
    "eps_before_the_correction",
    edit("tl.sqrt(v / correction2) + eps", "(tl.sqrt(v) + eps) / tl.sqrt(correction2)"),
    "You add ε before the correction, and so correct ε, too: √(v/c₂) + ε.",
)
adamw.mistake(
    "no_eps",
    edit("(tl.sqrt(v / correction2) + eps)", "tl.sqrt(v / correction2)"),
    "ε is missing: √(v/c₂) + ε.",
)
adamw.mistake(
    "no_root",
    edit("tl.sqrt(v / correction2)", "(v / correction2)"),
    "The root is missing: m is divided by √v, so that the step has the size of η.",
)
adamw.mistake(
    "square_missing",
    edit("(1.0 - beta2) * g * g", "(1.0 - beta2) * g"),
    "v takes in g. It is the average of g².",
)
adamw.mistake(
    "one_beta",
    edit(
        "beta2 * tl.load(v_ptr, mask=inside) + (1.0 - beta2)",
        "beta1 * tl.load(v_ptr, mask=inside) + (1.0 - beta1)",
    ),
    "v decays with β₁. It has a β of its own, β₂.",
)
adamw.mistake(
    "gradient_not_weighted",
    edit("(1.0 - beta1) * g\n", "g\n"),
    "m takes in the gradient whole, as momentum does. Adam's is an average: β₁ m + (1 − β₁) g.",
)
adamw.mistake(
    "uphill",
    edit(f"w - {_STEP}", f"w + {_STEP}"),
    "You step along the gradient, uphill: w minus the step.",
)
_KEEPS = (
    "The new {} never stored: the next step would begin with the old one. Three stores: w, m and v."
)
adamw.mistake("forgets_m", edit("tl.store(m_ptr, m, mask=inside)\n", ""), _KEEPS.format("m is"))
adamw.mistake("forgets_v", edit("\ntl.store(v_ptr, v, mask=inside)", ""), _KEEPS.format("v is"))
adamw.mistake(
    "forgets_the_parameters",
    edit("tl.store(w_ptr, w, mask=inside)\n", ""),
    "The new parameters are never stored. Three stores: w, m and v.",
)
_BY_THE_PROGRAM = (
    "You look up by the number of the *program* what belongs to its tensor. `tensor_of` says which tensor that is: a large one "
    "has several programs, which read the same entries of `sizes` and of the addresses."
)
adamw.mistake(
    "program_for_the_tensor",
    edit("tl.load(tensor_of + program)", "program"),
    _BY_THE_PROGRAM,
    raises="OutOfBounds",
)
adamw.mistake(
    "starts_at_zero",
    edit("tl.load(start_of + program) + tl.arange(0, BLOCK)", "tl.arange(0, BLOCK)"),
    "Each of your programs begins at element 0 of its tensor. `start_of` says where.",
)
adamw.mistake(
    "start_by_the_program",
    edit("tl.load(start_of + program)", "program * BLOCK"),
    "You begin at program · BLOCK, as where there is one tensor. Within its tensor a program begins at `start_of`.",
)
adamw.mistake(
    "size_of_the_program",
    edit("sizes + tensor", "sizes + program"),
    _BY_THE_PROGRAM,
    raises="OutOfBounds",
)
adamw.mistake(
    "address_of_the_program",
    edit("tl.load(gradients + tensor)", "tl.load(gradients + program)"),
    _BY_THE_PROGRAM,
    raises="OutOfBounds",
)
_NO_MASK = (
    "You go beyond the end of a tensor: the last piece of one is rarely full, and what comes next in memory is another "
    "tensor, or nobody's. The mask is i < size, on loads and on stores."
)
adamw.mistake(
    "no_mask",
    edit("inside = i < tl.load(sizes + tensor)", "inside = i >= 0"),
    _NO_MASK,
    raises="OutOfBounds",
)
adamw.mistake(
    "stores_without_a_mask",
    edit("tl.store(w_ptr, w, mask=inside)", "tl.store(w_ptr, w)")
    .also("tl.store(m_ptr, m, mask=inside)", "tl.store(m_ptr, m)")
    .also("tl.store(v_ptr, v, mask=inside)", "tl.store(v_ptr, v)"),
    _NO_MASK,
    raises="OutOfBounds",
)
adamw.mistake(
    "loads_the_gradient_twice",
    edit("(1.0 - beta2) * g * g", "(1.0 - beta2) * g * tl.load(g_ptr, mask=inside)"),
    "The numbers are right, and you load the gradient twice: 32 bytes a parameter. Load it once, and use it for m and v.",
)


@adamw.alternative
def as_torch_does(
    parameters,
    gradients,
    averages,
    squares,
    sizes,
    tensor_of,
    start_of,
    lr,
    beta1,
    beta2,
    eps,
    weight_decay,
    correction1,
    correction2,
    BLOCK: tl.constexpr,
):
    k = tl.program_id(axis=0)
    which = tl.load(tensor_of + k)
    at = tl.arange(0, BLOCK) + tl.load(start_of + k)
    mask = at < tl.load(sizes + which)
    kind = tl.pointer_type(tl.float32)
    p = tl.load(parameters + which).to(kind) + at
    m = tl.load(averages + which).to(kind) + at
    v = tl.load(squares + which).to(kind) + at
    g = tl.load(tl.load(gradients + which).to(kind) + at, mask=mask, other=0.0)
    first = tl.load(m, mask=mask, other=0.0)
    first += (g - first) * (1 - beta1)
    second = tl.load(v, mask=mask, other=0.0) * beta2 + g * g * (1 - beta2)
    denominator = tl.sqrt(second) / tl.sqrt(correction2) + eps
    weight = tl.load(p, mask=mask, other=0.0)
    tl.store(
        p, weight - lr * weight_decay * weight - lr / correction1 * first / denominator, mask=mask
    )
    tl.store(m, first, mask=mask)
    tl.store(v, second, mask=mask)

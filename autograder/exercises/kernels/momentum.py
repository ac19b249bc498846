"""SGD with momentum for all tensors of a network in one launch."""

from autograder import probes
from autograder.exercises.kernels.adam import SMALL, tensors
from autograder.exercises.kernels.lab import by_what_it_does, lab
from autograder.judging import Part, edit
from autograder.judging.checks import matches_reference
from autograder.judging.kernels import compiles, moves_few_bytes, no_races, same_in_any_order
from course_lib.kernels import plain
from course_lib.tracing.language import tl


def _inputs(rng):
    """Two tensors: one of two pieces, one that is smaller than a block."""
    sizes = [8 + int(rng.integers(2, 7)), int(rng.integers(1, 7))]
    arguments, tables, grid = tensors(rng, sizes, 8)
    settings = {
        "lr": round(float(rng.uniform(0.1, 0.4)), 3),
        "momentum": round(float(rng.uniform(0.5, 0.8)), 3),
        "weight_decay": round(float(rng.uniform(0.2, 0.6)), 3),
        "BLOCK": 8,
    }
    arguments |= {"buffers": [rng.normal(size=size) for size in sizes]}
    return {"arguments": {**arguments, **tables, **settings}, "grid": grid, "gpu": {"BLOCK": 1024}}


def _fewest(inputs):
    """Three numbers read and two written for each parameter; three tables, and three of addresses."""
    numbers = sum(len(w) for w in inputs["arguments"]["parameters"])
    return 20 * numbers + inputs["grid"][0] * (3 + 3) * 8


sgd_momentum = lab.exercise(
    plain.sgd_momentum.fn,
    title="Momentum, all tensors in one launch",
    statement=(
        "As `adamw`, for SGD with momentum in torch's convention (lab 6): b ← μ b + (g + λ w), w ← w − η b, with the new b. "
        "`buffers` has the addresses of b; `lr` is η, `momentum` μ, `weight_decay` λ.\n\n"
        "*Judged* as `adamw`. How many bytes a parameter?"
    ),
    parts=[
        Part(
            "right",
            2,
            (
                matches_reference("the buffers", of="result.buffers", rtol=1e-4),
                matches_reference("the parameters", of="result.parameters", rtol=1e-4),
            ),
        ),
        Part("safe", 1, (no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(_fewest),)),
    ],
    minutes=6,
    difficulty=2,
    core=False,
    syllabus=("13.6", "13.2"),
    hide=("Formula",),
    inputs=_inputs,
    dtypes=("float32", "float32"),
    probe=probes.launched("parameters", "buffers"),
    signature=by_what_it_does,
    equivalent_mutants={
        "inside = i < tl.load(sizes + tensor) => inside = i < tl.load(sizes + tensor).to(tl.float16)": SMALL
    },
    hints=(
        "Everything up to the addresses is that of `adamw`.",
        "The decay is part of the gradient here: g + λ w goes through the momentum.",
        "Three numbers are read and two are written: 20 bytes.",
    ),
)

_DECAY = " + weight_decay * w"

sgd_momentum.mistake(
    "decay_apart",
    edit(_DECAY, "").also("w - lr * b", "w * (1.0 - lr * weight_decay) - lr * b"),
    "You decay the weight itself, as AdamW does. In torch's SGD λw is part of the gradient, and goes through the momentum.",
)
sgd_momentum.mistake(
    "no_decay", edit(_DECAY, ""), "There is no weight decay: the gradient is g + λ w."
)
sgd_momentum.mistake(
    "decay_of_the_other_sign",
    edit("+ weight_decay * w", "- weight_decay * w"),
    "Your decay has the wrong sign, so that weights grow: g + λ w.",
)
sgd_momentum.mistake(
    "an_average",
    edit(
        "+ tl.load(g_ptr, mask=inside) + weight_decay * w",
        "+ (1.0 - momentum) * (tl.load(g_ptr, mask=inside) + weight_decay * w)",
    ),
    "You average, with 1 − μ before the gradient, as Adam does. Torch's momentum takes it in whole: μ b + g.",
)
sgd_momentum.mistake(
    "rate_in_the_buffer",
    edit(
        "b = b + tl.load(g_ptr, mask=inside) + weight_decay * w",
        "b = b + lr * (tl.load(g_ptr, mask=inside) + weight_decay * w)",
    ).also("w - lr * b", "w - b"),
    "You put the rate into the buffer, as some notes do. In torch's convention it stands before the whole: w − η b.",
)
sgd_momentum.mistake(
    "old_buffer",
    edit("w - lr * b", "w - lr * tl.load(b_ptr, mask=inside)"),
    "You step by the old buffer. The new one is meant, with this gradient in it.",
)
sgd_momentum.mistake(
    "nesterov",
    edit("w - lr * b", "w - lr * (momentum * b + tl.load(g_ptr, mask=inside) + weight_decay * w)"),
    "This is Nesterov's step, g + μ b. Plain momentum steps by b.",
)
sgd_momentum.mistake(
    "no_momentum",
    edit("momentum * tl.load(b_ptr, mask=inside)", "0.0 * tl.load(b_ptr, mask=inside)"),
    "The old buffer does not enter: this is plain gradient descent. b ← μ b + g + λ w.",
)
sgd_momentum.mistake(
    "uphill", edit("w - lr * b", "w + lr * b"), "You step along the gradient, uphill: w − η b."
)
sgd_momentum.mistake(
    "buffer_not_stored",
    edit("\ntl.store(b_ptr, b, mask=inside)", ""),
    "The new buffer is never stored: the next step would begin with the old one.",
)
sgd_momentum.mistake(
    "starts_at_zero",
    edit("tl.load(start_of + program) + tl.arange(0, BLOCK)", "tl.arange(0, BLOCK)"),
    "Each of your programs begins at element 0 of its tensor. `start_of` says where.",
)
sgd_momentum.mistake(
    "no_mask",
    edit("inside = i < tl.load(sizes + tensor)", "inside = i >= 0"),
    "You go beyond the end of a tensor: the last piece of one is rarely full. The mask is i < size.",
    raises="OutOfBounds",
)
sgd_momentum.mistake(
    "loads_the_weight_twice",
    edit("w - lr * b", "tl.load(w_ptr, mask=inside) - lr * b"),
    "The numbers are right, and you load the weight twice: 24 bytes a parameter. 20 are enough.",
)


@sgd_momentum.alternative
def in_another_order(
    parameters,
    gradients,
    buffers,
    sizes,
    tensor_of,
    start_of,
    lr,
    momentum,
    weight_decay,
    BLOCK: tl.constexpr,
):
    k = tl.program_id(axis=0)
    which = tl.load(tensor_of + k)
    at = tl.arange(0, BLOCK) + tl.load(start_of + k)
    mask = at < tl.load(sizes + which)
    kind = tl.pointer_type(tl.float32)
    p = tl.load(parameters + which).to(kind) + at
    v = tl.load(buffers + which).to(kind) + at
    weight = tl.load(p, mask=mask, other=0.0)
    slope = weight_decay * weight + tl.load(
        tl.load(gradients + which).to(kind) + at, mask=mask, other=0.0
    )
    velocity = slope + momentum * tl.load(v, mask=mask, other=0.0)
    tl.store(v, velocity, mask=mask)
    tl.store(p, weight - velocity * lr, mask=mask)

"""Sums over what many programs have seen: in two stages, and without a race."""

from autograder import probes
from autograder.exercises.kernels.lab import (
    LOADS_BEYOND,
    by_what_it_does,
    held,
    lab,
    numbers,
    output,
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


def _columns(rng, together):
    """Rows and columns that do not fill their blocks; three programs."""
    rows = 2 * together + int(rng.integers(1, together))
    width = int(rng.integers(5, 8))
    arguments = {
        "grad_ptr": numbers(rng, rows, width),
        "sums_ptr": output(3, width),
        "rows": rows,
        "width": width,
        "ROWS": together,
        "WIDTH": 8,
    }
    return {"arguments": arguments, "grid": [3]}


def _compiled(rng):
    return _columns(rng, 4) | {"gpu": {"ROWS": 16, "WIDTH": 128}}


bias_gradient = lab.repair(
    plain.bias_gradient.fn,
    planted="into_one_row",
    title="Find the error: a bias's gradient",
    statement=(
        "The gradient of a bias is a sum over all rows. It is taken in two stages: each program adds up its `ROWS` rows and "
        "stores the result as *its own row* of `sums_ptr`, (programs, width); a second kernel adds up those few rows. Below "
        "is the first stage. With `sums_ptr` set to 0 before, the total is right in the interpreter, in whatever order the "
        "programs run. On a GPU it is another number each time. Mend it."
    ),
    parts=[
        Part("right", 1, (matches_reference("the sums of each program", of="result.sums_ptr"),)),
        Part("safe", 1, (writes_everything(), no_races(), same_in_any_order(), compiles())),
        Part("bytes", 1, (moves_few_bytes(lambda given: held(given, "grad_ptr", "sums_ptr")),)),
    ],
    minutes=5,
    difficulty=2,
    core=False,
    syllabus=("13.7",),
    hide=("Formula",),
    inputs=(lambda rng: _columns(rng, 4), lambda rng: _columns(rng, 2), _compiled),
    probe=probes.launched("sums_ptr"),
    signature=by_what_it_does,
    hints=(
        "Which address do all programs store to? What does a program load there while another one is at work?",
        "Row `program` of `sums_ptr` begins at `sums_ptr + program * width`, and nobody else writes there.",
    ),
)

_STORE = "tl.store(sums_ptr + program * width + column, tl.sum(grad, axis=0), mask=column < width)"

bias_gradient.mistake(
    "into_one_row",
    edit(
        _STORE,
        "total = tl.load(sums_ptr + column, mask=column < width) + tl.sum(grad, axis=0)\n"
        "tl.store(sums_ptr + column, total, mask=column < width)",
    ),
    "All programs load and store the same row. On a GPU they do it at the same time, and most of their sums are lost. Each "
    "stores its own row, at `sums_ptr + program * width`, and loads nothing of it.",
)
bias_gradient.mistake(
    "stores_into_one_row",
    edit("sums_ptr + program * width + column", "sums_ptr + column"),
    "All programs store into the same row, and the last one stays. Each has its own, at `sums_ptr + program * width`.",
)
_ADDED = (
    "You add to what was in memory before, and nobody has written that. Each program stores its sum, in a row of its own: no "
    "zeros are needed, no `tl.atomic_add`, and the second stage adds in the same order each time."
)
bias_gradient.mistake(
    "adds_to_its_own_row",
    edit(
        "tl.sum(grad, axis=0), mask",
        "tl.load(sums_ptr + program * width + column, mask=column < width) + tl.sum(grad, axis=0), mask",
    ),
    _ADDED,
)
bias_gradient.mistake(
    "atomic",
    edit(_STORE, "tl.atomic_add(sums_ptr + column, tl.sum(grad, axis=0), mask=column < width)"),
    _ADDED,
)
bias_gradient.mistake(
    "rows_as_wide_as_the_block",
    edit("program * width + column", "program * WIDTH + column"),
    "Your rows of `sums_ptr` are `WIDTH` apart. In memory they are `width` apart.",
    raises="OutOfBounds",
)
bias_gradient.mistake(
    "padding_undefined",
    edit(", other=0.0", ""),
    "The lanes of rows that are not there are undefined (here NaN), and you add them up. `other=0.0` says what they hold.",
)
bias_gradient.mistake(
    "rows_not_masked",
    edit(
        "(row < rows)[:, None] & (column < width)[None, :]",
        "(row >= 0)[:, None] & (column < width)[None, :]",
    ),
    LOADS_BEYOND,
    raises="OutOfBounds",
)


@bias_gradient.alternative
def by_a_matrix(grad_ptr, sums_ptr, rows, width, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    k = tl.program_id(axis=0)
    r, j = k * ROWS + tl.arange(0, ROWS)[:, None], tl.arange(0, WIDTH)
    block = tl.load(grad_ptr + r * width + j, mask=(r < rows) & (j < width), other=0.0)
    tl.store(sums_ptr + (k * width + j), tl.sum(block, 0), mask=j < width)


def _rows_and_classes(rng, size):
    rows = [int(n) for n in rng.integers(2, 5000, size=3)]
    return {"rows": rows, "classes": int(rng.integers(2, 50_000)), "size": size}


cross_entropy_bytes = lab.value(
    plain.cross_entropy_bytes,
    title="The fewest bytes of your loss",
    statement=(
        "Logits of R `rows` and K `classes`, s = `size` bytes a number; losses are of the same dtype, targets int64. Give the "
        "bytes that your kernel `cross_entropy` has to move: each logit read and overwritten, each target read, each loss "
        "written."
    ),
    points=2,
    minutes=3,
    core=False,
    syllabus=("13.2", "13.5"),
    hide=("Formula", "Convention"),
    inputs=(
        lambda rng: _rows_and_classes(rng, 2),
        lambda rng: _rows_and_classes(rng, 4),
        lambda rng: _rows_and_classes(rng, 8),
    ),
    probe=probes.each("rows"),
    checks=[matches_reference("the bytes", rtol=1e-9)],
    hints=(
        "Which tensors are there, of how many numbers, of how many bytes each?",
        "An int64 has 8 bytes.",
    ),
)

cross_entropy_bytes.mistake(
    "read_alone",
    edit("2 * rows * classes * size", "rows * classes * size"),
    "You count the logits once. They are read, and overwritten by the gradient: twice.",
)
cross_entropy_bytes.mistake(
    "as_torch_does",
    edit("2 * rows * classes * size", "4 * rows * classes * size"),
    "4 R K s is what torch moves, with log-probabilities written and read again. Your kernel reads the logits once, and "
    "writes once.",
)
cross_entropy_bytes.mistake(
    "without_targets",
    edit(" + 8 * rows", ""),
    "The targets are missing: 8 bytes a row.",
)
cross_entropy_bytes.mistake(
    "without_losses",
    edit(" + rows * size", ""),
    "The losses are missing: s bytes a row.",
)
cross_entropy_bytes.mistake(
    "logits_alone",
    edit(" + 8 * rows + rows * size", ""),
    "Targets and losses are missing: 8 and s bytes a row.",
)
cross_entropy_bytes.mistake(
    "targets_as_wide_as_logits",
    edit("8 * rows", "size * rows"),
    "Your targets have s bytes each. They are int64, 8 bytes.",
)
cross_entropy_bytes.mistake(
    "numbers",
    edit("2 * rows * classes * size + 8 * rows + rows * size", "2 * rows * classes + 2 * rows"),
    "You count numbers. Asked for are bytes: s for each number, 8 for a target.",
)


@cross_entropy_bytes.alternative
def by_the_row(rows, classes, size):
    return rows * ((2 * classes + 1) * size + 8)

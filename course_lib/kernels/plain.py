"""Kernels as one writes them first: whole in one function each, of float32 or float64.

Lab 13 asks for these. The other modules have them for use: for narrower numbers, too, with wider
loads, and with whatever differentiates them.
"""

from __future__ import annotations

from course_lib.tracing.language import tl, triton


@triton.jit
def vector_add(x_ptr, y_ptr, out_ptr, n, BLOCK: tl.constexpr):
    """Add two vectors.

    Formula: out_i = x_i + y_i.
    Shapes:  x, y and out (n,) contiguous; at least n / BLOCK programs.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = tl.load(x_ptr + i, mask=inside)
    y = tl.load(y_ptr + i, mask=inside)
    tl.store(out_ptr + i, x + y, mask=inside)


@triton.jit
def gelu_slope(x):
    """Give the derivative of GELU for a block of values.

    Formula: Φ(x) + x φ(x), with φ(x) = exp(−x²/2) / √(2π) and its integral Φ.
    """
    share = 0.5 * (1.0 + tl.erf(x * 0.7071067811865476))
    return share + x * (tl.exp(-0.5 * x * x) * 0.3989422804014327)


@triton.jit
def backward(x_ptr, grad_ptr, out_ptr, n, SLOPE: tl.constexpr, BLOCK: tl.constexpr):
    """Propagate a gradient through a function that was applied to every element.

    Formula: out_i = grad_i · SLOPE(x_i).
    Shapes:  x, grad and out (n,) contiguous; at least n / BLOCK programs.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = tl.load(x_ptr + i, mask=inside)
    grad = tl.load(grad_ptr + i, mask=inside)
    tl.store(out_ptr + i, grad * SLOPE(x), mask=inside)


@triton.jit
def seeded_dropout(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    """Set elements to 0 at random, by a random number of its own for each.

    Formula: out_i = x_i / (1 − p) where `tl.rand(seed, i)` >= p, else 0.
    Shapes:  x and out (n,) contiguous; at least n / BLOCK programs; 0 <= p < 1.
    """
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = i < n
    x = tl.load(x_ptr + i, mask=inside)
    kept = tl.rand(seed, i) >= p
    tl.store(out_ptr + i, tl.where(kept, x / (1.0 - p), 0.0), mask=inside)


@triton.jit
def cross_entropy(
    logits_ptr,
    targets_ptr,
    losses_ptr,
    rows,
    classes,
    scale,
    ROWS: tl.constexpr,
    CLASSES: tl.constexpr,
):
    """Give each row's loss, and overwrite the logits by its gradient times a scale.

    Formula: lossᵣ = log Σₖ exp(xᵣₖ) − xᵣₜ for the target t, and x ← (softmax(x) − onehot(t)) scale.
    Shapes:  logits (rows, classes) contiguous, targets (rows,), losses (rows,); at least
             rows / ROWS programs; CLASSES is a power of two, CLASSES >= classes.
    """
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, CLASSES)[None, :]
    there = row < rows
    inside = there[:, None] & (column < classes)
    place = logits_ptr + row[:, None] * classes + column
    x = tl.load(place, mask=inside, other=-1e30)
    target = tl.load(targets_ptr + row, mask=there, other=0)

    x = x - tl.max(x, axis=1)[:, None]
    powers = tl.exp(x)
    total = tl.sum(powers, axis=1)
    hit = column == target[:, None]
    loss = tl.log(total) - tl.sum(tl.where(hit, x, 0.0), axis=1)
    gradient = powers / total[:, None] - tl.where(hit, 1.0, 0.0)
    tl.store(losses_ptr + row, loss, mask=there)
    tl.store(place, gradient * scale, mask=inside)


@triton.jit
def adamw(
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
    """Take one step of AdamW on every tensor of a table.

    Formula:    m ← β₁ m + (1 − β₁) g; v ← β₂ v + (1 − β₂) g²;
                w ← (1 − η λ) w − η (m / c₁) / (√(v / c₂) + ε).
    Shapes:     parameters w, gradients g, averages m and squares v: (T,) int64, the addresses of
                contiguous float32 tensors; sizes (T,); tensor_of and start_of, one entry a program:
                which tensor it works on, and from which element on.
    Convention: c₁ = 1 − β₁ᵗ and c₂ = 1 − β₂ᵗ are given; the decay acts before the step.
    """
    program = tl.program_id(0)
    tensor = tl.load(tensor_of + program)
    i = tl.load(start_of + program) + tl.arange(0, BLOCK)
    inside = i < tl.load(sizes + tensor)
    w_ptr = tl.load(parameters + tensor).to(tl.pointer_type(tl.float32)) + i
    g_ptr = tl.load(gradients + tensor).to(tl.pointer_type(tl.float32)) + i
    m_ptr = tl.load(averages + tensor).to(tl.pointer_type(tl.float32)) + i
    v_ptr = tl.load(squares + tensor).to(tl.pointer_type(tl.float32)) + i

    w = tl.load(w_ptr, mask=inside)
    g = tl.load(g_ptr, mask=inside)
    m = beta1 * tl.load(m_ptr, mask=inside) + (1.0 - beta1) * g
    v = beta2 * tl.load(v_ptr, mask=inside) + (1.0 - beta2) * g * g
    w = w * (1.0 - lr * weight_decay)
    w = w - lr * (m / correction1) / (tl.sqrt(v / correction2) + eps)
    tl.store(w_ptr, w, mask=inside)
    tl.store(m_ptr, m, mask=inside)
    tl.store(v_ptr, v, mask=inside)


def cross_entropy_bytes(rows: int, classes: int, size: int) -> int:
    """Give the fewest bytes of a cross-entropy whose gradient takes the place of the logits.

    Formula:    2 R K s + 8 R + s R.
    Shapes:     R rows of K classes, s bytes a number, targets of int64.
    Convention: every logit is read and overwritten, every target read, every loss written.
    """
    return 2 * rows * classes * size + 8 * rows + rows * size


@triton.jit
def bias_gradient(grad_ptr, sums_ptr, rows, width, ROWS: tl.constexpr, WIDTH: tl.constexpr):
    """Add up the columns of a program's rows: the first of the two stages of a bias's gradient.

    Formula: sums[k, j] = Σ grad[r, j] over the rows r of program k.
    Shapes:  grad (rows, width) and sums (programs, width) contiguous; program k takes the ROWS rows
             from k · ROWS on; WIDTH is a power of two, WIDTH >= width.
    """
    program = tl.program_id(0)
    row = program * ROWS + tl.arange(0, ROWS)
    column = tl.arange(0, WIDTH)
    inside = (row < rows)[:, None] & (column < width)[None, :]
    grad = tl.load(grad_ptr + row[:, None] * width + column[None, :], mask=inside, other=0.0)
    tl.store(sums_ptr + program * width + column, tl.sum(grad, axis=0), mask=column < width)


@triton.jit
def dropout_in_fours(x_ptr, out_ptr, n, p, seed, BLOCK: tl.constexpr):
    """Set elements to 0 at random, four of them by one call of Philox.

    Formula: out_i = x_i / (1 − p) where number i mod 4 of `tl.rand4x(seed, ⌊i / 4⌋, 7)` >= p,
             else 0.
    Shapes:  x and out (n,) contiguous; at least n / BLOCK programs; 0 <= p < 1.
    """
    four = tl.program_id(0) * (BLOCK // 4) + tl.arange(0, BLOCK // 4)
    a, b, c, d = tl.rand4x(seed, four, 7)
    drawn = tl.interleave(tl.interleave(a, c), tl.interleave(b, d))
    i = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + i, mask=i < n)
    tl.store(out_ptr + i, tl.where(drawn >= p, x / (1.0 - p), 0.0), mask=i < n)


@triton.jit
def mixup(x_ptr, partner_ptr, weight_ptr, out_ptr, size, BLOCK: tl.constexpr):
    """Mix every image with another one of the batch.

    Formula: out_b = w_b x_b + (1 − w_b) x_{partner b}.
    Shapes:  x and out (N, size) contiguous, partner and weight (N,); a grid (N, C) of which program
             (b, c) takes the BLOCK numbers from c · BLOCK on of image b.
    """
    image = tl.program_id(0)
    i = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    inside = i < size
    weight = tl.load(weight_ptr + image)
    partner = tl.load(partner_ptr + image)
    x = tl.load(x_ptr + image * size + i, mask=inside)
    other = tl.load(x_ptr + partner * size + i, mask=inside)
    tl.store(out_ptr + image * size + i, weight * x + (1.0 - weight) * other, mask=inside)

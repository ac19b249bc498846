"""GPU kernels in Triton for techniques of the course, one module for each kind of work.

A module holds the maths as functions on loaded values, the kernels, what differentiates them, a
function for whoever only wants the result, and the fewest bytes that any kernel could move. That
function uses the kernel where it can run (`course_lib.tracing.runs_on`), else torch. Modules import
on any machine; without a GPU their kernels run in Triton's interpreter.

    plain          the kernels of lab 13, whole in one function each
    elementwise    the sum of two vectors, and what elementwise kernels share
    activations    seven activations and their gradients
    philox         the random numbers of `tl.rand` and `tl.rand4x`, in torch
    dropout        masks that are drawn again in the backward pass instead of kept
    fused          bias, activation, dropout and residual in one pass over memory
    cross_entropy  softmax, loss and gradient in one pass
    batch_norm     statistics in two stages, forward and backward
    optimizers     SGD with momentum and AdamW: all tensors in one launch
    augmentation   mixup, cutout and affine warps of a batch of images
"""

from course_lib.tracing import launch

__all__ = ["launch"]

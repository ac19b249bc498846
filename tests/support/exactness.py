"""How exact a result in a narrow dtype must be: as torch's own, up to a factor."""

import torch

TIMES = 3  # as many times torch's own error is allowed
FEW = 4  # roundings that are always allowed: torch may happen to be exact


def assert_as_exact(actual: torch.Tensor, own: torch.Tensor, reference: torch.Tensor) -> None:
    """Compare with a reference in float64, as exactly as torch's own result in the same dtype.

    Both the norm of the error and the largest error count, so that neither a wrong element among
    many nor a small error in all of them passes.
    """
    assert actual.dtype == own.dtype and actual.shape == reference.shape
    assert reference.dtype == torch.float64
    rounding = FEW * torch.finfo(actual.dtype).eps
    for size in (torch.linalg.vector_norm, lambda values: values.abs().max()):
        error = size(actual.double() - reference)
        allowed = TIMES * size(own.double() - reference) + rounding * size(reference)
        assert error <= allowed, f"error {error:.2g}, allowed is {allowed:.2g}"

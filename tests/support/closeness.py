"""How close two results must be."""

import torch

TOLERANCE = {torch.float64: (1e-9, 1e-12), torch.float32: (1e-4, 1e-6)}  # relative, absolute


def assert_close(actual: torch.Tensor, expected: torch.Tensor) -> None:
    """Compare with the tolerance of the precision; dtype and device must agree as well."""
    rtol, atol = TOLERANCE[actual.dtype]
    torch.testing.assert_close(actual, expected, rtol=rtol, atol=atol)

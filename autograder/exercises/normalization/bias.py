"""A bias before batch normalization: a prediction about its gradient."""

import torch

from autograder.exercises.normalization.lab import lab
from course_lib.normalization import batch_norm

BIAS_GRADIENT = (
    "zero, up to rounding",
    "clearly smaller than that of the weights, but not zero",
    "about as large as that of the weights",
)


def outcome_for_a_bias() -> str:
    """The gradient of a bias before batch normalization, measured on random numbers."""
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    x, upstream = draw(32, 8), draw(32, 6)
    weight, bias = draw(6, 8).requires_grad_(), draw(6).requires_grad_()
    y = batch_norm(x @ weight.T + bias, draw(6), draw(6))
    for_weight, for_bias = torch.autograd.grad((y * upstream).sum(), (weight, bias))
    ratio = float(for_bias.abs().max() / for_weight.abs().max())
    return BIAS_GRADIENT[0 if ratio < 1e-6 else 1 if ratio < 0.1 else 2]


lab.prediction(
    "bias_before_batch_norm",
    title="Predict: a bias before batch normalization",
    statement="""A linear layer *with* a bias stands right before a batch normalization in train
mode. A random gradient arrives from above. How large is the gradient of the linear layer's
**bias**?""",
    minutes=1,
    difficulty=2,
    core=False,
    syllabus=("5.5",),
    choices=BIAS_GRADIENT,
    outcome=outcome_for_a_bias,
    explanation="""The bias shifts a feature of all examples alike, and the mean that is subtracted
shifts with it: nothing changes, so the gradient is zero. You can read it off your
`batch_norm_backward`: ∂L/∂x sums to zero over the batch, and that sum is the gradient of the bias.
This is why one writes `nn.Linear(…, bias=False)` before batch normalization: β does the job.""",
)

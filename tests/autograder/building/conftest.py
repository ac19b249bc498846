"""A small lab with an exercise of every kind, and a repository that holds its solution file."""

import pytest
import torch
from torch import nn

from autograder.judging import Lab, Part


def scaled(x: torch.Tensor, factor: float = 2.0) -> torch.Tensor:
    """Scale a tensor.

    Formula: y = α x.
    """
    if not factor > 0:
        raise ValueError(f"factor: got {factor}, allowed is factor > 0")

    return factor * x  # α x


class Counter(nn.Module):
    """Count calls."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Count, then scale."""
        self.count += 1
        return scaled(x)


def mean(x: torch.Tensor) -> torch.Tensor:
    """Average a tensor."""
    return x.sum() / x.numel()


def forgets_to_divide(x: torch.Tensor) -> torch.Tensor:
    return x.sum()


def variance(n: int) -> float:
    """Variance of the mean of n draws.

    Formula: 1 / n.
    """
    return 1 / n


SCRIPT = '''\
# ---
# jupyter:
#   jupytext:
#     formats: py:percent
# ---

# %% [markdown]
# # A small lab
#
# With a little of everything: α, β.

# %% tags=["setup"]
# %matplotlib inline
import torch
from torch import nn

from autograder.notebook import check, commit

text = """
# %% this is no marker
"""

# %% exercise="scaled"

# %% exercise="Counter"

# %% tags=["show"]
# Two numbers, counted
figure = Counter()(torch.ones(2))

# %% tags=["show", "open"]
# Their sum

figure.sum()

# %% exercise="average"

# %% exercise="variance"

# %% exercise="grows"

# %% exercise="why"

# %% [markdown]
# The end.
'''


@pytest.fixture
def lab():
    lab = Lab("small", number=7, title="A small lab", version=3)
    two_parts = [Part("values", 2, ()), Part("shape", 1.5, ())]
    lab.exercise(scaled, title="Scale", statement="Write α x.", parts=two_parts, difficulty=2,
                 hints=("Multiply.", "`factor * x`"), forbidden=("torch.mul",))  # fmt: skip
    lab.exercise(Counter, title="Count", statement="Count.", parts=[Part("all", 1, ())],
                 blank=("forward",), needs=("small/scaled",), core=False)  # fmt: skip
    average = lab.repair(mean, name="average", title="Mend", statement="It is too large.",
                         parts=[Part("all", 2, ())], planted="forgets_to_divide")  # fmt: skip
    average.mistake("Divide by n.")(forgets_to_divide)
    lab.value(variance, title="Variance", statement="Derive.", parts=[Part("all", 1, ())],
              hide=("Formula",))  # fmt: skip
    lab.prediction("grows", title="Growth", statement="Will it?", choices=("yes", "no"),
                   outcome=lambda: "no")  # fmt: skip
    lab.written("why", points=4, title="Why", statement="Say why.", explanation="Because of α.")
    return lab


@pytest.fixture
def script():
    return SCRIPT


@pytest.fixture
def root(tmp_path, script):
    (tmp_path / "solutions").mkdir()
    (tmp_path / "solutions" / "07_small.py").write_text(script, encoding="utf-8")
    return tmp_path

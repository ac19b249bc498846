"""The derivations: sympy agrees with every step, a wrong step is found, simulation agrees too."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sympy
from numpy.typing import NDArray

from course_lib.derivations import (
    Derivation,
    Expectation,
    Step,
    as_markdown,
    glorot_compromise,
    independent,
    kaiming_variance,
    linear_layer_variance,
    relu_layer_variance,
    residual_block_variance,
    uniform_bound,
)

ALL = [
    linear_layer_variance,
    relu_layer_variance,
    glorot_compromise,
    kaiming_variance,
    residual_block_variance,
    uniform_bound,
]
DRAWS = 200_000


@pytest.fixture
def rng() -> np.random.Generator:
    """The random numbers of one simulation."""
    return np.random.default_rng(2024)


def value(expression: Any, **numbers: float) -> float:
    """Evaluate an expression at numbers given by the names of its symbols."""
    symbols = {symbol.name: symbol for symbol in expression.free_symbols}
    assert set(symbols) <= set(numbers)
    return float(expression.subs({symbol: numbers[name] for name, symbol in symbols.items()}))


def assert_mean(samples: NDArray[np.float64], expected: float) -> None:
    """Hold the mean of independent samples within five standard errors of what is expected."""
    error = 5 * float(samples.std(ddof=1)) / math.sqrt(samples.size)
    assert abs(float(samples.mean()) - expected) <= error


@pytest.mark.parametrize("make", ALL)
def test_sympy_agrees_with_every_step_and_with_the_result(make: Callable[[], Derivation]) -> None:
    make().verify()


@pytest.mark.parametrize("make", ALL)
def test_every_step_that_is_made_wrong_is_found_and_named(make: Callable[[], Derivation]) -> None:
    right = make()
    for number, step in enumerate(right.steps):
        wrong = dataclasses.replace(step, right=2 * step.right + 1)
        steps = (*right.steps[:number], wrong, *right.steps[number + 1 :])
        with pytest.raises(ValueError, match=rf"step {number + 1} \("):
            dataclasses.replace(right, steps=steps).verify()


@pytest.mark.parametrize("make", ALL)
def test_a_result_that_the_last_step_does_not_reach_is_found(
    make: Callable[[], Derivation],
) -> None:
    right = make()
    with pytest.raises(ValueError, match=", result: "):
        dataclasses.replace(right, result=2 * right.result).verify()
    with pytest.raises(ValueError, match="got no steps"):
        dataclasses.replace(right, steps=()).verify()


def test_common_mistakes_do_not_verify() -> None:
    n, sigma, b = sympy.symbols("n sigma b", positive=True)
    y = sympy.Symbol("y", real=True)
    density = sympy.exp(-(y**2) / (2 * sigma**2)) / (sigma * sympy.sqrt(2 * sympy.pi))
    relu = sympy.Integral(y**2 * density, (y, 0, sympy.oo))
    uniform = sympy.sqrt(sympy.Integral(y**2 / (2 * b), (y, -b, b)))
    mistakes = {
        "the variance of relu(y) taken for its second moment": (
            relu,
            sigma**2 * (sympy.Rational(1, 2) - 1 / (2 * sympy.pi)),
        ),
        "division by the std instead of multiplication": (n * (n / 2) / 2, sympy.Integer(1)),
        "the std doubled instead of the variance": (4 / n * n / 2, sympy.Integer(1)),
        "the bound of a uniform distribution taken for its std": (uniform, b),
    }
    for claim, (left, right) in mistakes.items():
        step = Step(claim, left, right, "none")
        assert not step.holds(), claim


@pytest.mark.parametrize("make", ALL)
def test_the_markdown_shows_the_question_and_every_step(make: Callable[[], Derivation]) -> None:
    derivation = make()
    text = as_markdown(derivation)
    assert text.startswith(f"### {derivation.name}\n\n{derivation.question}\n")
    for step in derivation.steps:
        assert step.claim in text and step.assumption in text
        assert f"{sympy.latex(step.left)} = {sympy.latex(step.right)}" in text
    equations = [line for line in text.splitlines() if line.startswith("$$ ")]
    assert len(equations) == len(derivation.steps) + 1
    assert equations[-1] == f"$$ {sympy.latex(derivation.result)} $$"
    assert "Expectation" not in text and "None" not in text


@pytest.mark.parametrize("make", ALL)
def test_no_step_says_the_same_on_both_sides(make: Callable[[], Derivation]) -> None:
    for step in make().steps:
        assert sympy.latex(step.left) != sympy.latex(step.right), step.claim


def test_an_expectation_is_linear_and_splits_over_independent_groups_only() -> None:
    a, b, x, y = sympy.symbols("a b x y")
    m, n, c = sympy.symbols("m n c")
    apart = (independent((x,), {x: m}), independent((y,), {y: n}))
    together = independent((x, y), {x: m, y: n, x * y: c})
    assert sympy.expand(Expectation(a * x * y + b * x + a, *apart).doit()) == a * m * n + b * m + a
    assert Expectation(x * y, together).doit() == c
    with pytest.raises(ValueError, match=r"got none for x\*\*2"):
        Expectation(x**2, *apart).doit()
    assert str(Expectation(x * y, together)) == "E[x*y]"


def test_the_linear_layer_has_the_derived_variance(rng: np.random.Generator) -> None:
    n, sigma_w, mu, sigma_x = 7, 0.6, 1.3, 0.8
    for weights in (
        rng.normal(0, sigma_w, (DRAWS, n)),
        rng.uniform(-math.sqrt(3) * sigma_w, math.sqrt(3) * sigma_w, (DRAWS, n)),
    ):
        shared = rng.normal(size=(DRAWS, 1))  # correlated inputs: a part is common to all
        x = mu + sigma_x * (0.6 * shared + 0.8 * rng.normal(size=(DRAWS, n)))
        result = linear_layer_variance().result
        expected = value(result, n_in=n, sigma_w=sigma_w, sigma_x=sigma_x, mu_x=mu)
        assert_mean((weights * x).sum(axis=1) ** 2, expected)


def test_a_relu_leaves_the_derived_second_moment(rng: np.random.Generator) -> None:
    sigma = 1.7
    h = np.maximum(rng.normal(0, sigma, DRAWS), 0)
    derivation = relu_layer_variance()
    assert_mean(h**2, value(derivation.result, sigma=sigma))
    assert_mean(h, value(derivation.steps[1].right, sigma=sigma))
    variance = value(derivation.steps[2].right, sigma=sigma)
    assert variance == pytest.approx(0.341 * sigma**2, rel=1e-3)
    assert_mean((h - h.mean()) ** 2, variance)


def test_glorot_weights_balance_the_forward_and_the_backward_pass(
    rng: np.random.Generator,
) -> None:
    n_in, n_out, draws = 9, 4, 40_000
    std = math.sqrt(value(glorot_compromise().result, n_in=n_in, n_out=n_out))
    w = rng.normal(0, std, (draws, n_out, n_in))
    x, g = rng.normal(size=(draws, n_in, 1)), rng.normal(size=(draws, n_out, 1))
    forward = ((w @ x) ** 2).mean(axis=(1, 2))
    backward = ((w.transpose(0, 2, 1) @ g) ** 2).mean(axis=(1, 2))
    assert_mean(forward, n_in * std**2)
    assert_mean(backward, n_out * std**2)
    assert_mean((forward + backward) / 2, 1.0)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5])
def test_kaiming_weights_keep_the_variance_after_a_leaky_relu(
    slope: float, rng: np.random.Generator
) -> None:
    n, sigma = 6, 2.0
    y = rng.normal(0, sigma, (DRAWS, n))
    h = np.where(y > 0, y, slope * y)
    w = rng.normal(0, math.sqrt(value(kaiming_variance().result, n_in=n, a=slope)), (DRAWS, n))
    assert_mean((w * h).sum(axis=1) ** 2, sigma**2)


def test_residual_blocks_grow_as_derived(rng: np.random.Generator) -> None:
    width, draws, sigma = 5, 40_000, 0.7
    x = rng.normal(0, sigma, (draws, width, 1))
    result = residual_block_variance().result
    for blocks in (1, 2):
        first, last = rng.normal(0, math.sqrt(2 / width), (2, draws, width, width))
        x = x + last @ np.maximum(first @ x, 0)  # Kaiming in both layers: g = 2
        assert_mean((x**2).mean(axis=(1, 2)), value(result, L=blocks, g=2, sigma_x=sigma))


def test_uniform_weights_within_the_derived_bound_have_the_std(rng: np.random.Generator) -> None:
    std = 0.3
    bound = value(uniform_bound().result, s=std)
    assert_mean(rng.uniform(-bound, bound, DRAWS) ** 2, std**2)

"""Random numbers in torch against published ones and against Triton's, bit for bit."""

from __future__ import annotations

import pytest
import torch

from course_lib.kernels.philox import philox4x32, rand, rand4x, uniforms
from course_lib.tracing.language import tl, triton

SEEDS = [0, 1, 42, 2**31 - 1, 2**40 + 5, 2**63 - 1, -3]
ROUNDS = [7, 10]


@triton.jit
def drawn(out_ptr, seed, first, ROUNDS: tl.constexpr, BLOCK: tl.constexpr):
    """Store the number of `tl.rand`, then the four of `tl.rand4x`, for counters from first on."""
    i = tl.arange(0, BLOCK)
    counter = first + i
    a, b, c, d = tl.rand4x(seed, counter, n_rounds=ROUNDS)
    tl.store(out_ptr + i, tl.rand(seed, counter, n_rounds=ROUNDS))
    tl.store(out_ptr + BLOCK + i, a)
    tl.store(out_ptr + 2 * BLOCK + i, b)
    tl.store(out_ptr + 3 * BLOCK + i, c)
    tl.store(out_ptr + 4 * BLOCK + i, d)


def words(text: str) -> list[int]:
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(
    ("rounds", "expected"),
    [(7, "5f6fb709 0d893f64 4f121f81 4f730a48"), (10, "6627e8d5 e169c58d bc57ac4c 9b00dbd8")],
)
def test_counter_and_key_zero_give_the_words_that_the_authors_publish(
    rounds: int, expected: str
) -> None:
    """Random123, `kat_vectors`."""
    made = philox4x32(0, torch.tensor([0]), rounds)

    assert [word.item() for word in made] == words(expected)


@pytest.mark.parametrize("rounds", ROUNDS)
@pytest.mark.parametrize("first", [0, 1000, 2**31 - 64, 2**31, 2**40])
@pytest.mark.parametrize("seed", SEEDS)
def test_triton_draws_the_same_numbers(seed: int, first: int, rounds: int, device: str) -> None:
    out = torch.empty(5, 64, device=device)
    counters = first + torch.arange(64, device=device)

    drawn[(1,)](out, seed, first, ROUNDS=rounds, BLOCK=64)

    expected = [rand(seed, counters, rounds), *rand4x(seed, counters, rounds)]
    assert torch.equal(out, torch.stack(expected))


def test_the_largest_words_give_numbers_below_one() -> None:
    made = uniforms(torch.tensor([0, 1, 2**31 - 1, 2**31, 2**32 - 1]))

    assert made.dtype == torch.float32
    assert made[2] == made[3] == made.max() < 1
    assert made[0] == made[4] == 0 < made[1]


@pytest.mark.parametrize("rounds", ROUNDS)
def test_numbers_are_uniform_and_have_nothing_to_do_with_each_other(rounds: int) -> None:
    numbers = torch.stack(rand4x(7, torch.arange(50_000), rounds)).double()

    assert abs(numbers.mean() - 0.5) < 4 * (1 / 12 / numbers.numel()) ** 0.5
    correlations = torch.corrcoef(numbers)
    assert (correlations - torch.eye(4)).abs().max() < 4 / 50_000**0.5
    neighbors = torch.corrcoef(torch.stack([numbers[0, :-1], numbers[0, 1:]]))[0, 1]
    assert neighbors.abs() < 4 / 50_000**0.5

"""The random numbers of Triton's `tl.rand` and `tl.rand4x` in torch, bit for bit.

Philox turns a counter and a key into four words. It has no state: whoever knows seed and counter
draws the same numbers again, in any order and on any machine.
"""

import torch

WORD = 0xFFFFFFFF
"""The bits of a word of 32."""


def philox4x32(
    seed: int, counters: torch.Tensor, rounds: int = 10
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give four random words for every counter.

    Formula:    the key (k₀, k₁) are the low and the high word of the seed, the state c of a counter
                is its low word, its high word, 0 and 0. In each round
                c ← (hi(B c₂) ⊕ c₁ ⊕ k₀, lo(B c₂), hi(A c₀) ⊕ c₃ ⊕ k₁, lo(A c₀)), then
                k ← (k₀ + 0x9E3779B9, k₁ + 0xBB67AE85), with A = 0xD2511F53, B = 0xCD9E8D57 and
                hi, lo the words of a product of 64 bits.
    Shapes:     counters of any shape, int64 and >= 0 -> four tensors of that shape, int64, each
                entry in [0, 2³²).
    Convention: ten rounds are the usual number; seven pass all statistical tests of the paper.
    Source:     Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3".
    """
    c0, c1 = counters & WORD, counters >> 32 & WORD
    c2, c3 = torch.zeros_like(c0), torch.zeros_like(c0)
    k0, k1 = seed & WORD, seed >> 32 & WORD
    for _ in range(rounds):
        a, b = c0 * 0xD2511F53, c2 * 0xCD9E8D57  # int64 wraps around, all 64 bits are right
        c0, c1 = (b >> 32 & WORD) ^ c1 ^ k0, b & WORD
        c2, c3 = (a >> 32 & WORD) ^ c3 ^ k1, a & WORD
        k0, k1 = k0 + 0x9E3779B9 & WORD, k1 + 0xBB67AE85 & WORD
    return c0, c1, c2, c3


def uniforms(words: torch.Tensor) -> torch.Tensor:
    """Turn random words into numbers of [0, 1), as Triton does.

    Formula: float32(w) · 4.6566127342e-10 for w < 2³¹, float32(2³² − 1 − w) · 4.6566127342e-10
             otherwise: the word, read as signed, without its sign.
    Shapes:  words of any shape, int64 in [0, 2³²) -> the same shape, float32.
    """
    folded = torch.where(words >= 2**31, WORD - words, words)
    return folded.to(torch.float32) * torch.tensor(4.6566127342e-10, dtype=torch.float32)


def rand(seed: int, offsets: torch.Tensor, rounds: int = 10) -> torch.Tensor:
    """Give what `tl.rand(seed, offsets, rounds)` gives.

    Formula: the first of the four numbers of each counter.
    Shapes:  offsets of any shape, int64 and >= 0 -> the same shape, float32 in [0, 1).
    """
    return uniforms(philox4x32(seed, offsets, rounds)[0])


def rand4x(
    seed: int, counters: torch.Tensor, rounds: int = 10
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Give what `tl.rand4x(seed, counters, rounds)` gives.

    Formula: all four numbers of each counter.
    Shapes:  counters of any shape, int64 and >= 0 -> four of that shape, float32 in [0, 1).
    """
    c0, c1, c2, c3 = philox4x32(seed, counters, rounds)
    return uniforms(c0), uniforms(c1), uniforms(c2), uniforms(c3)

"""Checks on GPU kernels: what `probes.launched` has seen of them beside their numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograder.judging.checks import Case, Check, finding
from autograder.judging.comparison import Tolerance, difference
from autograder.judging.verdict import Finding
from autograder.judging.wording import brief

WASTE = 1.02
"""How many times the fewest bytes a kernel may move."""

SPILLS = 64
"""Bytes of a thread's registers that may spill to memory."""

EXACT = 3.0
"""How many times torch's own error a kernel's may be."""

_ROUGHLY = 1e-3
_ROUNDING = 8 * float(np.finfo(np.float32).eps)


def as_exact_as(
    technique: Callable[[dict[str, Any]], Any], output: str, property: str = "the result"
) -> Check:
    """An output is as close to the exact result as torch's own is, up to a factor of 3.

    Formula: ‖y − r‖ ≤ 3 ‖t − r‖ + 8 ε ‖r‖ in the Euclidean norm and in the largest entry, with r
    what the reference gives in float64, t what ``technique`` gives for a case's inputs in their own
    dtype, ε the rounding of float32.
    """

    def look(case: Case) -> Finding:
        exact = np.asarray(case.expected["result"][output], np.float64)
        own = np.asarray(technique(case.inputs), np.float64)
        given = np.asarray(case.observed["result"][output], np.float64)
        found = difference(given, exact, Tolerance(dtype=case.dtype))
        if found is not None:
            return finding(False, found.expected, found.observed, found.gist)
        for norm in (np.linalg.norm, lambda x: np.abs(x).max(initial=0.0)):
            size, torchs, error = (
                float(norm(np.ravel(v))) for v in (exact, own - exact, given - exact)
            )
            if not error <= EXACT * torchs + _ROUNDING * size:
                gist = f"its error is {error / max(torchs, _ROUNDING * size):.0f} times torch's own"
                return finding(False, f"an error near {torchs:.2g}", f"one of {error:.2g}", gist)
        return finding(True)

    return Check(property, look)


def same_in_any_order() -> Check:
    """Its programs give the same in another order, and over other leftovers in memory.

    Looked at where they give roughly what they should to begin with.
    """

    def look(case: Case) -> Finding:
        if not _is_roughly_right(case):
            return finding(False, seen=False)
        seen = case.observed
        found = difference(seen["again"], seen["result"], Tolerance(dtype=case.dtype))
        if found is None:
            return finding(True)
        return finding(False, found.expected, found.observed, f"in another order {found.gist}")

    return Check("the same whatever the order of programs and what lay in memory", look)


def no_races() -> Check:
    """No two programs touch one element where one of them writes."""

    def look(case: Case) -> Finding:
        races = [str(race) for race in case.observed["traced"]["races"]]
        gist = "two programs touch one element, and one of them writes"
        return finding(not races, "no two programs that meet", "; ".join(races[:2]), gist)

    return Check("no program depends on when another one runs", look)


def writes_everything() -> Check:
    """Every element of every output is stored."""

    def look(case: Case) -> Finding:
        left = {n: int(c) for n, c in case.observed["traced"]["unwritten"].items() if c}
        said = ", ".join(f"{count} of `{name}`" for name, count in left.items())
        gist = f"elements that no program stores, in {', '.join(left)}"
        return finding(not left, "every element stored", f"never stored: {said}", gist)

    return Check("every element of the output is stored", look)


def _is_roughly_right(case: Case) -> bool:
    """Whether the result is what is asked for; how exactly, other checks say."""
    seen, wanted = case.observed["result"], case.expected["result"]
    return difference(seen, wanted, Tolerance(_ROUGHLY, case.dtype)) is None


def moves_few_bytes(fewest: Callable[[dict[str, Any]], int]) -> Check:
    """It moves at most 1.02 times the fewest bytes that kernels need for what is asked.

    ``fewest`` gives them for a case's inputs. Looked at where the result is roughly right: to do
    nothing moves no bytes.
    """

    def look(case: Case) -> Finding:
        if not _is_roughly_right(case):
            return finding(False, seen=False)
        least = fewest(case.inputs)
        traced = case.observed["traced"]
        moved = int(traced["loaded"]) + int(traced["stored"])
        ratio = moved / least
        gist = f"{ratio:.2f} times as many bytes as are needed"
        said = f"{moved:,} ({traced['loaded']:,} loaded, {traced['stored']:,} stored)"
        return finding(ratio <= WASTE, f"{least:,} bytes", said, gist)

    return Check("it moves no more bytes than it needs to", look)


def compiles() -> Check:
    """It compiles for GPUs, does something there, and fits into their registers.

    A few registers may spill, as the compiler sees fit: `SPILLS` bytes of a thread.
    """

    def look(case: Case) -> Finding:
        made = case.observed["compiled"] or {}
        if "error" in made:
            # The compiler speaks of the code alone.
            reason, _, where = str(made["error"]).partition("\n")
            gist = f"the compiler refuses it: {reason[:200]}"
            return finding(False, "a kernel that compiles", brief(where or reason), gist)
        if any(report["widest"] == 0 for report in made.values()):
            gist = "with the block size of a GPU it loads nothing"
            return finding(False, "a kernel for any block size", "one that loads nothing", gist)
        spilled = {t: report["spills"] for t, report in made.items() if report["spills"] > SPILLS}
        said = ", ".join(f"{count} bytes on {target}" for target, count in spilled.items())
        gist = "too much is kept at once: registers spill to memory"
        return finding(not spilled, "no spilled registers", said, gist)

    return Check("it compiles for a GPU", look)

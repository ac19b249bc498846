"""What is added up in a ring, and how much of it has to be sent."""

import math

from autograder.judging.checks import check, finding
from autograder.judging.comparison import Tolerance, difference


def _whole(rng, workers, length):
    """Whole numbers of which the sum tells which terms arrived, and how often: digits to base 50."""
    digits = rng.integers(1, 50, size=length)
    return {"each": [{"x": (digits * 50.0**rank)} for rank in range(workers)]}


def of_three(rng):
    return _whole(rng, 3, 3 * int(rng.integers(3, 6)) + int(rng.integers(1, 3)))


def of_four(rng):
    """Real numbers: the order of addition is in the last bits. `chunk` makes three pieces of nine.

    They nearly cancel, so that what is added up in float32 is wrong in the fifth digit.
    """
    terms = rng.normal(size=(4, 9)) * 1000
    terms[int(rng.integers(4))] -= terms.sum(axis=0) + rng.choice([-1, 1], 9) * rng.uniform(1, 3, 9)
    return {"each": [{"x": x} for x in terms]}


def of_two(rng):
    return _whole(rng, 2, 2 * int(rng.integers(4, 8)))


@check("what every worker sends")
def traffic(case):
    """Of right sums: no more numbers and messages than a ring needs."""
    seen, size = case.observed["result"], len(case.inputs["each"])
    if difference(
        seen["returned"], case.expected["result"]["returned"], Tolerance(dtype=case.dtype)
    ):
        return finding(
            False, "sums that are right, first of all", "other sums", "the sums are wrong"
        )
    length = len(case.inputs["each"][0]["x"])
    most = 2 * (size - 1) * math.ceil(length / size)
    where = f"{size} workers, {length} numbers"
    if max(seen["numbers"]) > most:
        times = max(seen["numbers"]) / most
        gist = f"a worker sends {times:.2f} times as many numbers as it needs"
        return finding(False, f"at most {most}", f"{max(seen['numbers'])}", gist, where=where)
    if max(seen["messages"]) > 2 * (size - 1):
        gist = f"{max(seen['messages'])} messages of a worker where {2 * (size - 1)} do"
        return finding(False, f"at most {2 * (size - 1)}", f"{seen['messages']}", gist, where=where)
    return finding(True)

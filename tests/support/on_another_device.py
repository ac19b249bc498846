"""What goes wrong when a lab is judged on another device; as a program, a line each."""

import sys
from collections.abc import Iterator

from autograder import judging
from autograder.exercises import find_lab
from autograder.judging import Exercise, Reason
from autograder.probes.registry import PROBES
from autograder.probes.state import known_state

SEED = 5


def troubles(exercise: Exercise, device: str) -> Iterator[str]:
    """In words, what an exercise gives on a device that it does not give on the CPU."""
    on = judging.hidden(exercise, SEED, device)
    answers = {"the reference": exercise.reference}
    answers |= {alternative.name: alternative.answer for alternative in exercise.alternatives}
    for name, answer in answers.items():
        for looked_at_on in (device, "cpu"):
            observed = judging.observe(exercise, answer, on.drawn, SEED, looked_at_on)
            verdict = judging.judge(exercise, on, observed)
            if verdict.reason is not Reason.CORRECT:
                failed = [f.property for f in verdict.findings if not f.passed]
                yield f"{exercise.id}: {name} on {looked_at_on} is {verdict.reason}: {failed}"
    for inputs, expected in zip(on.drawn, on.expected, strict=True):
        raised = _raised_there(exercise, inputs, device)
        if raised and not expected["raised"]:
            yield f"{exercise.id}: the reference raises {raised['type']}: {raised['message']}"


def _raised_there(exercise, inputs, device):
    """What the reference raises on a device, where nobody looks again on the CPU."""
    probe = exercise.probe
    with known_state(SEED, device) as generators:
        seen = PROBES[probe.name](
            exercise.reference, inputs, generators, probe.parameters, rehearsed=True
        )
    return seen["raised"]


if __name__ == "__main__":
    # The device is one of this process for good.
    from tests.support.second_device import with_second_device

    with with_second_device() as far:
        for one in find_lab(sys.argv[1]).exercises.values():
            if one.automatic and not one.probe.observer.trains:
                for trouble in troubles(one, far):
                    print(trouble)

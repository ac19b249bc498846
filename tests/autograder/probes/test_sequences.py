import numpy as np
import pytest
import torch

from autograder import probes
from autograder.judging.essence import same_observation
from autograder.probes.run import run


def one(probe, answer, inputs):
    return run(probe.name, probe.parameters, answer, [inputs], 0)[0]


def test_an_answer_is_asked_once_for_every_entry_in_their_order():
    asked = []

    def answer(step, *, rate):
        asked.append(step)
        return rate * step

    seen = one(probes.each("step"), answer, {"step": [3, 0, 3, 7], "rate": 0.5})
    assert asked == [3, 0, 3, 7]
    assert seen["raised"] is None and seen["type"] == "float"
    np.testing.assert_array_equal(seen["result"], [1.5, 0.0, 1.5, 3.5])


def test_every_call_gets_its_own_copy_of_the_other_inputs():
    def answer(step, *, x):
        x += 1
        return float(x.sum())

    seen = one(probes.each("step"), answer, {"step": [0, 1], "x": np.zeros(3)})
    np.testing.assert_array_equal(seen["result"], [3, 3])


def test_a_list_of_whole_numbers_reaches_the_answer_as_a_tuple_as_in_a_single_call():
    seen = one(
        probes.each("step"),
        lambda step, *, milestones: isinstance(milestones, tuple) + 0,
        {"step": [1], "milestones": [2, 3]},
    )
    np.testing.assert_array_equal(seen["result"], [1])


def test_what_is_raised_says_at_which_entry():
    seen = one(probes.each("step"), lambda step: 1 / step, {"step": [2, 1, 0]})
    assert seen["raised"]["type"] == "ZeroDivisionError"
    assert seen["raised"]["message"].endswith("(at step = 0)")
    assert seen["result"] is None


def test_an_answer_that_is_not_written_yet_is_seen_as_such():
    def starter(step):
        raise NotImplementedError

    assert one(probes.each("step"), starter, {"step": [1]})["raised"]["type"] == (
        "NotImplementedError"
    )


@pytest.mark.parametrize(
    "answer", [lambda step: [step], lambda step: torch.tensor(step), lambda step: 10**400]
)
def test_what_is_not_a_plain_number_is_kept_as_it_is(answer):
    assert isinstance(one(probes.each("step"), answer, {"step": [1, 2]})["result"], list)


class Total:
    shared = 0.0

    def __init__(self, start):
        self.total = start

    def add(self, value):
        self.total += value
        return self.total


def test_stateful_answers_take_turns_with_their_histories():
    class Shared(Total):
        def add(self, value):
            Shared.shared += value
            return Shared.shared

    runs = [
        {"construct": {"start": 1.0}, "history": [1.0, 2.0, 3.0]},
        {"construct": {"start": 5.0}, "history": [1.0]},
    ]
    apart = one(probes.histories("add"), Total, {"runs": runs})["result"]
    np.testing.assert_array_equal(apart[0], [2, 4, 7])
    np.testing.assert_array_equal(apart[1], [6])
    together = one(probes.histories("add"), Shared, {"runs": runs})["result"]
    np.testing.assert_array_equal(together[0], [1, 4, 7])
    np.testing.assert_array_equal(together[1], [2])


class Keeps:
    """Keeps the tensors that it is given first; may write into what it is given."""

    def __init__(self, writes=False):
        self.first, self.writes = None, writes

    def take(self, state):
        self.first = self.first or state
        if self.writes:
            state["w"].zero_()
        return self.first["w"]


@pytest.mark.parametrize("in_place", [False, True])
def test_what_was_kept_without_a_copy_moves_on_with_a_model(in_place):
    history = [{"w": np.full(2, value)} for value in (1.0, 2.0, 3.0)]
    run = {"construct": {}, "history": history, "in_place": in_place}
    seen = one(probes.histories("take"), Keeps, {"runs": [run]})
    assert seen["changed"] == []
    np.testing.assert_array_equal(np.stack(seen["result"][0])[:, 0], [1, 2, 3] if in_place else 1)
    writes = {**run, "construct": {"writes": True}}
    assert one(probes.histories("take"), Keeps, {"runs": [writes]})["changed"] == ["history"]


def test_a_history_that_raises_is_observed_to_raise():
    runs = [{"construct": {"start": 1.0}, "history": [1.0, "x"]}]
    assert one(probes.histories("add"), Total, {"runs": runs})["raised"]["type"] == "TypeError"
    assert one(probes.histories("multiply"), Total, {"runs": runs})["raised"]["type"] == (
        "AttributeError"
    )


@pytest.mark.parametrize("probe", [probes.each("step"), probes.histories("add")])
def test_an_interrupt_is_not_swallowed(probe):
    def interrupted(**_):
        raise KeyboardInterrupt

    inputs = {"step": [1], "runs": [{"construct": {}, "history": [1]}]}
    with pytest.raises(KeyboardInterrupt):
        one(probe, interrupted, inputs)


def test_two_answers_with_the_same_rates_are_taken_for_the_same():
    from autograder.exercises import find_exercise

    exercise = find_exercise("schedules/linear")
    one_way = one(probes.each("step"), lambda step: step * 0.5, {"step": [1, 2]})
    other = one(probes.each("step"), lambda step: torch.tensor(step / 2), {"step": [1, 2]})
    assert same_observation(exercise, one_way, other, "float32")

"""A reference stands in for a failed answer with everything that its own lines name."""

import pytest

from autograder.answering import stand_ins
from autograder.exercises import labs

LABS = {lab.name: lab for lab in labs()}


def by_id(lab):
    return {exercise.id: exercise for exercise in lab.exercises.values()}


NEEDED = [
    pytest.param(exercise, id=exercise.id)
    for lab in labs()
    for exercise in lab.exercises.values()
    if any(exercise.id in other.needs for other in lab.exercises.values())
]


@pytest.mark.parametrize("exercise", NEEDED)
def test_what_stands_in_can_be_defined_in_an_empty_room(exercise):
    scope = {}
    given = stand_ins.sources([exercise], by_id(LABS[exercise.lab]))
    for source in given.values():
        exec(source, scope)
    assert exercise.name in given
    assert all(callable(scope[name]) for name in given)


@pytest.mark.parametrize("lab", LABS.values(), ids=LABS)
def test_what_is_needed_comes_in_the_order_of_the_lab(lab):
    order = list(by_id(lab))
    for exercise in lab.exercises.values():
        needed = [n.id for n in stand_ins.needed_by(exercise, by_id(lab))]
        assert needed == sorted(needed, key=order.index)
        assert all(order.index(id) < order.index(exercise.id) for id in needed)


def test_what_a_need_needs_is_needed_too():
    lab = LABS["initialization"]
    needed = [n.name for n in stand_ins.needed_by(lab.exercises["kaiming_normal"], by_id(lab))]
    assert "fan_in_and_fan_out" in needed and "kaiming_normal" not in needed

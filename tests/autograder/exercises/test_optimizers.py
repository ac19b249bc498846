"""Wrong answers to the optimizer lab that inputs once hid: each is seen on every seed."""

import pytest

from autograder.exercises import find_exercise
from autograder.judging.source.edits import Frame, edit
from tests.support.verdicts import verdict_on

SEEDS = range(4)


def scores(exercise, answer):
    return [verdict_on(exercise, answer, seed).score for seed in SEEDS]


def edited(exercise, change):
    frame = Frame(exercise.id, exercise.reference, exercise.blank)
    return frame.written_out(change, "wrong")


@pytest.mark.parametrize("name", ["Momentum", "Nesterov", "AdaGrad", "RMSProp", "Adam", "AdamW"])
def test_parameters_of_one_shape_do_not_share_their_memory(name):
    exercise = find_exercise(f"optimizers/{name}")

    class KeyedByShape(exercise.reference):
        def update(self, parameter, gradient, state):
            shared = self.__dict__.setdefault("of_shape", {}).setdefault(parameter.shape, {})
            super().update(parameter, gradient, shared)

    assert max(scores(exercise, KeyedByShape)) == 0


@pytest.mark.parametrize(
    "change",
    [
        edit("range(iterations)", "range(iterations + 1)"),
        edit("range(iterations)", "range(iterations - 1)"),
        edit("return eigenvalue", "return eigenvalue.abs()"),
        edit("return eigenvalue", "return 1.00005 * eigenvalue"),
    ],
)
def test_the_sharpness_of_another_iteration_sign_or_size_is_refused(change):
    exercise = find_exercise("optimizers/sharpness")
    assert max(scores(exercise, edited(exercise, change))) == 0


def test_unsorted_eigenvalues_are_never_at_their_place_by_chance():
    exercise = find_exercise("optimizers/critical_learning_rates")

    def from_the_ends(eigenvalues):
        return 2 / eigenvalues[-1], 2 / (eigenvalues[0] + eigenvalues[-1])

    assert max(scores(exercise, from_the_ends)) == 0


@pytest.mark.parametrize("left_out", ["[1:]", "[:-1]"])
@pytest.mark.parametrize("kind", ["p.ndim >= 2", "p.ndim < 2"])
def test_the_first_and_the_last_parameter_are_in_a_group(kind, left_out):
    exercise = find_exercise("optimizers/decay_groups")
    values = "named_parameters.values()"
    change = edit(f"{values} if {kind}", f"list({values}){left_out} if {kind}")
    assert max(scores(exercise, edited(exercise, change))) == 0


@pytest.mark.parametrize(
    "change",
    [
        edit("for weight in leaves[:-1]", "for weight in leaves[:1]"),
        edit("h = torch.tanh", "h = -torch.tanh"),
    ],
)
def test_a_product_with_the_hessian_is_right_for_networks_of_every_depth(change):
    exercise = find_exercise("optimizers/hessian_vector_product")
    assert max(scores(exercise, edited(exercise, change))) == 0


def test_gradients_that_are_a_little_too_long_are_not_clipped_rightly():
    exercise = find_exercise("optimizers/clip_by_global_norm")
    longer = edit("max_norm / norm if", "1.00005 * max_norm / norm if")
    assert max(scores(exercise, edited(exercise, longer))) == 0

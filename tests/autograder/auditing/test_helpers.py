"""What mutants call does what its name says, and knows whether it did anything."""

import numpy as np
import pytest
import torch

from autograder.auditing.mutants.helpers import HELPERS, Helpers


@pytest.fixture
def helpers():
    return Helpers()


def test_all_helpers_are_in_the_namespace_of_a_mutant(helpers):
    assert set(helpers.names()) == set(HELPERS)
    assert "names" not in HELPERS


def test_what_is_detached_has_no_graph_and_counts_only_where_it_had_one(helpers):
    assert helpers.detached(torch.ones(2)).sum() == 2 and helpers.detached(3) == 3
    assert not helpers.applied
    x = torch.ones(2, requires_grad=True)
    first, (second, word) = helpers.detached((x * 2, [x, "word"]))
    assert not first.requires_grad and not second.requires_grad and word == "word"
    assert helpers.applied


def test_half_precision_loses_digits_and_keeps_the_dtype_and_the_graph(helpers):
    x = torch.tensor([1.0001], dtype=torch.float64, requires_grad=True)
    lower = helpers.through_half(x)
    assert (lower.dtype, lower.item(), lower.requires_grad) == (torch.float64, 1.0, True)
    assert helpers.through_half(0.1) == float(np.float16(0.1)) != 0.1
    assert helpers.as_half(x).dtype is torch.float16


def test_whole_numbers_have_no_half_precision(helpers):
    assert helpers.as_half(torch.arange(3)).dtype is torch.int64
    assert helpers.through_half(7) == 7
    assert not helpers.applied


def test_a_conversion_to_what_a_value_is_already_counts_for_nothing_when_dropped(helpers):
    x = torch.ones(2)
    assert helpers.unconverted(x, x.float()) is x
    assert not helpers.applied
    assert helpers.unconverted(x, x.double()) is x
    assert helpers.applied


def test_an_item_that_is_dropped_counts():
    helpers, loss = Helpers(), torch.tensor(1.0)
    assert helpers.unconverted(loss, loss.item()) is loss
    assert helpers.applied


def test_numbers_that_half_precision_holds_are_left_as_they_are(helpers):
    assert helpers.through_half(0.5) == 0.5
    assert helpers.through_half([torch.zeros(2), torch.ones(2)])[1].tolist() == [1, 1]
    assert not helpers.applied
    helpers.through_half(torch.tensor([0.1]))
    assert helpers.applied


def test_elements_are_left_out_of_whatever_can_be_walked_through(helpers):
    def walked():
        return iter([1, 2, 3])

    assert list(helpers.but_first(walked())) == [2, 3]
    assert list(helpers.but_last(walked())) == [1, 2]
    assert list(helpers.only_first(walked())) == [1]
    assert list(helpers.but_last([])) == []


def test_no_graph_is_made_and_it_counts_only_where_one_would_have_been(helpers):
    x = torch.ones(1, requires_grad=True)
    with torch.no_grad(), helpers.without_gradients():
        pass
    assert not helpers.applied
    with helpers.without_gradients():
        y = x * 2
    assert helpers.applied and not y.requires_grad and (x * 2).requires_grad


def test_reseeding_repeats_random_numbers(helpers):
    draws = []
    for _ in range(2):
        helpers.reseed()
        draws.append((torch.rand(1).item(), np.random.random()))
    assert draws[0] == draws[1]


def test_what_was_given_first_is_given_again_to_the_same_owner(helpers):
    one, other = object(), object()
    assert helpers.first_kept(one, 1) == 1
    assert helpers.first_kept(other, 2) == 2
    assert helpers.first_kept(one, 3) == 1


def test_an_argument_is_spoiled_in_place_and_a_copy_of_it_is_not(helpers):
    given, flags = [torch.zeros(2)], torch.tensor([True])
    copied = helpers.copied(given)
    assert helpers.spoil(given, "result") == "result"
    helpers.spoil(flags)
    assert given[0].tolist() == [1, 1] and flags.tolist() == [False]
    assert copied[0].tolist() == [0, 0]


def test_memory_is_read_in_its_own_order(helpers):
    x = torch.arange(6.0).reshape(2, 3)
    assert helpers.in_memory_order(x) is x
    assert helpers.in_memory_order(x.T).tolist() == [[0, 1], [2, 3], [4, 5]]
    assert helpers.in_memory_order(x[:, :1].expand(2, 3)).tolist() == [[0] * 3, [3] * 3]


def test_signs_are_lost_but_not_those_of_parameters(helpers):
    w = torch.nn.Parameter(-torch.ones(1))
    assert helpers.made_positive(w) is w and not helpers.applied
    assert helpers.made_positive(-torch.ones(2)).tolist() == [1, 1]
    assert helpers.made_positive(-2) == -2


def test_only_as_many_axes_as_the_first_tensor_had_are_right(helpers):
    assert helpers.of_first_ndim(torch.ones(2)).tolist() == [1, 1]
    assert helpers.of_first_ndim(torch.ones(3)).tolist() == [1, 1, 1]
    assert helpers.of_first_ndim(torch.ones(1, 2)).tolist() == [[0, 0]]


def test_nothing_is_refused(helpers):
    assert helpers.not_empty(torch.ones(1)) == 1
    with pytest.raises(RuntimeError):
        helpers.not_empty(torch.ones(0))


def test_parameters_of_one_shape_share_a_state_of_one_optimizer(helpers):
    class Optimizer:
        pass

    one, other = Optimizer(), Optimizer()
    state = helpers.of_shape(one, torch.ones(2))
    assert helpers.of_shape(one, torch.zeros(2)) is state
    assert helpers.of_shape(one, torch.ones(3)) is not state
    assert helpers.of_shape(other, torch.ones(2)) is not state


def test_a_change_that_never_applies_is_no_mutant(make):
    from autograder.auditing.audit import audit

    def counted(x, shift):
        """Count what is above."""
        return int((x > shift).sum())

    names = {s.operator for s in audit(make(counted), seeds=2).survivors}
    assert "lower dtype" not in names and "lower precision" not in names

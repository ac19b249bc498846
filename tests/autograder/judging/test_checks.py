import math

import numpy as np
import pytest

from autograder.judging.checks import (
    MODE,
    SEEDS_NOTHING,
    TRAINABLE,
    Case,
    is_finite,
    keeps_dtype,
    keeps_the_graph,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.statistics import (
    are_independent,
    coins_are_independent,
    compatible_with,
    entries_are_independent,
    follows,
    is_equally_often,
    is_log_uniform_on,
    is_normal,
    is_one_of,
    is_uniform,
    is_uniform_on,
    mean_is,
    move_together,
    shape_is,
    share_is,
    std_is,
)

X = np.arange(6.0).reshape(2, 3)


def looked_at(check, **observed):
    expected = {"result": 2 * X, "steps": [{"result": X}]}
    return check(Case({"x": X, "steps": [{"as": "output"}]}, observed, expected))


def test_an_answer_outside_of_the_graph_is_told_so():
    assert looked_at(keeps_the_graph(), carries_gradient=True).passed
    found = looked_at(keeps_the_graph(), carries_gradient=False)
    assert not found.passed and "no_grad" in found.gist
    of_step = keeps_the_graph("output/carries_gradient")
    assert looked_at(of_step, steps=[{"carries_gradient": True}]).passed


def test_who_seeds_the_generators_is_told_so():
    assert all(looked_at(SEEDS_NOTHING, generators=seen).passed for seen in ("untouched", "used"))
    found = looked_at(SEEDS_NOTHING, generators="reseeded")
    assert not found.passed and "seeded" in found.gist


def test_what_the_probe_has_not_seen_has_failed():
    for check in (
        keeps_the_graph(),
        leaves_inputs_alone(),
    ):
        assert not looked_at(check).passed
        for forged in ("True", 1, None, [True], {"untouched": "used"}):
            seen = {"carries_gradient": forged, "generators": forged, "result": X}
            assert not looked_at(check, **seen).passed


def test_changed_arguments_cost_points_where_the_statement_forbids_them():
    assert leaves_inputs_alone().remark and not leaves_inputs_alone(stated=True).remark
    check = leaves_inputs_alone(stated=True)
    assert looked_at(check, result=X, changed=[]).passed
    assert looked_at(check, result=X, changed=["x"]).observed == "x changed in place"
    assert looked_at(check, steps=[{"changed": False}, {}]).passed
    assert not looked_at(check, steps=[{"changed": False}, {"changed": True}]).passed


def test_what_has_passed_is_not_described_by_what_would_have_been_wrong():
    assert looked_at(leaves_inputs_alone(), changed=[]).observed == ""
    assert looked_at(SEEDS_NOTHING, generators="used").gist == ""
    assert looked_at(is_finite(), result=X).observed == ""


def test_what_holds_no_numbers_is_not_counted():
    found = looked_at(is_finite(), result={"not data": "iterator"})
    assert not found.passed and found.gist == "an iterator, no numbers"


def test_one_thing_in_the_place_of_two_is_told_as_what_it_is():
    case = Case({"x": X}, {"result": X[0, 0]}, {"result": [X, X]})
    found = matches_reference("the second", of="result.1")(case)
    assert not found.passed and found.seen
    assert (found.expected, found.gist) == ("2 values", "a number instead of 2 values")


def test_a_mode_is_told_in_words():
    def told(result, expected, words=MODE):
        case = Case({}, {"result": result}, {"result": expected})
        return matches_reference("the mode", words=words)(case)

    found = told(False, True)
    assert (found.expected, found.observed) == MODE and found.gist == "evaluation mode"
    found = told({"0": True, "1": False}, {"0": True, "1": True}, TRAINABLE)
    assert (found.expected, found.gist) == ("1: trainable", "1: frozen")
    assert told(True, True).passed and told({"0": False}, {"0": False}).passed
    assert told({"0": 1}, {"0": True}).passed and told(None, True).gist.startswith("None")


def test_a_gradient_that_is_none_is_not_a_missing_return():
    seen = [{"result": {"value": 1.0, "gradients": {"w": g}}} for g in (None, X)]
    found = matches_reference("its gradient", of="result.gradients.w")(Case({}, *seen))
    assert not found.passed and (found.observed, found.gist) == ("None", "no gradient reaches it")


def test_one_array_in_the_place_of_two_is_told_as_what_it_is():
    def told(result):
        case = Case({"x": X}, {"result": result}, {"result": [X.mean(0), X.std(0)]})
        return matches_reference("the means", of="result.0")(case)

    assert told(X.mean(0)).gist == "one array instead of 2 values"
    assert told(np.stack([X.mean(0), X.std(0)])).passed
    assert "instead" not in told(np.stack([X.std(0), X.mean(0)])).gist


def test_small_inputs_are_shown_whole():
    case = Case({"x": X, "rate": 0.1, "w": np.zeros((5, 4))}, {}, {})
    assert case.where == "x = [[0, 1, 2], [3, 4, 5]], rate = 0.1, w = array (5, 4)"


P = 0.3
CHECKS = [
    matches_reference(),
    matches_reference("a part", of="result.0.1"),
    matches_reference("a step", of="output/result"),
    matches_reference("roughly", rtol=1e-3),
    keeps_dtype(),
    is_finite(),
    keeps_the_graph(),
    SEEDS_NOTHING,
    leaves_inputs_alone(),
    shape_is(lambda **_: (2, 3)),
    *[
        check
        for of in ("", "0", lambda case: case.observed["result"] > 0)
        for check in (
            mean_is(lambda **_: 0, of=of),
            std_is(lambda **_: 1, of=of),
            is_normal(of=of),
            is_uniform(lambda **_: 1, of=of),
            is_uniform_on(lambda **_: 0, lambda **_: 1, "a range", of=of),
            is_log_uniform_on(lambda **_: 0.1, lambda **_: 1, "a range of logarithms", of=of),
            follows(lambda values, **_: values, "a distribution", of=of),
            entries_are_independent(of=of),
            share_is(lambda **_: P, "a share", of=of),
            coins_are_independent(of=of),
            is_equally_often(lambda **_: [0, 1], "values", of=of),
            is_equally_often(lambda **_: [(0, 1), (1, 2)], "pairs of values", of=of),
            is_one_of(lambda **_: [X, -X], "one of two", of=of),
            is_one_of(lambda **_: [X, -X], "each one of two", of=of, separate=1),
            are_independent(of, "1", "two of them"),
            move_together(of, "1", "two of them, together"),
        )
    ],
]

STRANGE = [
    None,
    "text",
    7,
    10**400,
    1j,
    object(),
    math.nan,
    {},
    {"not data": "Liar"},
    {"result": []},
    [],
    [[]],
    [None, None],
    [[1], [2, 3]],
    [[X, X], [X, None]],
    [[X, X], [X, X[0]]],
    [{"0": X}],
    np.zeros(()),
    np.zeros((0, 2, 3)),
    np.zeros((3, 0)),
    np.zeros((1, 2, 3)),
    np.ones((4, 2, 3), bool),
    np.full((4, 2, 3), np.nan),
    np.array([1e308, -1e308] * 6).reshape(2, 2, 3),
    np.array([np.inf, 5e-324] * 6).reshape(2, 2, 3),
    np.array([1 + 2j]),
    np.array(["a", "b"]),
    np.array([None, X], dtype=object),
    np.array([2**64 - 1, 0], np.uint64),
    np.broadcast_to(np.float32(0.5), (40, 2, 3)),
    np.ones((2,) * 20),
]


@pytest.mark.parametrize("strange", STRANGE, ids=lambda value: type(value).__name__)
def test_whatever_an_observation_holds_ends_in_a_finding_without_a_warning(strange, recwarn):
    observations = [
        {"result": strange, "carries_gradient": strange, "generators": strange, "changed": strange},
        {"steps": strange},
        {"steps": [strange], "result": [strange, strange]},
    ]
    for observed in observations:
        case = Case({"x": X, "steps": [{"as": "output"}]}, observed, {"result": X, "steps": []})
        for check in CHECKS:
            found = check(case)
            assert isinstance(found.passed, bool) and found.property == check.property
        assert isinstance(compatible_with(*CHECKS)(case), tuple)
    assert not recwarn.list


def test_nested_without_end_is_a_finding_too():
    nested = []
    for _ in range(100_000):
        nested = [nested]
    found = looked_at(matches_reference(), result=nested)
    assert not found.passed and found.gist == "of another form"

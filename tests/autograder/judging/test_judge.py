import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from autograder import probes
from autograder.judging import (
    Lab,
    Mistake,
    Part,
    Reason,
    Verdict,
    cases,
    hidden,
    judge,
    observe,
)
from autograder.judging.checks import (
    check,
    finding,
    keeps_dtype,
    keeps_the_graph,
    leaves_inputs_alone,
    matches_reference,
)
from autograder.judging.judge import expected_observations
from autograder.judging.statistics import std_is

lab = Lab("sample", number=99, title="Sample")


def scale(x, factor):
    return x * factor


def adds(x, factor):
    return x + factor


def inputs(rng):
    return {"x": rng.normal(size=(rng.integers(2, 9), 3)), "factor": float(rng.uniform(2, 3))}


pure = lab.exercise(
    scale,
    title="Scale",
    statement="",
    points=4,
    inputs=inputs,
    probe=probes.call(),
    checks=[matches_reference(), leaves_inputs_alone(), keeps_dtype()],
)
pure.mistake("You add.")(adds)


@pure.alternative
def swapped(x, factor):
    return factor * x


class Counter(nn.Module):
    def __init__(self, start):
        super().__init__()
        self.total = torch.tensor(float(start))

    def forward(self, x):
        self.total = self.total + x.sum()
        return x * self.total


class Forgetful(Counter):
    def forward(self, x):
        return x * (self.total + x.sum())


def script(rng):
    calls = [{"do": "call", "as": f"call {i}", "x": rng.normal(size=4)} for i in (1, 2)]
    return {"construct": {"start": float(rng.normal())}, "steps": calls}


stateful = lab.exercise(
    Counter,
    title="Counter",
    statement="",
    parts=[
        Part("first", 1, (matches_reference("first", of="call 1/result"),)),
        Part("second", 2, (matches_reference("second", of="call 2/result"),)),
    ],
    inputs=script,
    probe=probes.module(),
)
stateful.mistake("You forget.")(Forgetful)


@check("x is as it was")
def look_at_changes(case):
    return finding(not case.observed["changed"])


def verdict(exercise, answer, seed=3, **options):
    on = hidden(exercise, seed)
    observed = observe(exercise, answer, on.drawn, seed) if callable(answer) else answer
    return judge(exercise, on, observed, **options)


def test_a_right_answer_is_correct():
    assert verdict(pure, scale).reason is Reason.CORRECT
    assert verdict(pure, scale).score == 4
    assert verdict(pure, pure.alternatives[0].answer).passed


def test_cases_follow_from_the_seed_and_have_their_dtypes():
    one, other = cases(pure, 1), cases(pure, 1)
    assert [c["x"].dtype.name for c in one] == ["float64", "float64", "float32"]
    assert all(np.array_equal(a["x"], b["x"]) for a, b in zip(one, other, strict=True))
    assert one[0]["x"].shape != cases(pure, 2)[0]["x"].shape or not np.array_equal(
        one[0]["x"], cases(pure, 2)[0]["x"]
    )


def test_a_mistake_is_named_and_explained():
    found = verdict(pure, adds)
    assert (found.reason, found.score, found.diagnosis) == (Reason.WRONG, 0, "adds")
    assert found.explanation == "You add."


def test_who_hands_in_the_planted_mistake_is_not_told_what_mends_it():
    found = verdict(replace(pure, planted="adds"), adds)
    assert found.diagnosis == "adds" and "still behaves as it was given" in found.explanation
    assert "You add" not in found.explanation


def test_what_mistakes_give_is_observed_once_for_all_answers():
    calls = []

    def counted(x, factor):
        calls.append(1)
        return x + factor

    counting = replace(pure, mistakes=[Mistake("adds", counted, "You add.")])
    on = hidden(counting, 3)
    for answer, diagnosis in ((adds, "adds"), (adds, "adds"), (lambda x, factor: x, None)):
        seen = observe(counting, answer, on.drawn, 3)
        assert judge(counting, on, seen).diagnosis == diagnosis
    assert len(calls) == len(on.mistaken) == len(on.drawn)


def test_of_random_mistakes_a_few_numbers_are_kept():
    drawing = Lab("random", number=1, title="").exercise(
        lambda n: torch.randn(n),
        name="normal",
        title="Normal",
        statement="",
        points=1,
        inputs=lambda rng: {"n": 5000},
        probe=probes.draws(count=8),
        checks=[std_is(lambda n: 1.0)],
    )

    @drawing.mistake("Twice as wide.")
    def doubled(n):
        return 2 * torch.randn(n)

    on = hidden(drawing, 3)
    seen = observe(drawing, drawing.mistakes[0].answer, on.drawn, 4)
    assert judge(drawing, on, seen).diagnosis == "doubled"
    assert len(pickle.dumps(on.mistaken)) < 2000


def test_references_are_observed_on_a_device():
    drawn = cases(pure, 3)
    assert len(expected_observations(pure, drawn, 3, device="cpu")) == len(drawn)
    with pytest.raises(ValueError, match="device"):
        observe(pure, scale, drawn, 3, device="nowhere")


def test_a_wrong_answer_that_nobody_foresaw_has_findings_and_no_diagnosis():
    found = verdict(pure, lambda x, factor: x * factor * 2)
    assert found.diagnosis is None
    assert found.findings[0].gist == "every entry is 2 times too large"
    assert "factor = " in found.findings[0].where


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda x, factor: None, Reason.WRONG),
        (lambda x, factor: x.no_such_thing, Reason.RAISED),
        (lambda x: x, Reason.RAISED),
        (lambda x, factor: math.nan, Reason.WRONG),
        (lambda x, factor: iter([1]), Reason.WRONG),
        (lambda x, factor: x if x.dtype == torch.float32 else x * factor, Reason.WRONG),
    ],
)
def test_other_answers_get_their_reason(answer, reason):
    assert verdict(pure, answer).reason is reason


def test_a_starter_is_not_attempted_and_what_is_left_of_one_is_not_finished():
    def starter(x, factor):
        raise NotImplementedError()

    assert verdict(pure, starter, untouched=True).reason is Reason.NOT_ATTEMPTED
    assert verdict(pure, adds, untouched=True).reason is Reason.NOT_ATTEMPTED
    found = verdict(pure, starter)
    assert (found.reason, found.score) == (Reason.WRONG, 0)
    assert [f.gist for f in found.findings] == ["`raise NotImplementedError` is still in it"]


def test_a_method_that_is_still_the_starters_is_named():
    class Half(Counter):
        def forward(self, x):
            raise NotImplementedError()

    class WithoutForward(nn.Module):
        def __init__(self, start):
            super().__init__()

    for answer in (Half, WithoutForward):
        found = verdict(stateful, answer)
        assert found.reason is Reason.WRONG
        assert [f.gist for f in found.findings] == ["`forward` is still to be written"]


def test_a_branch_that_is_still_to_be_written_is_said_beside_what_is_right():
    def half(x, factor):
        if x.dtype == torch.float32:
            raise NotImplementedError()
        return x * factor

    found = verdict(pure, half)
    assert found.reason is Reason.WRONG
    assert found.findings[0].gist.endswith("is still in it, in 1 of 3 cases")
    assert (found.findings[0].case, found.findings[1].gist) == (2, "right wherever it ran")


def test_an_error_that_a_library_calls_not_implemented_is_an_exception_like_others():
    def unsupported(x, factor):
        raise NotImplementedError("Could not run 'aten::mul'")

    assert verdict(pure, unsupported).reason is Reason.RAISED


def test_an_answer_without_a_return_is_told_so():
    def prints(x, factor):
        print(factor * x)

    found = verdict(pure, prints)
    assert found.reason is Reason.WRONG and "is a `return` missing" in found.findings[0].gist
    assert [f.observed for f in found.findings] == ["None"]
    assert verdict(pure, prints, untouched=True).findings == []


def test_a_known_mistake_that_returns_nothing_is_named():
    def prints(x, factor):
        print(factor * x)

    known = replace(pure, mistakes=[Mistake("prints", prints, "You print the result.")])
    found = verdict(known, prints)
    assert (found.diagnosis, found.explanation) == ("prints", "You print the result.")
    assert len(found.findings) == 1


def test_an_answer_without_a_return_in_one_branch_is_told_that_and_nothing_else():
    def in_one_branch(x, factor):
        if x.dtype == torch.float64:
            return x * factor

    found = verdict(pure, in_one_branch)
    assert found.reason is Reason.WRONG and found.score == 0
    assert "is a `return` missing in one of the branches" in found.findings[0].gist
    assert found.findings[0].case == 2
    assert not any(f.seen and not f.passed for f in found.findings[1:])


def test_more_results_than_asked_for_earn_nothing():
    lab = Lab("made", number=1, title="Made")

    def halves(x):
        """Halve it twice."""
        return x / 2, x / 4

    exercise = lab.exercise(
        halves,
        title="Halves",
        statement="Halve it.",
        points=2,
        inputs=lambda rng: {"x": rng.standard_normal(3)},
        probe=probes.call(),
        checks=[
            matches_reference("the half", of="result.0"),
            matches_reference("the quarter", of="result.1"),
        ],
    )
    on = hidden(exercise, 0)

    def judged(answer):
        return judge(exercise, on, observe(exercise, answer, on.drawn, 0))

    assert judged(lambda x: [x / 2, x / 4]).passed
    found = judged(lambda x: (x / 2, x / 4, x))
    assert found.score == 0 and found.reason is Reason.WRONG
    assert found.findings[0].gist.startswith("3 results instead of 2")


def test_a_crash_in_some_cases_is_one_row_and_passes_nothing():
    def breaks(x, factor):
        return x.no_such_thing if x.dtype == torch.float32 else 2 * x * factor

    found = verdict(pure, breaks)
    assert [f.property for f in found.findings if f.seen and not f.passed] == [
        "it runs",
        "the result",
    ]
    assert found.findings[0].gist == "AttributeError, in 1 of 3 cases"
    assert found.findings[0].where and found.findings[0].case == 2


def test_what_nobody_looked_at_has_not_passed():
    class Breaks(Counter):
        def forward(self, x):
            raise RuntimeError

    always = check("nothing is asked of it")(lambda case: finding(True))
    asked = replace(stateful, parts=(Part("all", 1, (always,)),))
    found = verdict(asked, Breaks)
    assert found.score == 0 and not any(f.passed for f in found.findings)


def test_the_case_on_which_a_finding_failed_is_kept():
    def only_in_float32(x, factor):
        return x if x.dtype == torch.float32 else x * factor

    found = verdict(pure, only_in_float32)
    assert found.findings[0].case == 2
    assert Verdict.from_dict(found.to_dict()) == found


def test_records_of_before_cases_were_kept_still_load():
    data = verdict(pure, adds).to_dict()
    for one in data["findings"]:
        del one["case"], one["seen"]
    assert Verdict.from_dict(data).findings[0].case is None


def test_parts_earn_their_points_separately():
    found = verdict(stateful, Forgetful)
    assert (found.score, found.reason, found.diagnosis) == (1, Reason.PARTLY_CORRECT, "forgetful")
    assert verdict(stateful, Counter).score == 3


def doubled_and_tripled(x):
    return 2 * x, 3 * x


pair = lab.exercise(
    doubled_and_tripled,
    title="A pair",
    statement="",
    parts=[
        Part("double", 1, (matches_reference("double", of="result.0"),)),
        Part("triple", 1, (matches_reference("triple", of="result.1"),)),
    ],
    inputs=lambda rng: {"x": rng.normal(size=5)},
    probe=probes.call(),
)


def test_a_stacked_tensor_stands_for_the_pair_it_unpacks_to():
    assert verdict(pair, lambda x: torch.stack([2 * x, 3 * x])).reason is Reason.CORRECT
    assert verdict(pair, lambda x: torch.stack([3 * x, 2 * x])).score == 0
    assert verdict(pair, lambda x: 2 * x).score == 0


def test_two_whole_numbers_may_come_as_a_tuple_or_in_one_array():
    fans = Lab("pairs", number=1, title="").exercise(
        lambda shape: (shape[1], shape[0]),
        name="fans",
        title="A pair of numbers",
        statement="",
        checks=[matches_reference("in", of="result.0"), matches_reference("out", of="result.1")],
        points=1,
        inputs=lambda rng: {"shape": [int(n) for n in rng.choice(90, 2, replace=False)]},
        probe=probes.call(),
    )
    for answer in (torch.tensor, np.array, list):
        right = verdict(fans, lambda shape, answer=answer: answer([shape[1], shape[0]]))
        assert right.reason is Reason.CORRECT
        assert verdict(fans, lambda shape, answer=answer: answer(shape)).score == 0


def test_an_exception_in_the_middle_keeps_what_came_before():
    class Breaks(Counter):
        def forward(self, x):
            if hasattr(self, "called"):
                raise RuntimeError("second call")
            self.called = True
            return super().forward(x)

    found = verdict(stateful, Breaks)
    assert found.score == 1
    assert found.findings[0].gist == "RuntimeError"
    assert "second call" in found.findings[0].observed


def test_remarks_cost_nothing():
    def in_place(x, factor):
        x *= factor
        return x.double()

    found = verdict(pure, in_place)
    assert found.score == 4 and len(found.remarks) == 2


@pytest.mark.parametrize(
    "forged",
    [
        [],
        [{}, {}, {}],
        [{"result": 1, "raised": "yes", "steps": 5}] * 3,
        [{"result": 1, "raised": "yes"}] * 3,
        [None, 3, "text"],
        [{"result": {"result": []}, "raised": {"type": [], "message": {}}}] * 3,
        [{"steps": [[]], "raised": None}] * 3,
    ],
)
@pytest.mark.parametrize("exercise", [pure, stateful], ids=["pure", "stateful"])
def test_a_forged_observation_scores_nothing_and_breaks_nothing(exercise, forged):
    assert verdict(exercise, forged).score == 0


def test_a_verdict_survives_as_plain_data():
    found = verdict(pure, adds)
    assert Verdict.from_dict(found.to_dict()) == found


def test_an_exercise_of_a_lab_cannot_be_defined_twice():
    with pytest.raises(ValueError, match="two exercises called 'scale'"):
        lab.exercise(scale, title="", statement="")


def test_dtypes_beside_one_function_for_each_case_are_refused():
    with pytest.raises(ValueError, match="leave out one of the two"):
        lab.exercise(scale, name="other", inputs=(dict, dict), dtypes=("float64", "float64"))


def test_a_right_answer_that_seeds_the_generators_earns_nothing_and_is_told_why():
    def seeds(x, factor):
        torch.manual_seed(0)
        return x * factor

    found = verdict(pure, seeds)
    assert found.score == 0 and not found.passed
    assert "generators are not seeded" in found.findings[0].property
    assert verdict(replace(pure, seeds=True), seeds).passed


def test_what_gives_the_right_numbers_has_no_name_but_of_what_fails_the_same_checks():
    asked = Lab("stated", number=1, title="").exercise(
        scale,
        title="Scale",
        statement="",
        points=1,
        inputs=inputs,
        probe=probes.call(),
        checks=[matches_reference(), look_at_changes],
    )

    @asked.mistake("You wrote into x.")
    def in_place(x, factor):
        return x.mul_(factor)

    def seeds(x, factor):
        torch.manual_seed(0)
        return x * factor

    assert verdict(asked, in_place).diagnosis == "in_place"
    found = verdict(asked, seeds)
    assert found.score == 0 and found.diagnosis is None


def test_a_value_without_a_gradient_is_seen_where_one_is_asked_for():
    asked = Lab("graph", number=1, title="").exercise(
        scale,
        title="Scale",
        statement="",
        points=1,
        inputs=inputs,
        probe=probes.call(differentiable=True),
        checks=[matches_reference(), keeps_the_graph()],
    )
    assert verdict(asked, scale).passed
    assert verdict(asked, lambda x, factor: x.clone().mul_(factor)).passed
    for answer in (torch.no_grad()(scale), lambda x, factor: torch.tensor(x.numpy() * factor)):
        found = verdict(asked, answer)
        assert found.score == 0
        assert [f.property for f in found.findings if not f.passed] == [
            "the result stays in the graph"
        ]

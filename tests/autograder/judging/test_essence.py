"""By what two answers are told apart, and that whatever an answer gives ends in a verdict."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from autograder import probes
from autograder.exercises import find_exercise
from autograder.judging import Lab, Mistake, Reason, hidden, judge, observe
from autograder.judging.checks import Check, find, finding, leaves_inputs_alone, matches_reference
from autograder.judging.essence import same_observation
from autograder.judging.statistics import mean_is, std_is
from tests.support.verdicts import verdict_on


def exercise(reference, **fields):
    fields = {"title": "", "statement": "", "points": 1, "checks": [matches_reference()], **fields}
    return Lab("essence", number=98, title="").exercise(reference, name="answer", **fields)


def vector(rng):
    return {"x": rng.normal(size=5)}


def verdict(asked, answer, seed=3):
    on = hidden(asked, seed)
    return judge(asked, on, observe(asked, answer, on.drawn, seed + 1))


def doubles(x):
    return 2 * x


def in_place(x):
    x *= 2
    return x


def scaled_in_place(x):
    x *= 3
    return x


untouched_generators = Check(
    "the generators are left alone",
    lambda case: finding(case.observed.get("generators") == "untouched", "untouched", "used"),
    entries=("generators",),
)
changes_nothing = Check(
    "the arguments are left as they were",
    lambda case: finding(not case.observed.get("changed"), "unchanged", "changed"),
    entries=("changed",),
)


def seeds_first(x):
    torch.manual_seed(0)
    return 2 * x


SAME_NUMBERS = [Mistake("in_place", in_place, ""), Mistake("seeds_first", seeds_first, "")]


def test_entries_beside_the_numbers_tell_answers_apart_where_a_check_looks_at_them():
    asked = exercise(
        doubles,
        inputs=vector,
        probe=probes.call(),
        checks=[matches_reference(), changes_nothing, untouched_generators],
        mistakes=SAME_NUMBERS,
    )
    assert verdict(asked, in_place).diagnosis == "in_place"
    assert verdict(asked, seeds_first).diagnosis == "seeds_first"
    assert verdict(asked, doubles).passed
    assert verdict(asked, lambda x: (torch.rand(1), 2 * x)[1]).diagnosis is None


def test_entries_that_no_check_pays_for_leave_equal_answers_equal():
    asked = exercise(
        doubles,
        inputs=vector,
        probe=probes.call(),
        checks=[matches_reference(), leaves_inputs_alone()],
        mistakes=[Mistake("triples", lambda x: 3 * x, "")],
    )
    assert verdict(asked, scaled_in_place).diagnosis == "triples"
    on = hidden(asked, 1)
    one, other = (observe(asked, answer, on.drawn, 1)[0] for answer in (in_place, seeds_first))
    assert same_observation(asked, one, other, "float64")


class Drops(nn.Module):
    def __init__(self, p, scale=True):
        super().__init__()
        self.p, self.scale = p, scale
        self.register_buffer("kept", torch.tensor(1 - p), persistent=self.persistent)

    persistent = True

    def forward(self, x):
        if not self.training:
            return x
        kept = torch.rand_like(x) > self.p
        return x * kept / (1 - self.p if self.scale else 1)


class Unscaled(Drops):
    def __init__(self, p):
        super().__init__(p, scale=False)


class NotKept(Drops):
    persistent = False


def dropping(rng):
    x = rng.normal(size=(30, 41))
    steps = [
        {"do": "state", "as": "state", "names": ["kept"]},
        {"do": "call", "as": "training", "x": x, "count": 8},
        {"do": "eval"},
        {"do": "call", "as": "evaluation", "x": x},
    ]
    return {"construct": {"p": float(rng.uniform(0.3, 0.6))}, "steps": steps}


def share_of_zeros(case):
    zeros = float(np.mean(np.asarray(find(case.observed, "training/draws", case)) == 0))
    return finding(abs(zeros - case.inputs["construct"]["p"]) < 0.03, "p", f"{zeros:.2f}")


def keeps_the_mean(case):
    draws, x = find(case.observed, "training/draws", case), case.inputs["steps"][1]["x"]
    return finding(abs(float(np.mean(np.abs(draws)) / np.mean(np.abs(x))) - 1) < 0.1)


def is_kept(case):
    return finding(find(case.observed, "state/kept.persistent", case) is True)


dropout = exercise(
    Drops,
    inputs=dropping,
    probe=probes.module(),
    checks=[
        matches_reference("evaluation", of="evaluation/result"),
        Check("the share of zeros", share_of_zeros),
        Check("the mean", keeps_the_mean),
        Check("the buffer is in the state", is_kept, entries=("persistent",)),
    ],
    mistakes=[Mistake("unscaled", Unscaled, ""), Mistake("not_kept", NotKept, "")],
)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_step_of_a_script_is_compared_as_a_sample_and_the_others_as_numbers(seed):
    assert verdict(dropout, Drops, seed).passed
    assert verdict(dropout, Unscaled, seed).diagnosis == "unscaled"
    assert verdict(dropout, NotKept, seed).diagnosis == "not_kept"


def test_of_random_steps_no_numbers_are_kept():
    on = hidden(dropout, 0)
    judge(dropout, on, observe(dropout, Unscaled, on.drawn, 1))
    pieces = [piece for essence in on.mistaken.values() for piece in essence.seen]
    assert pieces and not any("draws" in repr(piece) for piece in pieces)


def test_a_signature_of_draws_comes_before_their_portrait():
    def row(shape):
        return torch.randn(shape[1]).expand(shape)

    def gaussian(shape):
        return torch.randn(tuple(shape))

    asked = exercise(
        gaussian,
        inputs=lambda rng: {"shape": [30, 40]},
        probe=probes.draws(count=6),
        checks=[std_is(lambda shape: 1.0)],
        signature=lambda seen: bool((seen["result"][:, 0] == seen["result"][:, 1]).all()),
        mistakes=[
            Mistake("wider", lambda shape: 2 * gaussian(shape), ""),
            Mistake("a_row", row, ""),
        ],
    )
    assert verdict(asked, lambda shape: 3 * row(shape)).diagnosis == "a_row"


def test_a_signature_finds_the_inputs_beside_what_was_drawn():
    def around(shape, mean):
        return mean + torch.randn(tuple(shape))

    def above(shape, mean):
        return mean + torch.randn(tuple(shape)).abs()

    def below(shape, mean):
        return mean - torch.randn(tuple(shape)).abs()

    asked = exercise(
        around,
        inputs=lambda rng: {"shape": [30, 40], "mean": float(rng.uniform(5, 9))},
        probe=probes.draws(count=2),
        checks=[mean_is(lambda shape, mean: mean)],
        signature=lambda seen: bool((seen["result"] > seen["inputs"]["mean"]).any()),
        mistakes=[Mistake("above", above, ""), Mistake("below", below, "")],
    )
    assert verdict(asked, lambda shape, mean: 2 * below(shape, mean) - mean).diagnosis == "below"


def test_what_a_misfit_of_two_portraits_or_pieces_is_is_no_likeness():
    on = hidden(dropout, 2)
    (one,) = observe(dropout, Drops, on.drawn[:1], 2)
    shorter = {**one, "steps": [step for step in one["steps"] if "draws" not in step]}
    assert same_observation(dropout, one, one, "float64")
    assert not same_observation(dropout, one, shorter, "float64")


def loop():
    value = []
    value.append(value)
    return value


STRANGE = {
    "nothing in a list": lambda: [],
    "None in a list": lambda: [None, 1],
    "too large": lambda: torch.rand(6_000, 6_000),
    "many large": lambda: [torch.rand(1_000_000)] * 20,
    "objects": lambda: np.array([object()]),
    "complex": lambda: torch.ones(5, dtype=torch.complex128),
    "sparse": lambda: torch.eye(5).to_sparse(),
    "meta": lambda: torch.empty(5, device="meta"),
    "generator": lambda: (i for i in range(5)),
    "itself": loop,
    "deep": lambda: eval("[" * 80 + "]" * 80),
    "text": lambda: "nan",
    "long number": lambda: 10**400,
    "longer number": lambda: 10**5000,
    "numbers and text": lambda: [1.0, "nan", None],
    "a dict": lambda: {"$array": "", 3: [1]},
    "ragged": lambda: [[1.0], [1.0, 2.0]],
    "no numbers": lambda: torch.zeros(0),
    "infinite": lambda: torch.full((5,), torch.inf),
    "a class": lambda: int,
    "bits": lambda: torch.zeros(5, dtype=torch.bool),
    "counting": lambda: itertools.count(),
}


@pytest.mark.parametrize("name", STRANGE)
@pytest.mark.parametrize("probe", [probes.call(), probes.draws(count=3), probes.gradients("x")])
def test_whatever_an_answer_gives_ends_in_a_verdict(name, probe):
    of = "result.value" if probe.name == "gradients" else "result"
    asked = exercise(
        doubles,
        inputs=vector,
        probe=probe,
        checks=[matches_reference(of=of)] if probe.name != "draws" else [std_is(lambda x: 1.0)],
        mistakes=[Mistake("in_place", in_place, "")],
    )
    found = verdict(asked, lambda x: STRANGE[name]())
    assert found.reason in (Reason.WRONG, Reason.RAISED) and found.score == 0
    assert found.findings or found.notes


def test_what_cannot_cross_is_told_in_a_sentence():
    asked = exercise(doubles, inputs=vector, probe=probes.call())
    (note,) = verdict(asked, lambda x: STRANGE["many large"]()).notes
    assert note.startswith("what it gives cannot be looked at: the message has")


@pytest.mark.parametrize("width", [300, 1000, 5000])
def test_a_check_in_a_notebook_ends_in_a_verdict_whatever_the_width_of_the_weights(width):
    asked = find_exercise("activations/selu_weights")
    found = verdict_on(asked, lambda *given, **named: torch.randn(width, width), seed=1)
    assert found.reason is Reason.WRONG and found.score == 0


def test_a_check_that_stumbles_over_what_it_sees_has_failed():
    def divides(case):
        return finding(1 / 0 > 1)

    asked = exercise(
        doubles, inputs=vector, probe=probes.call(), checks=[Check("it divides", divides)]
    )
    assert [f.passed for f in verdict(asked, doubles).findings] == [False]

"""A picture says what is to be seen, in words that are true, and never stands in the way."""

import io
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from autograder.exercises import find_exercise
from autograder.judging import Reason, Verdict, hidden, judge, observe
from autograder.reporting.pictures import Picture, picture
from autograder.reporting.verdict import verdict_html

SEED = 0
DRAWN = [
    "initialization/kaiming_normal",
    "schedules/cosine",
    "schedules/ReduceOnPlateau",
    "optimizers/Adam",
    "training_loop/sgd_step",
    "optimizers/newton_path",
    "activations/tanh",
    "activations/relu_backward",
    "activations/gradients_over_depth",
    "preprocessing/center_channels",
    "normalization/BatchNorm2d",
]


def of(name, answer=None):
    """An exercise, what it is judged on, and what an answer (its first mistake) gives."""
    exercise = find_exercise(name)
    on = hidden(exercise, SEED)
    return exercise, on, observe(exercise, answer or exercise.mistakes[0].answer, on.drawn, SEED)


def drawn(exercise, on, observed):
    return picture(exercise, on, observed, judge(exercise, on, observed))


@pytest.mark.parametrize("name", DRAWN)
def test_a_wrong_answer_that_can_be_drawn_has_a_picture(name):
    one = drawn(*of(name))
    assert one.png.startswith(b"\x89PNG") and len(one.png) <= 60_000
    height, width, _ = plt.imread(io.BytesIO(one.png)).shape
    assert one.width <= 860 and width == pytest.approx(1.6 * one.width, abs=2)
    assert height <= 0.6 * width
    assert one.alt.endswith(".")


@pytest.mark.parametrize(
    "name", ["initialization/gain", "optimizers/condition_number", "schedules/steps_until"]
)
def test_numbers_that_are_read_faster_have_none(name):
    assert drawn(*of(name)) is None


def test_a_right_answer_is_shown_its_histogram_its_schedule_and_its_trajectory():
    for name in ("initialization/kaiming_normal", "schedules/cosine", "optimizers/Adam"):
        assert drawn(*of(name, find_exercise(name).reference)) is not None
    assert drawn(*of("activations/tanh", find_exercise("activations/tanh").reference)) is None


def test_the_words_on_a_histogram_are_true():
    exercise, on, observed = of("initialization/kaiming_normal")
    alt = drawn(exercise, on, observed).alt
    told = [float(one) for one in re.findall(r"standard deviation ([\d.e-]+[\de])", alt)]
    spreads = [observed[0]["result"].std(), on.expected[0]["result"].std()]
    assert told == pytest.approx(spreads, rel=0.02)


def test_the_words_on_a_schedule_name_the_place_of_the_largest_difference():
    exercise, on, observed = of("schedules/cosine")
    verdict = judge(exercise, on, observed)
    case = min(f.case for f in verdict.findings if not f.passed)
    yours, wanted = (np.array(o[case]["result"]) for o in (observed, on.expected))
    worst = np.abs(yours - wanted).argmax()
    alt = picture(exercise, on, observed, verdict).alt
    where = on.drawn[case]["step"][worst]
    assert f"at step {where}: {yours[worst]:.3g} instead of {wanted[worst]:.3g}" in alt


def test_the_words_on_a_path_name_the_step_that_leaves_it():
    exercise, on, observed = of("training_loop/sgd_step")
    yours, wanted = (o[0]["result"] for o in (observed, on.expected))
    same = [
        all(np.allclose(a, b) for a, b in zip(one["values"], other["values"], strict=True))
        for one, other in zip(yours, wanted, strict=True)
    ]
    assert f"in step {same.index(False) + 1}." in drawn(exercise, on, observed).alt


STRANGE = [
    None,
    "text",
    10**400,
    float("nan"),
    {},
    {"not data": "Liar"},
    {"value": [], "gradients": 3, "returned": {}},
    [],
    [None] * 40,
    [[1], [2, 3]],
    [np.zeros((3, 3)), None],
    np.zeros(()),
    np.zeros((0, 2)),
    np.full((8, 12, 7), np.nan),
    np.full((8, 12), np.inf),
    np.array([1e308, -1e308] * 60),
    np.array(["a"]),
    np.array([None], dtype=object),
]


@pytest.mark.parametrize("name", DRAWN)
def test_whatever_was_observed_a_picture_raises_nothing(name, recwarn):
    exercise, on, _ = of(name)
    points = (exercise.points, Reason.WRONG)
    verdict = Verdict(exercise.id, str(exercise.kind), 0.0, *points)
    for strange in STRANGE:
        for observed in ({"result": strange}, {"steps": strange}, {"steps": [strange] * 9}):
            one = picture(exercise, on, [observed] * len(on.drawn), verdict)
            assert one is None or one.alt
    assert picture(exercise, on, [], verdict) is None
    assert not recwarn.list


def test_pictures_leave_the_figures_and_settings_of_a_student_alone():
    plt.close("all")
    settings = dict(mpl.rcParams)
    figure = plt.figure()
    assert drawn(*of("schedules/cosine")) is not None
    assert plt.get_fignums() == [figure.number] and plt.gcf() is figure
    assert dict(mpl.rcParams) == settings
    plt.close(figure)


def test_a_card_holds_its_picture_with_its_words_and_a_graded_one_never():
    exercise, on, observed = of("initialization/gain")
    verdict = judge(exercise, on, observed)
    shown = Picture(b"png", 'what is "seen" <here>', 600)
    card = verdict_html(verdict, local=True, picture=shown)
    assert 'src="data:image/png;base64,cG5n"' in card
    assert "what is &#34;seen&#34; &lt;here&gt;" in card
    assert "<img" not in verdict_html(verdict, local=False, picture=shown)

"""The network of all labs: each lab has its part in it, and the page says what is on record."""

import statistics

import pytest
import torch

from autograder.exercises import labs
from course_lib.data import Split, fashion_mnist
from course_lib.one_network import ACCURACIES, STEPS, OneNetwork, ladder
from scripts.make_one_network import DOCS, table


@pytest.fixture(scope="module")
def few() -> Split:
    return fashion_mnist(64, 50)


def test_every_lab_before_the_capstone_adds_one_of_its_exercises() -> None:
    given = {lab.name: lab.exercises for lab in labs() if lab.name != "capstone"}
    assert list(STEPS) == list(given)
    for lab, (_, function) in STEPS.items():
        assert function.__name__ in given[lab]


@pytest.mark.parametrize("lab", STEPS)
def test_a_lab_uses_what_it_adds_and_changes_what_comes_out(lab: str, few: Split) -> None:
    def is_used(*arguments: object, **options: object) -> None:
        raise RuntimeError("it is used")

    with pytest.raises(Exception, match="it is used"):  # from within a kernel, of another type
        OneNetwork(lab, **{STEPS[lab][1].__name__: is_used}).scores(few, 0)
    scores = OneNetwork(lab).scores(few, 0)
    assert scores.shape == (50, 10) and scores.isfinite().all()
    assert torch.equal(scores, OneNetwork(lab).scores(few, 0))
    if lab != "training_loop":
        before = list(STEPS)[list(STEPS).index(lab) - 1]
        assert not torch.equal(scores, OneNetwork(before).scores(few, 0))


def test_what_has_no_part_in_it_is_refused() -> None:
    with pytest.raises(ValueError, match="dropout: not in this training"):
        OneNetwork("schedules", dropout=torch.dropout)
    with pytest.raises(ValueError, match="capstone"):
        OneNetwork("capstone")


def test_the_page_and_the_figures_say_what_is_on_record() -> None:
    assert table() in (DOCS / "one_network.md").read_text(encoding="utf-8")
    shown = ladder("initialization", yours=0.8)
    rows = [label.get_text() for label in shown.axes[0].get_yticklabels()]
    assert rows == [STEPS[lab][0] for lab in list(STEPS)[:4]]
    told = [text.get_text() for text in shown.axes[0].texts]
    assert f"{100 * statistics.mean(ACCURACIES['training_loop']):.1f}" in told

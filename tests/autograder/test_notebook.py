import linecache
import subprocess
import sys

import pytest

from autograder.exercises import UnknownName
from autograder.judging import Reason
from autograder.notebook import CheckResult, NotCommitted, check, commit, committed
from course_lib import initialization

RIGHT = {"relu_second_moment": initialization.relu_second_moment}
WRONG = {"relu_second_moment": lambda variance: variance}


def test_a_right_answer_shows_its_points_as_plain_text_and_a_card_as_html():
    result = check("initialization/relu_second_moment", namespace=RIGHT)
    assert isinstance(result, CheckResult) and result.verdict.passed
    assert float(repr(result)) == result.verdict.points
    assert "<" in result._repr_html_()


def test_a_wrong_answer_scores_zero_is_named_and_says_how_to_repeat_the_check(capsys):
    result = check("relu_second_moment", namespace=WRONG, seed=7)
    assert repr(result) == "0"
    assert result.verdict.diagnosis == "unchanged"
    assert any("seed=7" in note for note in result.verdict.notes)
    assert "half" in capsys.readouterr().out


def test_the_answer_itself_can_be_checked():
    def relu_second_moment(variance):
        return variance / 2

    assert check(relu_second_moment, namespace={}).verdict.passed


def test_an_answer_that_is_not_defined_is_not_attempted():
    verdict = check("initialization/relu_second_moment", namespace={}).verdict
    assert verdict.reason is Reason.NOT_ATTEMPTED and "run the cell" in verdict.notes[0]


def test_an_unknown_exercise_names_the_nearest():
    with pytest.raises(UnknownName, match="initialization/kaiming_normal"):
        check("initialization/kaiming_norm")


def test_forbidden_calls_are_named():
    source = "def kaiming_normal(shape, *_, **__):\n    import torch\n"
    source += "    return torch.nn.init.kaiming_normal_(torch.empty(shape))\n"
    namespace = {}
    linecache.cache["<answer>"] = (len(source), None, source.splitlines(True), "<answer>")
    exec(compile(source, "<answer>", "exec"), namespace)
    verdict = check("initialization/kaiming_normal", namespace=namespace).verdict
    assert verdict.reason is Reason.FORBIDDEN and verdict.score == 0
    assert "torch.nn.init.kaiming_normal_" in verdict.explanation


def test_under_validate_a_failure_is_written_where_validate_shows_it(monkeypatch, capsys):
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    check("initialization/relu_second_moment", namespace=WRONG)
    assert "half" in capsys.readouterr().err


def test_an_experiment_waits_for_its_prediction_and_the_first_one_stands():
    name = "initialization/zero_biases"
    with pytest.raises(NotCommitted, match="First predict"):
        committed(name)
    with pytest.raises(NotCommitted, match="Set zero_biases"):
        commit(name, None)
    with pytest.raises(NotCommitted, match="is not 'it trains' or"):
        commit(name, "maybe")
    assert "Committed" in commit(name, "it trains")
    assert "that one stands" in commit(name, "it does not train")
    assert committed(name) == "it trains"


def test_only_predictions_are_committed():
    with pytest.raises(NotCommitted, match="use check"):
        commit("initialization/relu_second_moment", 1.0)


def test_importing_the_package_does_not_import_torch():
    code = "import autograder, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

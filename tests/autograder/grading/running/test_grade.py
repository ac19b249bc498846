"""One submission graded for real: a kernel, its cells, the probes, the judgement here."""

import copy
import json

import nbformat
import pytest
import zmq

from autograder.answering import answers
from autograder.grading.running.session import MAX_MESSAGE, Limits, Session
from autograder.judging import Reason
from autograder.reporting.feedback import feedback_page
from tests.support.notebooks import LAB, cell_of, role

RIGHT = {e.name for e in LAB.exercises.values() if e.automatic}


def append(notebook, exercise, code):
    cell_of(notebook, exercise).source += f"\n\n{code}"


def prepend(notebook, exercise, code):
    cell = cell_of(notebook, exercise)
    cell.source = f"{code}\n\n\n{cell.source}"


def replace(notebook, exercise, code):
    cell_of(notebook, exercise).source = code


def wrong(verdicts):
    return {name: v.reason for name, v in verdicts.items() if v.score < v.points and name in RIGHT}


def test_the_reference_scores_everything_and_the_starter_nothing(grade, solved, pristine):
    verdicts, graded = grade(solved)
    assert wrong(verdicts) == {}
    assert graded.record.score == graded.record.max_score > 0
    assert len(graded.record.flags) == len(RIGHT)
    verdicts, graded = grade(pristine)
    assert graded.record.score == 0
    assert {v.reason for v in verdicts.values()} == {Reason.NOT_ATTEMPTED}


def test_a_definition_counts_whatever_the_rest_of_its_cell_does(grade, handed_in):
    append(handed_in, "gaussian", "while True:\n    pass")
    append(handed_in, "fan_in_and_fan_out", "import os\nos._exit(3)")
    append(handed_in, "xavier_normal", "raise ValueError('at top level')")
    append(handed_in, "lecun_normal", "import sys\nsys.exit()")
    append(handed_in, "gain", "input('your name? ')")
    append(handed_in, "relu_second_moment", "raise NotImplementedError()")
    append(handed_in, "kaiming_normal", "%matplotlib widget")
    append(handed_in, "default_linear_std", "quit()")
    prepend(handed_in, "residual_variance", "import no_such_module")
    prepend(handed_in, "kaiming_uniform", "from google.colab import drive\ndrive.mount('/drive')")
    append(handed_in, "layer_statistics", "import sys\nprint('harmless', file=sys.stderr)")
    verdicts, _ = grade(handed_in, Limits(cell=6, probe=6, submission=200))
    assert wrong(verdicts) == {}
    told = {name: " ".join(verdict.notes) for name, verdict in verdicts.items()}
    assert "did not end within 6 seconds" in told["gaussian"]
    assert "kernel" in told["fan_in_and_fan_out"]
    assert "ValueError was raised" in told["xavier_normal"]
    assert "ModuleNotFoundError was raised" in told["residual_variance"]
    assert "did not end well" not in told["layer_statistics"]


def test_what_ends_or_breaks_an_answer_costs_it_and_the_rest_is_graded(grade, handed_in):
    append(handed_in, "xavier_uniform", "this is no python")
    replace(handed_in, "fan_in_and_fan_out", "fan_in_and_fan_out = nothing_of_that_name")
    replace(
        handed_in,
        "relu_second_moment",
        "def relu_second_moment(variance):\n    import os\n    os.kill(os.getpid(), 9)",
    )
    replace(
        handed_in,
        "default_linear_std",
        "def default_linear_std(fan_in):\n    while True:\n        pass",
    )
    verdicts, _ = grade(handed_in, Limits(cell=6, probe=6, submission=200))
    assert wrong(verdicts) == {
        "fan_in_and_fan_out": Reason.RAISED,
        "xavier_uniform": Reason.RAISED,
        "relu_second_moment": Reason.CRASHED,
        "default_linear_std": Reason.TIMED_OUT,
    }
    assert verdicts["xavier_uniform"].explanation == "SyntaxError was raised"
    assert verdicts["fan_in_and_fan_out"].explanation == "NameError was raised"
    assert any("fan_in_and_fan_out" in note for note in verdicts["kaiming_normal"].notes)


def test_a_loop_that_cannot_be_interrupted_costs_its_exercise(grade, handed_in):
    stubborn = "def gaussian(shape, std=0.01):\n    while True:\n        try:\n"
    stubborn += "            while True:\n                pass\n"
    stubborn += "        except KeyboardInterrupt:\n            pass"
    replace(handed_in, "gaussian", stubborn)
    verdicts, _ = grade(handed_in)
    assert wrong(verdicts) == {"gaussian": Reason.TIMED_OUT}


def test_quitting_and_resetting_cost_their_exercise(grade, handed_in):
    append(handed_in, "fan_in_and_fan_out", "%reset -f")
    replace(handed_in, "relu_second_moment", "def relu_second_moment(variance):\n    return exit()")
    verdicts, _ = grade(handed_in)
    assert wrong(verdicts) == {
        "fan_in_and_fan_out": Reason.NOT_ATTEMPTED,
        "relu_second_moment": Reason.RAISED,
    }


def test_values_that_break_a_comparison_cost_their_exercise(grade, handed_in):
    replace(
        handed_in, "relu_second_moment", "def relu_second_moment(variance):\n    return 10**400"
    )
    replace(handed_in, "division_bug", "division_bug = torch.zeros(2)")
    replace(handed_in, "sixth_layer_std", "sixth_layer_std = 10**400")
    verdicts, graded = grade(handed_in)
    assert set(wrong(verdicts)) == {"relu_second_moment"}
    assert verdicts["division_bug"].reason is Reason.NOT_ATTEMPTED
    assert verdicts["sixth_layer_std"].reason is Reason.NOT_ATTEMPTED
    json.dumps(graded.record.to_dict(), allow_nan=False)


def test_a_failure_while_judging_costs_one_exercise_and_is_flagged(grade, handed_in, monkeypatch):
    judge = answers.judge

    def fails(exercise, *arguments, **options):
        if exercise.name == "gaussian":
            raise ZeroDivisionError("hidden 7.25")
        return judge(exercise, *arguments, **options)

    monkeypatch.setattr(answers, "judge", fails)
    verdicts, graded = grade(handed_in)
    assert wrong(verdicts) == {"gaussian": Reason.NOT_RUN}
    assert any("hidden 7.25" in flag for flag in graded.record.flags)
    assert "7.25" not in nbformat.writes(graded.notebook)


def test_messages_are_capped_where_they_arrive(launcher):
    with Session(launcher) as session:
        for channel in (session._client.shell_channel, session._client.iopub_channel):
            assert channel.socket.getsockopt(zmq.MAXMSGSIZE) == MAX_MESSAGE
        flood = "from IPython.display import HTML, display\n"
        flood += "for i in range(300):\n    display(HTML('x' * 200_000))\n'x' * 50_000_000"
        assert session.run_cell(flood).status == "ok"
        assert session.run_cell("1").status == "ok"


def test_endless_output_is_capped_and_changed_state_is_reset(grade, handed_in):
    first = nbformat.v4.new_code_cell(
        "import random, sys, warnings\nimport numpy, torch\n"
        "torch.set_default_dtype(torch.float64)\ntorch.set_grad_enabled(False)\n"
        "torch.manual_seed(0)\nnumpy.seterr(all='raise')\nwarnings.simplefilter('error')\n"
        "for i in range(200_000):\n    print('x' * 50)"
    )
    handed_in.cells.insert(2, first)
    verdicts, graded = grade(handed_in, Limits(cell=60, probe=10, submission=150))
    assert wrong(verdicts) == {}
    assert len(nbformat.writes(graded.notebook)) < 2_000_000


def test_forged_scores_and_patched_comparisons_earn_nothing(grade, pristine):
    forged = copy.deepcopy(pristine)
    for name in RIGHT:
        replace(forged, name, f"{name} = lambda *a, **k: None\n100.0")
    patch = nbformat.v4.new_code_cell(
        "import numpy, torch, builtins\n"
        "numpy.allclose = lambda *a, **k: True\n"
        "torch.testing.assert_close = lambda *a, **k: None\n"
        "import autograder.probes.run as run\n"
        "run.run = lambda *a, **k: [{'result': 1.0, 'raised': None}] * 3\n"
        "import autograder.probes.kernel as kernel\n"
        "kernel.run = run.run\n"
        "class Equal:\n    __eq__ = lambda self, other: True\n"
        "get_ipython().display_formatter.active_types = []"
    )
    forged.cells.insert(2, patch)
    _, graded = grade(forged)
    assert graded.record.score == 0


def test_an_answer_defined_after_its_check_is_judged_at_the_end(grade, handed_in):
    answer = cell_of(handed_in, "gaussian")
    handed_in.cells.remove(answer)
    answer.metadata = {"autograder": {"role": "student"}}
    handed_in.cells.append(nbformat.from_dict(answer))
    verdicts, _ = grade(handed_in)
    assert wrong(verdicts) == {}
    assert any("only after" in note for note in verdicts["gaussian"].notes)


def test_an_answer_written_below_its_untouched_starter_is_judged_at_the_end(
    grade, handed_in, pristine
):
    answer = cell_of(handed_in, "gaussian").source
    replace(handed_in, "gaussian", cell_of(pristine, "gaussian").source)
    handed_in.cells.append(nbformat.v4.new_code_cell(answer))
    verdicts, _ = grade(handed_in)
    assert wrong(verdicts) == {}
    assert any("only after" in note for note in verdicts["gaussian"].notes)


def test_a_later_cell_changes_no_earlier_verdict(grade, handed_in):
    handed_in.cells.append(nbformat.v4.new_code_cell("gaussian = None\ndel gain"))
    handed_in.cells[-1].metadata["autograder"] = {"role": "student"}
    assert wrong(grade(handed_in)[0]) == {}


def test_the_library_and_the_stubs_are_no_way_round(grade, handed_in):
    replace(
        handed_in,
        "kaiming_normal",
        "from torch.nn import init as i\n\n\ndef kaiming_normal(shape, *args, **kwargs):\n"
        "    return i.kaiming_normal_(torch.empty(tuple(shape)))",
    )
    replace(handed_in, "gaussian", "from course_lib.initialization import gaussian")
    replace(
        handed_in,
        "xavier_normal",
        "import autograder.exercises\n\n\ndef xavier_normal(shape, scale=1.0):\n    return 1",
    )
    verdicts, _ = grade(handed_in)
    found = wrong(verdicts)
    assert found["kaiming_normal"] is Reason.FORBIDDEN
    assert "torch.nn.init.kaiming_normal_" in verdicts["kaiming_normal"].explanation
    assert found["gaussian"] is Reason.FORBIDDEN
    assert "course_lib.initialization.gaussian" in verdicts["gaussian"].explanation
    assert found["xavier_normal"] is Reason.WRONG
    assert any("ModuleNotFoundError" in note for note in verdicts["xavier_normal"].notes)
    assert set(found) == {"kaiming_normal", "gaussian", "xavier_normal"}


def test_one_mistake_is_paid_once(grade, handed_in):
    replace(
        handed_in,
        "fan_in_and_fan_out",
        "def fan_in_and_fan_out(shape):\n    return shape[1], shape[0]",
    )
    verdicts, _ = grade(handed_in)
    assert wrong(verdicts) == {"fan_in_and_fan_out": Reason.WRONG}
    assert verdicts["fan_in_and_fan_out"].diagnosis == "no_kernel"
    assert "reference in its place" in verdicts["kaiming_normal"].notes[0]


def test_predictions_and_texts_are_read_and_earn_nothing_by_themselves(grade, handed_in, pristine):
    replace(handed_in, "sixth_layer_std", "sixth_layer_std = 0.5")
    replace(handed_in, "division_bug", "division_bug = 'a billion'")
    cell_of(handed_in, "equal_is_not_healthy", "written").source = "Because."
    verdicts, _ = grade(handed_in)
    assert verdicts["sixth_layer_std"].value == 0.5
    assert verdicts["division_bug"].reason is Reason.NOT_ATTEMPTED
    assert verdicts["equal_is_not_healthy"].reason is Reason.AWAITING_REVIEW
    assert verdicts["equal_is_not_healthy"].score == 0


def test_the_graded_notebook_shows_verdicts_and_nothing_of_hidden_inputs(grade, handed_in):
    replace(
        handed_in,
        "relu_second_moment",
        "def relu_second_moment(variance):\n    return variance * 3",
    )
    verdicts, graded = grade(handed_in)
    cells = {c.metadata["autograder"].get("exercise"): c for c in graded.notebook.cells
             if role(c) == "check"}  # fmt: skip
    shown = cells["initialization/relu_second_moment"].outputs[0].data
    finding = next(f for f in verdicts["relu_second_moment"].findings if not f.passed)
    assert "6 times too large" in shown["text/html"]
    for hidden in (finding.expected, finding.observed, finding.where):
        assert hidden and hidden not in shown["text/html"] + shown["text/plain"]


@pytest.mark.parametrize("name", ["gradebook.db", "solutions", "autograder/exercises"])
def test_the_room_holds_nothing_but_stubs_probes_and_data(room, name):
    assert not (room / name).exists()
    text = "".join(path.read_text() for path in room.rglob("*.py"))
    assert "torch.randn(" not in (room / "course_lib" / "initialization.py").read_text()
    assert "BEGIN SOLUTION" not in text and "Mistake(" not in text


def test_a_need_of_a_need_is_given_too(launcher):
    from autograder.building import instructor_notebook
    from autograder.exercises import find_lab
    from autograder.grading.checkout import REPOSITORY
    from autograder.grading.running.grade import grade_notebook
    from autograder.grading.running.references import References

    lab = find_lab("normalization")
    notebook = instructor_notebook(lab, REPOSITORY)
    append(notebook, "batch_norm", "del batch_norm")
    replace(notebook, "BatchNorm1d", "class BatchNorm1d:\n    pass")
    record = grade_notebook(notebook, References(lab, b"x"), launcher).record
    lost = [v.exercise.partition("/")[2] for v in record.verdicts if v.score < v.points]
    assert lost == ["batch_norm", "BatchNorm1d", "why_batch_norm_works"]


def test_hidden_inputs_that_code_has_seen_do_not_come_back(grade, handed_in):
    replace(
        handed_in,
        "relu_second_moment",
        "seen = []\n\n\ndef relu_second_moment(variance):\n    seen.append(variance)\n"
        "    raise ValueError(f'leak {variance}')",
    )
    replace(handed_in, "xavier_uniform", "print(seen)\nxavier_uniform = int(f'leak {seen}')")
    verdicts, graded = grade(handed_in)
    assert wrong(verdicts) == {"relu_second_moment": Reason.RAISED, "xavier_uniform": Reason.RAISED}
    assert "leak [" in verdicts["xavier_uniform"].findings[0].observed
    shown = nbformat.writes(graded.notebook)
    hidden = verdicts["relu_second_moment"].findings[0].observed.partition("leak ")[2][:8]
    assert hidden and hidden not in shown
    page = feedback_page(graded.record.to_dict(), LAB)
    assert hidden not in page


def test_the_name_of_an_exception_tells_nobody_what_was_hidden(grade, handed_in):
    replace(
        handed_in,
        "gaussian",
        "def gaussian(*inputs, **more):\n"
        "    raise type(f'Seen{sum(map(str.isalnum, str(inputs)))}', (Exception,), {})()",
    )
    verdicts, _ = grade(handed_in)
    told = verdicts["gaussian"].findings[0]
    assert "Seen" in told.observed  # in the record, for the instructor
    assert "Seen" not in told.gist and "an exception of its own" in told.gist

"""``%%experiment``: a cell runs whatever is solved, and leaves answers as they are."""

RIGHT = "def relu_second_moment(variance):\n    return variance / 2"
WRONG = "def relu_second_moment(variance):\n    return variance * 7"
SHOW = "%%experiment What a ReLU leaves\nrelu_second_moment(4.0)"


def told(notebook):
    return "\n".join(data["text/plain"] for data in notebook.shown)


def test_a_right_answer_is_used_and_nothing_is_said(notebook):
    notebook.run(f"{RIGHT.replace('return', 'calls.append(1);')}\n    return variance / 2")
    notebook.run("calls = []")
    notebook.verdict("relu_second_moment")
    before = len(notebook.run("calls"))
    assert notebook.run(SHOW) == 2.0
    assert len(notebook.run("calls")) > before and notebook.shown == []


def test_a_missing_or_wrong_answer_is_stood_in_for_and_the_cell_says_so(notebook):
    assert notebook.run(SHOW) == 2.0
    assert "`relu_second_moment` (yours is not written yet)" in told(notebook)
    assert "relu_second_moment" not in notebook.shell.user_ns
    notebook.run(WRONG)
    assert notebook.run(SHOW) == 2.0
    assert "`relu_second_moment` (yours is not right yet)" in told(notebook)
    assert notebook.run("relu_second_moment(4.0)") == 28.0


def test_a_mended_answer_is_used_at_once(notebook):
    notebook.run(WRONG, answer="relu_second_moment")
    notebook.run(SHOW)
    notebook.run(f"marker = 5\n{RIGHT} + 0 * marker", answer="relu_second_moment")
    notebook.shown.clear()
    assert notebook.run(SHOW) == 2.0 and notebook.shown == []


def test_an_answer_behind_a_function_of_an_earlier_experiment_is_stood_in_for(notebook):
    notebook.run("%%experiment A helper\ndef helper(x):\n    return relu_second_moment(x)")
    assert notebook.run("%%experiment It is called\nhelper(6.0)") == 3.0


def test_an_attribute_of_the_name_of_an_answer_is_no_use_of_it(notebook):
    notebook.run("%%experiment A helper\ndef helper(x):\n    return x.relu_second_moment")
    notebook.run("%%experiment It is called\nhelper")
    assert notebook.shown == []


def test_an_error_in_an_experiment_is_an_error_and_the_answers_come_back(notebook):
    notebook.run(WRONG)
    result = notebook.shell.run_cell("%%experiment Bad\nrelu_second_moment(1 / 0)")
    assert isinstance(result.error_in_exec, ZeroDivisionError)
    assert notebook.run("relu_second_moment(4.0)") == 28.0


def test_what_an_earlier_experiment_gives_is_asked_for_where_it_is_missing(notebook):
    told = repr(notebook.run("%%experiment Later\nof_an_earlier_cell + 1"))
    assert "`of_an_earlier_cell` is not there" in told and "Run All Above" in told


def test_an_experiment_waits_for_its_prediction_without_an_error(notebook):
    experiment = "%%experiment Zeros\ncommitted('initialization/zero_biases')\nran = True\n5"
    waiting = notebook.run(f"{experiment}\nrelu_second_moment(1.0)")
    assert "waits for your prediction" in repr(waiting) and notebook.shown == []
    assert "ran" not in notebook.shell.user_ns
    commit = "commit('initialization/zero_biases')"
    assert "Set `zero_biases` above" in repr(notebook.run(commit))
    assert "Set `zero_biases` above" in repr(notebook.run(f"zero_biases = None\n{commit}"))
    assert "no prediction" in repr(notebook.run(f"zero_biases = 'C'\n{commit}"))
    assert "Committed" in repr(notebook.run(f"zero_biases = 'b'\n{commit}"))
    assert "first one stands" in repr(notebook.run(f"zero_biases = 'A'\n{commit}"))
    out = repr(notebook.run(experiment))
    assert "You predicted B · it does not train; it came out A · it trains" in out
    assert notebook.shell.user_ns["ran"]


def test_an_answer_written_into_an_experiment_is_told_to_move(notebook):
    notebook.run(f"%%experiment Mine\n{RIGHT}")
    verdict = notebook.verdict("relu_second_moment")
    assert verdict.score == 0 and "cell of the answer" in verdict.notes[0]


def test_nothing_is_run_for_validate(notebook, monkeypatch):
    monkeypatch.setenv("NBGRADER_VALIDATING", "1")
    notebook.run("%%experiment Long\nran = True")
    assert "ran" not in notebook.shell.user_ns

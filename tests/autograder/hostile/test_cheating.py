"""Submissions that want points for nothing: what they do has no effect on the score.

A test's docstring begins with the case that it stands for.
"""

import nbformat
import pytest

from autograder.answering import answers
from autograder.judging import Reason
from autograder.reporting.feedback import feedback_page
from tests.support.notebooks import LAB, cell_of

TARGET = "relu_second_moment"
FORBIDDING = "xavier_normal"

WRONG = f"def {TARGET}(variance):\n    return variance / 3"

TRICKS = {
    "assert": "import builtins\nbuiltins.AssertionError = builtins.isinstance = None",
    "numpy.allclose": "np.allclose = np.array_equal = np.isclose = lambda *a, **k: True",
    "torch.testing": "torch.testing.assert_close = lambda *a, **k: None",
    "torch.allclose": "torch.allclose = torch.equal = lambda *a, **k: True",
    "check itself": (
        "import autograder\nautograder.check = check = lambda *a, **k: 100.0\n"
        "autograder.Unjudged.__repr__ = lambda self: '100.0'"
    ),
    "imitated scores": (
        "from IPython.display import HTML, display\nprint('Score: 48.0 / 48')\n"
        "display(HTML('<b>correct: 48 points</b>'))\n48.0"
    ),
    "input transformer": (
        "get_ipython().input_transformers_post.append(lambda lines: ['pass\\n', *lines])"
    ),
    "AST transformer": (
        "import ast\nclass Sure(ast.NodeTransformer):\n    def visit_Assert(self, node):\n"
        "        return ast.Pass()\nget_ipython().ast_transformers.append(Sure())"
    ),
    "events": (
        "for event in ('pre_execute', 'pre_run_cell', 'post_execute', 'post_run_cell'):\n"
        "    get_ipython().events.register(event, lambda *a: print('correct'))"
    ),
    "displayhook": "import sys\nsys.displayhook = get_ipython().displayhook.__class__.__call__",
    "clear_output": "import IPython.display\nIPython.display.clear_output()",
    "showtraceback": "get_ipython().showtraceback = lambda *a, **k: None",
    "custom exceptions": (
        "get_ipython().set_custom_exc((BaseException,), lambda *a, **k: print('no error'))"
    ),
    "display formatter": "get_ipython().display_formatter.active_types = []",
    "trace function": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)",
    "name": "__name__ = 'autograder.judging'\n__file__ = 'record.json'",
}


@pytest.mark.parametrize("code", TRICKS.values(), ids=TRICKS)
def test_a_trick(handed_in, grade, code):
    """patched `assert`, `numpy.allclose`, `torch.testing`, `check` itself; IPython hooks: input and
    AST transformers, events, displayhook, `clear_output`, `showtraceback`; outputs that imitate a
    score"""
    handed_in.cells.insert(1, nbformat.v4.new_code_cell(code))
    cell_of(handed_in, TARGET).source = WRONG
    graded = grade(handed_in)
    assert graded.lost == {TARGET: Reason.WRONG}
    assert "48" not in "".join(str(cell.get("outputs")) for cell in graded.notebook.cells)


PATCHES = {
    "run": "run.run = kernel.run = lambda *a: [{'result': 1.0, 'raised': None}] * 3",
    "observe": 'kernel.observe = lambda *a: kernel.Reply(\'{"defined": true, "score": 100}\')',
    "no observations": "kernel.run = lambda *a: []",
    "not a number": (
        "kernel.run = lambda p, q, a, cases, *s: "
        "[{'result': float('nan'), 'type': 'float', 'raised': None} for _ in cases]"
    ),
    "the inputs back": "kernel.run = lambda p, q, answer, cases, *s: cases",
    "the whole observation": "kernel.run = lambda *a: 'correct'",
    "probes": "run.PROBES.update(dict.fromkeys(run.PROBES, lambda *a, **k: {'result': None}))",
    "values": "import autograder.probes.calls as calls\ncalls.to_plain = lambda value: {}",
    "wire": "kernel.wire.dumps = lambda value: 'null'",
    "state": "import contextlib\nrun.known_state = lambda *a: contextlib.nullcontext()",
    "the user expressions": "get_ipython().user_expressions = lambda asked: {'observation': REPLY}",
}
for name, reply in {
    "a list": "[1]",
    "data that is a list": "{'status': 'ok', 'data': [1]}",
    "data of a number": "{'status': 'ok', 'data': {kernel.MIME: 7}}",
    "deep data": "{'status': 'ok', 'data': {kernel.MIME: '[' * 100_000}}",
    "a long number": "{'status': 'ok', 'data': {kernel.MIME: '9' * 100_000}}",
    "an array of no size": (
        "{'status': 'ok', 'data': {kernel.MIME: "
        '\'{"defined": true, "observations": [{"result": '
        '{"$array": "", "dtype": "float64", "shape": [0, 4611686018427387904]}}]}\'}}'
    ),
    "a status": "{'status': ['ok'], 'ename': {}, 'evalue': []}",
}.items():
    PATCHES[f"the reply: {name}"] = PATCHES["the user expressions"].replace("REPLY", reply)
del PATCHES["the user expressions"]
for name, content in {"a list": "[]", "text": "'ok'", "nothing": "None"}.items():
    PATCHES[f"the message: {name}"] = (
        "session = get_ipython().kernel.session\nsend = session.send\n"
        "def lie(stream, kind, content=None, *a, **k):\n"
        f"    content = {content} if kind == 'execute_reply' else content\n"
        "    return send(stream, kind, content, *a, **k)\n"
        "session.send = lie"
    )
del name, reply, content


@pytest.mark.parametrize("code", PATCHES.values(), ids=PATCHES)
def test_a_patched_probe(handed_in, grade, code):
    """anything in the probe's module; a payload in the observation"""
    header = "import autograder.probes.kernel as kernel\nimport autograder.probes.run as run\n"
    for name in ("fan_in_and_fan_out", TARGET, "gaussian", FORBIDDING):
        cell_of(handed_in, name).source = f"{name} = lambda *a, **k: 1.0"
    handed_in.cells.insert(1, nbformat.v4.new_code_cell(header + code))
    graded = grade(handed_in)
    assert graded.record.score == 0
    assert len(graded.lost) == 4


LIARS = {
    "__eq__": "class Lie:\n    __eq__ = lambda *a: True\n    __hash__ = None",
    "__array__": "class Lie:\n    __array__ = lambda *a, **k: RIGHT.numpy()",
    "__float__": "class Lie:\n    __float__ = lambda *a: float(RIGHT)",
    "float": "class Lie(float):\n    __eq__ = lambda *a: True\n    __hash__ = None",
    "__class__": "class Lie:\n    __class__ = torch.Tensor",
    "lazy": "class Lie:\n    __getattr__ = lambda self, name: getattr(RIGHT, name)",
    "module": "class Lie(nn.Module):\n    forward = lambda self: RIGHT",
    "ndarray": "def Lie():\n    return np.zeros(3).view(type('Mine', (np.ndarray,), {}))",
    "__torch_function__": (
        "class Mine(torch.Tensor):\n    @classmethod\n"
        "    def __torch_function__(cls, *a, **k):\n        return RIGHT\n"
        "def Lie():\n    return torch.zeros(()).as_subclass(Mine)"
    ),
    "numpy method": (
        "class Mine(torch.Tensor):\n    def numpy(self):\n        return RIGHT.numpy()\n"
        "    detach = to = cpu = lambda self, *a: self\n"
        "def Lie():\n    return torch.zeros(()).as_subclass(Mine)"
    ),
    "string": "def Lie():\n    return 'variance / 2'",
    "meta tensor": "def Lie():\n    return torch.empty((), device='meta')",
    "sparse tensor": "def Lie():\n    return torch.zeros(3).to_sparse()",
    "generator": "def Lie():\n    yield RIGHT",
    "list in itself": "def Lie():\n    x = []\n    x.append(x)\n    return x",
}


@pytest.mark.parametrize("name", LIARS)
def test_an_object_that_lies(handed_in, grade, name):
    """objects that lie (`__eq__`, `__array__`, `__torch_function__`, tensor subclass, lazy
    tensor)"""
    cell_of(handed_in, TARGET).source = (
        f"RIGHT = torch.zeros(())\n{LIARS[name]}\ndef {TARGET}(variance):\n"
        "    global RIGHT\n    RIGHT = torch.as_tensor(variance / 2)\n    return Lie()"
    )
    graded = grade(handed_in)
    assert graded.lost == {TARGET: Reason.WRONG}


def test_a_tensor_subclass_that_tells_the_truth(handed_in, grade):
    """… tensor subclass: turned into raw arrays of the right dtype"""
    cell_of(handed_in, TARGET).source = (
        f"class Mine(torch.Tensor):\n    pass\n\ndef {TARGET}(variance):\n"
        "    return torch.as_tensor(variance / 2).as_subclass(Mine)"
    )
    assert grade(handed_in).lost == {}


THE_REFERENCE = {
    "by its name": "from course_lib.initialization import xavier_normal",
    "called": (
        "import course_lib.initialization as theirs\n\ndef xavier_normal(shape, scale=1.0):\n"
        "    return theirs.xavier_normal(shape, scale)"
    ),
}


@pytest.mark.parametrize("code", THE_REFERENCE.values(), ids=THE_REFERENCE)
def test_the_reference_handed_in(handed_in, grade, code):
    """calling the reference (`course_lib…`)"""
    cell_of(handed_in, FORBIDDING).source = code
    graded = grade(handed_in)
    assert graded.lost == {FORBIDDING: Reason.FORBIDDEN}
    assert "course_lib.initialization.xavier_normal" in graded.verdicts[FORBIDDING].explanation


def test_the_reference_called_by_a_name_that_is_put_together(handed_in, grade):
    """calling the reference (`course_lib…`): what is there is a stub"""
    cell_of(handed_in, FORBIDDING).source = (
        "def xavier_normal(shape, scale=1.0):\n"
        "    name = '.'.join(['course_lib', 'initialization'])\n"
        "    theirs = __import__(name, fromlist=['*'])\n"
        "    return theirs.xavier_normal(shape, scale)"
    )
    graded = grade(handed_in)
    assert graded.lost == {FORBIDDING: Reason.RAISED}
    assert "is what an exercise asks for" in graded.verdicts[FORBIDDING].findings[0].observed


LIBRARY = {
    "torch.nn.init": "W = torch.empty(shape)\nreturn torch.nn.init.xavier_normal_(W)",
    "nn.init": "return nn.init.xavier_normal_(torch.empty(shape))",
    "alias": "i = nn\nj = i.init\nreturn j.xavier_normal_(torch.empty(shape))",
    "import": "from torch.nn.init import xavier_normal_ as f\nreturn f(torch.empty(shape))",
    "getattr": "return getattr(nn, 'init').xavier_normal_(torch.empty(shape))",
    "importlib": (
        "import importlib\nm = importlib.import_module('torch.nn.init')\n"
        "return m.xavier_normal_(torch.empty(shape))"
    ),
    "sys.modules": (
        "import sys\ni = sys.modules['torch.nn.init']\nreturn i.xavier_normal_(torch.empty(shape))"
    ),
    "in a helper": "return helper(torch.empty(shape))",
}


@pytest.mark.parametrize("code", LIBRARY.values(), ids=LIBRARY)
def test_the_librarys_own(handed_in, grade, code):
    """calling the library's own version of the technique, also through an alias, `getattr`,
    `torch.nn.init`, `torch.optim`"""
    handed_in.cells.insert(
        1, nbformat.v4.new_code_cell("def helper(W):\n    return nn.init.xavier_normal_(W)")
    )
    body = code.replace("\n", "\n    ")
    cell_of(handed_in, FORBIDDING).source = f"def xavier_normal(shape, scale=1.0):\n    {body}"
    graded = grade(handed_in)
    assert graded.lost == {FORBIDDING: Reason.FORBIDDEN}
    explained = graded.verdicts[FORBIDDING].explanation
    assert "torch.nn.init" in explained and "line" in explained


def test_the_same_tree_as_the_reference(handed_in, grade):
    """an answer whose syntax tree equals the reference's"""
    cell_of(handed_in, TARGET).source = f"def {TARGET}(variance):\n    return 0.25 * 2 * variance"
    graded = grade(handed_in)
    assert graded.lost == {}
    assert any("/gaussian: the same syntax tree" in flag for flag in graded.record.flags)
    assert not any(f"/{TARGET}:" in flag for flag in graded.record.flags)


EXPRESSIONS = {
    "a string": f"{TARGET} = 'variance / 2'",
    "code": f"{TARGET} = compile('variance / 2', '', 'eval')",
    "an expression of sympy": f"import sympy\n{TARGET} = sympy.Symbol('variance') / 2",
    "a string that runs": f"{TARGET} = \"__import__('os').system('touch {{marker}}')\"",
    "an object with side effects": (
        f"class Sly:\n    def __call__(self, variance):\n        open('{{marker}}', 'w')\n"
        f"{TARGET} = Sly()"
    ),
    "an object that reduces to side effects": (
        "import os\nclass Sly:\n    def __reduce__(self):\n"
        "        return os.system, ('touch {marker}',)\n"
        f"def {TARGET}(variance):\n    return Sly()"
    ),
}


@pytest.mark.parametrize("code", EXPRESSIONS.values(), ids=EXPRESSIONS)
def test_a_derivation_that_is_no_function(handed_in, grade, tmp_path, code):
    """a derivation handed in as a string or an object with side effects; a payload in the
    observation (pickle)"""
    marker = tmp_path / "ran"
    cell_of(handed_in, TARGET).source = code.replace("{marker}", str(marker))
    graded = grade(handed_in)
    assert set(graded.lost) == {TARGET}
    assert graded.lost[TARGET] in (Reason.RAISED, Reason.WRONG)
    assert not marker.exists()


SPLIT = {
    "call count": (
        "calls = []\ndef TARGET(v):\n    calls.append(v)\n    return v / (2 + len(calls) // 2)"
    ),
    "the grader's modules": (
        "import sys\ndef TARGET(v):\n"
        "    return v / (2 if 'autograder.judging' in sys.modules else 3)"
    ),
    "a remembered value": "known = {}\ndef TARGET(v):\n    return known.get(float(v), 0.5)",
    "timing": (
        "import time\nstarted = time.time()\ndef TARGET(v):\n"
        "    return v / (2 if time.time() - started > 3 else 3)"
    ),
}


@pytest.mark.parametrize("code", SPLIT.values(), ids=SPLIT)
def test_behaving_differently_when_graded(handed_in, grade, code):
    """behaving differently when graded (environment, timing, call count)"""
    cell_of(handed_in, TARGET).source = code.replace("TARGET", TARGET)
    lost = grade(handed_in).lost
    assert set(lost) == {TARGET} and lost[TARGET] in (Reason.WRONG, Reason.RAISED)


PAYLOADS = {
    "oversized array": "torch.zeros(3_000_000)",
    "not a number": "float('nan')",
    "infinity": "torch.tensor(float('inf'))",
    "object dtype": "np.array([object()])",
    "text dtype": "np.array(['x'])",
    "complex": "torch.complex(torch.ones(1), torch.ones(1))",
    "structured dtype": "np.zeros(2, dtype=[('a', 'f8')])",
    "a whole number of many digits": "10 ** 100_000",
    "markup": "'<script>alert(1)</script>'",
    "markup as a key": "{'<script>alert(1)</script>': '$array'}",
    "what the wire writes": "{'$array': 'AAAA', 'dtype': 'float64', 'shape': [1]}",
    "text that no file can hold": "'\\ud800\\udc80'",
    "control characters": "'\\x00\\x1b[2J\\u202e'",
    "many values": "list(range(100_000))",
    "deep": "__import__('functools').reduce(lambda x, _: [x], range(500), 1)",
    "raises markup": "[][type('K', (), {'__index__': lambda s: 1 / 0})()]",
    "raises what no file can hold": "(_ for _ in ()).throw(ValueError('\\ud800'))",
    "raises a type of markup": (
        "(_ for _ in ()).throw(type('<script>alert(1)', (Exception,), {})())"
    ),
}


def test_a_number_beyond_all_floats_is_wrong_like_any_other(handed_in, grade):
    """a payload in the observation: a number that numpy cannot hold"""
    cell_of(handed_in, TARGET).source = f"def {TARGET}(variance):\n    return 10 ** 400"
    assert grade(handed_in).lost == {TARGET: Reason.WRONG}


def test_what_judging_cannot_bear_is_flagged_and_ends_no_other_verdict(
    handed_in, grade, monkeypatch
):
    """a payload in the observation that a fault of the judge meets"""

    def breaks(exercise, *args, **kwargs):
        if exercise.name == TARGET:
            raise RecursionError("here")
        return judge(exercise, *args, **kwargs)

    judge = answers.judge
    monkeypatch.setattr(answers, "judge", breaks)
    graded = grade(handed_in)
    assert graded.lost == {TARGET: Reason.NOT_RUN}
    assert any(f"{TARGET}: judging raised RecursionError" in f for f in graded.record.flags)


@pytest.mark.parametrize("code", PAYLOADS.values(), ids=PAYLOADS)
def test_a_payload(handed_in, grade, code):
    """a payload in the observation (pickle, oversized array, NaN, object dtype, strings with
    markup)"""
    cell_of(handed_in, TARGET).source = f"def {TARGET}(variance):\n    return {code}"
    graded = grade(handed_in)
    assert set(graded.lost) == {TARGET}
    assert graded.lost[TARGET] in (Reason.RAISED, Reason.WRONG)
    page = feedback_page(graded.record.to_dict(), LAB)
    assert "<script>alert" not in page
    shown = cell_of(graded.notebook, TARGET, "check").outputs[0].data["text/html"]
    assert "<script>alert" not in shown
    assert page.encode() and nbformat.writes(graded.notebook).encode()

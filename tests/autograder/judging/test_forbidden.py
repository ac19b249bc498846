import pytest

from autograder.judging.forbidden import Use, explain, find_uses

INIT = ("torch.nn.init",)
NORM = ("torch.nn.functional.batch_norm", "torch.nn.BatchNorm1d", "torch.batch_norm")
SETUP = "import math\nimport torch\nimport torch.nn as nn\nimport torch.nn.functional as F"

INIT_USES = {
    "by its full name": "def answer(x):\n    return torch.nn.init.normal_(x)",
    "module alias": "def answer(x):\n    return nn.init.normal_(x)",
    "import as": "from torch.nn import init as i\ndef answer(x):\n    return i.normal_(x)",
    "import of the function": "from torch.nn.init import normal_ as n\ndef answer(x): return n(x)",
    "import inside": "def answer(x):\n    import torch.nn.init as i\n    return i.normal_(x)",
    "star import": "from torch.nn.init import *\ndef answer(x):\n    return normal_(x)",
    "assigned alias": "i = torch.nn.init\nf = i.normal_\ndef answer(x):\n    return f(x)",
    "local chain": "def answer(x):\n    c = b.init\n    b = a.nn\n    a = torch\n    return c.n(x)",
    "tuple alias": "a, b = math, nn.init\ndef answer(x):\n    return b.normal_(x)",
    "walrus": "def answer(x):\n    return (i := nn.init).normal_(x) and i",
    "conditional alias": "i = math\nif True:\n    i = nn.init\ndef answer(x): return i.normal_(x)",
    "getattr": 'def answer(x):\n    return getattr(torch.nn, "in" + "it").normal_(x)',
    "__dict__": 'def answer(x):\n    return nn.__dict__["init"].normal_(x)',
    "vars": 'def answer(x):\n    return vars(nn)["init"].normal_(x)',
    "sys.modules": 'import sys\ndef answer(x): return sys.modules["torch.nn.init"].normal_(x)',
    "__import__": 'def answer(x):\n    return __import__("torch.nn").nn.init.normal_(x)',
    "import_module": "import importlib as l\nm = l.import_module('torch.nn.init')\n"
    "def answer(x):\n    return m.normal_(x)",
    "helper": "def helper(x):\n    return nn.init.normal_(x)\ndef answer(x):\n    return helper(x)",
    "helper of a helper": "h = lambda x: nn.init.normal_(x)\ndef g(x): return h(x)\n"
    "def answer(x):\n    return [g(y) for y in x]",
    "the answer itself": "answer = torch.nn.init.normal_",
    "default argument": "def answer(x, f=nn.init.normal_):\n    return f(x)",
    "decorator": "@nn.init.wrap\ndef answer(x):\n    return x",
    "global": "def set_up():\n    global i\n    i = nn.init\ndef answer(x): return i.normal_(x)",
    "%%time": "%%time\ndef answer(x):\n    return nn.init.normal_(x)",
    "after a magic": "%matplotlib inline\ndef answer(x):\n    return nn.init.normal_(x)",
    "class": "class answer(nn.Module):\n    lib = nn.init\n    def __init__(self, x):\n"
    "        self.lib.normal_(x)",
    "patched in": "class answer: pass\nanswer.forward = lambda self, x: nn.init.normal_(x)",
}


@pytest.mark.parametrize("cell", INIT_USES.values(), ids=INIT_USES.keys())
def test_a_use_is_found_however_the_module_is_reached(cell):
    assert find_uses([SETUP, cell], "answer", INIT)


NO_USES = {
    "unused import": "from torch.nn import init\ndef answer(x):\n    return x",
    "another function": "def other(x): return nn.init.normal_(x)\ndef answer(x):\n    return x",
    "parameter of that name": "i = nn.init\ndef answer(i):\n    return i.normal_()",
    "local of that name": "i = nn.init\ndef answer(x):\n    i = x.T\n    return i.normal_()",
    "comprehension variable": "i = nn.init\ndef answer(x):\n    return [i.a for i in x]",
    "rebound alias": "i = nn.init\ni = math\ndef answer(x):\n    return i.sqrt(x)",
    "method of a tensor": "def answer(x):\n    return x.init.normal_()",
    "longer name": "def answer(x):\n    return torch.nn.initial(x)",
    "string and comment": 'def answer(x):\n    "torch.nn.init"\n    return x  # nn.init',
    "earlier try": "def answer(x):\n    return nn.init.normal_(x)\ndef answer(x):\n    return x",
    "broken cell": "def answer(:\n    nn.init.normal_(x)",
}


@pytest.mark.parametrize("cell", NO_USES.values(), ids=NO_USES.keys())
def test_what_is_no_use_is_not_reported(cell):
    assert find_uses([SETUP, cell], "answer", INIT) == []


def test_a_use_says_the_name_the_line_and_the_cell():
    helper = "\n\ndef helper(x, w, b):\n    return F.batch_norm(x, w, b)"
    answer = "def answer(x):\n    y = nn.BatchNorm1d(3)(x)\n    return helper(y, 1, 2)"
    uses = find_uses([SETUP, helper, "def broken(", answer], "answer", NORM)
    assert uses == [
        Use("torch.nn.functional.batch_norm", 4, 1),
        Use("torch.nn.BatchNorm1d", 2, 3),
    ]
    assert "`torch.nn.BatchNorm1d` (line 2)" in explain(uses)


def test_the_same_object_under_another_path_is_found():
    answer = "from torch.nn.modules.batchnorm import BatchNorm1d as B\nanswer = lambda x: B(3)(x)"
    assert find_uses([answer], "answer", NORM)


def test_deep_nesting_hides_nothing():
    deep = "+".join(["x"] * 900)
    answer = f"def answer(x):\n    y = {deep}\n    return nn.init.normal_(y)"
    assert find_uses([SETUP, f"x = {deep}", answer], "answer", INIT)
    assert find_uses([SETUP, answer.replace(deep, "+".join([deep] * 5))], "answer", INIT)


def test_an_instance_made_earlier_is_followed():
    cells = [SETUP, "layer = nn.BatchNorm1d(3)", "def answer(x):\n    return layer(x)"]
    assert find_uses(cells, "answer", NORM)


def test_what_the_course_gives_is_not_followed():
    cells = [
        SETUP,
        "def earlier(x):\n    return nn.init.normal_(x)",
        "answer = lambda x: earlier(x)",
    ]
    assert find_uses(cells, "answer", INIT)
    assert find_uses(cells, "answer", INIT, given=["earlier"]) == []


def test_allowed_siblings_of_a_forbidden_function_stay_allowed():
    cells = [SETUP, "def answer(x):\n    return F.relu(torch.nn.Linear(2, 3)(x))"]
    assert find_uses(cells, "answer", NORM) == []


@pytest.mark.parametrize(
    "cell",
    [
        "from torch.nn import BatchNorm1d as answer",
        "from torch.nn import BatchNorm1d\nanswer = BatchNorm1d",
        "import torch.nn.functional\nanswer = torch.nn.functional.batch_norm",
    ],
)
def test_what_is_imported_under_the_name_of_the_answer_is_a_use(cell):
    uses = find_uses([SETUP, cell], "answer", NORM)
    assert [use.cell for use in uses] == [1] and "atch" in uses[0].name
    own = "def answer(x):\n    return x"
    assert find_uses([SETUP, cell, own], "answer", NORM) == []


def test_a_forbidden_method_is_found_on_any_object():
    cells = ["def f(x):\n    y = x * 2\n    y.sum().backward()\n    return x.grad"]
    assert [use.name for use in find_uses(cells, "f", (".backward",))] == [".backward"]
    assert find_uses(cells, "f", (".forward",)) == []


def test_each_notebook_is_judged_by_its_own_cells():
    plain, renamed = "def f(x):\n    return g(x)", "from torch.nn.init import normal_ as g"
    forbidden = ["torch.nn.init"]
    for _ in range(2):
        assert find_uses([renamed, plain], "f", forbidden)
        assert not find_uses(["def g(x):\n    return x", plain], "f", forbidden)
        assert find_uses([renamed, plain, "x = 1"], "f", forbidden)
        assert not find_uses([plain], "f", forbidden)

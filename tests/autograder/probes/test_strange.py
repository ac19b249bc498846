"""Whatever an answer gives back, looking at it ends."""

import collections
import itertools
import pickle

import numpy as np
import pytest
import torch

from autograder import probes
from autograder.probes import wire
from autograder.probes.run import run
from autograder.probes.values import to_plain


def deep(levels, value=1):
    for _ in range(levels):
        value = [value]
    return value


def cyclic():
    loop = [1]
    loop.append(loop)
    return {"loop": loop}


def bomb():
    """Twenty lists that hold one another: a million million numbers."""
    value = [1.0] * 10
    for _ in range(20):
        value = [value] * 10
    return value


class Strange(type):
    __name__ = property(lambda kind: 5)


class Error(Exception, metaclass=Strange):
    pass


class Text(str):
    def __len__(self):
        raise RuntimeError


class Endless(list):
    def __iter__(self):
        while True:
            yield 1


class Pretender:
    __class__ = torch.Tensor


NO_DATA = {
    "sparse": lambda: torch.eye(3).to_sparse(),
    "compressed": lambda: torch.eye(3).to_sparse_csr(),
    "meta": lambda: torch.empty(3, device="meta"),
    "quantized": lambda: torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    "nested tensor": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]),
    "complex": lambda: torch.ones(3, dtype=torch.complex64),
    "complex array": lambda: np.ones(3, complex),
    "complex number": lambda: 1j,
    "expanded": lambda: torch.zeros(1).expand(10**12),
    "larger than memory": lambda: np.broadcast_to(np.zeros(1), (10**6, 10**6)),
    "too large": lambda: torch.zeros(2, wire.MAX_BYTES, dtype=torch.float64),
    "objects": lambda: np.array([None, "x", object()]),
    "text array": lambda: np.array(["nan"]),
    "dates": lambda: np.datetime64("2020-01-01"),
    "structured": lambda: np.zeros(2, [("a", int)]),
    "long double": lambda: np.zeros(2, np.longdouble),
    "generator": lambda: (n for n in range(3)),
    "class": lambda: int,
    "set": lambda: {1, 2},
    "pretender": Pretender,
}
DATA = {
    "text": (lambda: "nan", "nan"),
    "odd text": (lambda: Text("nan"), "nan"),
    "numpy's text": (lambda: np.str_("inf"), "inf"),
    "half a character": (lambda: "\ud800", "?"),
    "endless list": (lambda: Endless([1, 2]), [1, 2]),
    "named tuple": (lambda: collections.namedtuple("P", "x y")(1, 2), [1, 2]),
    "counter": (lambda: collections.Counter("aab"), {"a": 2, "b": 1}),
    "bfloat16": (lambda: torch.tensor([1.5], dtype=torch.bfloat16), [1.5]),
    "eight bits": (lambda: torch.tensor([1.5]).to(torch.float8_e4m3fn), [1.5]),
    "conjugated": (lambda: torch.tensor([1 + 2j]).conj().imag, [-2.0]),
    "nothing": (lambda: torch.zeros(0), []),
    "matrix": (lambda: np.matrix([[1, 2]]), [[1, 2]]),
    "masked": (lambda: np.ma.masked_array([1, 2], [True, False]), [1, 2]),
}
CROSSES = {
    "1000 deep": lambda: deep(1000),
    "100,000 deep": lambda: deep(100_000),
    "cyclic": cyclic,
    "bomb": bomb,
    "a list of three hundred thousand": lambda: [0] * 300_000,
    "many large": lambda: [torch.zeros(wire.MAX_BYTES // 8, dtype=torch.float64)] * 1000,
    "keys": lambda: {"$array": 1, 5: 2, None: 3, ("a",): 4},
    "a long number": lambda: 10**4000,
}


def observed(answer):
    seen = run("call", {}, lambda x: answer(), [{"x": 1}], 0)[0]
    assert seen["raised"] is None
    return seen["result"]


@pytest.mark.parametrize("name", NO_DATA)
def test_what_is_no_data_is_said_to_be_none(name):
    result = observed(NO_DATA[name])
    assert set(result) == {"not data"} and 0 < len(result["not data"]) <= 160
    assert wire.loads(wire.dumps(result)) == result


@pytest.mark.parametrize("name", DATA)
def test_data_in_an_odd_dress_are_data(name):
    answer, wanted = DATA[name]
    crossed = wire.loads(wire.dumps(observed(answer)))
    np.testing.assert_array_equal(crossed, wanted)


@pytest.mark.parametrize("name", CROSSES)
def test_what_is_deep_wide_or_entangled_is_looked_at_as_far_as_it_crosses(name):
    wire.loads(wire.dumps(observed(CROSSES[name])))


def test_a_number_of_thousands_of_digits_is_refused():
    with pytest.raises(wire.WireError, match="digits"):
        wire.dumps(observed(lambda: 10**5000))


def test_batches_without_end_are_not_walked_through_for_ever():
    (seen,) = run("epochs", {"count": 1}, itertools.count, [{"start": 1}], 0)
    assert "does not end" in seen["raised"]["message"]


def test_an_exception_of_a_class_that_lies_about_its_name_is_described():
    def raises(x):
        raise Error("no")

    assert run("call", {}, raises, [{"x": 1}], 0)[0]["raised"]["type"] == "Error"


@pytest.mark.parametrize("shrink", [lambda x: x.resize_(0), lambda x: x.set_(), lambda x: x.t_()])
def test_an_argument_made_into_another_is_changed(shrink):
    seen = run("call", {}, lambda x: shrink(x) is None, [{"x": np.ones((2, 3))}], 0)[0]
    assert seen["changed"] == ["x"]


@pytest.mark.parametrize(
    ("probe", "inputs"),
    [
        (probes.draws(count=2), {"x": 1}),
        (probes.each("x"), {"x": [1, 2]}),
        (probes.epochs(count=2), {"x": 1}),
        (probes.supplied(), {"x": 1}),
        (probes.devices(), {"x": 1}),
        (probes.gradients(), {"x": 1}),
        (probes.ranks(), {"each": [{"x": 1}, {"x": 2}]}),
        (probes.module(), {"construct": {"x": 1}, "steps": [{"do": "call", "x": np.ones(2)}]}),
        (probes.histories("add"), {"runs": [{"construct": {"x": 1}, "history": [1.0]}]}),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
@pytest.mark.parametrize("name", ["sparse", "complex", "cyclic", "1000 deep", "too large"])
def test_every_probe_ends_on_what_is_strange(probe, inputs, name):
    value = {**NO_DATA, **CROSSES}[name]

    def answer(*args, **kwargs):
        if probe.name in ("module", "histories"):
            instance = lambda *args: value()  # noqa: E731
            instance.add = instance
            return instance
        return value()

    (seen,) = run(probe.name, probe.parameters, answer, [inputs], 0)
    assert pickle.loads(pickle.dumps(seen)).keys() >= {"raised", "generators"}
    wire.dumps(seen)


def test_subclasses_of_text_and_numbers_are_read_by_their_base():
    assert to_plain(Text("abc")) == "abc" and type(to_plain(Text("abc"))) is str

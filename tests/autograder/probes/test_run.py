import inspect
import sys
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from autograder import probes
from autograder.probes import state, wire
from autograder.probes.kernel import MIME, observe, request
from autograder.probes.precision import compute_in, precision
from autograder.probes.registry import PROBES, probe
from autograder.probes.run import run
from autograder.probes.values import to_plain


def one(probe, answer, inputs, seed=0, **parameters):
    return run(probe, parameters, answer, [inputs], seed)[0]


def test_call_hands_over_tensors_and_observes_the_result():
    seen = one("call", lambda x, eps: x + eps, {"x": np.ones(3), "eps": 0.5})
    assert seen["type"] == "torch.Tensor" and seen["raised"] is None and seen["changed"] == []
    np.testing.assert_array_equal(seen["result"], np.full(3, 1.5))


def test_a_shape_reaches_the_answer_as_a_tuple():
    seen = one("call", lambda shape: isinstance(shape, tuple), {"shape": [3, 4]})
    assert seen["result"] is True and seen["changed"] == []
    seen = one("call", lambda weights: isinstance(weights, list), {"weights": [np.ones(2)]})
    assert seen["result"] is True


def test_every_case_gets_its_own_copy_of_its_inputs():
    x = np.ones(3)

    def doubles_in_place(x):
        x *= 2
        return x

    first, second = run("call", {}, doubles_in_place, [{"x": x}, {"x": x}], 0)
    np.testing.assert_array_equal(x, np.ones(3))
    np.testing.assert_array_equal(second["result"], np.full(3, 2.0))
    assert first["changed"] == ["x"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), GeneratorExit(), MemoryError()])
def test_what_the_answer_raises_is_observed(error):
    def raises(x):
        raise error

    assert one("call", raises, {"x": 1})["raised"]["type"] == type(error).__name__


def test_an_interrupt_is_not_swallowed():
    def interrupted(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        one("call", interrupted, {"x": 1})


def test_an_exception_that_cannot_be_printed_is_observed():
    class Rude(Exception):
        def __str__(self):
            raise RuntimeError("no message for you")

    def raises(x):
        raise Rude

    assert one("call", raises, {"x": 1})["raised"]["type"] == "Rude"


def test_draws_are_fresh_and_stacked():
    seen = one("draws", lambda n: torch.randn(n), {"n": 5}, count=3)
    assert seen["result"].shape == (3, 5)
    assert not np.array_equal(seen["result"][0], seen["result"][1])


def test_draws_do_not_depend_on_what_was_drawn_before():
    torch.rand(17)
    one_way = one("draws", lambda n: torch.randn(n), {"n": 5}, count=2)["result"]
    torch.rand(3)
    np.testing.assert_array_equal(
        one("draws", lambda n: torch.randn(n), {"n": 5}, count=2)["result"], one_way
    )


def test_a_module_is_led_through_its_script_and_a_step_that_raises_ends_it():
    script = {
        "construct": {"in_features": 3, "out_features": 2},
        "steps": [
            {"do": "set", "values": {"weight": np.ones((2, 3)), "bias": np.zeros(2)}},
            {"do": "call", "x": np.ones((1, 3), np.float32)},
            {"do": "backward", "grad_output": np.ones((1, 2), np.float32)},
            {"do": "sgd", "learning_rate": 0.5},
            {"do": "state", "names": ["bias"]},
            {"do": "state", "names": ["missing"]},
            {"do": "eval"},
        ],
    }
    seen = one("module", nn.Linear, script)
    np.testing.assert_array_equal(seen["steps"][1]["result"], [[3.0, 3.0]])
    np.testing.assert_array_equal(seen["steps"][2]["x"], [[2.0, 2.0, 2.0]])
    np.testing.assert_array_equal(seen["steps"][4]["bias"]["value"], [-0.5, -0.5])
    assert len(seen["steps"]) == 5 and seen["raised"]["type"] == "AttributeError"


def test_global_state_is_known_in_a_probe_and_as_it_was_afterwards(recwarn):
    torch.set_default_dtype(torch.float64)
    np.seterr(all="raise")
    warnings.simplefilter("error")
    torch.set_grad_enabled(False)
    limit = sys.getrecursionlimit()
    try:

        def answer(x):
            warnings.warn("a warning", stacklevel=1)
            torch.set_default_dtype(torch.float16)
            sys.setrecursionlimit(limit + 7)
            y = torch.zeros(1, requires_grad=True)
            (y * 2).backward()
            return [str(torch.get_default_dtype()), float(np.float64(1) / np.float64(0)), y.grad]

        seen = one("call", answer, {"x": 1})
        assert seen["raised"] is None
        assert seen["result"][2] == 2
        assert torch.get_default_dtype() is torch.float64
        assert not torch.is_grad_enabled()
        assert sys.getrecursionlimit() == limit
    finally:
        torch.set_default_dtype(torch.float32)
        np.seterr(all="warn")
        torch.set_grad_enabled(True)


@pytest.mark.parametrize("by_newer_names", [False, True])
def test_products_are_not_rounded_in_a_probe_and_settings_are_as_they_were_afterwards(
    by_newer_names,
):
    backends, before = torch.backends, precision()
    try:
        if by_newer_names and before.newer:
            backends.cuda.matmul.fp32_precision = backends.cudnn.conv.fp32_precision = "tf32"
        else:
            torch.set_float32_matmul_precision("medium")
            backends.cudnn.allow_tf32 = True
        changed = precision()

        def answer(x):
            seen = [torch.get_float32_matmul_precision(), backends.cudnn.allow_tf32]
            torch.set_float32_matmul_precision("high")
            return seen

        assert one("call", answer, {"x": 1})["result"] == ["highest", False]
        assert precision() == changed
    finally:
        compute_in(before)


def test_what_raises_on_a_device_is_looked_at_on_the_cpu(monkeypatch):
    monkeypatch.setattr(state, "_find_device", torch.device)
    seen = []

    def answer(x):
        seen.append(x.device.type)
        return torch.from_numpy(x.numpy() + 1)

    observed = run("call", {}, answer, [{"x": np.ones(2)}], 0, "meta")[0]
    assert seen == ["meta", "cpu"] and observed["raised"] is None
    np.testing.assert_array_equal(observed["result"], [2.0, 2.0])
    observed = run("call", {}, lambda x: x.nothing, [{"x": np.ones(2)}], 0, "meta")[0]
    assert observed["raised"]["type"] == "AttributeError"


@pytest.mark.parametrize("device", ["cpu:x", "meta", "nowhere", ""])
def test_a_device_that_is_none_is_refused_in_words(device):
    with pytest.raises(ValueError, match="device"):
        run("call", {}, lambda x: x, [{"x": 1}], 0, device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(ValueError, match="finds no GPU"):
        run("call", {}, lambda x: x, [{"x": 1}], 0, "cuda")


def test_a_default_device_of_the_students_is_put_aside_and_back():
    torch.set_default_device("meta")
    try:
        seen = one("call", lambda x: [x.device.type, torch.ones(1).device.type], {"x": np.ones(2)})
        assert seen["result"] == ["cpu", "cpu"]
        assert torch.get_default_device().type == "meta"
    finally:
        torch.set_default_device(None)


def test_a_device_entered_and_never_left_is_put_aside_and_back():
    with torch.device("meta"):
        seen = one("call", lambda x: torch.ones(1).device.type, {"x": 1})
        assert seen["result"] == "cpu"
        assert torch.ones(1).device.type == "meta"


def test_calls_of_torch_on_the_cpu_go_no_way_round_through_python():
    def modes(x):
        return torch.overrides._len_torch_function_stack()

    assert one("call", modes, {"x": 1})["result"] == 0
    assert torch.overrides._len_torch_function_stack() == 0


GPU = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")]


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
def test_a_probe_hands_over_and_makes_tensors_on_its_device_and_brings_numbers_home(device):
    def answer(x):
        return [x.device.type, torch.ones(1).device.type, x + 1]

    seen = run("call", {}, answer, [{"x": np.ones(2)}], 0, device)[0]
    assert seen["raised"] is None and seen["result"][:2] == [device, device]
    np.testing.assert_array_equal(seen["result"][2], [2.0, 2.0])


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
def test_draws_repeat_on_a_device_and_leave_its_generator_alone(device):
    def drawn():
        return run("draws", {"count": 2}, lambda n: torch.randn(n), [{"n": 5}], 0, device)[0]

    first = drawn()["result"]
    torch.manual_seed(5)
    wanted = torch.rand(1, device=device)
    torch.manual_seed(5)
    np.testing.assert_array_equal(drawn()["result"], first)
    assert torch.equal(torch.rand(1, device=device), wanted)


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=GPU)])
def test_a_module_lives_on_the_device(device):
    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("by", torch.from_numpy(np.ones(3)))

        def forward(self, x):
            return x + self.by

    steps = [{"do": "call", "x": np.zeros((2, 3), np.float32)}]
    seen = run("module", {}, Shift, [{"construct": {}, "steps": steps}], 0, device)[0]
    assert seen["raised"] is None
    np.testing.assert_array_equal(seen["steps"][0]["result"], np.ones((2, 3)))


def test_a_probe_leaves_the_students_random_numbers_alone():
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    first = torch.rand(1)
    one("draws", lambda n: torch.randn(n), {"n": 5}, count=2)
    assert torch.equal(torch.cat([first, torch.rand(1)]), wanted)


def test_prints_and_warnings_of_an_answer_go_nowhere(capsys):
    def noisy(x):
        print("out")
        print("err", file=sys.stderr)
        return x

    one("call", noisy, {"x": 1})
    assert capsys.readouterr() == ("", "")


class LyingTensor(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("detach", "numpy", "cpu", "to", "as_subclass"):
            return torch.full((2,), 42.0)
        return super().__torch_function__(func, types, args, kwargs or {})


class LyingArray(np.ndarray):
    def __array__(self, *args, **kwargs):
        return np.full(2, 42.0)


class LyingObject:
    def __array__(self, *args, **kwargs):
        return np.full(2, 42.0)

    def __eq__(self, other):
        return True


def test_objects_that_lie_become_their_raw_numbers_or_no_data():
    truth = torch.tensor([1.0, 2.0])
    np.testing.assert_array_equal(to_plain(truth.as_subclass(LyingTensor)), [1.0, 2.0])
    np.testing.assert_array_equal(to_plain(np.array([1.0, 2.0]).view(LyingArray)), [1.0, 2.0])
    assert to_plain(LyingObject()) == {"not data": f"{LyingObject.__module__}.LyingObject"}


def test_views_with_pending_conjugation_and_bfloat16_are_read_as_numbers():
    assert to_plain(torch.tensor([1.5], dtype=torch.bfloat16)) == 1.5
    assert to_plain(torch.arange(6.0).reshape(2, 3).T).shape == (3, 2)


def asked(**options):
    return request("f", probes.call(), [{"x": 2}], seed=1, **options)


def reply(text, namespace):
    return wire.loads(observe(text, namespace)._repr_mimebundle_()[MIME])


def test_the_kernel_end_finds_the_answer_by_name():
    assert reply(asked(), {"f": lambda x: x + 1})["observations"][0]["result"] == 3
    assert reply(asked(), {}) == {"defined": False, "observations": []}


def test_a_given_answer_stands_in_for_one_probe_only():
    scope = {}
    exec("def helper(x):\n    return 0\ndef f(x):\n    return helper(x)", scope)
    given = {"helper": "import math\ndef helper(x):\n    return math.floor(x * 10.5)"}
    assert reply(asked(given=given), scope)["observations"][0]["result"] == 21
    assert reply(asked(), scope)["observations"][0]["result"] == 0


def test_the_kernel_end_probes_on_the_device_that_is_asked_for():
    scope = {"f": lambda x: torch.ones(x).device.type}
    assert reply(asked(device="cpu"), scope)["observations"][0]["result"] == "cpu"
    with pytest.raises(ValueError, match="device"):
        reply(asked(device="nowhere"), scope)


def test_an_observation_too_large_to_cross_is_refused_in_words():
    many = [torch.rand(wire.MAX_BYTES // 8, dtype=torch.float64) for _ in range(2)]
    (seen,) = reply(asked(), {"f": lambda x: many})["observations"]
    assert seen["result"] is None and "may cross" in seen["refused"]


def test_given_answers_may_call_one_another():
    scope = {}
    exec("def f(x):\n    return twice(x)", scope)
    given = {"twice": "def twice(x):\n    return 2 * once(x)", "once": "def once(x):\n    return x"}
    assert reply(asked(given=given), scope)["observations"][0]["result"] == 4
    assert "once" not in scope


def test_an_answer_run_again_inherits_from_what_stands_in():
    scope = {}
    own = "class f(Base):\n    def __init__(self, x):\n        self.x = x"
    exec("class Base:\n    pass\n" + own, scope)
    given = {"Base": "class Base:\n    def __len__(self):\n        return 5"}
    again = own + "\nf = lambda x, f=f: len(f(x))"
    seen = reply(asked(given=given, again=again), scope)
    assert seen["observations"][0]["result"] == 5
    assert scope["f"].__base__ is scope["Base"] and not hasattr(scope["Base"], "__len__")


def test_every_probe_that_an_exercise_can_ask_for_is_there_under_its_name():
    # A module of that name would take the place of the function without a word.
    for name, observer in PROBES.items():
        ask = getattr(probes, name)
        given = ["x"] * len(inspect.signature(ask).parameters)
        assert ask(*given) == probes.Probe(name, ask(*given).parameters)
        assert ask(*given).observer is observer
        assert ask.__doc__ and name in probes.__all__


def test_a_probe_is_asked_for_with_what_its_function_takes_beside_answer_and_inputs():
    asked = probes.Probe("draws", {"count": 8, "differentiable": False})
    assert probes.draws(8) == probes.draws(count=8) == asked
    assert probes.gradients("x", "weight").parameters == {"of": ["x", "weight"]}
    with pytest.raises(TypeError, match="'count'"):
        probes.draws(cuont=8)


def test_a_probe_states_its_form_where_its_substance_is_and_its_time():
    drawn, led = probes.draws(8).observer, probes.module().observer
    assert (drawn.form, drawn.substance) == (probes.Form.PORTRAIT, "result")
    assert (led.form, led.substance, led.by_steps) == (probes.Form.NUMBERS, "steps", True)
    assert all(0 < o.cpu_seconds <= 1 for o in PROBES.values() if not o.trains)
    assert [(name, o.patience) for name, o in PROBES.items() if o.trains] == [("entry", 4)]


def test_a_probe_of_a_name_that_is_taken_or_that_costs_too_much_is_refused():
    def draws(answer, inputs, generators):
        return {}

    with pytest.raises(ValueError, match="two probes called 'draws'"):
        probe()(draws)
    with pytest.raises(ValueError, match="2 CPU seconds; at most 1"):
        probe(cpu_seconds=2)


def test_a_random_answer_is_asked_whether_it_carries_a_gradient():
    def drops(x):
        return x * (torch.rand(x.shape) > 0.3)

    inputs = {"x": np.ones((4, 5))}
    asked = one("draws", drops, inputs, count=3, differentiable=True)
    assert asked["result"].shape == (3, 4, 5) and asked["carries_gradient"] is True
    cut = one("draws", lambda x: drops(x).detach(), inputs, count=3, differentiable=True)
    assert cut["carries_gradient"] is False
    assert "carries_gradient" not in one("draws", drops, inputs, count=3)

"""Answers written as what differs from the reference."""

import inspect

import pytest
import torch

from autograder.judging.source.edits import EditError, Frame, edit
from autograder.judging.source.reading import code_of, source_of
from course_lib import optimizers


def batch_norm(x, weight, bias, *, eps=1e-5):
    """Normalize each feature over the batch.

    Formula: y = γ (x − μ) / √(σ² + ε) + β.
    """
    mean = x.mean(dim=0)  # μ
    variance = ((x - mean) ** 2).mean(dim=0)  # σ²
    normalized = (x - mean) / torch.sqrt(variance + eps)
    return weight * normalized + bias


BATCH_NORM = Frame("normalization/batch_norm", batch_norm)
NESTEROV = Frame("optimizers/Nesterov", optimizers.Nesterov, ("update",))
BOTH = Frame("optimizers/Nesterov", optimizers.Nesterov, ("__init__", "update"))
X, ONES, ZEROS = torch.randn(5, 3), torch.ones(3), torch.zeros(3)


def stepped(answer, **settings):
    weight = torch.ones(2, requires_grad=True)
    weight.grad = torch.ones(2)
    answer([weight], **settings).step()
    return weight.tolist()


def test_an_edit_changes_what_it_names_and_nothing_else():
    answer = BATCH_NORM.written_out(edit("normalized + bias", "normalized"), "no_shift")
    shifted = answer(X, ONES, ZEROS + 7)
    assert torch.equal(shifted, batch_norm(X, ONES, ZEROS))


def test_replacements_are_made_at_once_so_that_two_texts_can_change_places():
    swapped = edit("(x - mean) /", "(x - eps) /").also("+ eps)", "+ mean)")
    source = source_of(BATCH_NORM.written_out(swapped, "swapped"))
    assert "(x - eps) / torch.sqrt(variance + mean)" in source


def test_further_lines_are_indented_from_the_first():
    doubled = edit("return weight", "x = 2 * x\nreturn weight")
    code = source_of(BATCH_NORM.written_out(doubled, "twice"))
    assert "\n    x = 2 * x\n    return weight" in code


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (edit("variance + epsilon", "variance"), "stands 0 times; close to it are"),
        (edit("mean", "x"), "stands [0-9]+ times; it is in"),
        (edit("normalized + bias", "normalized +"), "invalid syntax"),
        (edit("1e-5", "1e-05"), "changes nothing"),
        (edit("normalized + bias", "normalised + bias"), "knows no normalised"),
        (edit("variance + eps", "variance").also("+ eps)", ")"), "change the same text"),
    ],
)
def test_an_edit_that_cannot_be_made_says_why(change, said):
    with pytest.raises(EditError, match=f"normalization/batch_norm, some_mistake.*{said}"):
        BATCH_NORM.written_out(change, "some_mistake")


def test_comments_and_docstrings_do_not_speak_of_the_right_formula():
    code = code_of(optimizers.Nesterov)
    assert "#" not in code and '"""' not in code


def test_a_function_stands_for_the_one_method_that_students_write():
    def plain(self, parameter, gradient, state):
        parameter -= self.lr * gradient

    answer = NESTEROV.written_out(plain, "plain")
    assert stepped(answer, lr=0.5) == [0.5, 0.5]
    assert "def update(self, parameter, gradient, state):" in source_of(answer)
    assert source_of(answer) != source_of(optimizers.Nesterov)


def test_a_class_of_methods_stands_for_those_of_several():
    class FixedRate:
        def update(self, parameter, gradient, state):
            parameter -= 0.25 * gradient

    assert stepped(BOTH.written_out(FixedRate, "fixed_rate"), lr=0.5) == [0.75, 0.75]


def test_a_class_that_has_more_is_a_whole_answer():
    class Whole(optimizers.GradientDescent):
        def step(self):
            pass

    assert BOTH.written_out(Whole, "whole") is Whole


def test_a_function_for_one_of_several_methods_is_refused():
    def plain(self, parameter, gradient, state):
        parameter -= self.lr * gradient

    with pytest.raises(EditError, match="write a class of those that differ"):
        BOTH.written_out(plain, "plain")


def test_a_method_uses_what_its_own_module_knows():
    def halved(self, parameter, gradient, state):
        parameter -= ONES[:2] * gradient / 2

    assert stepped(NESTEROV.written_out(halved, "halved")) == [0.5, 0.5]


def test_a_traceback_shows_the_edited_line():
    answer = BATCH_NORM.written_out(edit("x.mean(dim=0)", "x.mean(dim=9)"), "axis")
    with pytest.raises(IndexError) as caught:
        answer(X, ONES, ZEROS)
    frame = next(f for f in caught.traceback if "axis" in str(f.path))
    assert "x.mean(dim=9)" in inspect.getsource(answer) and frame.lineno > 0

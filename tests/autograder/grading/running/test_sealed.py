"""The stubs in the room that a kernel sees."""

import inspect

import pytest

from autograder.grading.running.sealed import stubs


def test_stubs_have_the_signature_and_tell_nothing():
    source = (
        "import math\n\nSCALE = math.pi\n\n\n"
        "def technique(x, *, scale=SCALE):\n"
        '    """What it does.\n\n    Formula: secret.\n    """\n    return x * scale\n\n\n'
        "class Layer(math.Nothing):\n    def forward(self, x):\n        return x + 41\n\n\n"
        "def _private():\n    return 1\n"
    )
    text = stubs(source, "course_lib.example")
    assert not any(word in text for word in ("secret", "41", "_private", "pi"))
    scope = {}
    exec(text, scope)
    assert list(inspect.signature(scope["technique"]).parameters) == ["x", "scale"]
    assert scope["technique"].__doc__ == "What it does."
    for call in (lambda: scope["technique"](1), lambda: scope["Layer"](3)):
        with pytest.raises(RuntimeError, match=r"course_lib\.example\.\w+ is what an exer"):
            call()

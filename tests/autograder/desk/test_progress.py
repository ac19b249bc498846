import json

import pytest

from autograder.desk.progress import FILE, Progress, changing


def test_progress_is_there_again_for_the_next_kernel(tmp_path):
    with changing(tmp_path) as progress:
        progress.lab, progress.version = "initialization", 1
        progress.of("initialization/relu_second_moment").tries += 1
        progress.predictions["initialization/zero_biases"] = "it trains"
    with changing(tmp_path) as progress:
        standing = progress.of("initialization/relu_second_moment")
        standing.tries += 1
        standing.reason, standing.source = "correct", "def relu_second_moment(…): ½"
    read = Progress.read(tmp_path)
    assert read.of("initialization/relu_second_moment").tries == 2
    assert read.of("initialization/relu_second_moment").solved
    assert read.predictions == {"initialization/zero_biases": "it trains"}
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


@pytest.mark.parametrize(
    "damaged", ["", "{", "[1]", '{"exercises": {"a/b": {"tries": "two"}}}', "\x00" * 20]
)
def test_a_damaged_file_is_set_aside_and_nothing_of_it_lost(tmp_path, damaged):
    (tmp_path / FILE).write_text(damaged, encoding="utf-8")
    assert Progress.read(tmp_path) == Progress()
    with changing(tmp_path) as progress:
        progress.lab = "initialization"
    assert Progress.read(tmp_path).lab == "initialization"
    (aside,) = tmp_path.glob("progress.damaged-*.json")
    assert aside.read_text(encoding="utf-8") == damaged


def test_what_a_later_version_has_written_beside_it_does_no_harm(tmp_path):
    data = {"lab": "x", "later": 1, "exercises": {"x/y": {"tries": 3, "later": [1]}}}
    (tmp_path / FILE).write_text(json.dumps(data), encoding="utf-8")
    assert Progress.read(tmp_path).of("x/y").tries == 3


def test_an_error_while_it_is_changed_leaves_the_file_as_it_was(tmp_path):
    with changing(tmp_path) as progress:
        progress.lab = "x"
    with pytest.raises(RuntimeError), changing(tmp_path) as progress:
        progress.lab = "y"
        raise RuntimeError
    assert Progress.read(tmp_path).lab == "x"

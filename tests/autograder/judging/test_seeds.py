"""The secret of a course: made whole or not at all, and never a short one used."""

import os
import stat
import threading

import pytest

from autograder.judging import seeds
from autograder.judging.seeds import SecretUnusable, course_secret


def test_a_secret_is_made_once_and_belongs_to_its_owner(tmp_path):
    secret = course_secret(tmp_path)
    assert len(secret) == 32 and course_secret(tmp_path) == secret
    (file,) = tmp_path.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.parametrize("held", ["", "5e", "5e" * 31, "zz" * 32, "5e" * 33, "é" * 64])
def test_what_is_no_secret_is_refused_and_left_as_it_is(tmp_path, held):
    file = tmp_path / ".course_secret"
    file.write_text(held)
    with pytest.raises(SecretUnusable, match="does not hold a secret"):
        course_secret(tmp_path)
    assert file.read_text() == held


def test_a_full_disk_leaves_no_secret_behind(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(SecretUnusable, match="No space left"):
            course_secret(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert len(course_secret(tmp_path)) == 32


def test_a_disk_without_links_will_do(tmp_path, monkeypatch):
    def refuses(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(seeds.os, "link", refuses)
    assert course_secret(tmp_path) == course_secret(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == [".course_secret"]


def test_two_that_make_one_at_the_same_time_get_the_same(tmp_path, monkeypatch):
    both = threading.Barrier(2)
    link = os.link

    def together(source, target):
        both.wait()
        link(source, target)

    monkeypatch.setattr(seeds.os, "link", together)
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(course_secret(tmp_path))) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made[0] == made[1]

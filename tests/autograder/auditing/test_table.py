"""Audits of many exercises: what is asked for, in which words it is answered, what fails."""

import json

from autograder.auditing.result import Audit, Survivor
from autograder.auditing.table import print_table, problems
from autograder.cli import main


def test_one_exercise_is_audited_by_its_name_or_its_id(capsys, tmp_path):
    for name in ("maxout", "activations/maxout"):
        file = tmp_path / "audit.json"
        main(["audit", name, "--seeds", "2", "--json", str(file)])
        (audit,) = json.loads(file.read_text())
        assert (audit["exercise"], audit["seeds"]) == ("activations/maxout", 2)
        assert audit["mistakes"] == audit["rejected"] > 0
        assert "activations/maxout" in capsys.readouterr().out


def test_a_name_of_neither_lab_nor_exercise_is_told_both(capsys):
    assert main(["audit", "maxoud"]) == 2
    text = capsys.readouterr().err
    assert "there is no lab 'maxoud'" in text
    assert "did you mean activations/maxout" in text


def an_audit(exercise, killed, lives=(), lab="sample"):
    survivors = [Survivor("sign", f"change {n}", 3, 3, why) for n, why in enumerate(lives)]
    return Audit(lab, exercise, "implementation", 20, mutants=100, killed=killed,
                 survivors=survivors, mistakes=1)  # fmt: skip


def test_one_mutant_of_a_hundred_may_live_in_a_lab_and_is_shown(capsys):
    audits = [an_audit("sample/one", 99, [""]), an_audit("sample/two", 99, ["", "as it must"])]
    assert problems(audits) == []
    print_table(audits)
    text = capsys.readouterr().out
    assert "sample/one: sign lives on 3/3 seeds: change 0" in text
    assert "99/100 (+1 eq)" in text and "change 1" not in text


def test_a_lab_in_which_more_live_fails(capsys):
    audits = [an_audit("sample/one", 98, ["", ""]), an_audit("other/two", 100, lab="other")]
    (problem,) = problems(audits)
    assert problem.startswith("sample: 98 of 100 mutants die, wanted are at least 99%")

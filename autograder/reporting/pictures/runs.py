"""A whole training: what each of its runs gets right, beside what is to be beaten."""

from __future__ import annotations

import numpy as np

from autograder.reporting.pictures.frame import WANTED, YOURS, Picture, Seen, finished, panels


def runs(seen: Seen) -> Picture | None:
    """The accuracy of every run on a line, and the baseline's mean across it."""
    if "to_beat" not in seen.inputs:
        return None
    truth, to_beat = seen.inputs["truth"], 100 * seen.inputs["to_beat"]
    right = [run["scores"].argmax(axis=1) == truth for run in seen.observed["result"]]
    shares = 100 * np.array([one.mean() for one in right])
    figure, (axes,) = panels(height=1.5)
    axes.axvline(to_beat, color=WANTED, linestyle="--", label="baseline")
    axes.plot(shares, np.zeros(len(shares)), "o", color=YOURS, label="your runs")
    axes.axvline(shares.mean(), color=YOURS, label="their mean")
    axes.set_yticks([])
    axes.set_xlabel("right, %")
    axes.margins(x=0.12)
    figure.legend(loc="outside upper center", ncols=3, frameon=False)
    told = ", ".join(f"{share:.1f}" for share in shares)
    alt = f"Accuracies of {len(shares)} trainings, {told} %; the baseline has {to_beat:.1f} %."
    return finished(figure, alt)

"""Lab 4, initialization: from the variance of one layer to networks that start alive.

The modules stand in the order of the lab. ``NOT_EXERCISES`` says what became of the entries of the
syllabus that no student is asked to write.
"""

from autograder.exercises.initialization import (  # noqa: F401  (the order is the lab's)
    symmetry,
    variance,
    random_weights,
    gains,
    glorot,
    kaiming,
    measuring,
    residual,
    questions,
)
from autograder.exercises.initialization.lab import lab

__all__ = ["NOT_EXERCISES", "lab"]

NOT_EXERCISES = {
    "4.1 constant non-zero thought fine": "shown by the experiment on hidden units, measured with "
    "`distinct_units`",
    "4.1 zero biases thought harmful": "prediction `zero_biases`",
    "4.2 0.01 is right for every width": "prediction `shrinks_by_depth` and the experiment over "
    "widths 100 and 4096",
    "4.3 y_i without the index i": "a slip of notation: the notebook writes the sum with both "
    "indices and asks for shapes; no code can make it",
    "4.3 variances multiplied although w and x are dependent": "the derivation's assumption is "
    "stated as a step of its own and tested by simulation",
    "4.5 groups divided twice": "`fan_in_and_fan_out` takes a weight's shape, in which the groups "
    "are divided already; mistake `divides_by_channels` is the form it takes there",
    "4.6 nn.Linear already does this": "exercise `default_linear_std`",
    "4.7 BN of the zeroed layer": "belongs to the normalization lab's scale and shift",
    "4.8 one random draw": "the experiments average over five draws and show their spread",
    "4.9 weight gradients shrink with depth": "prediction `gradient_over_depth`, then measured",
    "4.9 equal means healthy": "the reflection",
    "real answers: arguments swapped by the callers of a conv initializer": "a network is not asked "
    "for; the swap itself is `takes_the_other_axis`",
    "real answers: module math not imported": "the setup cell imports it",
}

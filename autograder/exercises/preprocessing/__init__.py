"""Lab 3, preprocessing: from one mean per feature to a loss that is round.

``questions.NOT_EXERCISES`` says what became of the entries of the syllabus that no student is asked
to write.
"""

from autograder.exercises.preprocessing.lab import lab

lab.gather(
    __name__,
    "centering",
    "scaling",
    "digits",
    "channels",
    "single_row",
    "training_split",
    "conditioning",
    "wines",
    "questions",
    "one_per_color",
    "components",
    "reconstruction",
    "whitening",
    "zca",
    "curvature",
    "descent",
    "folding",
    "order",
    "histories",
    "raw_bytes",
)

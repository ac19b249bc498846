"""The reflection of the core, and what is no exercise."""

from autograder.exercises.regularization.lab import lab

lab.written(
    "three_sentences_on_noise",
    points=3,
    title="Reflect: three sentences about regularization",
    statement=(
        "Correct these three sentences, each in two to four sentences of your own, with a number that "
        "**you** saw in this notebook:\n\n"
        "1. “Weight decay is another word for an L2 penalty.”\n"
        "2. “At test time, multiply by the dropout probability.”\n"
        "3. “Without dropout the network gives the average of all its subnetworks.”"
    ),
    minutes=8,
    syllabus=("8.4", "8.5", "8.7"),
    explanation=(
        "1. For plain SGD they are the same step. Under Adam a penalty of 0.1 and one of 0.001 moved the weight "
        "equally far, to 0.81; AdamW's decay kept to λ.\n"
        "2. By the probability of *keeping*, 1 − p, and only if training did not divide by it. With p = 0.25 the "
        "mean in training is 7.5 of 10 without the division; times 0.25 evaluation would give 2.5.\n"
        "3. Only for a linear function (difference 0); with a ReLU the scaled pass was off.\n\n"
        "*Rubric.* 1 point for each sentence: corrected, and supported by a number of one's own."
    ),
)

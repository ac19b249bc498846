"""The last prediction of the core, the reflection after it, and what is no exercise."""

from autograder.exercises.search.lab import lab

FRESH = (
    "clearly lower",
    "about the same",
    "clearly higher",
)


def outcome_of_fresh_data() -> str:
    """Simulated in the notebook: 30 equal configurations of accuracy 70 %, 100 examples each."""
    return FRESH[0]


lab.prediction(
    "winner_on_fresh_data",
    title="Predict: the winner on fresh data",
    statement=(
        "Thirty configurations are, in truth, equally good: 70 % each. A validation set of 100 examples "
        "measures each of them, and the best one is chosen. What is its accuracy on *fresh* data, compared "
        "with the accuracy that it was chosen for?"
    ),
    minutes=1,
    syllabus=("10.1",),
    choices=FRESH,
    outcome=outcome_of_fresh_data,
    explanation=(
        "The best of thirty measurements is the luckiest one: some 79 %. Luck does not repeat, and fresh data "
        "give 70 %. The score that a winner was chosen for is biased; report another one."
    ),
)

lab.written(
    "three_habits",
    points=3,
    title="Reflect: three habits of a search",
    statement=(
        "Somebody writes in a report:\n\n"
        "1. “We searched learning rates uniformly between 0.0001 and 1.”\n"
        "2. “The network did not learn, the loss stayed at ln C, so we raised the learning rate.”\n"
        "3. “The best of our 30 configurations reaches 79 % on the validation set, which is the accuracy "
        "to expect.”\n\n"
        "What is wrong with each, and what would you do instead? Two or three sentences each, with a number "
        "that **you** saw in this notebook."
    ),
    minutes=5,
    syllabus=("10.1", "10.5", "10.7", "10.8"),
    explanation=(
        "1. Nine of ten such draws lie between 0.1 and 1; draw the logarithm uniformly, then a quarter lies "
        "in each decade.\n"
        "2. The loss stays near ln C with every one of the six faults, also with a rate that is too high (2.4). "
        "Look at the first loss, a small sample and the ratios first.\n"
        "3. The best of 30 is the luckiest: with equal configurations of 70 % the winner showed some 79 % and "
        "had 70 % on fresh data. Re-evaluate the winner, with three seeds or more, on data that had no part in "
        "the choice.\n\n"
        "*Rubric.* 1 point for each: what is wrong, what to do, and a number of one's own."
    ),
)

NOT_EXERCISES = {
    "10.1 the test loader raises if touched": "`report_winner` is handed both sets: mistakes "
    "`chosen_by_test` and `reports_the_selection_score`; the notebook opens the test set in one cell",
    "10.1 one seed": "`report_winner` refuses fewer than three; mistake `one_seed`, and `best_run` asks "
    "for rows of seeds",
    "10.2 the suggestion below 2/λ_max": "an experiment on three quadratics, and a test of the library",
    "10.6 short runs ranked as final": "an experiment with crossing curves, and one on the recorded "
    "search",
    "10.7 training accuracy measured with dropout on": "prediction `measured_in_training_mode`, then "
    "measured",
    "10.7 per-batch loss against epoch-end loss": "prediction `running_mean_of_the_first_epoch`, then drawn",
    "10.8 flat at a high level": "`diagnose` tells apart what stays at ln C; saddles are in lab 6",
    "10.9 gradient/weight": "`update_ratios` is given no gradient; the notebook prints both at two rates",
}
"""Entries of the syllabus that no student is asked to write."""

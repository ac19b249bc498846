"""The reflection of the core, and what is no exercise."""

from autograder.exercises.transfer.lab import lab

lab.written(
    "three_sentences_on_reuse",
    points=3,
    title="Reflect: three sentences about averages and reuse",
    statement=(
        "Correct these three sentences, each in two to four sentences of your own, with a number that **you** saw in "
        "this notebook:\n\n"
        "1. “An ensemble is the average of several networks.”\n"
        "2. “With `requires_grad=False` the pretrained part is frozen.”\n"
        "3. “The average of the weights of the last epochs can be tested at once.”"
    ),
    minutes=8,
    syllabus=("11.1", "11.3", "11.5"),
    explanation=(
        "1. Of what they *predict*: five networks of 0.88 to 0.92 gave 0.94. The average of the weights of two of "
        "them was right on 0.47, far below each.\n"
        "2. Its parameters are. In training mode batch normalization goes by the batch and changes its buffers: "
        "fine-tuned with momentum 0.01, 0.72 instead of 0.86. Evaluation mode belongs to it.\n"
        "3. Its batch normalizations have statistics of other weights: 0.83 before, 0.94 after recomputing.\n\n"
        "*Rubric.* 1 point for each sentence: corrected, and supported by a number of one's own."
    ),
)

NOT_EXERCISES = {
    "11.1 weights of independent runs averaged": "prediction `average_of_two_networks`, then the line "
    "between two networks",
    "11.1 the same seed": "members are trained in the notebook; that they differ is a column of its table",
    "11.2 whether the optimizer's state is reset": "`snapshots` is plain SGD, which has none, and says so",
    "11.4 evaluated with the raw weights": "which weights are tested is the caller's; the figures test all",
    "11.5 frozen weights that decay": "`fine_tuning_groups` leaves out what is frozen, and the tests hold a "
    "frozen trunk to be bit-identical after a training with decay",
    "11.6 features that are not standardized": "counted in the notebook: iterations and the gradient at "
    "the end",
    "11.7 compared with the loss of Weston and Watkins": "`svm_head_loss` is for two classes, where there "
    "is one hinge",
    "11.8 the optimizer is made before thawing": "planted in `head_first`",
    "11.9 a random head distorts features": "measured in the notebook, and a test of the library",
}
"""Entries of the syllabus that no student is asked to write."""

"""What a test by overfitting cannot see, the lab's text, and what became of its other entries."""

from autograder.exercises.training_loop.lab import lab

PERMUTED = (
    "it learns them by heart as well, to a loss near 0",
    "it learns them halfway, to a loss of about 1",
    "it cannot learn them: the loss stays near ln 10",
)


def outcome_for_permuted_labels() -> str:
    """Measured in the notebook: below 0.01, as with the right labels."""
    return PERMUTED[0]


lab.prediction(
    "permuted_labels",
    title="Predict: labels that belong to nothing",
    statement="""Thirty images, three of each class, and a network with 100,000 weights that learns them
by heart. Now the labels are **shuffled** against the images. What does overfitting do?""",
    minutes=1,
    syllabus=("1.9",),
    choices=PERMUTED,
    outcome=outcome_for_permuted_labels,
    explanation="""It learns them just as well. So overfitting a small sample proves that gradients
flow and that the model has the capacity; it does not prove that labels belong to their inputs. For
that, look at images beside their labels.""",
)

lab.written(
    "diagnose_a_run",
    points=3,
    title="A colleague's run",
    statement="""A colleague trains a classifier of ten balanced classes and reports:

1. the loss of the very first batch is 23.7, penalties are off;
2. the same network, measured twice in a row on the same test images, gives 76.4 % and 77.1 %;
3. the training loss of the first epoch is the lowest that anybody here has seen, and on test images
   the network gives the same two answers to nearly everything;
4. "But it has learned thirty images by heart, so images and labels belong together."

For each of the four, in one to three sentences: what do you suspect (say **why**, with a number or
mechanism of this lab), and which single check would confirm it?""",
    minutes=7,
    difficulty=2,
    syllabus=("1.2", "1.4", "1.9", "1.11"),
    explanation="""**Model answer.** (1) A network that knows nothing must show ln 10 = 2.30. A loss
of 23.7 says that it is confidently wrong from the start: the last layer's weights are far too large
(or the inputs are not scaled, 0…255 instead of 0…1). Check: print the standard deviation of the scores
of the first batch; it should be well below 1. (A sum over the batch instead of a mean is a second
suspect: then the loss would change with the batch size.) (2) Nothing was trained in between, so the
measurement itself is random: the model is in train mode, dropout draws new masks, and batch
normalization takes the statistics of each batch and changes its own. Check: print `model.training` in
the evaluation; after `model.eval()` both numbers must agree to the last digit. (3) The data come class
by class: each batch holds one class, the network learns to say it, the loss is nearly 0 until the next
class begins, and only the last classes are remembered. Check: print the labels of a few batches in a row
(or shuffle, and see both symptoms go). (4) It proves that gradients flow and that the network is large
enough; shuffled labels are learned by heart just as well, to a loss below 0.01. Check: look at some
images beside their labels, as they enter the network.

**Rubric.** *¾ point* for each of the four: suspicion with its reason (½) and a check that would tell
(¼). Other suspicions count in full where the reason fits the symptom, for example inputs that were
not scaled in (1), or a random crop of the test images in (2). Nothing for a list of everything that
could be wrong.""",
)

NOT_EXERCISES: dict[str, str] = {
    "1.7 a new random mask at each evaluation": "mistake fresh_randomness of numeric_gradient",
    "1.9 labels permuted relative to inputs": "prediction permuted_labels, and neighbor_agreement, "
    "which finds it",
    "1.10 epoch size limited by memory (notes)": "prediction memory_limit with its measurement, and "
    "largest_batch_size",
    "1.10 schedule kept in epochs after redefining the epoch": "belongs to the lab on schedules; the "
    "statement of iterations_per_epoch mentions it",
    "1.2 the last batch's mean given full weight": "mistakes of train_epoch and evaluate",
    "1.4 ln C expected under class imbalance": "prediction noise_with_unequal_labels, and "
    "label_entropy",
    "1.4 regularization left on while checking": "regularized_loss, and the notebook measures both",
    "suitable rates 1e-6 to 1e-3 (notes)": "belongs to the lab on optimizers",
    # Mistakes of real students that the signatures here exclude
    "vectorized SVM with wrong regularizer": "the penalty is an exercise of its own, "
    "regularized_loss",
    "L2 gradient wrong or on the biases": "gradients of a penalty are asked for in the lab on "
    "regularization; the loss with biases is a mistake of regularized_loss",
    "loss and gradient of the penalty disagree": "one function gives the loss, none its gradient",
    "bias gradients None; a changed default of reg": "no biases are asked for, and no such default "
    "exists",
    "hard-coded C = 10": "raises or gives other numbers at once, as no size here is ten",
    "hard-coded float64 masks": "mistakes of one_hot_squared_error and fade; in the losses a remark",
    "margins of the naive loops with y[j] for y[i]": "every_true_class_for_every_row is its "
    "vectorized form",
    "x.get_device() as a device": "raises on the CPU at once",
}
"""Entries of the syllabus and of the study of real answers that are no mistake of an exercise."""

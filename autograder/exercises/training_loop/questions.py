"""Predictions before experiments, one text, and what became of the rest of the lab's entries."""

import math

import torch

from autograder.exercises.training_loop.lab import lab
from course_lib.training_loop import label_entropy

# Outcomes that need training are constants; the notebook measures them where it asks for them.

IMBALANCED = (
    "it stays at 0.693, for there is nothing to learn",
    "it falls to about 0.325, and stays there",
    "it falls to nearly 0",
)


def outcome_for_noise() -> str:
    """The best answer that does not look at its input costs the label entropy."""
    entropy = label_entropy(torch.tensor([900, 100]))
    near = min((math.log(2), 0.325, 0.0), key=lambda level: abs(level - entropy))
    return IMBALANCED[(math.log(2), 0.325, 0.0).index(near)]


lab.prediction(
    "noise_with_unequal_labels",
    title="Predict: nothing to learn?",
    statement="""The inputs are pure noise and have nothing to do with the labels, 90 % of which are 0
and 10 % of which are 1. A linear model with a bias starts at equal scores, so at a loss of
ln 2 = 0.693. You train it. What does the loss do?""",
    minutes=1,
    syllabus=("1.4",),
    choices=IMBALANCED,
    outcome=outcome_for_noise,
    explanation="""It falls to the label entropy, −0.9 ln 0.9 − 0.1 ln 0.1 = 0.325: the bias learns
how frequent each class is, and that is all there is to learn. A falling loss alone does not show that
a network looks at its inputs.""",
)

STEP_SIZES = ("h = 1e-2", "h = 1e-5", "h = 1e-12")


def outcome_for_h() -> str:
    """The error of a central difference of exp at 1, in float64."""
    point = torch.tensor(1.0, dtype=torch.float64)
    errors = [
        float(abs((torch.exp(point + h) - torch.exp(point - h)) / (2 * h) - torch.exp(point)))
        for h in (1e-2, 1e-5, 1e-12)
    ]
    return STEP_SIZES[errors.index(min(errors))]


lab.prediction(
    "best_step_size",
    title="Predict: the smaller the better?",
    statement="""A derivative is a limit for h → 0. With central differences in float64, which of these h
gives the smallest error?""",
    minutes=1,
    syllabus=("1.7",),
    choices=STEP_SIZES,
    outcome=outcome_for_h,
    explanation="""Two errors pull in opposite directions: that of the formula falls with h², that of
rounding grows like 10⁻¹⁶/h. They meet near h = 10⁻⁵. At h = 10⁻¹² only four digits of the difference
are left.""",
)

SORTED = (
    "about as good as with shuffling",
    "clearly worse, but far above chance (above 50 %)",
    "far worse, below 40 %: the network has forgotten the first classes",
)


def outcome_for_sorted_data() -> str:
    """Measured in the notebook on 10,000 images, one epoch: 77 % shuffled, 10 % sorted by class."""
    return SORTED[2]


lab.prediction(
    "sorted_by_class",
    title="Predict: one epoch without shuffling",
    statement="""10,000 images of clothes are stored class by class: first all T-shirts, then all
trousers, and so on. A network is trained for one epoch in this order, without shuffling, with batches of
50. How good is it on test images afterwards?""",
    minutes=1,
    syllabus=("1.2",),
    choices=SORTED,
    outcome=outcome_for_sorted_data,
    explanation="""Each batch holds a single class, so each step says "everything is this class". The
training loss looks splendid (the next batch is of the same class), and what remains at the end is
little more than the last class. Every single gradient is right; it is the order that makes a mean of them.""",
)

MEMORY = (
    "twice as many images in the data set",
    "twice as many iterations to an epoch",
    "batches of twice the size",
)


def outcome_for_memory() -> str:
    """Measured in the notebook: the bytes kept for the backward pass double with the batch."""
    return MEMORY[2]


lab.prediction(
    "memory_limit",
    title="Predict: a claim from the lecture notes",
    statement="""*"The size of an epoch is limited by the memory of the GPU."* You will measure how many
bytes torch keeps for the backward pass. Which of these changes doubles them?""",
    minutes=1,
    syllabus=("1.10",),
    choices=MEMORY,
    outcome=outcome_for_memory,
    explanation="""The notes mean the batch. Activations are kept for every example of the batch until
its backward pass, and are free before the next batch comes; how many batches follow, and what is called
an epoch, makes no difference to them.""",
)

PERMUTED = (
    "it cannot learn them: the loss stays near ln 10",
    "it learns them halfway, to a loss of about 1",
    "it learns them by heart as well, to a loss near 0",
)


def outcome_for_permuted_labels() -> str:
    """Measured in the notebook: below 0.01, as with the right labels."""
    return PERMUTED[2]


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
that, look at the data, or ask the neighbors.""",
)

lab.written(
    "diagnose_a_run",
    points=3,
    title="A colleague's run",
    statement="""A colleague trains a classifier of ten balanced classes and reports:

1. the loss of the very first batch is 23.7, penalties are off;
2. after an evaluation in the middle of training, the training loss of the following epochs is worse
   than before, with no other change;
3. after a restart from a checkpoint (weights only, SGD with momentum and a falling rate) the loss
   jumps up and takes hundreds of steps to recover;
4. "But the gradient check passed: its largest absolute error is 1e-6."

For each of the four, in one to three sentences: what do you suspect (say **why**, with a number or
mechanism of this lab), and which single check would confirm it?""",
    minutes=7,
    difficulty=2,
    syllabus=("1.4", "1.7", "1.11", "1.12"),
    explanation="""**Model answer.** (1) A network that knows nothing must show ln 10 = 2.30. A loss
of 23.7 says that it is confidently wrong from the start: the last layer's weights are far too large
(or the inputs are not scaled, 0…255 instead of 0…1). Check: print the standard deviation of the scores
of the first batch; it should be well below 1. (A sum over the batch instead of a mean is a second
suspect: then the loss would change with the batch size.) (2) The evaluation put the model into eval mode
and left it there: batch normalization goes on with frozen statistics, dropout is off. Check: print
`model.training` at the start of the epoch; cure: remember and restore the mode. (3) The checkpoint lacks
the momentum buffers and the scheduler's count: the first steps after the restart start from velocity
zero and at the initial, too large rate. Check: print the learning rate and the momentum buffers right
after the restart, or compare the next step bit for bit with an uninterrupted run. (4) An absolute error
says nothing: if the gradients themselves are of size 1e-6, an error of 1e-6 is 100 %. Check: relative
error entry by entry, central differences in float64; and look at entries near kinks separately.

**Rubric.** *¾ point* for each of the four: suspicion with its reason (½) and a check that would tell
(¼). Other suspicions count in full where the reason fits the symptom, for example inputs that were
not scaled in (1), or the scheduler alone in (3). Nothing for a list of everything that could be
wrong.""",
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

"""Predictions before the lab's experiments, the reflection after them, and what is no exercise.

Outcomes that need no training are computed here by the experiment itself.
"""

import torch

from autograder.exercises.optimizers.lab import lab
from course_lib.optimizers import (
    GradientDescent,
    Momentum,
    efficient_form,
    newton_path,
    newton_step,
)

RATES = (0.0004, 0.004, 0.039, 0.041)
SMALLER_RATE = (
    "0.0004: the smaller, the better",
    "0.004",
    "0.039, just below the stability limit of 0.04",
    "0.041, just above the stability limit",
)


def best_of_the_rates() -> str:
    """Fifty steps with each rate on curvatures of 1 and 50."""
    losses = []
    for rate in RATES:
        w = torch.tensor([1.0, 1.0], dtype=torch.float64)
        optimizer = GradientDescent([w], lr=rate)
        for _ in range(50):
            w.grad = w * torch.tensor([1.0, 50.0])
            optimizer.step()
        losses.append(float((w**2 * torch.tensor([1.0, 50.0])).sum()) / 2)
    return SMALLER_RATE[losses.index(min(losses))]


lab.prediction(
    "smaller_rate",
    title="Predict: is a small rate the safe choice?",
    statement="""*"In theory a low learning rate is best; it only takes longer."* (lecture notes)

A quadratic has the curvatures 1 and 50, so that rates up to 2/50 = 0.04 are stable. Gradient
descent starts at (1, 1) and may take **50 steps**. Which rate ends with the lowest loss?""",
    minutes=2,
    syllabus=("6.1",),
    choices=SMALLER_RATE,
    outcome=best_of_the_rates,
    explanation="""0.039 leaves 0.961⁵⁰ = 14 % of the flat direction's error and 0.95⁵⁰ = 8 % of the
steep one's. 0.0004 leaves 98 % of the flat one. At any fixed budget the loss is U-shaped in the
rate, and the best rate stands close to where it breaks.""",
)

NEWTON_AT_A_SADDLE = (
    "away from the saddle: the loss falls there",
    "to the saddle, in one step",
    "nowhere: the Hessian cannot be inverted",
)


def outcome_at_a_saddle() -> str:
    """One step on x² − y²."""
    w, hessian = torch.tensor([1.0, 0.5]), torch.diag(torch.tensor([2.0, -2.0]))
    moved = newton_step(w, hessian @ w, hessian)
    return NEWTON_AT_A_SADDLE[1 if bool(moved.abs().max() < 1e-6) else 0]


lab.prediction(
    "newton_at_a_saddle",
    title="Predict: Newton's method near a saddle",
    statement="""$f(x, y) = x^2 - y^2$ has a saddle at (0, 0) and falls without end along ±y. Where does
one step of Newton's method lead from (1, 0.5)?""",
    minutes=1,
    core=False,
    syllabus=("6.4",),
    choices=NEWTON_AT_A_SADDLE,
    outcome=outcome_at_a_saddle,
    explanation="""Newton's method looks for a point without slope, and the saddle is one. Along y it
divides by a negative curvature and goes uphill. Gradient descent goes away from the saddle.""",
)

MOMENTUM_OF_ONE = (
    "its swings become smaller, as with μ = 0.9 but slower",
    "its swings keep their size",
    "its swings become larger and larger",
)


def outcome_with_momentum_of_one() -> str:
    """The amplitude early and late, of a heavy ball with μ = 1."""
    w = torch.tensor([1.0], dtype=torch.float64)
    optimizer, path = Momentum([w], lr=0.01, momentum=1.0), []
    for _ in range(400):
        w.grad = w.clone()
        optimizer.step()
        path.append(float(w))
    ratio = max(path[-200:]) / max(path[:200])
    return MOMENTUM_OF_ONE[1 if abs(ratio - 1) < 0.05 else 0 if ratio < 1 else 2]


lab.prediction(
    "momentum_of_one",
    title="Predict: a momentum of one",
    statement="""The heavy ball on $f(w) = w^2/2$ with η = 0.01 and **μ = 1**, for 400 steps. What
does it do?""",
    minutes=1,
    difficulty=2,
    core=False,
    syllabus=("6.5",),
    choices=MOMENTUM_OF_ONE,
    outcome=outcome_with_momentum_of_one,
    explanation="""μ is what is *kept*, and 1 − μ the friction. Without friction nothing is lost: the ball
swings forever. Names that call μ a "damping" have it the wrong way round.""",
)


def first_step_of_the_notes() -> float:
    """Of t = 1: without corrections the step is m/√v = (1 − β₁) g / (√(1 − β₂) |g|)."""
    rate, _ = efficient_form(1, 1.0, (0.9, 0.999), 0.0)
    return 1 / rate


lab.prediction(
    "first_step_of_the_notes",
    title="Predict: Adam, as the lecture notes print it",
    statement="""The notes give Adam as `m = 0.9*m + 0.1*dx`, `v = 0.999*v + 0.001*dx**2`,
`x += -rate * m / (sqrt(v) + eps)`, with m = v = 0 at the start and no bias correction. Adam's first
step has the size η. How many times η is the **first** step of the notes' version? (ε is negligible.)
A number.""",
    minutes=3,
    difficulty=2,
    syllabus=("6.9",),
    outcome=first_step_of_the_notes,
    explanation="""(1 − β₁)/√(1 − β₂) = 0.1/√0.001 = 3.16. The step is too *large*, because v starts even
farther below its right size than m does. It stays too large for hundreds of steps.""",
)

# Measured on the digits with the network and the 300 steps of the notebook, seeds 0 and 1: training
# loss 2.31, 2.31, 2.31, 2.30, 2.25, 0.22, 0.01, 2.31 at 1e-6, 1e-5, … 0.1, 1 and 3.
BEST_RATE = (
    "between 1e-6 and 1e-5",
    "between 1e-4 and 1e-3",
    "about 0.01",
    "0.1 or more",
)


def best_sgd_rate() -> str:
    """Measured: the loss is lowest at 1, and no lower than guessing up to 1e-3."""
    return BEST_RATE[3]


lab.prediction(
    "best_sgd_rate",
    title="Predict: the range of good rates",
    statement="""*"Good learning rates lie between 1e-6 and 1e-3."* (lecture notes)

A network of three layers (64 → 64 → 64 → 10, ReLU) learns the digits for 300 steps of plain SGD with
batches of 64. Which rate gives the lowest training loss?""",
    minutes=1,
    syllabus=("6.13", "6.1"),
    choices=BEST_RATE,
    outcome=best_sgd_rate,
    explanation="""Up to 1e-3 the network has learned nothing in 300 steps. The best rate tried is 1, and
3 destroys it. For Adam on the same task it is 0.01: the range depends on the optimizer, on how the
inputs and weights are scaled, and on the budget.""",
)

NEWTON_FROM_TWO = (
    "at 0, up to rounding",
    "closer to 0 than at the start, but not there",
    "more than a million away",
)


def outcome_from_two() -> str:
    """Three undamped steps from 2."""
    reached = float(newton_path(torch.tensor([2.0]), 3)[-1, 0])
    return NEWTON_FROM_TWO[0 if abs(reached) < 1e-6 else 1 if abs(reached) < 2 else 2]


lab.prediction(
    "newton_from_two",
    title="Predict: a method without a learning rate",
    statement="""*"Second-order methods have no learning rate."* (lecture notes) Newton's method on
$f(w) = \\sqrt{1+w^2}$, convex, with its minimum at 0, starts at w = 2. Where is it after **three**
steps?""",
    minutes=2,
    core=False,
    syllabus=("6.11",),
    choices=NEWTON_FROM_TWO,
    outcome=outcome_from_two,
    explanation="""Each step maps w to −w³: 2, −8, 512, −134 million. Far from the minimum the curvature is
so small that the quadratic model has its minimum far beyond the real one. Newton's method needs
damping or a line search, which is a learning rate by another name.""",
)

COSINE = (
    "the constant rate ends clearly lower",
    "no clear difference: Adam adapts its rate by itself",
    "the cosine schedule ends clearly lower",
)


# Measured on MNIST-1D with the network and the 600 steps of the notebook, on three other seeds, so
# that no schedule has the rate that suits it least; test loss of AdamW (weight decay 0.1):
#     constant rate 0.003: 1.10, 1.06, 1.13; 0.01: 1.16, 1.05, 1.21; 0.02: 1.26, 1.09, 1.23
#     cosine        0.003: 1.12, 1.14, 1.13; 0.01: 0.97, 0.99, 1.04; 0.02: 0.99, 1.05, 1.01
def outcome_of_the_schedules() -> str:
    """Measured at 0.02: training loss 0.91, 0.88, 0.92 constant; 0.64, 0.64, 0.73 with cosine."""
    return COSINE[2]


lab.prediction(
    "cosine_for_adam",
    title="Predict: does Adam need a schedule?",
    statement="""*"Learning rate decay is less common with Adam."* (lecture notes) AdamW trains on
MNIST-1D for 600 steps at a rate of 0.02: once constant, once falling to zero along half a cosine.
Which training loss is lower at the end?""",
    minutes=1,
    core=False,
    syllabus=("6.9",),
    choices=COSINE,
    outcome=outcome_of_the_schedules,
    explanation="""About 0.9 with the constant rate, 0.67 with the cosine, on each of three seeds. Adam
adapts the *proportions* between entries. Their common size stays η, and so does the noise of the
mini-batches that a step of size η carries: to settle, the rate has to fall.""",
)

AT_THE_EDGE = (
    "the sharpness passes 2/η and training diverges",
    "the sharpness stops near 2/η; the loss still falls, but not in every step",
    "the sharpness stays far below 2/η, and the loss falls in every step",
)


# Measured with the tanh network of the notebook (64-32-10, squared loss, 400 digits, 1500 full-batch
# steps): at rates 0.2, 0.4, 0.8 the sharpness ends at 9.8, 5.1, 2.6, and the loss rises in 65, 637
# and 684 steps.
def outcome_at_the_edge() -> str:
    """Measured: sharpness 5.1 at a rate of 0.4, where 2/η = 5."""
    return AT_THE_EDGE[1]


lab.prediction(
    "at_the_edge",
    title="Predict: full-batch training at a rate of 0.4",
    statement="""A small tanh network is trained with **all** data in every step (no noise at all) and
η = 0.4. At the start its sharpness is about 4.5, below 2/η = 5, and training makes it grow. What
happens when it gets to 5?""",
    minutes=2,
    difficulty=2,
    core=False,
    syllabus=("6.13",),
    choices=AT_THE_EDGE,
    outcome=outcome_at_the_edge,
    explanation="""The network hovers at the **edge of stability** (Cohen et al. 2021): sharper than 2/η the
steps begin to swing across the valley, and the swings push the weights to where the valley is wider.
The rate has chosen how sharp a minimum is found. A quadratic would diverge.""",
)

lab.written(
    "advice_on_rates",
    points=3,
    title="Reflect: correct the lecture notes",
    statement="""Four sentences from lecture notes:

1. *"In theory a low learning rate is best; it only takes longer."*
2. *"Good learning rates lie between 1e-6 and 1e-3."*
3. *"Second-order methods have no learning rate."*
4. *"Learning rate decay is less common with Adam."*

Choose **three** of them. For each: say what is right about it, give **one number that you measured in
this lab** which speaks against it, and write the sentence that should stand there instead. Six to ten
sentences in all.""",
    minutes=8,
    difficulty=2,
    syllabus=("6.1", "6.9", "6.11", "6.13"),
    explanation="""**Model answer.** (1) A rate that is too large diverges, a smaller one does not: that much
is right. But with 50 steps on curvatures 1 and 50, a rate of 0.0004 left 98 % of the flat direction's
error and 0.039 left 14 %; and full-batch training at 0.2, 0.4 and 0.8 ended at a sharpness of about
2/η, so that the rate also decides *which* minimum is found. Better: "At a fixed budget the loss is
U-shaped in the rate; look for the best one just below where training breaks." (2) Rates from 1e-6 to
1e-3 are found in papers that train large networks with Adam. Here SGD had learned nothing in 300 steps
at 1e-3 and was best at 1; Adam was best at 0.01. Better: "The range depends on the optimizer, on the
scaling of inputs and weights, and on the budget: search over powers of ten." (3) On a quadratic one
Newton step is exact, whatever the condition number. On √(1 + w²) it went from 2 to −8, 512 and −134
million. Better: "Away from the minimum second-order methods need damping or a line search." (4) Adam is
less sensitive to its rate than SGD. With AdamW the cosine schedule ended at a training loss of about 0.67
and the constant rate at about 0.9, on each of three seeds. Better: "AdamW is normally used with warm-up and decay."

**Rubric.** *1 point* for each of three sentences: what is right about it (¼), a number measured in this
lab that speaks against it (½), a corrected sentence that the number supports (¼). A number from elsewhere
gives ¼ instead of ½. A corrected sentence that is as absolute as the first one ("high rates are best")
earns nothing.""",
)

NOT_EXERCISES: dict[str, str] = {
    # Lab 6 of the syllabus
    "6.1 a smaller rate is always better": "prediction smaller_rate and its experiment",
    "6.2 a bigger batch's smaller noise described as a drawback only": "the notebook's figure of the "
    "noise over the batch size, which is zero at B = N; with_replacement is the code form",
    "6.3 κ of X instead of XᵀX": "mistake squared of condition_number, the other way round",
    "6.4 Newton's method seeks minima": "prediction newton_at_a_saddle",
    "6.4 gradient descent leaves the stable manifold of a saddle": "shown by the experiment with and "
    "without noise: a belief about a path, not a function",
    "6.5 μ is a damping": "prediction momentum_of_one",
    "6.8 c grows (1 + ρ)-fold": "the repair of RMSProp, and the experiment before it",
    "6.9 Adam needs no schedule": "prediction cosine_for_adam and its experiment",
    "6.9 L2 term added after the moments": "mistake penalty_after_the_moments of AdamW",
    "6.11 second order has no learning rate": "prediction newton_from_two, and newton_path",
    "6.11 iterates are invariant under w → Aw": "a property of newton_step that is in its tests; a "
    "Hessian that is used rightly has it",
    "6.11 cost thought O(d)": "counted in the notebook for growing d",
    "6.12 clipping after the step": "an order of calls in a training loop, which the notebook shows; "
    "the order before it is accumulated_gradient",
    "6.13 monotone loss expected": "prediction at_the_edge and its experiment",
    "6.13 good rates are 1e-6 … 1e-3": "prediction best_sgd_rate and its experiment",
    # Mistakes of real students that the form of the exercises excludes
    "state kept under another key of a configuration": "there is no configuration: where and how an "
    "answer remembers is its own affair, only the parameters are looked at",
    "misspelled key of a configuration": "no configuration; a misspelled attribute raises",
    "velocity in torch's convention where CS231n's was asked for": "here torch's is asked for, and "
    "CS231n's is the mistake rate_inside_the_velocity",
    "float64 results for float32 parameters": "a remark (`keeps_dtype`): an update in place cannot "
    "change the dtype, one through `.data` can",
}
"""Entries of the syllabus and of the study of real answers that are no mistake of an exercise."""

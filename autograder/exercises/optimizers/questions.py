"""The last prediction of the core, the reflection after it, and what is no exercise."""

from autograder.exercises.optimizers.lab import lab

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

lab.written(
    "advice_on_rates",
    points=3,
    title="Reflect: correct the lecture notes",
    statement="""Two sentences and one line of code from lecture notes:

1. *"In theory a low learning rate is best; it only takes longer."*
2. *"Good learning rates lie between 1e-6 and 1e-3."*
3. `cache += decay * cache + (1 - decay) * dx**2`

For each: say what is right about it, give **one number that you measured in this lab** which speaks
against it, and write what should stand there instead. Six to ten sentences in all.""",
    minutes=8,
    difficulty=2,
    syllabus=("6.1", "6.8", "6.13"),
    explanation="""**Model answer.** (1) A rate that is too large diverges, a smaller one does not: that much
is right. But with 50 steps on curvatures 1 and 50, a rate of 0.0004 ended at a loss of 3.8, 0.004 at 0.33,
0.039 at 0.16, and the lowest was 0.011 at 0.038. Better: "At a fixed budget the loss is U-shaped in the
rate; look for the best one just below where training breaks." (2) Rates from 1e-6 to 1e-3 are found in
papers that train large networks with Adam. Here SGD had learned nothing in 300 steps at 1e-3 and was best
at 1; Adam was best at 0.01. Better: "The range depends on the optimizer, on the scaling of inputs and
weights, and on the budget: search over powers of ten." (3) The squared gradients are to be averaged, and
that `decay` and `1 - decay` add up to 1 is right for an average. But `+=` counts the old cache 1.9 times:
after 20 steps of gradient 1 the cache was 42,000 in place of 0.88, and the step 0.005 η. Better:
`cache = decay * cache + (1 - decay) * dx**2`.

**Rubric.** *1 point* for each of the three: what is right about it (¼), a number measured in this lab
that speaks against it (½), a correction that the number supports (¼). A number from elsewhere gives ¼
instead of ½. A corrected sentence that is as absolute as the first one ("high rates are best") earns
nothing.""",
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
    "6.13 monotone loss expected": "prediction growing_sharpness and its experiment",
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

"""Does the choice matter? Two predictions, the reflection after them, and what is no exercise."""

from autograder.exercises.activations.lab import lab

MATTERS = (
    "ReLU is ahead of sigmoid and tanh by 5 points or more",
    "all six lie within about three points",
    "sigmoid stays below 50 %",
)

# Measured: the notebook's own experiment on the digits (a network 64-32-32-10, 200 steps, ten
# seeds, every activation at its own learning rate). Test accuracies in percent with standard errors:
# sigmoid 90.2 ± 0.2, tanh 91.4 ± 0.2, ReLU 90.0 ± 0.4, leaky ReLU 90.4 ± 0.6, ELU 90.6 ± 0.3,
# SELU 89.2 ± 0.4.


def _how_much_it_matters() -> str:
    """Measured: from 89.2 % (SELU) over 90.0 % (ReLU) to 91.4 % (tanh)."""
    return MATTERS[1]


lab.prediction(
    "choice_matters",
    title="Predict: which activation wins?",
    statement=(
        "Two hidden layers of 32 units learn the handwritten digits, once with each of sigmoid, tanh, "
        "ReLU, leaky ReLU, ELU and SELU, **each at its own best learning rate**, ten seeds each. What "
        "do the test accuracies look like?"
    ),
    minutes=1,
    syllabus=("2.12",),
    choices=MATTERS,
    outcome=_how_much_it_matters,
    explanation="On an easy task a shallow network forgives nearly any activation, once each has the "
    "learning rate that it needs.",
)

ELSEWHERE = (
    "sigmoid is more than 10 points behind ReLU",
    "again all six lie within a few points",
    "sigmoid and tanh are the best",
)

# Measured: the notebook's own experiment on MNIST-1D (a network 40-32-32-10, 400 steps, every
# activation at its own learning rate; here seven rates and ten seeds). Test accuracies in percent:
# sigmoid 33.2 ± 0.6, tanh 45.7 ± 0.4, ReLU 49.1 ± 0.7, leaky ReLU 49.5 ± 0.4, ELU 49.5 ± 0.9,
# SELU 46.9 ± 0.5. After 2,000 steps sigmoid is still 11 points behind ReLU.


def _elsewhere() -> str:
    """Measured: sigmoid 33 %, ReLU and its relatives 47 to 50 %."""
    return ELSEWHERE[0]


lab.prediction(
    "choice_elsewhere",
    title="Predict: the same on another data set?",
    statement=(
        "The same six activations, the same network, each at its own learning rate, but on MNIST-1D, "
        "where these small networks reach some 50 % in 400 steps. What will be seen?"
    ),
    minutes=1,
    syllabus=("2.12",),
    choices=ELSEWHERE,
    outcome=_elsewhere,
    explanation="How much the choice matters depends on the task and on the budget. One data set is "
    "one data set.",
)

lab.written(
    "never_say_never",
    points=3,
    title="Reflect: three claims",
    statement=(
        "Three claims:\n\n"
        "1. “Don’t use sigmoid or tanh.”\n"
        "2. ReLU units die in training: that is what ReLU does.\n"
        "3. I trained a network once with ReLU and once with sigmoids, both at a learning rate of "
        "0.01, and ReLU was better: it is the better activation.\n\n"
        "Correct each of them in one to three sentences, with numbers that **you** measured in this "
        "lab. Name one place where a sigmoid or a tanh is still the right choice."
    ),
    minutes=9,
    syllabus=("2.9", "2.11", "2.12"),
    explanation=(
        "*Model answer.* (1) Sigmoids as hidden units of a deep plain network let the gradient vanish: "
        "over eight layers ∂L/∂h fell by more than four orders of magnitude, at least a factor of 4 "
        "per layer. Tanh with Glorot’s weights lost a factor of about two over the same eight layers, "
        "and its weight gradients stayed level. As gates, as attention weights or as the output of a "
        "probability, a sigmoid is what one wants, because it is bounded between 0 and 1. (2) Too "
        "large steps kill units, not ReLU by itself: at a learning rate of 0.1 none of the units died, "
        "at 1 some did, at 2 whole layers and nearly all networks. What helps is a smaller step (good "
        "starting weights, or a slope on the left that is not zero). (3) At one shared rate the "
        "comparison measures the rate: at 0.01 the "
        "sigmoid lost some 50 points against its own best rate and ReLU 2, at 0.3 ReLU lost more than "
        "20 and the sigmoid nothing. Each at its own rate, over ten seeds and in pairs, "
        "all six lay within about two points on the digits, and ReLU was not the best. On MNIST-1D the "
        "sigmoid stayed more than 10 points behind at its own rate too: the claim may be right there, but "
        "only such a comparison can say so.\n\n"
        "*Rubric.* 1 point for each claim: corrected in the right direction **and** supported by an "
        "own number; half a point without the number. Half a point off where no place for a sigmoid "
        "or tanh is named."
    ),
)

NOT_EXERCISES = {
    "2.1 the maximum slope is 1": "prediction `steepest_sigmoid`; mistakes of `sigmoid_backward` and "
    "`backward_bound`",
    "2.3 ReLU outputs are zero-centered": "`elu_mean` with α = 0, and the experiment on means",
    "2.3 six times sooner than tanh": "a result for one network of 2012; `choice_matters` measures "
    "what is left of it here",
    "2.4 never dies read as never saturates the loss": "`leaky_relu_backward` at x = −1,000,000",
    "2.5 one slope per element or per example": "prediction `slopes_of_prelu`; the shape of `weight` "
    "is a check of `PReLU`, and `one_by_entry` a mistake of its backward pass",
    "2.5 weight decay on the slopes": "a choice of the training script that no function here makes; "
    "the docstring and the text say why it is left out",
    "2.8 same weights in all pieces": "mistake `twice_the_same` of `leaky_relu_as_maxout`",
    "2.9 sigmoid and tanh must never be used": "prediction `tanh_over_depth`, the experiment after it "
    "and the reflection",
    "2.9 only weight gradients measured": "`gradients_over_depth` asks for both, and the figure shows "
    "both",
    "2.10 believing ReLU avoids it": "the experiment after `one_sided_fractions`",
    "2.11 dead units recover through weight decay": "prediction `decay_revives`",
    "2.11 bias 0.01 guarantees life": "`active_probability`, prediction `slightly_positive_bias`",
    "2.12 concluding from one seed": "mistake `one_seed` of `compare_paired`, and the experiment",
    "2.12 it never matters": "prediction `choice_elsewhere`: it does on MNIST-1D, for sigmoids",
    "real answers: ReLU's mask taken from the activation instead of the pre-activation": "the same "
    "mask, as relu(x) > 0 exactly where x > 0: alternative `of_the_output` of `relu_backward`",
    "real answers: ReLU on the output scores, no ReLU at all": "networks are built by the notebook",
}
"""What became of the entries that no student is asked to write, and why."""

"""Predictions before the last two experiments, the reflection, and what is not an exercise."""

from autograder.exercises.normalization.lab import lab

# Two outcomes need training and are constants. Both were measured on MNIST-1D (the 4000 + 1000
# signals of `mnist1d`'s default arguments) with an MLP 40-100-100-100-100-100-10 of ReLU layers,
# linear -> batch norm -> ReLU, torch's default initialization, SGD with momentum 0.9, batches of
# 100, 10 epochs, seeds 0, 1 and 2; test accuracy in evaluation mode, in percent:
#
#     learning rate    plain          batch norm     batch norm and noise
#     0.01             29, 27, 32     62, 60, 63     57, 55, 58
#     0.1              48, 50, 51     62, 62, 58     49, 53, 52
#     0.5              10, 10, 10     50, 48, 49     46, 46, 50
#
# The noise stands between batch norm and ReLU, in training only, and is drawn afresh at every
# step: y * u + v + 0.25 e, with u from U(0.75, 1.25) and v from U(-0.5, 0.5) for each feature and
# e standard normal for each entry.

LARGE_RATE = (
    "both learn about equally well",
    "the plain network stays at chance, the one with batch normalization learns",
    "the one with batch normalization stays at chance, the plain network learns",
    "both stay at chance",
)


def outcome_at_a_large_rate() -> str:
    """Measured: 10 % (chance) without batch normalization, 49 % with it."""
    return LARGE_RATE[1]


lab.prediction(
    "large_learning_rate",
    title="Predict: a learning rate of 0.5",
    statement="""Two networks of six linear layers learn MNIST-1D (ten classes) for ten epochs with
SGD, momentum 0.9 and a learning rate of **0.5**. One has batch normalization before each of its
five ReLUs; otherwise they are the same. What will be seen?""",
    minutes=2,
    syllabus=("5.7",),
    choices=LARGE_RATE,
    outcome=outcome_at_a_large_rate,
    explanation="""Without batch normalization the first steps at this rate throw the weights so far
that the network stays at 10 %, which is chance. With it, the test accuracy is just under 50 %. Two
things help: the scale of each layer's output is under control whatever the weights do, and a step
that makes the weights larger also makes the next steps smaller, relative to them (compare
`effective_learning_rate`).""",
)

NOISE = (
    "worse than the plain network",
    "about as well as the plain network",
    "better than the plain network, but worse than without the noise",
    "at least as well as without the noise",
)


def outcome_with_noise() -> str:
    """Measured at a learning rate of 0.01: plain 29 %, with noise 57 %, without noise 62 %."""
    return NOISE[2]


lab.prediction(
    "noise_after_batch_norm",
    title="Predict: noise after batch normalization",
    statement="""Batch normalization is often said to work because it keeps each layer's inputs from
drifting ("removes internal covariate shift"). Test it: right **after** every batch normalization,
in training, each feature is shifted and stretched at random, differently at every step, and every
entry gets noise on top. The inputs of the next layers now drift more than ever. At a learning rate
of 0.01, how well does this network do after ten epochs?""",
    minutes=2,
    difficulty=2,
    syllabus=("5.7",),
    choices=NOISE,
    outcome=outcome_with_noise,
    explanation="""About 57 % against 29 % without batch normalization and 62 % with clean batch
normalization. The distributions drift, by construction, and most of the benefit is still
there. So a stable distribution of the inputs cannot be the main reason (Santurkar et al. 2018).""",
)

lab.written(
    "why_batch_norm_works",
    points=2,
    title="Why does batch normalization work?",
    statement="""*"Batch normalization works because it removes internal covariate shift: the inputs
of every layer keep the same distribution, so the layers need not run after each other."*

Judge this claim in five to eight sentences. Name **one** experiment of this lab that speaks against
it and say what it shows. Then give **another** reason why a network with batch normalization trains
at larger learning rates, and support it with a formula or a measurement of this lab.""",
    minutes=8,
    difficulty=3,
    syllabus=("5.6", "5.7"),
    explanation="""**Model answer.** The claim is that of the 2015 paper, and it is at best a part of
the truth. In this lab we put random shifts, scales and noise after every batch normalization, new
at each step. The next layer's inputs then drift more than without any normalization, and still the
network reached about 57 %, against 29 % for the plain one and 62 % for clean batch normalization:
most of the benefit remains although the drift is back. A better supported reason is that the
loss no longer depends on the scale of the weights before the layer. From f(aW) = f(W) follows
∇f(aW) = ∇f(W)/a, so that too large a step makes the weights larger and the next steps smaller: the
effective rate is η/a², and training steadies itself. At a rate of 0.5 the plain network stayed at
chance, and the one with batch normalization learned. The backward pass says it too: it removes the
parts of the gradient along the constant and along x̂, in which the output cannot change. That γ and
β can undo the normalization is no objection: the same functions can be reached, by an easier way.
What we measured is one small network on one data set, so it refutes "because" more safely than it
proves the other reason.

**Rubric.** *1 point*: an experiment of the lab (the noise, or another that fits) is named with its
result, and the conclusion is the right way round: drift and benefit come apart, hence drift is not
the main reason. Saying only "the paper by Santurkar et al. disagrees" gives ½. *1 point*: a second
reason that can stand, with its formula or measurement: scale invariance and η/a², a smoother loss
or gradients of a more even size, activations of controlled scale at any initialization,
regularization by the batch's noise. A reason without support gives ½. Take off ½ for saying that γ
and β make the layer useless, or that weight decay before batch normalization shrinks the
function.""",
)

NOT_EXERCISES: dict[str, str] = {
    # Lab 5 of the syllabus
    "5.3 gradient checked with the loss Σ y²": "a fault of a test, not of an answer: the inputs "
    "of every backward exercise draw a random upstream gradient",
    "5.4 wrong number of parameters per pixel": "the parameters are made by the given "
    "`__init__`; statistics per pixel are mistakes of batch_norm_2d",
    "5.5 batch normalization after the last layer": "a choice of architecture that no function "
    "here makes; the notebook speaks of it where it places the layer",
    "5.5 bias kept and trained before batch normalization": "prediction bias_before_batch_norm",
    "5.6 'γ and β undo the normalization, so it is useless'": "identity_parameters, and the "
    "rubric of why_batch_norm_works",
    "5.6 weight decay thought to shrink the function": "prediction halved_weights, and "
    "effective_learning_rate",
    "5.7 explained by internal covariate shift only": "prediction noise_after_batch_norm, and "
    "why_batch_norm_works",
    "5.7 batch of one in train mode": "prediction batch_of_one; the given argument check raises",
    # Mistakes of real students that the signatures here exclude
    "cache unpacked in another order than packed": "the backward functions are pure: there is "
    "no cache, they get x and compute from it",
    "backward in evaluation mode with a cache of None": "no cache either; the training formula "
    "in its place is a mistake of batch_norm_inference_backward",
    "`var − eps` in the backward pass": "undoes an ε that the cache held; without a cache there "
    "is nothing to undo",
    "running variance where the mean is meant, in backward": "batch_norm_backward has no "
    "running statistics among its arguments",
    "backward delegates to the alternative backward, or the other way round": "there is one "
    "backward function",
    "`1 − mean` for `x − mean` in the backward pass": "a slip of the pen seen once, without a "
    "sentence to say about it beyond the comparison's own",
    "`sum(-2 * (x − mean))` without an axis": "changes nothing, that term is zero: part of the "
    "alternative as_in_the_paper",
    "configuration read under a misspelled key": "there is no configuration; its effect, the "
    "caller's ε being ignored, is a mistake of batch_norm and BatchNorm1d",
    "another random sample of the batch drawn inside": "its output is random, so that no "
    "diagnosis can recognize it; it is rejected all the same",
    "own copy of the configuration, statistics lost": "the buffers are the module's: never_stores",
    "running variance started at 1": "right here, as in torch; the given `__init__` does it",
    "batch normalization called once per channel, statistics moved twice": "moved twice is a "
    "mistake of BatchNorm2d; called per channel, the buffers of C features would not fit",
    "group norm: gradient of γ per group instead of per channel": "group_norm has no backward "
    "exercise here",
    "spatial backward with its forward's faults": "images have no backward exercise here: it is "
    "batch_norm_backward of the moved axes, and would pay for one fault twice",
    "first layer norm through batch norm with an extra flag": "a right answer that pure "
    "signatures make unnecessary; the transposed form is an alternative of layer_norm",
}
"""Entries of the syllabus and of the study of real answers that are no mistake of an exercise."""

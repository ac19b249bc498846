"""What an ensemble predicts, and what becomes of averaged weights."""

import torch
import torch.nn.functional as F

from autograder import probes
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import keeps_dtype, leaves_inputs_alone, matches_reference
from course_lib import transfer


def _scores(scale):
    def draw(rng):
        members, examples, classes = (int(n) for n in rng.permutation([3, 4, 5]))
        logits = 2 * rng.normal(size=(members, examples, classes))
        # Members that are sure count as one vote each among probabilities, and more among scores.
        logits[0] *= 3
        return {"logits": scale * logits + rng.normal(size=(members, examples, 1))}

    return draw


def _far_out(rng):
    """Scores in the thousands of both signs, close to each other in every row."""
    drawn = _scores(1)(rng)
    shape = drawn["logits"].shape
    return {"logits": drawn["logits"] + 5e3 * rng.choice([-1, 1], (*shape[:2], 1))}


average_probabilities = lab.exercise(
    transfer.average_probabilities,
    title="Predict with several networks",
    statement="""Five networks were trained on the same data from different random weights. Each gives a
table of scores (*logits*), N examples by C classes. The ensemble says, for every example and class, how
probable its members find it **on average**:

$$p_{nc} = \\frac1M\\sum_m \\operatorname{softmax}(s_m)_{nc}.$$

`logits` is (M, N, C); return the (N, C) probabilities. `torch.softmax` is welcome.""",
    points=2,
    minutes=5,
    syllabus=("11.1",),
    hide=("Formula", "Convention"),
    inputs=(_scores(1), _far_out, _scores(1)),
    probe=probes.call(),
    checks=[
        matches_reference("the ensemble's probabilities"),
        leaves_inputs_alone(),
        keeps_dtype(),
    ],
    equivalent_mutants={
        "everything is done under torch.no_grad()": "nobody differentiates a prediction"
    },
    hints=("Which axis holds the classes, which the members?", "`torch.softmax(…, dim=2)` first."),
)

average_probabilities.mistake(
    "averaged_scores",
    edit("torch.softmax(logits, dim=2).mean(dim=0)", "torch.softmax(logits.mean(dim=0), dim=1)"),
    "You average the *scores* and take the softmax of that: the geometric mean of the probabilities. A member "
    "with large scores then outvotes the others. Softmax of every member first, then the mean.",
    origin="the field's folklore",
)


@average_probabilities.mistake(
    "You count votes: every member's most probable class. How sure each is gets lost; asked for is the mean "
    "of their probabilities."
)
def votes(logits):
    return F.one_hot(logits.argmax(dim=2), logits.shape[2]).to(logits.dtype).mean(dim=0)


average_probabilities.mistake(
    "summed_scores",
    edit("torch.softmax(logits, dim=2).mean(dim=0)", "torch.softmax(logits.sum(dim=0), dim=1)"),
    "You add the *scores* up before the softmax, which multiplies the members' probabilities. Softmax of every member "
    "first, then the mean.",
)
average_probabilities.mistake(
    "median",
    edit("mean(dim=0)", "median(dim=0).values"),
    "You take the median of the members. Medians of a row do not add up to 1; asked for is the mean.",
)
average_probabilities.mistake(
    "maximum",
    edit("mean(dim=0)", "amax(dim=0)"),
    "You take the surest member's probability for each class, so that a row adds up to more than 1. Asked for is the "
    "mean.",
)
average_probabilities.mistake(
    "logarithm_of_the_mean",
    edit("mean(dim=0)", "mean(dim=0).log()"),
    "The mean is right, but you return its logarithm. Asked for are the probabilities themselves.",
)
average_probabilities.mistake(
    "softmax_twice",
    edit("mean(dim=0)", "mean(dim=0).softmax(dim=1)"),
    "You take another softmax of the mean probabilities, which makes all classes nearly alike. The mean adds up to 1 "
    "already.",
)
average_probabilities.mistake(
    "no_mean",
    edit("torch.softmax(logits, dim=2).mean(dim=0)", "torch.softmax(logits, dim=2)"),
    "You return the probabilities of every member by itself, (M, N, C). Their mean over the members is (N, C).",
)
average_probabilities.mistake(
    "one_member",
    edit("torch.softmax(logits, dim=2).mean(dim=0)", "torch.softmax(logits[0], dim=1)"),
    "You ask the first member only. All of them count the same.",
)
average_probabilities.mistake(
    "sigmoid",
    edit("torch.softmax(logits, dim=2)", "torch.sigmoid(logits)"),
    "A sigmoid looks at each score by itself, so that the classes of a row do not add up to 1. Softmax compares them.",
)
average_probabilities.mistake(
    "only_scores",
    edit("torch.softmax(logits, dim=2).mean(dim=0)", "logits.mean(dim=0)"),
    "You return mean scores. Probabilities come from a softmax, of every member before the mean.",
)
_SOFTMAX_AXIS = (
    "Your softmax runs along another axis than that of the classes, the last one. The probabilities of one "
    "member for one example add up to 1."
)
average_probabilities.mistake("softmax_over_the_members", edit("dim=2", "dim=0"), _SOFTMAX_AXIS)
average_probabilities.mistake("softmax_over_the_examples", edit("dim=2", "dim=1"), _SOFTMAX_AXIS)
average_probabilities.mistake(
    "mean_over_the_examples",
    edit("mean(dim=0)", "mean(dim=1)"),
    "You average over the examples. Average over the members, the first axis.",
)
average_probabilities.mistake(
    "the_sum",
    edit("mean(dim=0)", "sum(dim=0)"),
    "Your rows add up to the number of members. Divide by it.",
)
average_probabilities.mistake(
    "the_predicted_class",
    edit("mean(dim=0)", "mean(dim=0).argmax(dim=1)"),
    "You return class numbers. Asked for are the probabilities of all classes.",
)
average_probabilities.mistake(
    "logarithms",
    edit("torch.softmax(logits, dim=2)", "torch.log_softmax(logits, dim=2)"),
    "You average *logarithms* of probabilities, and return such. Asked for is the mean of the probabilities themselves: "
    "`torch.softmax`.",
)
average_probabilities.mistake(
    "majority",
    edit("torch.softmax(logits, dim=2).mean(dim=0)", "logits.argmax(dim=2).mode(dim=0).values"),
    "You return the class with the most votes. Asked for are the probabilities of all classes.",
)
average_probabilities.mistake(
    "mean_of_logarithms",
    edit(
        "torch.softmax(logits, dim=2).mean(dim=0)",
        "torch.log_softmax(logits, dim=2).mean(dim=0).exp()",
    ),
    "You average logarithms of probabilities. That is a geometric mean, which does not even add up to 1.",
)
average_probabilities.mistake(
    "overflows",
    edit("torch.softmax(logits, dim=2)", "(logits.exp() / logits.exp().sum(dim=2, keepdim=True))"),
    "Large scores overflow in `exp`. `torch.softmax` takes the largest score of a row off first.",
)


@average_probabilities.alternative
def by_a_loop(logits):
    total = torch.zeros_like(logits[0])
    for scores in logits:
        total += F.softmax(scores, dim=-1)
    return total / len(logits)


@average_probabilities.alternative
def by_hand(logits):
    odds = (logits - logits.amax(dim=2, keepdim=True)).exp()
    return torch.mean(odds / odds.sum(dim=2, keepdim=True), 0)

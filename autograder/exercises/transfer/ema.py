"""The exponential moving average of weights, corrected for its start."""

import numpy as np
import torch

from autograder import probes
from autograder.exercises.transfer.lab import lab
from autograder.judging import Part, edit
from autograder.judging.checks import leaves_inputs_alone, matches_reference
from course_lib import transfer


def _run(rng, steps, decay, in_place=False):
    """States of a training: tensors that move on in place, as a model's do, or fresh ones."""
    out, features = (int(n) for n in rng.permutation([2, 3, 4])[:2])
    shapes = {"weight": (out, features), "bias": (out,), "running_mean": (features,)}
    history, seen, examples = [], int(rng.integers(3, 9)), rng.integers(2, 30, features)
    state = {name: rng.normal(size=shape) + 1 for name, shape in shapes.items()}
    for _ in range(steps):
        state = {name: w + 0.6 * rng.normal(size=w.shape) for name, w in state.items()}
        counts = {"num_batches_tracked": np.array(seen), "examples_of_class": examples}
        history.append({**state, **counts})
        seen += int(rng.integers(2, 5))
        examples = examples + rng.integers(3, 9, features)
    return {"construct": {"decay": decay}, "history": history, "in_place": in_place}


def _runs(low, high):
    def draw(rng):
        first, second = (float(d) for d in rng.uniform(low, high, 2))
        steps = int(rng.integers(4, 7))
        return {"runs": [_run(rng, steps, first, True), _run(rng, steps - 2, second)]}

    return draw


weight_ema = lab.exercise(
    transfer.WeightEMA,
    title="An average that forgets",
    statement=r"""Where the weights still travel, old ones should count ever less: an exponential moving average,
updated after **every step**,

$$a_t = d\,a_{t-1} + (1-d)\,w_t,\qquad a_0 = 0.$$

Its weights add up to $1 - d^t$ and not to 1: with d = 0.999 the average would be near zero for a thousand
steps. So what `update` gives out is $a_t / (1 - d^t)$, while `self.average` keeps $a_t$ itself. The first
average equals the first weights.

`__init__` is given: `self.decay` is d; `self.steps`, 0 so far, counts the **calls** of `update` and is t in the
formula (whatever `num_batches_tracked` says); `self.average` is an empty dict for the $a_t$, by name.

`state` is what `model.state_dict()` gives: a dict from names to the model's own tensors, which move on with it.
All floating-point tensors are averaged, running statistics too. What is **no floating-point number**
(`num_batches_tracked`, and whatever else counts) is returned as it came. Return a new dict with the same names.
Do not change `state`: the model trains on with it.

*Convention.* d is the weight of the *old* average, its half-life ln 2 / (1 − d) steps. torch's and timm's
EMAs start at the first weights and correct nothing; early, these then count far too much.""",
    parts=[
        Part(
            "the averages",
            4,
            (
                matches_reference("what `update` returns"),
                leaves_inputs_alone(stated=True),
            ),
        ),
    ],
    minutes=10,
    difficulty=2,
    syllabus=("11.4",),
    hide=("Formula",),
    blank=("update",),
    inputs=(_runs(0.6, 0.8), _runs(0.85, 0.97), _runs(0.6, 0.9)),
    probe=probes.histories("update"),
    equivalent_mutants={
        "everything is done under torch.no_grad()": "the tensors of a state are no part of a graph",
        "corrected[name] = w.clone() => corrected[name] = w": "it is returned as it came",
    },
    hints=(
        "`self.average.get(name, torch.zeros_like(w))` is a_{t−1}, with 0 to begin with.",
        "`w.is_floating_point()` tells the counts from the rest.",
        "Give out `self.average[name] / (1 - self.decay**self.steps)`, and keep the average undivided.",
    ),
)

weight_ema.mistake(
    "no_correction",
    edit("self.average[name] / (1 - self.decay**self.steps)", "self.average[name].clone()"),
    "You give out a_t itself, which begins near 0: its weights add up to 1 − d^t. Divide by that.",
)
weight_ema.mistake(
    "never_counts",
    edit("self.steps += 1\n", ""),
    "`self.steps` stays 0, so that you divide by 1 − d⁰ = 0. Count every call of `update`: `self.steps += 1`.",
)
weight_ema.mistake(
    "counts_afterwards",
    edit("self.steps += 1\n", "").also("return corrected", "self.steps += 1\nreturn corrected"),
    "You count after you have divided: at the first weights 1 − d⁰ is 0, and later the exponent is one too small. "
    "`self.steps += 1` comes first.",
)
weight_ema.mistake(
    "starts_at_the_first",
    edit("self.average.get(name, torch.zeros_like(w))", "self.average.get(name, w)").also(
        "self.average[name] / (1 - self.decay**self.steps)", "self.average[name].clone()"
    ),
    "Your average starts at the first weights, as torch's does, so that they count d^{t−1} as if they had been "
    "there forever. Here it starts at 0 and is divided by 1 − d^t.",
    origin="torch's convention",
)
weight_ema.mistake(
    "starts_at_the_first_and_divides",
    edit("self.average.get(name, torch.zeros_like(w))", "self.average.get(name, w)"),
    "You start at the first weights *and* divide by 1 − d^t, which makes the average too large. The correction "
    "belongs to a start at 0.",
)
weight_ema.mistake(
    "decay_exchanged",
    edit("self.decay * old + (1 - self.decay) * w", "(1 - self.decay) * old + self.decay * w").also(
        "1 - self.decay**self.steps", "1 - (1 - self.decay) ** self.steps"
    ),
    "d is the weight of the *old* average; you give it to the new weights, so that with d = 0.999 the average is "
    "the last step alone.",
)
weight_ema.mistake(
    "decay_exchanged_in_the_sum",
    edit("self.decay * old + (1 - self.decay) * w", "(1 - self.decay) * old + self.decay * w"),
    "d is the weight of the *old* average, and 1 − d that of the new weights. You have them exchanged.",
)
weight_ema.mistake(
    "corrected_average_kept",
    edit("corrected[name] = self.average[name] / (1 - self.decay**self.steps)",
         "self.average[name] = self.average[name] / (1 - self.decay**self.steps)\n"
         "corrected[name] = self.average[name]"),
    "You go on from the *corrected* average. Keep a_t as it is, and correct only what you give out.",
)  # fmt: skip
weight_ema.mistake(
    "counts_too_late",
    edit("self.steps += 1\n", "self.steps += 1\npower = max(self.steps - 1, 1)\n").also(
        "self.decay**self.steps", "self.decay**power"
    ),
    "The exponent is one too small: with the first weights it is 1, with the second 2.",
)
weight_ema.mistake(
    "counts_tensors",
    edit("self.steps += 1\n", "").also(
        "self.average[name] = self", "self.steps += 1\nself.average[name] = self"
    ),
    "`self.steps` counts tensors, for it grows inside of the loop. Count every call of `update` once.",
)
weight_ema.mistake(
    "integers_averaged",
    edit("if not w.is_floating_point():\n    corrected[name] = w.clone()\n    continue\n", ""),
    "You average `num_batches_tracked`, too. The mean of counts is no count: give out what is no floating-point "
    "number as it came.",
)
weight_ema.mistake(
    "goes_by_the_name",
    edit("if not w.is_floating_point():", 'if "num_batches_tracked" in name:'),
    "You go by the name `num_batches_tracked`. Other buffers may hold counts as well, or indices, under other names: ask "
    "the tensor, `w.is_floating_point()`.",
)
weight_ema.mistake(
    "integers_left_out",
    edit("corrected[name] = w.clone()\ncontinue", "continue"),
    "What is no floating-point number is missing in what you return, so that `load_state_dict` would refuse it. "
    "Return it as it came.",
)
_INTO_THE_MODEL = (
    "You change the tensors of `state`, which are the model's own: training would go on from what you write "
    "there. Compute new tensors."
)
weight_ema.mistake(
    "fed_back",
    edit("corrected[name] = self.average[name] / (1 - self.decay**self.steps)",
         "corrected[name] = w.copy_(self.average[name] / (1 - self.decay**self.steps))"),
    _INTO_THE_MODEL,
)  # fmt: skip
weight_ema.mistake(
    "added_in_place",
    edit("self.average[name] = self.decay * old + (1 - self.decay) * w",
         "self.average[name] = w.mul_(1 - self.decay).add_(old, alpha=self.decay)"),
    _INTO_THE_MODEL,
)  # fmt: skip
weight_ema.mistake(
    "keeps_the_models_tensor",
    edit("self.average[name] = self.decay * old + (1 - self.decay) * w",
         "share = (1 - self.decay) / (1 - self.decay**self.steps)\n"
         "self.average[name] = w if self.steps == 1 else self.average[name].lerp(w, share)").also(
        "self.average[name] / (1 - self.decay**self.steps)", "self.average[name].clone()"),
    "You keep the tensor of the first weights itself. It is the model's own and moves on with it, so that your average "
    "begins with the weights of the *second* step. Compute a new tensor, or `clone()`.",
)  # fmt: skip
weight_ema.mistake(
    "starts_in_the_models_tensor",
    edit("self.average[name] = self.decay * old + (1 - self.decay) * w",
         "if self.steps == 1:\n    self.average[name] = w\nelse:\n"
         "    self.average[name].mul_(self.decay).add_((1 - self.decay) * w)").also(
        "self.average[name] / (1 - self.decay**self.steps)", "self.average[name].clone()"),
    "Your average is the tensor of the first weights itself, the model's own: the model moves it, and `mul_` and `add_` "
    "change the model. And the average starts at 0 here, with a correction: compute new tensors.",
)  # fmt: skip
weight_ema.mistake(
    "integers_corrected",
    edit("corrected[name] = w.clone()", "corrected[name] = w / (1 - self.decay**self.steps)"),
    "You divide `num_batches_tracked` by 1 − dᵗ, too. A count needs no correction: give out what is no floating-point "
    "number as it came.",
)
weight_ema.mistake(
    "first_integers",
    edit("corrected[name] = w.clone()", "corrected[name] = self.average.setdefault(name, w)"),
    "`num_batches_tracked` stays what it was at the first call. Give out that of *this* `state`.",
)
weight_ema.mistake(
    "parameters_alone",
    edit("if not w.is_floating_point():", 'if not w.is_floating_point() or "running" in name:'),
    "You leave out the running statistics. They are floating-point numbers and averaged like all others.",
)
weight_ema.mistake(
    "new_weights_whole",
    edit("self.decay * old + (1 - self.decay) * w", "self.decay * old + w"),
    "You add the new weights whole. They count 1 − d; then all weights add up to 1 − dᵗ, by which you divide.",
)
weight_ema.mistake(
    "multiplies",
    edit("self.average[name] / (1 - self.decay**self.steps)",
         "self.average[name] * (1 - self.decay**self.steps)"),
    "You multiply by 1 − dᵗ, which makes what is too small smaller still. Divide by it.",
)  # fmt: skip
weight_ema.mistake(
    "power_of_the_difference",
    edit("(1 - self.decay**self.steps)", "(1 - self.decay) ** self.steps"),
    "You divide by (1 − d)ᵗ. The weights add up to 1 − dᵗ: the power is that of d alone.",
)
weight_ema.mistake(
    "always_corrected_as_at_first",
    edit("(1 - self.decay**self.steps)", "(1 - self.decay)"),
    "You divide by 1 − d every time. That is right for the first weights alone: after t of them it is 1 − dᵗ.",
)
weight_ema.mistake(
    "counts_batches",
    edit("self.steps += 1", 'self.steps = int(state["num_batches_tracked"])'),
    "You take `num_batches_tracked` for t. It says how many batches a layer has seen, perhaps long before your average "
    "began. t counts the calls of `update`.",
)
weight_ema.mistake(
    "uniform",
    edit(
        "self.decay * old + (1 - self.decay) * w",
        "old + (w - old) / self.steps",
    ).also("self.average[name] / (1 - self.decay**self.steps)", "self.average[name].clone()"),
    "You average all steps evenly. That is Polyak's average; asked for is one in which old weights count ever "
    "less.",
)
weight_ema.mistake(
    "always_the_same_decay",
    edit("self.decay * old + (1 - self.decay) * w", "0.999 * old + 0.001 * w").also(
        "self.decay**self.steps", "0.999**self.steps"
    ),
    "You average with 0.999 whatever was asked for: `self.decay`.",
)


@weight_ema.alternative
def by_the_sum_of_weights(self, state):
    d, self.steps = self.decay, self.steps + 1
    total = sum((1 - d) * d**k for k in range(self.steps))
    for name, w in state.items():
        if torch.is_floating_point(w):
            self.average[name] = d * self.average.get(name, 0) + (1 - d) * w.clone()
    averaged = {name: a / total for name, a in self.average.items()}
    return {name: averaged.get(name, w) for name, w in state.items()}


@weight_ema.alternative
def by_a_growing_decay(self, state):
    self.steps += 1
    share = (1 - self.decay) / (1 - self.decay**self.steps)
    for name, w in state.items():
        if w.dtype == torch.int64:
            self.average[name] = w
        elif self.steps == 1:
            self.average[name] = w.clone()
        else:
            self.average[name] = self.average[name] + share * (w - self.average[name])
    return dict(self.average)

"""Residual networks: growth over blocks, and blocks that start as the identity."""

import numpy as np
import torch
from torch import nn

from autograder import probes
from autograder.exercises.initialization.lab import lab
from autograder.judging import edit
from autograder.judging.checks import check, find, finding, matches_reference
from course_lib import initialization


def _blocks(rng):
    return {
        "blocks": int(rng.integers(3, 12)),
        "branch_gain": float(rng.uniform(0.3, 2.5)),
        "input_variance": float(rng.uniform(1.5, 4)),
    }


residual_variance = lab.value(
    initialization.residual_variance,
    title="How fast does a residual network grow?",
    statement=(
        "A residual block computes $x + F(x)$. Suppose the branch multiplies variances, "
        "$\\mathrm{Var}(F(x)) = g\\,\\mathrm{Var}(x)$ with g = `branch_gain`, and that $F(x)$ is "
        "uncorrelated with $x$. Derive the variance after `blocks` blocks, when it starts at "
        "`input_variance`.\n\n"
        "The notes say that it “doubles at every layer”. When is that so? (With Kaiming weights "
        "in *both* layers of $W_2\\,\\mathrm{ReLU}(W_1 x)$ the branch has g = 2.)"
    ),
    points=3,
    minutes=8,
    difficulty=2,
    core=False,
    syllabus=("4.7",),
    hide=("Formula", "Source"),
    inputs=_blocks,
    probe=probes.call(),
    # Near enough for an answer that computes in torch's float32 and returns a number.
    checks=[matches_reference("the variance after all blocks", rtol=1e-5)],
    hints=(
        "Var(x + F) = Var(x) + Var(F) + 2 Cov(x, F). Which term vanishes?",
        "One block multiplies the variance by 1 + g.",
    ),
)


@residual_variance.mistake(
    "You double the variance whatever the branch does. It doubles only when g = 1, that is when "
    "the branch preserves the variance; in general it grows by 1 + g.",
    origin="lecture notes",
)
def always_doubles(blocks, branch_gain, input_variance=1.0):
    return input_variance * 2**blocks


@residual_variance.mistake(
    "You count two layers a block. The sum is taken once per *block*, so the variance grows once "
    "per block.",
    origin="lecture notes",
)
def per_layer(blocks, branch_gain, input_variance=1.0):
    return input_variance * (1 + branch_gain) ** (2 * blocks)


@residual_variance.mistake(
    "You add the same amount for every block. Each block's branch sees the grown input: growth is "
    "geometric."
)
def adds_up(blocks, branch_gain, input_variance=1.0):
    return input_variance * (1 + branch_gain * blocks)


@residual_variance.mistake(
    "This is the branch without the shortcut: Var(x + F(x)) = Var(x) + Var(F(x))."
)
def branch_only(blocks, branch_gain, input_variance=1.0):
    return input_variance * branch_gain**blocks


@residual_variance.mistake("You add standard deviations. For uncorrelated terms the variances add.")
def stds_added(blocks, branch_gain, input_variance=1.0):
    return input_variance * (1 + branch_gain**0.5) ** (2 * blocks)


@residual_variance.mistake("The variance of the input is missing: you start at 1.")
def starts_at_one(blocks, branch_gain, input_variance=1.0):
    return (1 + branch_gain) ** blocks


@residual_variance.mistake(
    "You triple the variance whatever the branch does. It triples when g = 2; in general it grows "
    "by 1 + g."
)
def always_triples(blocks, branch_gain, input_variance=1.0):
    return input_variance * 3**blocks


@residual_variance.alternative
def by_loop(blocks, branch_gain, input_variance=1.0):
    variance = input_variance
    for _ in range(blocks):
        variance = variance + branch_gain * variance
    return variance


@residual_variance.alternative
def by_logarithm(blocks, branch_gain, input_variance=1.0):
    growth = torch.log1p(torch.tensor(branch_gain, dtype=torch.float64))
    return input_variance * torch.exp(blocks * growth)


def _trajectory(rng):
    width, rows = int(rng.integers(40, 60)), int(rng.integers(21, 30))

    def batch():
        return rng.normal(size=(rows, width))

    names = ["first.weight", "second.weight"]
    steps = [
        {"do": "call", "as": "fresh block", "x": batch()},
        {"do": "state", "as": "fresh weights", "names": names},
    ]
    for number in (1, 2, 3):
        steps += [
            {"do": "call", "as": f"call {number}", "x": batch()},
            {"do": "backward", "as": f"gradients {number}", "grad_output": batch()},
            {"do": "sgd", "learning_rate": 0.01},
        ]
    steps += [
        {"do": "set", "values": _weights(rng, width)},
        {"do": "call", "as": "known weights", "x": batch()},
    ]
    return {"construct": {"width": width}, "steps": steps}


def _weights(rng, width):
    return {name: rng.normal(size=(width, width)) for name in ("first.weight", "second.weight")}


@check("a fresh block is the identity")
def starts_as_identity(case):
    step = next(s for s in case.inputs["steps"] if s.get("as") == "fresh block")
    seen = find(case.observed, "fresh block/result", case)
    gap = float(abs(seen - step["x"]).max())
    return finding(gap == 0, "block(x) = x", f"differs by up to {gap:.3g}", "it changes its input")


def _gradient_is(number, layer, alive):
    name = f"step {number}: the {layer} layer {'learns' if alive else 'still waits'}"

    @check(name)
    def look(case):
        gradients = find(case.observed, f"gradients {number}/parameters", case)
        size = float(abs(gradients[f"{layer}.weight"]).max())
        wanted = "a gradient" if alive else "gradient 0 (the layer behind it is zero)"
        gist = "its gradient is zero" if alive else "it has a gradient already"
        return finding((size > 0) == alive, wanted, f"{size:.3g}", gist)

    return look


@check("the first layer is drawn with Kaiming's spread")
def kaiming_first(case):
    width = case.inputs["construct"]["width"]
    weight = find(case.observed, "fresh weights/first.weight.value", case)
    wanted = (2 / width) ** 0.5
    # 1600 weights or more: each bound lies six standard errors away, √(1/fan_in) twenty.
    got, mean = float(weight.std()), float(weight.mean())
    centered = abs(mean) < 0.15 * wanted
    return finding(
        0.9 < got / wanted < 1.12 and centered and weight.shape == (width, width),
        f"mean 0, standard deviation near {wanted:.3g}",
        f"mean {mean:.3g}, standard deviation {got:.3g}",
        "not √(2/fan_in)" if centered else "not centered at zero",
    )


def _pattern(observation):
    """What of a block's life is not chance: its weights' spread, and where gradients flow."""
    steps = observation["steps"]
    fresh = [
        (_spread(step[name]["value"]), step[name]["requires_grad"])
        for step in steps
        if "first.weight" in step
        for name in ("first.weight", "second.weight")
    ]
    gradients = [
        bool(gradient is not None and abs(gradient).max() > 0)
        for step in steps
        if "parameters" in step
        for gradient in step["parameters"].values()
    ]
    return fresh, gradients, len(steps)


def _spread(weight):
    """Which of the usual spreads is nearest, in units of Kaiming's, and whether that is all."""
    ratio = float(weight.std()) / (2 / len(weight)) ** 0.5
    known = (6**-0.5, 0.5**0.5, 1.0, 5 / 18**0.5, 2**0.5, len(weight) / 2)
    nearest = min(known, key=lambda spread: abs(np.log(max(ratio, 1e-12) / spread)))
    if not 0.9 < ratio / nearest < 1.12:
        nearest = round(np.log(ratio)) if ratio > 0 else 0.0
    centered = abs(weight.mean()) < 0.15 * weight.std()
    return nearest, bool(centered), bool(np.unique(weight).size > weight.size / 2)


residual_block = lab.repair(
    initialization.ResidualBlock,
    planted="zeroes_both",
    title="Find the bug: a residual block that never learns",
    statement=(
        "This block should start as the identity, so that a stack of a hundred of them neither "
        "explodes nor fades, **and** learn from the first steps on. As it stands a fresh block *is* "
        "the identity, every test of its output passes, and yet training changes nothing.\n\n"
        "Find the line that is wrong and mend it. `first` should be drawn as Kaiming asks; which "
        "weight has to be zero, and which must not be? Work out both weight gradients at step 1 "
        "and at step 2."
    ),
    points=4,
    minutes=10,
    difficulty=3,
    core=False,
    syllabus=("4.7",),
    blank=("__init__",),
    hide=("Formula", "Source"),
    inputs=_trajectory,
    probe=probes.module(),
    signature=_pattern,
    checks=[
        starts_as_identity,
        _gradient_is(1, "second", True),
        _gradient_is(1, "first", False),
        _gradient_is(2, "first", True),
        kaiming_first,
        matches_reference("x + W₂ ReLU(W₁ x) for known weights", of="known weights/result"),
    ],
    equivalent_mutants={
        "nn.init.kaiming_normal_(self.first.weight, nonlinearity='relu') => "
        "nn.init.kaiming_normal_(self.first.weight)": "torch's default is a leaky ReLU of slope 0, "
        "which is a ReLU",
        "everything is done under torch.no_grad()": "parameters that are made ask for a gradient all "
        "the same",
    },
    hints=(
        "∂L/∂W₂ has ReLU(W₁x) as a factor. What is it when W₁ = 0?",
        "∂L/∂W₁ has W₂ as a factor. What is it at step 1 when only W₂ = 0, and at step 2?",
        "Draw the first layer, zero the second.",
    ),
)


@residual_block.mistake(
    "Both layers are zero: each one's gradient has the other as a factor, so neither ever moves. "
    "Only the *last* layer of the branch may be zero."
)
def zeroes_both(self, width):
    super().__init__()
    self.first = nn.Linear(width, width, bias=False)
    self.second = nn.Linear(width, width, bias=False)
    nn.init.zeros_(self.first.weight)
    nn.init.zeros_(self.second.weight)


residual_block.mistake(
    "zeroes_the_first",
    edit("kaiming_normal_(self.first", "kaiming_normal_(self.second").also(
        "zeros_(self.second", "zeros_(self.first"
    ),
    "You zero the first layer. Then ReLU(W₁x) = 0, and with torch's slope 0 at 0 nothing reaches "
    "W₁ either. Zero the last layer.",
)
residual_block.mistake(
    "zeroes_none",
    edit(
        "nn.init.zeros_(self.second.weight)",
        'nn.init.kaiming_normal_(self.second.weight, nonlinearity="relu")',
    ),
    "Both layers are random: the branch has gain 2 and the variance triples with every block. "
    "Zero the last layer.",
)
residual_block.mistake(
    "leaves_the_first",
    edit('nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")', "pass"),
    "The second layer is right. The first one keeps torch's default weights, which are too small "
    "for ReLU by √6: draw it with `nn.init.kaiming_normal_`.",
)
residual_block.mistake(
    "draws_as_xavier",
    edit(
        'kaiming_normal_(self.first.weight, nonlinearity="relu")',
        "xavier_normal_(self.first.weight)",
    ),
    "The second layer is right. The first one is drawn with variance 1/fan_in (Xavier's, for "
    "equal fans); a ReLU follows it, and Kaiming's is 2/fan_in.",
)
residual_block.mistake(
    "divides_by_the_std",
    edit(
        'nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")',
        "self.first.weight = nn.Parameter(torch.randn(width, width) / (2 / width) ** 0.5)",
    ),
    "The first layer's weights are far too large: multiply by √(2/fan_in), do not divide.",
    origin="lecture notes",
)
residual_block.mistake(
    "freezes_the_second",
    edit(
        "nn.init.zeros_(self.second.weight)",
        "nn.init.zeros_(self.second.weight).requires_grad_(False)",
    ),
    "The last layer is zero and frozen: a zero that cannot move keeps the branch closed forever.",
)


@residual_block.alternative
def by_hand(self, width):
    super().__init__()
    self.first = nn.Linear(width, width, bias=False)
    self.second = nn.Linear(width, width, bias=False)
    with torch.no_grad():
        self.first.weight.copy_(torch.randn(width, width) * (2 / width) ** 0.5)
        self.second.weight.zero_()


@residual_block.alternative
def by_subclass_parameters(self, width):
    super().__init__()
    self.first = nn.Linear(width, width, bias=False)
    self.second = nn.Linear(width, width, bias=False)
    nn.init.kaiming_uniform_(self.first.weight, nonlinearity="relu")
    self.second.weight = nn.Parameter(torch.zeros(width, width))

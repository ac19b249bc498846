"""The variance derivations of the course as equations that sympy verifies step by step."""

from dataclasses import dataclass
from typing import Any

import sympy
from sympy import Dict, Expr, Integral, Product, Sum, Symbol, Tuple, oo, pi, sqrt


class Expectation(Expr):  # type: ignore[misc, unused-ignore]
    """The expectation of a polynomial in random variables, known by their moments alone.

    Formula: E[Σ c · Π_g m_g] = Σ c · Π_g E[m_g], with one monomial m_g per independent group g.
    Shapes:  Expectation(expression, group, ...), each group made by `independent`; variables of
             different groups are independent, variables of one group may depend on each other.
    Raises:  ValueError from `doit` where a moment is needed that no group gives.
    """

    def doit(self, **hints: Any) -> Any:
        """Evaluate by linearity and independence."""
        expression, *groups = self.args
        total = sympy.Integer(0)
        for term in sympy.Add.make_args(sympy.expand(expression)):
            rest, value = term, sympy.Integer(1)
            for variables, moments in groups:
                rest, monomial = rest.as_independent(*variables, as_Add=False)
                if monomial != 1 and monomial not in moments:
                    raise ValueError(f"moments: got none for {monomial}, needed in E[{expression}]")
                value *= moments.get(monomial, 1)
            total += rest * value  # what depends on no random variable is a constant
        return total

    def _latex(self, printer: Any) -> str:
        return rf"\mathbb{{E}}\left[{printer._print(self.args[0])}\right]"

    def _sympystr(self, printer: Any) -> str:
        return f"E[{printer._print(self.args[0])}]"


def independent(variables: tuple[Symbol, ...], moments: dict[Expr, Expr]) -> Tuple:
    """Make a group of random variables for `Expectation` from the moments that are known."""
    return Tuple(Tuple(*variables), Dict(moments))


@dataclass(frozen=True)
class Step:
    """One equation of a derivation, and what has to hold for it."""

    claim: str
    left: Expr
    right: Expr
    assumption: str

    def holds(self) -> bool:
        """Say whether sympy simplifies left − right to zero."""
        return bool(sympy.simplify(self.left.doit() - self.right.doit()) == 0)


@dataclass(frozen=True)
class Derivation:
    """A question, the steps that answer it, and the answer, which the last step reaches."""

    name: str
    question: str
    steps: tuple[Step, ...]
    result: Expr

    def verify(self) -> None:
        """Check every step and the result.

        Raises: ValueError that names the first step whose sides differ, or the result.
        """
        if not self.steps:
            raise ValueError(f"{self.name}: got no steps, allowed is one or more")
        for number, step in enumerate(self.steps, start=1):
            if not step.holds():
                sides = f"{step.left} is not {step.right}"
                raise ValueError(f"{self.name}, step {number} ({step.claim}): {sides}")
        last = self.steps[-1].right
        if sympy.simplify(self.result.doit() - last.doit()) != 0:
            raise ValueError(f"{self.name}, result: {self.result} is not {last} of the last step")


def as_markdown(derivation: Derivation) -> str:
    """Write a derivation as Markdown with LaTeX, for a notebook."""
    lines = [f"### {derivation.name}", "", derivation.question, ""]
    for number, step in enumerate(derivation.steps, start=1):
        equation = f"{sympy.latex(step.left)} = {sympy.latex(step.right)}"
        lines += [f"**Step {number}.** {step.claim} *({step.assumption})*", ""]
        lines += [f"$$ {equation} $$", ""]
    lines += ["**Result.**", "", f"$$ {sympy.latex(derivation.result)} $$", ""]
    return "\n".join(lines)


def _positive(name: str, *, integer: bool = False) -> Symbol:
    return Symbol(name, positive=True, integer=True) if integer else Symbol(name, positive=True)


def _normal_density(variable: Symbol, sigma: Symbol) -> Expr:
    return sympy.exp(-(variable**2) / (2 * sigma**2)) / (sigma * sqrt(2 * pi))


def linear_layer_variance() -> Derivation:
    """Derive the output variance of a linear layer: Var(y) = n Var(w) E[x²].

    Formula:    y = Σ_j w_j x_j, result n_in σ_w² (σ_x² + μ_x²).
    Convention: the inputs may depend on each other (their E[x_j x_k] is c); weights of mean zero
                remove every cross term.
    Source:     Glorot & Bengio 2010, equation 5; He et al. 2015, Section 2.2.

    >>> linear_layer_variance().result
    n_in*sigma_w**2*(mu_x**2 + sigma_x**2)
    """
    n, sigma_w = _positive("n_in", integer=True), _positive("sigma_w")
    sigma_x = _positive("sigma_x")
    mu, c = sympy.symbols("mu_x c", real=True)
    w_j, w_k, x_j, x_k = sympy.symbols("w_j w_k x_j x_k", real=True)
    second = sigma_x**2 + mu**2
    groups = (
        independent((w_j,), {w_j: sympy.Integer(0), w_j**2: sigma_w**2}),
        independent((w_k,), {w_k: sympy.Integer(0), w_k**2: sigma_w**2}),
        independent((x_j, x_k), {x_j: mu, x_k: mu, x_j**2: second, x_k**2: second, x_j * x_k: c}),
    )
    steps = (
        Step(
            "A term of the sum has mean zero, so the variance of y is E[y²].",
            Expectation(w_j * x_j, *groups),
            sympy.Integer(0),
            "w has mean zero and is independent of x",
        ),
        Step(
            "The mean square of a term is the weight variance times the second moment of x.",
            Expectation((w_j * x_j) ** 2, *groups),
            sigma_w**2 * second,
            "w is independent of x",
        ),
        Step(
            "Two different terms are uncorrelated, even where x_j and x_k are correlated.",
            Expectation(w_j * x_j * w_k * x_k, *groups),
            sympy.Integer(0),
            "the weights are independent of each other and have mean zero",
        ),
        Step(
            "So the mean square of a sum of two terms is the sum of their mean squares.",
            Expectation((w_j * x_j + w_k * x_k) ** 2, *groups),
            2 * sigma_w**2 * second,
            "the three steps before",
        ),
        Step(
            "The variance of y adds the same number n_in times.",
            Sum(sigma_w**2 * second, (Symbol("j", integer=True), 1, n)),
            n * sigma_w**2 * second,
            "all weights and all inputs have the same moments",
        ),
    )
    question = "What is the variance of $y = \\sum_j w_j x_j$ over $n_{in}$ inputs?"
    return Derivation("Variance of a linear layer", question, steps, n * sigma_w**2 * second)


def relu_layer_variance() -> Derivation:
    """Derive what a ReLU leaves of a normal signal: E[relu(y)²] = σ²/2.

    Formula:    y ~ N(0, σ²), result σ² / 2.
    Convention: a linear layer sees this second moment, not the variance of relu(y).
    Source:     He et al. 2015, Section 2.2.

    >>> relu_layer_variance().result
    sigma**2/2
    """
    sigma, y = _positive("sigma"), Symbol("y", real=True)
    density = _normal_density(y, sigma)
    steps = (
        Step(
            "The density is normalized.",
            Integral(density, (y, -oo, oo)),
            sympy.Integer(1),
            "y is normal with mean zero",
        ),
        Step(
            "The mean of relu(y) is not zero.",
            Integral(y * density, (y, 0, oo)),
            sigma / sqrt(2 * pi),
            "relu(y) is y for y > 0, else 0",
        ),
        Step(
            "So its variance is 0.341 σ², less than its second moment.",
            Integral(y**2 * density, (y, 0, oo)) - Integral(y * density, (y, 0, oo)) ** 2,
            sigma**2 * (sympy.Rational(1, 2) - 1 / (2 * pi)),
            "Var(h) = E[h²] − E[h]²",
        ),
        Step(
            "The second moment of relu(y) is half of that of y.",
            Integral(y**2 * density, (y, 0, oo)),
            sigma**2 / 2,
            "the density is symmetric, relu drops the negative half",
        ),
    )
    question = "What is $\\mathbb{E}[\\mathrm{relu}(y)^2]$ for $y \\sim N(0, \\sigma^2)$?"
    return Derivation("Second moment after a ReLU", question, steps, sigma**2 / 2)


def glorot_compromise() -> Derivation:
    """Derive Glorot's weight variance, between the forward and the backward requirement.

    Formula: result 2 / (n_in + n_out), one over the mean of the two fans.
    Source:  Glorot & Bengio 2010, equations 10 to 12.

    >>> glorot_compromise().result
    2/(n_in + n_out)
    """
    n_in, n_out = _positive("n_in", integer=True), _positive("n_out", integer=True)
    sigma_x, sigma_g = _positive("sigma_x"), _positive("sigma_g")
    compromise = 2 / (n_in + n_out)
    j, i = sympy.symbols("j i", integer=True)
    steps = (
        Step(
            "Forward, the weight variance 1/n_in keeps the variance of the signal.",
            Sum(sigma_x**2 / n_in, (j, 1, n_in)),
            sigma_x**2,
            "an output sums n_in inputs of mean zero; the nonlinearity is near the identity",
        ),
        Step(
            "Backward, the weight variance 1/n_out keeps the variance of the gradient.",
            Sum(sigma_g**2 / n_out, (i, 1, n_out)),
            sigma_g**2,
            "an input's gradient sums n_out output gradients, independent of the weights",
        ),
        Step(
            "Both hold at once only in a square layer.",
            (1 / n_in - 1 / n_out) * n_in * n_out,
            n_out - n_in,
            "1/n_in and 1/n_out are equal where the right side is zero",
        ),
        Step(
            "The compromise makes the forward and the backward factor 1 on average.",
            (n_in * compromise + n_out * compromise) / 2,
            sympy.Integer(1),
            "the factors are n_in Var(w) and n_out Var(w)",
        ),
        Step(
            "So the weight variance is one over the mean of the two fans.",
            1 / ((n_in + n_out) / 2),
            compromise,
            "neither pass is preferred",
        ),
    )
    question = "Which weight variance serves the forward and the backward pass?"
    return Derivation("Glorot's compromise", question, steps, compromise)


def kaiming_variance() -> Derivation:
    """Derive Kaiming's weight variance for a (leaky) ReLU: 2 / ((1 + a²) n_in).

    Formula:    result 2 / ((1 + a²) n_in), which is 2 / n_in for ReLU (a = 0).
    Convention: the forward pass decides (fan-in).
    Source:     He et al. 2015, Section 2.2 (equation 10 for ReLU).
    """
    n, sigma, sigma_w = _positive("n_in", integer=True), _positive("sigma"), _positive("sigma_w")
    a, y = sympy.symbols("a y", real=True)
    density = _normal_density(y, sigma)
    kept = (1 + a**2) / 2
    variance = 2 / ((1 + a**2) * n)
    j = Symbol("j", integer=True)
    positive_half = Integral(y**2 * density, (y, 0, oo))
    negative_half = Integral((a * y) ** 2 * density, (y, -oo, 0))
    steps = (
        Step(
            "A leaky ReLU with slope a keeps the share (1 + a²)/2 of the second moment.",
            positive_half + negative_half,
            kept * sigma**2,
            "the pre-activation y is normal with mean zero and variance σ²",
        ),
        Step(
            "For ReLU, the slope 0, the share is one half.",
            (positive_half + negative_half).subs(a, 0),
            sigma**2 / 2,
            "a = 0",
        ),
        Step(
            "The next linear layer multiplies the second moment by n_in times the weight variance.",
            Sum(sigma_w**2 * kept * sigma**2, (j, 1, n)),
            n * sigma_w**2 * kept * sigma**2,
            "the weights are independent of the signal and have mean zero",
        ),
        Step(
            "With 2/((1 + a²) n_in) the variance is the same in the next layer.",
            Sum(variance * kept * sigma**2, (j, 1, n)),
            sigma**2,
            "Var(w) is put in for σ_w²",
        ),
        Step(
            "No other weight variance makes the factor n_in Var(w) (1 + a²)/2 equal to 1.",
            1 / (n * kept),
            variance,
            "n_in Var(w) (1 + a²)/2 = 1, solved for Var(w)",
        ),
    )
    question = "Which weight variance keeps the signal through linear layers with a leaky ReLU?"
    return Derivation("Kaiming's variance", question, steps, variance)


def residual_block_variance() -> Derivation:
    """Derive the growth of the variance over residual blocks: (1 + g)^L.

    Formula:    x_{l+1} = x_l + F(x_l), g = Var(F(x)) / Var(x), result (1 + g)^L σ_x².
    Convention: L counts blocks, not layers.
    Source:     Zhang, Dauphin & Ma 2019 (Fixup).
    """
    blocks, sigma = _positive("L", integer=True), _positive("sigma_x")
    g, width = Symbol("g", nonnegative=True), _positive("n", integer=True)
    x, h, w, f = sympy.symbols("x h w f", real=True)
    j, k = sympy.symbols("j k", integer=True)
    zero = sympy.Integer(0)
    correlated = Symbol("c", real=True)
    last_layer = (
        independent((w,), {w: zero, w**2: _positive("sigma_w") ** 2}),
        independent((x, h), {x * h: correlated}),
    )

    def after_block(factor: Expr) -> Expectation:
        moments = {x**2: sigma**2, f**2: factor * sigma**2, x * f: zero}
        return Expectation((x + f) ** 2, independent((x, f), moments))

    kaiming = sympy.Rational(2) / width
    steps = (
        Step(
            "A term w h of the branch is uncorrelated with x, though h depends on x.",
            Expectation(x * (w * h), *last_layer),
            zero,
            "the last weights of the branch have mean zero and are independent of x and h",
        ),
        Step(
            "So one block multiplies the variance by 1 + g.",
            after_block(g),
            (1 + g) * sigma**2,
            "E[x f] = 0, E[f²] = g E[x²], both of mean zero",
        ),
        Step(
            "A branch that keeps the variance doubles it per block.",
            after_block(sympy.Integer(1)),
            2 * sigma**2,
            "g = 1",
        ),
        Step(
            "Kaiming weights in both layers of W₂ relu(W₁ x) give g = 2.",
            Sum(kaiming * Sum(kaiming * sigma**2, (k, 1, width)) / 2, (j, 1, width)),
            2 * sigma**2,
            "ReLU halves the second moment once, both layers double it",
        ),
        Step(
            "A last layer of zeros gives g = 0: the block is the identity.",
            after_block(zero),
            sigma**2,
            "W₂ = 0",
        ),
        Step(
            "Over L blocks the factors multiply.",
            sigma**2 * Product(1 + g, (j, 1, blocks)),
            (1 + g) ** blocks * sigma**2,
            "every block has the same g",
        ),
    )
    question = "How does the variance grow over $L$ residual blocks $x + F(x)$?"
    result = (1 + g) ** blocks * sigma**2
    return Derivation("Variance of residual blocks", question, steps, result)


def uniform_bound() -> Derivation:
    """Derive the bound of uniform weights from their standard deviation: b = √3 · std.

    Formula: w ~ U(−b, b) has std = b / √3, result √3 · s.
    Source:  Glorot & Bengio 2010, equation 16 (the 6 there is 3 · 2).

    >>> uniform_bound().result
    sqrt(3)*s
    """
    b, s, w = _positive("b"), _positive("s"), Symbol("w", real=True)
    n_in, n_out = _positive("n_in", integer=True), _positive("n_out", integer=True)
    density = 1 / (2 * b)
    variance = Integral(w**2 * density, (w, -b, b))
    steps = (
        Step(
            "The mean is zero.",
            Integral(w * density, (w, -b, b)),
            sympy.Integer(0),
            "w is uniform on [−b, b]",
        ),
        Step("The variance is a third of the squared bound.", variance, b**2 / 3, "mean zero"),
        Step("So the standard deviation is b/√3.", sqrt(variance), b / sqrt(3), "b > 0"),
        Step(
            "Glorot's bound √(6/(n_in + n_out)) gives his standard deviation.",
            sqrt(variance).subs(b, sqrt(6 / (n_in + n_out))),
            sqrt(2 / (n_in + n_out)),
            "b = √(6/(n_in + n_out))",
        ),
        Step(
            "The default weights of a linear layer in torch, b = 1/√n_in, have s = 1/√(3 n_in).",
            sqrt(variance).subs(b, 1 / sqrt(n_in)),
            1 / sqrt(3 * n_in),
            "b = 1/√n_in",
        ),
        Step(
            "The bound √3 s gives the standard deviation s.",
            sqrt(variance).subs(b, sqrt(3) * s),
            s,
            "b = √3 s is put in for b",
        ),
        Step(
            "The ratio of bound and standard deviation is always √3, so no other bound does.",
            s * b / sqrt(variance),
            sqrt(3) * s,
            "w is uniform on [−b, b]",
        ),
    )
    question = "Which bound $b$ gives weights from $U(-b, b)$ the standard deviation $s$?"
    return Derivation("Bound of a uniform distribution", question, steps, sqrt(3) * s)

"""What correlation between its members leaves of an ensemble's gain."""

import torch

from autograder import probes
from autograder.exercises.transfer.lab import lab
from autograder.judging import edit
from autograder.judging.checks import matches_reference
from course_lib import transfer


def _members(rng):
    """A correlation that is neither 0 nor 1, and members of which more would still help."""
    return {
        "variance": float(rng.uniform(1.5, 4)),
        "correlation": float(rng.uniform(0.15, 0.6) * rng.choice([1, 1, -0.2])),
        "members": int(rng.integers(3, 6)),
    }


def _one(rng):
    return {**_members(rng), "members": 1}


variance_of_mean = lab.value(
    transfer.variance_of_mean,
    title="What an ensemble cannot average away",
    statement=r"""M members err by $e_1, …, e_M$. Each error has the variance σ² (`variance`), any two have the
correlation ρ, that is, $\operatorname{Cov}[e_i, e_j] = ρσ^2$. Work out the variance of the mean error
$\frac1M\sum e_m$. Look at your formula for ρ = 0, for ρ = 1, and for many members.""",
    points=2,
    minutes=5,
    core=False,
    difficulty=2,
    syllabus=("11.1",),
    hide=("Formula",),
    inputs=(_members, _one, _members),
    probe=probes.call(),
    checks=[matches_reference("the variance of the mean")],
    hints=(
        "The variance of a sum is the sum of all M² covariances.",
        "M of them are σ², and M(M − 1) are ρσ².",
    ),
)

variance_of_mean.mistake(
    "as_if_independent",
    edit("correlation * variance + (1 - correlation) * variance / members", "variance / members"),
    "σ²/M holds for independent errors. Members that err together gain less: ρσ² stays, whatever M.",
    origin="the field's folklore",
)
variance_of_mean.mistake(
    "only_what_stays",
    edit(
        "correlation * variance + (1 - correlation) * variance / members", "correlation * variance"
    ),
    "ρσ² is what is left with infinitely many members. With M of them (1 − ρ)σ²/M is added.",
)
variance_of_mean.mistake(
    "only_what_falls",
    edit(
        "correlation * variance + (1 - correlation) * variance / members",
        "(1 - correlation) * variance / members",
    ),
    "(1 − ρ)σ²/M is the part that falls with M. What the members have in common, ρσ², stays beside it.",
)
variance_of_mean.mistake(
    "each_pair_once",
    edit(
        "correlation * variance + (1 - correlation) * variance / members",
        "variance / members + (members - 1) / (2 * members) * correlation * variance",
    ),
    "You count each pair once. In Var[Σ e] it stands twice, as (i, j) and as (j, i): M(M − 1) covariances.",
)
variance_of_mean.mistake(
    "correlation_for_covariance",
    edit(
        "correlation * variance + (1 - correlation) * variance / members",
        "variance / members + (members - 1) / members * correlation",
    ),
    "You take ρ for the covariance of two members. It is ρσ².",
)
variance_of_mean.mistake(
    "variance_of_the_sum",
    edit(
        "correlation * variance + (1 - correlation) * variance / members",
        "members * variance + members * (members - 1) * correlation * variance",
    ),
    "This is the variance of the sum. That of the mean is 1/M² of it.",
)
variance_of_mean.mistake(
    "falls_like_the_square",
    edit("(1 - correlation) * variance / members", "(1 - correlation) * variance / members**2"),
    "The second part falls like 1/M, not like 1/M²: the M variances are divided by M².",
)
variance_of_mean.mistake(
    "of_one_member",
    edit("correlation * variance + (1 - correlation) * variance / members", "variance"),
    "σ² is the variance of one member. The mean varies less, unless ρ = 1.",
)
variance_of_mean.mistake(
    "correlation_twice",
    edit("(1 - correlation) * variance / members", "variance / members"),
    "You add ρσ² to σ²/M. What members have in common does not shrink *and* is not there twice: "
    "ρσ² + (1 − ρ)σ²/M, which for a single member is σ².",
)
variance_of_mean.mistake(
    "not_divided_by_the_square",
    edit(
        "correlation * variance + (1 - correlation) * variance / members",
        "(correlation * (members - 1) + 1) * variance",
    ),
    "This is M times too large: Var[S/M] = Var[S]/M², and Var[S] = Mσ² + M(M − 1)ρσ².",
)
variance_of_mean.mistake(
    "exchanged",
    edit("correlation * variance + (1 - correlation) * variance / members",
         "(1 - correlation) * variance + correlation * variance / members"),
    "The roles are exchanged: what members share, ρ, does not shrink with M; the rest, 1 − ρ, does.",
)  # fmt: skip
variance_of_mean.mistake(
    "standard_deviation",
    edit(
        "correlation * variance + (1 - correlation) * variance / members",
        "(correlation * variance + (1 - correlation) * variance / members) ** 0.5",
    ),
    "This is the standard deviation. Asked for is the variance.",
)


@variance_of_mean.alternative
def by_all_covariances(variance, correlation, members):
    pairs = members * (members - 1)
    return (members * variance + pairs * correlation * variance) / members**2


@variance_of_mean.alternative
def by_a_matrix(variance, correlation, members):
    covariance = torch.full((members, members), correlation * variance, dtype=torch.float64)
    covariance.fill_diagonal_(variance)
    return covariance.mean().item()

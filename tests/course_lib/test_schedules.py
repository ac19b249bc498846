"""Schedules against torch's schedulers, closed forms, simulation and counting."""

import inspect
import itertools
import math
import random
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.optim import lr_scheduler

from course_lib import schedules
from course_lib.schedules import (
    ReduceOnPlateau,
    constant,
    cosine,
    exponential,
    gamma_of_half_life,
    halve_every,
    inverse_square_root,
    inverse_square_root_with_warmup,
    inverse_time,
    linear,
    linear_warmup,
    milestones_in_new_epochs,
    multi_step,
    noise_floor,
    rescale_for_batch_size,
    step_decay,
    steps_until,
    token_fraction_decay,
    transformer_peak,
    updates_per_schedule_step,
    warmup_then_cosine,
)

LR = 0.37
Rates = list[float]


def torch_rates(make: Callable[[Any], Any], steps: int, lr: float = LR) -> Rates:
    """The rate of every update under one of torch's schedulers, stepped after each."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # SequentialLR calls a deprecated form of step itself
        scheduler, rates = make(optimizer), []
        for _ in range(steps):
            rates.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            scheduler.step()
    return rates


def agree(ours: Callable[[int], float], theirs: Rates) -> None:
    """Compare step by step as tightly as torch's recursive formulas allow."""
    scale = max(theirs)
    for step, rate in enumerate(theirs):
        assert ours(step) == pytest.approx(rate, rel=1e-9, abs=1e-12 * scale), step


# --- every schedule

SCHEDULES: dict[str, tuple[Callable[..., float], dict[str, Any]]] = {
    "constant": (constant, {"base_lr": LR}),
    "step_decay": (step_decay, {"base_lr": LR, "step_size": 7, "gamma": 0.4}),
    "multi_step": (multi_step, {"base_lr": LR, "milestones": (30, 5, 12, 12), "gamma": 0.4}),
    "halve_every": (halve_every, {"base_lr": LR, "epochs": 2, "steps_per_epoch": 9}),
    "exponential": (exponential, {"base_lr": LR, "k": 0.03}),
    "inverse_time": (inverse_time, {"base_lr": LR, "k": 0.2}),
    "linear": (linear, {"base_lr": LR, "total_steps": 40}),
    "cosine": (cosine, {"base_lr": LR, "total_steps": 40, "min_lr": 0.02}),
    "inverse_square_root": (inverse_square_root, {"base_lr": LR}),
    "inverse_square_root_with_warmup": (
        inverse_square_root_with_warmup,
        {"base_lr": LR, "warmup_steps": 6},
    ),
    "linear_warmup": (linear_warmup, {"base_lr": LR, "warmup_steps": 6}),
    "warmup_then_cosine": (
        warmup_then_cosine,
        {"base_lr": LR, "warmup_steps": 6, "total_steps": 40, "min_lr": 0.02},
    ),
    "token_fraction_decay": (
        token_fraction_decay,
        {"base_lr": LR, "warmup_steps": 6, "batch_tokens": tuple(range(10, 50)), "gamma": 0.3},
    ),
}
WARM = {"inverse_square_root_with_warmup", "linear_warmup", "warmup_then_cosine"}
WARM_FROM = {"token_fraction_decay"} | WARM


def at(name: str, step: int) -> float:
    """The rate of a schedule above at a step."""
    schedule, arguments = SCHEDULES[name]
    return schedule(step, **arguments)


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_same_step_gives_the_same_rate_in_any_order_of_calls(name: str) -> None:
    in_order = [at(name, step) for step in range(60)]
    steps = [*range(60), *range(60)]
    random.Random(7).shuffle(steps)
    assert [at(name, step) for step in steps] == [in_order[step] for step in steps]


@pytest.mark.parametrize("name", SCHEDULES)
def test_the_first_rate_is_the_base_rate_or_the_first_stair_of_the_warmup(name: str) -> None:
    assert at(name, 0) == pytest.approx(LR / 6 if name in WARM_FROM else LR)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_rate_never_rises_but_in_a_warmup_and_is_never_negative(name: str) -> None:
    rates = [at(name, step) for step in range(200)]
    first = 6 if name in WARM_FROM else 0
    assert all(b <= a for a, b in itertools.pairwise(rates[first:]))
    assert all(b > a for a, b in itertools.pairwise(rates[:first]))
    assert min(rates) >= 0 and all(map(math.isfinite, rates))


@pytest.mark.parametrize(
    ("name", "last", "after"),
    [
        ("linear", LR / 40, 0.0),
        ("cosine", 0.02 + 0.35 * (1 + math.cos(math.pi * 39 / 40)) / 2, 0.02),
        ("warmup_then_cosine", 0.02 + 0.35 * (1 + math.cos(math.pi * 33 / 34)) / 2, 0.02),
        ("token_fraction_decay", LR * 0.3**2, LR * 0.3**2),
    ],
)
def test_a_schedule_with_an_end_stays_where_it_is_after_the_last_step(
    name: str, last: float, after: float
) -> None:
    assert at(name, 39) == pytest.approx(last)
    assert [at(name, step) for step in (40, 41, 80, 10_000)] == pytest.approx([after] * 4)


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_negative_step_and_a_negative_rate_are_refused_by_name(name: str) -> None:
    schedule, arguments = SCHEDULES[name]
    with pytest.raises(ValueError, match="^step: got -1, allowed is step >= 0"):
        schedule(-1, **arguments)
    for wrong in (-0.1, math.inf, math.nan):
        with pytest.raises(ValueError, match=r"^(base_lr|min_lr): got"):
            schedule(3, **{**arguments, "base_lr": wrong})


@pytest.mark.parametrize("name", SCHEDULES)
def test_a_schedule_sets_the_rate_of_parameters_of_any_dtype_and_device(
    name: str, dtype: torch.dtype, device: str
) -> None:
    weight = torch.zeros(3, dtype=dtype, device=device, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=1.0)
    moved = 0.0
    for step in range(45):
        optimizer.param_groups[0]["lr"] = at(name, step)
        weight.grad = torch.ones_like(weight)
        optimizer.step()
        moved += at(name, step)
    torch.testing.assert_close(weight.detach(), torch.full_like(weight, -moved))


# --- torch's schedulers


@pytest.mark.parametrize(("size", "gamma"), [(1, 0.9), (7, 0.1), (30, 0.5)])
def test_step_decay_is_that_of_torch(size: int, gamma: float) -> None:
    theirs = torch_rates(lambda o: lr_scheduler.StepLR(o, size, gamma), 100)
    agree(lambda t: step_decay(t, base_lr=LR, step_size=size, gamma=gamma), theirs)


@pytest.mark.parametrize("milestones", [(5, 20, 60), (60, 5, 20), (20, 5, 20, 20), (1,), ()])
def test_multi_step_is_that_of_torch_also_unsorted_and_with_duplicates(
    milestones: tuple[int, ...],
) -> None:
    theirs = torch_rates(lambda o: lr_scheduler.MultiStepLR(o, milestones, 0.3), 100)
    agree(lambda t: multi_step(t, base_lr=LR, milestones=milestones, gamma=0.3), theirs)


def test_at_the_milestone_itself_the_rate_has_dropped() -> None:
    rates = [multi_step(t, base_lr=1.0, milestones=(5,), gamma=0.3) for t in (4, 5, 6)]
    assert rates == [1.0, 0.3, 0.3]


def test_halving_every_two_epochs_is_torchs_step_decay_stepped_once_an_epoch() -> None:
    per_epoch = torch_rates(lambda o: lr_scheduler.StepLR(o, 2, 0.5), 10)
    per_step = [rate for rate in per_epoch for _ in range(9)]
    agree(lambda t: halve_every(t, base_lr=LR, epochs=2, steps_per_epoch=9), per_step)


@pytest.mark.parametrize("k", [0.0, 0.01, 0.5])
def test_exponential_decay_is_that_of_torch_with_gamma_e_to_the_minus_k(k: float) -> None:
    theirs = torch_rates(lambda o: lr_scheduler.ExponentialLR(o, math.exp(-k)), 80)
    agree(lambda t: exponential(t, base_lr=LR, k=k), theirs)


@pytest.mark.parametrize("half_life", [0.5, 1, 12.5, 3000])
def test_after_the_half_life_half_is_left(half_life: float) -> None:
    gamma = gamma_of_half_life(half_life)
    assert gamma**half_life == pytest.approx(0.5, rel=1e-12)
    k = math.log(2) / half_life
    assert exponential(1, base_lr=1.0, k=k) == pytest.approx(gamma, rel=1e-12)


def test_inverse_time_is_torchs_lambda_and_has_its_half_at_one_over_k() -> None:
    theirs = torch_rates(lambda o: lr_scheduler.LambdaLR(o, lambda t: 1 / (1 + 0.05 * t)), 200)
    agree(lambda t: inverse_time(t, base_lr=LR, k=0.05), theirs)
    assert inverse_time(20, base_lr=LR, k=0.05) == pytest.approx(LR / 2)


@pytest.mark.parametrize("fraction", [1.0, 0.5, 0.1])
def test_steps_until_a_fraction_is_where_inverse_time_is_there(fraction: float) -> None:
    steps = steps_until(fraction, k_per_epoch=0.5, steps_per_epoch=400)
    assert steps == pytest.approx((1 / fraction - 1) * 800)
    there = inverse_time(round(steps), base_lr=1.0, k=0.5 / 400)
    assert there == pytest.approx(fraction, rel=1e-9)


@pytest.mark.parametrize("total", [1, 2, 50])
def test_linear_is_that_of_torch_also_after_its_end(total: int) -> None:
    theirs = torch_rates(lambda o: lr_scheduler.LinearLR(o, 1.0, 0.0, total), 2 * total + 1)
    agree(lambda t: linear(t, base_lr=LR, total_steps=total), theirs)


@pytest.mark.parametrize(("total", "low"), [(1, 0.0), (50, 0.0), (51, 0.05)])
def test_cosine_is_that_of_torch_up_to_its_end(total: int, low: float) -> None:
    theirs = torch_rates(lambda o: lr_scheduler.CosineAnnealingLR(o, total, low), total + 1)
    agree(lambda t: cosine(t, base_lr=LR, total_steps=total, min_lr=low), theirs)


def test_after_its_end_torchs_cosine_rises_again_and_ours_does_not() -> None:
    theirs = torch_rates(lambda o: lr_scheduler.CosineAnnealingLR(o, 50), 101)
    assert theirs[100] == pytest.approx(LR)
    assert cosine(100, base_lr=LR, total_steps=50) == pytest.approx(0, abs=1e-15)


def test_the_cosine_is_the_mean_of_both_ends_in_the_middle() -> None:
    assert cosine(30, base_lr=1.0, total_steps=60, min_lr=0.2) == pytest.approx(0.6)


def test_cosine_and_linear_spend_the_same_sum_of_rates() -> None:
    for total in (1, 7, 100):
        sums = [
            sum(schedule(t, base_lr=1.0, total_steps=total) for t in range(total))
            for schedule in (linear, cosine)
        ]
        assert sums == pytest.approx([(total + 1) / 2] * 2)


def test_the_inverse_square_root_is_torchs_lambda() -> None:
    theirs = torch_rates(lambda o: lr_scheduler.LambdaLR(o, lambda t: (t + 1) ** -0.5), 100)
    agree(lambda t: inverse_square_root(t, base_lr=LR), theirs)


@pytest.mark.parametrize(("width", "warmup"), [(512, 40), (64, 7)])
def test_with_a_warmup_it_is_the_schedule_of_the_transformer(width: int, warmup: int) -> None:
    paper = [width**-0.5 * min(s**-0.5, s * warmup**-1.5) for s in range(1, 400)]
    peak = transformer_peak(width, warmup)
    agree(lambda t: inverse_square_root_with_warmup(t, base_lr=peak, warmup_steps=warmup), paper)
    assert max(paper) == pytest.approx(peak) and paper.index(max(paper)) == warmup - 1


def test_the_peak_of_the_base_transformer_is_seven_ten_thousandths() -> None:
    assert transformer_peak(512, 4000) == pytest.approx(6.99e-4, rel=1e-3)


@pytest.mark.parametrize("warmup", [1, 2, 11])
def test_the_warmup_is_torchs_linear_one(warmup: int) -> None:
    if warmup == 1:
        theirs = [LR] * 30
    else:
        theirs = torch_rates(
            lambda o: lr_scheduler.LinearLR(o, 1 / warmup, 1.0, total_iters=warmup - 1), 30
        )
    agree(lambda t: linear_warmup(t, base_lr=LR, warmup_steps=warmup), theirs)


@pytest.mark.parametrize(("warmup", "total", "low"), [(5, 60, 0.0), (12, 50, 0.04), (2, 3, 0.0)])
def test_warmup_then_cosine_is_torchs_sequence_of_both(warmup: int, total: int, low: float) -> None:
    def sequence(optimizer: Any) -> Any:
        ramp = lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, total_iters=warmup - 1)
        wave = lr_scheduler.CosineAnnealingLR(optimizer, total - warmup, low)
        return lr_scheduler.SequentialLR(optimizer, [ramp, wave], [warmup])

    theirs = torch_rates(sequence, total + 1)
    agree(
        lambda t: warmup_then_cosine(
            t, base_lr=LR, warmup_steps=warmup, total_steps=total, min_lr=low
        ),
        theirs,
    )


def test_the_joint_of_warmup_and_cosine_holds_the_peak_for_two_steps() -> None:
    rates = [at("warmup_then_cosine", t) for t in (4, 5, 6, 7)]
    assert rates[1:3] == pytest.approx([LR, LR])
    assert rates[0] < rates[1] and rates[3] < rates[2]


# --- tokens


def test_the_numbers_of_the_model_end_at_a_tenth_of_the_peak() -> None:
    batches = (1,) * 10_000
    rates = {t: token_fraction_decay(t, batch_tokens=batches) for t in (0, 1999, 7999, 8000, 9000)}
    assert rates[0] == pytest.approx(4.2e-4 / 2000)
    assert rates[1999] == rates[7999] == pytest.approx(4.2e-4)
    assert rates[8000] == pytest.approx(4.2e-4 * 0.316)
    assert rates[9000] == pytest.approx(4.194e-5, rel=1e-4)
    assert abs(0.316**2 / 0.1 - 1) < 0.01


def test_with_growing_batches_the_drops_come_at_tokens_and_not_at_steps() -> None:
    batches = [100 + 3 * t for t in range(100)]
    rates = [
        token_fraction_decay(t, batch_tokens=batches, base_lr=1.0, warmup_steps=1)
        for t in range(100)
    ]
    first = next(t for t, rate in enumerate(rates) if rate < 1)
    assert sum(batches[:first]) >= 0.8 * sum(batches) > sum(batches[: first - 1])
    assert first > 80


# --- plateau


def test_with_patience_two_the_rate_drops_at_the_fifth_call() -> None:
    schedule = ReduceOnPlateau(1.0, patience=2)
    assert [schedule.step(m) for m in (1, 0.9, 0.9, 0.9, 0.9)] == [1, 1, 1, 1, 0.1]


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("patience", [0, 1, 4])
@pytest.mark.parametrize("threshold", [0.0, 0.05])
@pytest.mark.parametrize("trial", range(4))
def test_on_random_metrics_the_plateau_is_that_of_torch(
    mode: Any, patience: int, threshold: float, trial: int
) -> None:
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=LR)
    theirs = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, 0.7, patience, threshold, threshold_mode="abs", eps=0
    )
    ours = ReduceOnPlateau(LR, mode=mode, factor=0.7, patience=patience, threshold=threshold)
    draw = random.Random(100 * trial + patience)
    sign = -1 if mode == "min" else 1
    for step in range(120):
        metric = sign * (1 - math.exp(-step / 20)) + draw.gauss(0, 0.08)
        theirs.step(metric)
        assert ours.step(metric) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)


def test_a_metric_that_is_not_a_number_is_no_improvement() -> None:
    schedule = ReduceOnPlateau(1.0, patience=1, factor=0.5)
    assert [schedule.step(m) for m in (1.0, math.nan, math.nan)] == [1.0, 1.0, 0.5]


def test_the_plateau_takes_a_loss_that_is_still_a_tensor(dtype: torch.dtype, device: str) -> None:
    schedule = ReduceOnPlateau(1.0, patience=1, factor=0.5)
    losses = torch.tensor([1.0, 1.1, 1.2], dtype=dtype, device=device)
    assert [schedule.step(loss) for loss in losses] == [1.0, 1.0, 0.5]


# --- the floor of a constant rate


@pytest.mark.parametrize(("lr", "curvature", "noise"), [(0.4, 1.0, 1.0), (0.3, 4.0, 2.5)])
def test_the_floor_is_where_a_simulation_settles(
    lr: float, curvature: float, noise: float, dtype: torch.dtype, device: str
) -> None:
    x = torch.zeros(200_000, dtype=dtype, device=device)
    for _ in range(60):
        x = x - lr * (curvature * x + math.sqrt(noise) * torch.randn_like(x))
    losses = curvature * x.double() ** 2 / 2
    error = 5 * float(losses.std()) / math.sqrt(len(losses))
    assert abs(float(losses.mean()) - noise_floor(lr, curvature, noise)) <= error


# --- conversions


@pytest.mark.parametrize("new", [64, 256, 1024, 300])
def test_after_rescaling_every_drop_comes_after_as_many_examples(new: int) -> None:
    lr, length, drops = rescale_for_batch_size(
        256, new, base_lr=0.1, total_steps=90_000, milestones=(30_000, 60_000)
    )
    assert lr == pytest.approx(0.1 * new / 256)
    for old_step, new_step in zip((90_000, 30_000, 60_000), (length, *drops), strict=True):
        assert abs(new_step * new - old_step * 256) <= new / 2


def test_rescaling_there_and_back_changes_nothing() -> None:
    there = rescale_for_batch_size(32, 128, base_lr=0.1, total_steps=4000, milestones=(800, 400))
    lr, length, drops = there
    back = rescale_for_batch_size(128, 32, base_lr=lr, total_steps=length, milestones=drops)
    assert back == (pytest.approx(0.1), 4000, (800, 400))


def test_new_epochs_see_as_many_examples_before_every_milestone() -> None:
    new = milestones_in_new_epochs(
        (30, 60.5), dataset_size=50_000, batch_size=128, epoch_steps=5000
    )
    examples = [milestone * 5000 * 128 for milestone in new]
    assert examples == pytest.approx([30 * 50_000, 60.5 * 50_000])


@pytest.mark.parametrize("updates", [1, 4, 25])
def test_the_updates_per_call_are_counted_from_a_real_loop(
    updates: int, dtype: torch.dtype, device: str
) -> None:
    per_call = torch_rates(lambda o: lr_scheduler.StepLR(o, 3, 0.5), 8)
    rates = torch.tensor(per_call, dtype=dtype, device=device).repeat_interleave(updates)
    assert updates_per_schedule_step(rates, step_size=3) == updates
    assert updates_per_schedule_step(rates[: 3 * updates + 1], step_size=3) == updates


# --- what is refused


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: noise_floor(0.1, 0.0, 1.0), "curvature: got 0"),
        (lambda: noise_floor(0.1, 1.0, -1.0), "noise_variance: got -1"),
        (lambda: noise_floor(0.5, 4.0, 1.0), "base_lr: got 0.5, allowed is 0 < base_lr < 0.5"),
        (lambda: step_decay(0, base_lr=1, step_size=0), "step_size: got 0"),
        (lambda: step_decay(0, base_lr=1, step_size=3, gamma=-1), "gamma: got -1"),
        (lambda: multi_step(0, base_lr=1, milestones=(1,), gamma=math.inf), "gamma: got inf"),
        (lambda: halve_every(0, base_lr=1, epochs=0, steps_per_epoch=3), "epochs: got 0"),
        (lambda: halve_every(0, base_lr=1, epochs=1, steps_per_epoch=0), "steps_per_epoch: got 0"),
        (lambda: exponential(0, base_lr=1, k=-1), "k: got -1"),
        (lambda: inverse_time(0, base_lr=1, k=math.nan), "k: got nan"),
        (lambda: gamma_of_half_life(0), "half_life: got 0"),
        (lambda: steps_until(0, k_per_epoch=1, steps_per_epoch=1), "fraction: got 0"),
        (lambda: steps_until(0.5, k_per_epoch=0, steps_per_epoch=1), "k_per_epoch: got 0"),
        (lambda: steps_until(0.5, k_per_epoch=1, steps_per_epoch=0), "steps_per_epoch: got 0"),
        (lambda: linear(0, base_lr=1, total_steps=0), "total_steps: got 0"),
        (lambda: cosine(0, base_lr=1, total_steps=0), "total_steps: got 0"),
        (lambda: cosine(0, base_lr=1, total_steps=5, min_lr=2), "min_lr: got 2"),
        (lambda: inverse_square_root_with_warmup(0, base_lr=1, warmup_steps=0), "warmup_steps: "),
        (lambda: linear_warmup(0, base_lr=1, warmup_steps=0), "warmup_steps: got 0"),
        (lambda: transformer_peak(0, 5), "d_model: got 0"),
        (lambda: transformer_peak(5, 0), "warmup_steps: got 0"),
        (
            lambda: warmup_then_cosine(0, base_lr=1, warmup_steps=5, total_steps=5),
            "warmup_steps: got 5, allowed is 1 <= warmup_steps < total_steps = 5",
        ),
        (lambda: token_fraction_decay(0, batch_tokens=()), "batch_tokens: got none"),
        (lambda: token_fraction_decay(0, batch_tokens=(0,)), "batch_tokens: "),
        (lambda: token_fraction_decay(0, batch_tokens=(1,), warmup_steps=0), "warmup_steps: "),
        (lambda: token_fraction_decay(0, batch_tokens=(1,), fractions=(1.5,)), "fractions: "),
        (lambda: token_fraction_decay(0, batch_tokens=(1,), gamma=-1), "gamma: got -1"),
        (lambda: ReduceOnPlateau(-1), "base_lr: got -1"),
        (lambda: ReduceOnPlateau(1, mode="mean"), "mode: got 'mean'"),
        (lambda: ReduceOnPlateau(1, factor=1.0), "factor: got 1.0"),
        (lambda: ReduceOnPlateau(1, patience=-1), "patience: got -1"),
        (lambda: ReduceOnPlateau(1, threshold=-1), "threshold: got -1"),
        (
            lambda: rescale_for_batch_size(0, 5, base_lr=1, total_steps=5, milestones=()),
            "batch_size: got 0",
        ),
        (
            lambda: rescale_for_batch_size(5, 5, base_lr=1, total_steps=5, milestones=(-1,)),
            "milestones: got",
        ),
        (
            lambda: rescale_for_batch_size(5, 5, base_lr=-1, total_steps=5, milestones=()),
            "base_lr: got -1",
        ),
        (
            lambda: milestones_in_new_epochs((1,), dataset_size=1, batch_size=1, epoch_steps=0),
            "epoch_steps: got 0",
        ),
        (lambda: updates_per_schedule_step(torch.ones(5), step_size=1), "rates: got shape (5,)"),
        (lambda: updates_per_schedule_step(torch.ones(5, 2), step_size=1), "rates: got shape"),
        (
            lambda: updates_per_schedule_step(torch.tensor([1.0, 0.1]), step_size=0),
            "step_size: got 0",
        ),
    ],
)
def test_what_a_formula_does_not_hold_for_is_refused_by_name(
    call: Callable[[], Any], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_every_docstring_says_what_it_computes_and_where_it_is_from() -> None:
    public = {
        name: thing
        for name, thing in vars(schedules).items()
        if getattr(thing, "__module__", "") == schedules.__name__
    }
    assert len(public) == 21
    for name, thing in public.items():
        text = inspect.getdoc(thing) or ""
        assert all(f"{section}:" in text for section in ("Formula", "Raises", "Source")), name
        if "step" in inspect.signature(thing).parameters:
            assert "Ends:" in text, name

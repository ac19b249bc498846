"""Learning-rate schedules: pure functions of the step, and the one that needs a memory.

Every schedule gives the rate of one optimizer update. Updates are counted from t = 0, so a training
of T updates has the steps 0, 1, …, T − 1, and t = T is the first step *after* the last one.
"""

import math
from collections.abc import Sequence

import torch


def constant(step: int, *, base_lr: float) -> float:
    """Give the same rate at every step.

    Formula: α_t = α₀.
    Ends:    α₀ at t = 0 and at every later step; it has no last step.
    Raises:  ValueError for a negative step and for a rate that is negative or not finite.
    Source:  Robbins & Monro 1951 (whose conditions a constant rate does not meet).

    >>> constant(1000, base_lr=0.1)
    0.1
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    return base_lr  # α_t = α₀


def noise_floor(base_lr: float, curvature: float, noise_variance: float) -> float:
    """Predict the loss at which SGD with a constant rate stops improving on a noisy parabola.

    Formula:    E[L] = α s² / (2 (2 − α h)), the fixed point of E[x²] ← (1 − α h)² E[x²] + α² s².
    Convention: L(x) = h x² / 2 with minimum 0; each step x ← x − α (h x + ξ) sees noise ξ of mean
                zero and variance s², independent of x and of the other steps.
    Raises:     ValueError for a curvature that is not positive, for a negative variance and for a
                rate outside (0, 2/h), where there is no fixed point.
    Source:     Schaul, Zhang & LeCun 2013 (the noisy quadratic model).
    """
    if not curvature > 0:
        raise ValueError(f"curvature: got {curvature}, allowed is curvature > 0")
    if not noise_variance >= 0:
        raise ValueError(f"noise_variance: got {noise_variance}, allowed is noise_variance >= 0")
    if not 0 < base_lr < 2 / curvature:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 < base_lr < {2 / curvature:g}")

    second_moment = base_lr * noise_variance / (curvature * (2 - base_lr * curvature))  # E[x²]
    return curvature * second_moment / 2  # E[L] = h E[x²] / 2


def step_decay(step: int, *, base_lr: float, step_size: int, gamma: float = 0.1) -> float:
    """Multiply the rate by gamma after every step_size steps.

    Formula:    α_t = α₀ γ^⌊t/s⌋.
    Ends:       α₀ at t = 0 and up to t = s − 1, α₀ γ at t = s; it has no last step and goes on.
    Convention: step_size counts optimizer updates here. torch's StepLR counts calls of its
                `step()`, which many training loops make once an epoch.
    Raises:     ValueError for a negative step, a step_size below 1 and a rate or factor that is
                negative or not finite.
    Source:     `torch.optim.lr_scheduler.StepLR`; torch's ImageNet example (÷ 10 every 30 epochs).

    >>> [step_decay(t, base_lr=1.0, step_size=30) for t in (0, 29, 30)]
    [1.0, 1.0, 0.1]
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if step_size < 1:
        raise ValueError(f"step_size: got {step_size}, allowed is step_size >= 1")
    for name, value in (("base_lr", base_lr), ("gamma", gamma)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    drops = step // step_size  # ⌊t/s⌋
    return base_lr * gamma**drops  # α₀ γ^drops


def multi_step(
    step: int, *, base_lr: float, milestones: Sequence[int], gamma: float = 0.1
) -> float:
    """Multiply the rate by gamma at every milestone.

    Formula:    α_t = α₀ γ^#{m ≤ t}.
    Ends:       α₀ at t = 0 (unless 0 is a milestone); at t = m the rate has dropped already; after
                the last milestone it stays.
    Convention: milestones may come in any order; one that stands there twice counts twice, as in
                torch.
    Raises:     ValueError for a negative step and a rate or factor that is negative or not finite.
    Source:     He et al. 2016, Section 4.2; `torch.optim.lr_scheduler.MultiStepLR`.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    for name, value in (("base_lr", base_lr), ("gamma", gamma)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    drops = sum(milestone <= step for milestone in milestones)  # #{m ≤ t}
    return base_lr * gamma**drops  # α₀ γ^drops


def halve_every(step: int, *, base_lr: float, epochs: int, steps_per_epoch: int) -> float:
    """Halve the rate every few epochs, asked for by the step.

    Formula:    α_t = α₀ · 2^−⌊t / (k · S)⌋ with k epochs of S steps each.
    Ends:       α₀ at t = 0 and to the end of epoch k (t = k S − 1); it has no last step.
    Convention: epochs count from 0; step t lies in epoch ⌊t/S⌋.
    Raises:     ValueError for a negative step, for epochs or steps_per_epoch below 1, and for a
                rate that is negative or not finite.
    Source:     `torch.optim.lr_scheduler.StepLR` with gamma ½, stepped once an epoch.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    for name, value in (("epochs", epochs), ("steps_per_epoch", steps_per_epoch)):
        if value < 1:
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 1")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    halvings = step // (epochs * steps_per_epoch)  # ⌊t / (k · S)⌋
    return base_lr * 0.5**halvings  # α₀ · 2^−halvings


def exponential(step: int, *, base_lr: float, k: float) -> float:
    """Let the rate fall by the same factor at every step.

    Formula:    α_t = α₀ e^(−kt).
    Ends:       α₀ at t = 0; it falls forever and stays positive; it has no last step.
    Convention: k is per step. torch's ExponentialLR asks for the factor γ = e^(−k), not for k.
    Raises:     ValueError for a negative step and a rate or k that is negative or not finite.
    Source:     `torch.optim.lr_scheduler.ExponentialLR`.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    for name, value in (("base_lr", base_lr), ("k", k)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    return base_lr * math.exp(-k * step)  # α₀ e^(−kt)


def gamma_of_half_life(half_life: float) -> float:
    """Give the factor per step that halves a rate after so many steps.

    Formula:    γ = 2^(−1/n) for a half-life of n steps, which is e^(−k) with k = ln 2 / n.
    Convention: γ is what torch's ExponentialLR takes.
    Raises:     ValueError for a half-life that is not positive.
    Source:     γⁿ = ½.
    """
    if not half_life > 0:
        raise ValueError(f"half_life: got {half_life}, allowed is half_life > 0")

    return math.exp(-math.log(2) / half_life)  # γ = e^(−k) with k = ln 2 / n


def inverse_time(step: int, *, base_lr: float, k: float) -> float:
    """Let the rate fall like 1/t, slower and slower.

    Formula:    α_t = α₀ / (1 + kt).
    Ends:       α₀ at t = 0, α₀/2 at t = 1/k; it falls forever and stays positive; it has no last
                step.
    Convention: k is per step.
    Raises:     ValueError for a negative step and a rate or k that is negative or not finite.
    Source:     Robbins & Monro 1951: Σ α_t = ∞ and Σ α_t² < ∞.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    for name, value in (("base_lr", base_lr), ("k", k)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    return base_lr / (1 + k * step)  # α₀ / (1 + kt)


def steps_until(fraction: float, *, k_per_epoch: float, steps_per_epoch: int) -> float:
    """Find after how many steps 1/t decay has brought the rate down to a fraction of α₀.

    Formula:    t = (1/f − 1) · S / k, from α₀ / (1 + (k/S) t) = f α₀.
    Convention: k is per *epoch* of S steps here; per step it is k/S.
    Raises:     ValueError for a fraction outside (0, 1], a k that is not positive and for
                steps_per_epoch below 1.
    Source:     `inverse_time`, solved for t.
    """
    if not 0 < fraction <= 1:
        raise ValueError(f"fraction: got {fraction}, allowed is 0 < fraction <= 1")
    if not k_per_epoch > 0:
        raise ValueError(f"k_per_epoch: got {k_per_epoch}, allowed is k_per_epoch > 0")
    if steps_per_epoch < 1:
        raise ValueError(f"steps_per_epoch: got {steps_per_epoch}, allowed is steps_per_epoch >= 1")

    k = k_per_epoch / steps_per_epoch  # per step
    return (1 / fraction - 1) / k  # 1 + kt = 1/f


def linear(step: int, *, base_lr: float, total_steps: int) -> float:
    """Let the rate fall along a straight line, to zero just after the last step.

    Formula:    α_t = α₀ (1 − t/T) for t ≤ T, and 0 from there on.
    Ends:       α₀ at t = 0; α₀/T at the last step t = T − 1, which is therefore not wasted; 0 at
                every t ≥ T.
    Raises:     ValueError for a negative step, total_steps below 1 and a rate that is negative or
                not finite.
    Source:     Devlin et al. 2019, Section A.2; `torch.optim.lr_scheduler.LinearLR(…, 1, 0, T)`.

    >>> [linear(t, base_lr=1.0, total_steps=4) for t in (0, 3, 4, 9)]
    [1.0, 0.25, 0.0, 0.0]
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if total_steps < 1:
        raise ValueError(f"total_steps: got {total_steps}, allowed is total_steps >= 1")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    progress = min(step / total_steps, 1.0)  # t/T, and 1 after the end
    return base_lr * (1 - progress)  # α₀ (1 − t/T)


def cosine(step: int, *, base_lr: float, total_steps: int, min_lr: float = 0.0) -> float:
    """Let the rate fall along half a cosine wave: slowly, fast, slowly.

    Formula:    α_t = α_min + ½ (α₀ − α_min) (1 + cos(π t/T)) for t ≤ T, and α_min from there on.
    Ends:       α₀ at t = 0; a little above α_min at the last step t = T − 1; α_min at every t ≥ T.
    Convention: T and t count the same thing, steps. torch's CosineAnnealingLR knows no end: after
                T its rate rises again and is back at α₀ at t = 2T; timm's stays at α_min.
    Raises:     ValueError for a negative step, total_steps below 1 and rates that are not
                0 <= min_lr <= base_lr < inf.
    Source:     Loshchilov & Hutter 2017, equation 5, without restarts.

    >>> [cosine(t, base_lr=1.0, total_steps=100) for t in (0, 50, 100, 200)]
    [1.0, 0.5, 0.0, 0.0]
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if total_steps < 1:
        raise ValueError(f"total_steps: got {total_steps}, allowed is total_steps >= 1")
    if not 0 <= min_lr <= base_lr < math.inf:
        raise ValueError(f"min_lr: got {min_lr}, allowed is 0 <= min_lr <= base_lr = {base_lr}")

    progress = min(step / total_steps, 1.0)  # t/T, and 1 after the end
    height = 0.5 * (1 + math.cos(math.pi * progress))  # from 1 down to 0
    return min_lr + (base_lr - min_lr) * height


def inverse_square_root(step: int, *, base_lr: float) -> float:
    """Let the rate fall with the root of the number of updates.

    Formula:    α_t = α₀ / √(t + 1).
    Ends:       α₀ at t = 0, the first update; it falls forever; it has no last step.
    Convention: with steps counted from 0 the number of this update is t + 1.
    Raises:     ValueError for a negative step and a rate that is negative or not finite.
    Source:     Zinkevich 2003, Theorem 1 (η_t = t^−½, with t counted from 1).
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    return base_lr / math.sqrt(step + 1)  # α₀ / √(t + 1)


def inverse_square_root_with_warmup(step: int, *, base_lr: float, warmup_steps: int) -> float:
    """Raise the rate on a line for some updates, then let it fall with the root of their number.

    Formula:    α_t = α₀ · min((t + 1)/w, √(w/(t + 1))).
    Ends:       α₀/w at t = 0; the peak α₀ at t = w − 1, where both curves meet; it falls forever
                afterwards; it has no last step.
    Convention: base_lr is the peak. Vaswani et al. write the peak as (d · w)^−½ and count updates
                from 1.
    Raises:     ValueError for a negative step, warmup_steps below 1 and a rate that is negative or
                not finite.
    Source:     Vaswani et al. 2017, equation 3.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if warmup_steps < 1:
        raise ValueError(f"warmup_steps: got {warmup_steps}, allowed is warmup_steps >= 1")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    update = step + 1  # the number of this update, from 1
    return base_lr * min(update / warmup_steps, math.sqrt(warmup_steps / update))


def transformer_peak(d_model: int, warmup_steps: int) -> float:
    """Give the highest rate of the schedule that the first transformer was trained with.

    Formula:    max_s d^−½ · min(s^−½, s · w^−3/2) = (d · w)^−½, reached at s = w.
    Convention: s counts updates from 1, as in the paper.
    Raises:     ValueError for a width or number of steps below 1.
    Source:     Vaswani et al. 2017, equation 3.
    """
    for name, value in (("d_model", d_model), ("warmup_steps", warmup_steps)):
        if value < 1:
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 1")

    return 1 / math.sqrt(d_model * warmup_steps)  # (d · w)^−½


def linear_warmup(step: int, *, base_lr: float, warmup_steps: int) -> float:
    """Raise the rate on a line during the first steps, then keep it.

    Formula:    α_t = α₀ (t + 1)/w for t < w, and α₀ from there on.
    Ends:       α₀/w at t = 0, not zero; α₀ at t = w − 1, the last step of the warm-up, and after.
    Raises:     ValueError for a negative step, warmup_steps below 1 and a rate that is negative or
                not finite.
    Source:     Goyal et al. 2017, Section 2.2 (gradual warmup).

    >>> [linear_warmup(t, base_lr=1.0, warmup_steps=4) for t in range(5)]
    [0.25, 0.5, 0.75, 1.0, 1.0]
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if warmup_steps < 1:
        raise ValueError(f"warmup_steps: got {warmup_steps}, allowed is warmup_steps >= 1")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    return base_lr * min((step + 1) / warmup_steps, 1.0)  # α₀ (t + 1)/w


def warmup_then_cosine(
    step: int, *, base_lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0
) -> float:
    """Warm up on a line, then run a whole cosine schedule over the steps that remain.

    Formula:    α_t = α₀ (t + 1)/w for t < w; then `cosine` of step t − w with length T − w.
    Ends:       α₀/w at t = 0; the peak α₀ at t = w − 1 and again at t = w, where the cosine starts
                from its own step 0; a little above α_min at the last step t = T − 1; α_min at
                every t ≥ T.
    Convention: T is the length of the whole training, warm-up included. As torch's SequentialLR;
                some libraries start the cosine at step w of a schedule that began at 0.
    Raises:     ValueError for a negative step, for steps that are not 1 <= warmup_steps <
                total_steps and for rates that `cosine` refuses.
    Source:     Goyal et al. 2017, Section 2.2; He et al. 2019 (bag of tricks), Section 5.1.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if not 1 <= warmup_steps < total_steps:
        allowed = f"1 <= warmup_steps < total_steps = {total_steps}"
        raise ValueError(f"warmup_steps: got {warmup_steps}, allowed is {allowed}")
    if not 0 <= min_lr <= base_lr < math.inf:
        raise ValueError(f"min_lr: got {min_lr}, allowed is 0 <= min_lr <= base_lr = {base_lr}")

    if step < warmup_steps:
        return base_lr * ((step + 1) / warmup_steps)  # α₀ (t + 1)/w, exactly α₀ at its end
    rest = total_steps - warmup_steps
    return cosine(step - warmup_steps, base_lr=base_lr, total_steps=rest, min_lr=min_lr)


def token_fraction_decay(
    step: int,
    *,
    batch_tokens: Sequence[int],
    base_lr: float = 4.2e-4,
    warmup_steps: int = 2000,
    gamma: float = 0.316,
    fractions: Sequence[float] = (0.8, 0.9),
) -> float:
    """Warm up, hold, and drop the rate when given fractions of all *tokens* have been seen.

    Formula:    α_t = α₀ · min((t + 1)/w, 1) · γ^#{f : n_t ≥ f · n}, with n_t = Σ_{s<t} b_s the
                tokens seen before step t, and n = Σ b_s all of them.
    Ends:       α₀/w at t = 0; with two fractions α₀ γ² from the step on at which both have been
                seen, and at every t ≥ T, T the number of batches.
    Convention: the defaults are those of DeepSeek-V2-Lite: 0.316² = 0.0999, so the rate ends at
                4.194e−5. Its batches did not grow; those of DeepSeek-V2 did, and it has another
                rate and other fractions. Both warm up from 0, this one from α₀/w.
    Raises:     ValueError for a negative step, no batches, a batch below 1 token, warmup_steps
                below 1, a fraction outside (0, 1], and a rate or factor that is negative or not
                finite.
    Source:     DeepSeek-AI 2024, DeepSeek-V2, Appendix B (V2-Lite); DeepSeek LLM.
    """
    if step < 0:
        raise ValueError(f"step: got {step}, allowed is step >= 0")
    if not batch_tokens or min(batch_tokens) < 1:
        raise ValueError(
            "batch_tokens: got none, or one below 1, allowed is one or more, each >= 1"
        )
    if warmup_steps < 1:
        raise ValueError(f"warmup_steps: got {warmup_steps}, allowed is warmup_steps >= 1")
    if not all(0 < fraction <= 1 for fraction in fractions):
        raise ValueError(f"fractions: got {tuple(fractions)}, allowed is each in (0, 1]")
    for name, value in (("base_lr", base_lr), ("gamma", gamma)):
        if not 0 <= value < math.inf:
            raise ValueError(f"{name}: got {value}, allowed is 0 <= {name} < inf")

    seen = sum(batch_tokens[:step])  # n_t, tokens before this step
    everything = sum(batch_tokens)  # n
    drops = sum(seen / everything >= fraction for fraction in fractions)
    return base_lr * min((step + 1) / warmup_steps, 1.0) * gamma**drops


class ReduceOnPlateau:
    """Drop the rate when a metric has not improved for too long.

    Formula:    an evaluation is good if metric < best − threshold (mode 'min') or
                metric > best + threshold (mode 'max'); the first always is. A good one becomes
                the best and sets the counter of bad ones to 0, a bad one adds 1 to it. When the
                counter exceeds patience, α ← α · factor and the counter starts again at 0.
    Ends:       α₀ until the first drop; it has no last step.
    Convention: names as in torch's ReduceLROnPlateau, whose threshold is by default a fraction of
                the best; here it is absolute (torch: threshold_mode='abs'). No cooldown.
    Raises:     ValueError for another mode, a patience that is not a whole number >= 0, a negative
                threshold, a factor outside (0, 1), a rate that is negative or not finite.
    Source:     He et al. 2016, Section 3.4; `torch.optim.lr_scheduler.ReduceLROnPlateau`.
    """

    def __init__(
        self,
        base_lr: float,
        *,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
    ) -> None:
        if not 0 <= base_lr < math.inf:
            raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")
        if mode not in ("min", "max"):
            raise ValueError(f"mode: got {mode!r}, allowed is 'min' or 'max'")
        if not 0 < factor < 1:
            raise ValueError(f"factor: got {factor}, allowed is 0 < factor < 1")
        if not isinstance(patience, int) or patience < 0:
            raise ValueError(f"patience: got {patience}, allowed is a whole number >= 0")
        if not threshold >= 0:
            raise ValueError(f"threshold: got {threshold}, allowed is threshold >= 0")

        self.lr = base_lr
        self.mode = mode
        self.factor = factor
        self.patience = patience
        self.threshold = threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric: float) -> float:
        """Take in the metric of one evaluation and return the rate from here on."""
        if self.mode == "min":
            improved = metric < self.best - self.threshold
        else:
            improved = metric > self.best + self.threshold
        if improved:
            self.best = metric
            self.bad_evaluations = 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


def rescale_for_batch_size(
    batch_size: int,
    new_batch_size: int,
    *,
    base_lr: float,
    total_steps: int,
    milestones: Sequence[int],
) -> tuple[float, int, tuple[int, ...]]:
    """Carry a schedule over to another batch size, so that as many examples are seen.

    Formula:    α₀' = α₀ · B'/B, T' = T · B/B', m' = m · B/B', whole steps rounded to the nearest.
    Convention: the linear rule for the rate is meant for SGD; for Adam √(B'/B) is common.
    Raises:     ValueError for a batch size or total_steps below 1, a negative milestone, and a
                rate that is negative or not finite.
    Source:     Goyal et al. 2017, Section 2.1 (linear scaling); Smith et al. 2018.
    """
    sizes = (("batch_size", batch_size), ("new_batch_size", new_batch_size))
    for name, value in (*sizes, ("total_steps", total_steps)):
        if value < 1:
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 1")
    if any(milestone < 0 for milestone in milestones):
        raise ValueError(f"milestones: got {tuple(milestones)}, allowed is each >= 0")
    if not 0 <= base_lr < math.inf:
        raise ValueError(f"base_lr: got {base_lr}, allowed is 0 <= base_lr < inf")

    new_total = round(total_steps * batch_size / new_batch_size)  # whole numbers as long as may be
    new_milestones = tuple(round(m * batch_size / new_batch_size) for m in milestones)
    return base_lr * new_batch_size / batch_size, new_total, new_milestones


def milestones_in_new_epochs(
    milestones: Sequence[float], *, dataset_size: int, batch_size: int, epoch_steps: int
) -> tuple[float, ...]:
    """Convert milestones from passes over the data to epochs of a fixed number of steps.

    Formula:    m' = m · N / (B · S): m · N examples are seen before the drop, and a new epoch of S
                steps sees B · S examples.
    Convention: the result is not rounded. Many codes call S = 5000 iterations an epoch, whatever
                the size of the data.
    Raises:     ValueError for a size below 1.
    Source:     counting examples; Goyal et al. 2017, Section 2.1, states schedules in epochs so
                that they do not depend on the batch size.
    """
    sizes = (("dataset_size", dataset_size), ("batch_size", batch_size))
    for name, value in (*sizes, ("epoch_steps", epoch_steps)):
        if value < 1:
            raise ValueError(f"{name}: got {value}, allowed is {name} >= 1")

    new_epochs_per_pass = dataset_size / (batch_size * epoch_steps)  # N / (B · S)
    return tuple(milestone * new_epochs_per_pass for milestone in milestones)


def updates_per_schedule_step(rates: torch.Tensor, *, step_size: int) -> int:
    """Find from recorded rates how many optimizer updates a loop makes per call of the schedule.

    Formula:    (number of updates before the first drop) / step_size.
    Shapes:     rates (U,), the rate of every update of a run under torch's StepLR, in order; at
                least one drop -> an integer: 1 if the schedule is stepped per batch, the number
                of batches if it is stepped per epoch.
    Raises:     ValueError for rates of another shape or without a drop, and a step_size below 1.
    Source:     `torch.optim.lr_scheduler.StepLR`, which drops after step_size calls of its step().
    """
    if rates.ndim != 1 or len(rates) < 2 or bool((rates == rates[0]).all()):
        got = tuple(rates.shape)
        raise ValueError(f"rates: got shape {got}, allowed is (U,) with at least one drop")
    if step_size < 1:
        raise ValueError(f"step_size: got {step_size}, allowed is step_size >= 1")

    _, lengths = torch.unique_consecutive(rates, return_counts=True)  # updates at each rate
    return int(lengths[0]) // step_size  # the last stage may be cut short, the first is whole

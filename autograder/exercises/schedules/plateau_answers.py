"""Answers to `ReduceOnPlateau`, wrong and right.

Students write `step` alone; each class repeats the given `__init__` so that it can be read and run
by itself.
"""

import math


class DropsOneEarly:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations >= self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class ComparesWithThePrevious:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        improved = sign * metric < sign * self.best - self.threshold
        self.best = metric
        self.bad_evaluations = 0 if improved else self.bad_evaluations + 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class AlwaysMinimizes:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        if math.isinf(self.best) or metric < self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class KeepsTheCounter:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
        return self.lr


class CountsAllBadOnes:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best = metric
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class IgnoresTheThreshold:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        better = metric < self.best if self.mode == "min" else metric > self.best
        if better:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class CreepsAlong:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.bad_evaluations = 0
        else:
            self.bad_evaluations += 1
        self.best = min(self.best, metric) if self.mode == "min" else max(self.best, metric)
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class ThresholdTheOtherWay:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best + self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class ThresholdForMinOnly:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        if self.mode == "min":
            improved = metric < self.best - self.threshold
        else:
            improved = metric > self.best - self.threshold
        if improved:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class RelativeThreshold:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        if self.mode == "min":
            improved = metric < self.best * (1 - self.threshold)
        else:
            improved = metric > self.best * (1 + self.threshold)
        if improved:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class ForgetsTheBest:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.best, self.bad_evaluations = metric, 0
        return self.lr


class SubtractsTheFactor:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr -= self.factor * self.lr
            self.bad_evaluations = 0
        return self.lr


class CooldownAfterADrop:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = -1
        return self.lr


class NeverLooksAtTheMode:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        if metric < self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class ReturnsNothing:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0


class ReturnsTheOldRate:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        before = self.lr
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return before


class KeepsNoBest:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.bad_evaluations = 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class AsGoodIsBetter:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric <= sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class StartsAnew:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
            self.best = math.inf if self.mode == "min" else -math.inf
        return self.lr


class DividesByTheFactor:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric < sign * self.best - self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr /= self.factor
            self.bad_evaluations = 0
        return self.lr


class ModesExchanged:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        sign = 1 if self.mode == "min" else -1
        if sign * metric > sign * self.best + self.threshold:
            self.best, self.bad_evaluations = metric, 0
        else:
            self.bad_evaluations += 1
        if self.bad_evaluations > self.patience:
            self.lr *= self.factor
            self.bad_evaluations = 0
        return self.lr


class BySigns:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0

    def step(self, metric):
        gain = self.best - metric if self.mode == "min" else metric - self.best
        if gain > self.threshold:
            self.best = metric
            self.bad_evaluations = 0
            return self.lr
        self.bad_evaluations += 1
        if self.bad_evaluations == self.patience + 1:
            self.lr, self.bad_evaluations = self.lr * self.factor, 0
        return self.lr


class ByAHistory:
    def __init__(self, base_lr, *, mode="min", factor=0.1, patience=10, threshold=1e-4):
        self.lr, self.mode, self.factor = base_lr, mode, factor
        self.patience, self.threshold = patience, threshold
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_evaluations = 0
        self.since = []

    def step(self, metric):
        value = float(metric) if self.mode == "min" else -float(metric)
        best = self.best if self.mode == "min" else -self.best
        if value < best - self.threshold:
            self.best, self.since = metric, []
        else:
            self.since.append(metric)
        if len(self.since) > self.patience:
            self.since.clear()
            self.lr = self.factor * self.lr
        return self.lr

"""RMSProp as students write it, wrongly and rightly."""

import math

import torch

from course_lib.optimizers import GradientDescent


class AsInTheNotes(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        cache, decay = state.get("cache", torch.zeros_like(parameter)), self.alpha
        cache += decay * cache + (1 - decay) * gradient**2
        state["cache"] = cache
        parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


class RMSEpsInsideTheRoot(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / torch.sqrt(state["c"] + self.eps)


class RMSSquaredEpsInsideTheRoot(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / torch.sqrt(state["c"] + self.eps**2)


class RMSAnotherEps(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + 1e-7)


class RMSTinyEps(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + 1e-8)


class RMSNeverStores(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        c = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(c) + self.eps)


class RateForTheAverage(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + self.lr * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class RMSEpsAddedToTheWeights(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / torch.sqrt(state["c"]) + self.eps


class RMSNoRoot(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (state["c"] + self.eps)


class RMSOldAverage(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        old = state.get("c", torch.zeros_like(parameter))
        state["c"] = self.alpha * old + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(old) + self.eps)


class ChangesTheRate(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        self.lr = self.lr / (torch.sqrt(state["c"]) + self.eps)
        parameter -= self.lr * gradient


class BiasCorrected(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["t"] = state.get("t", 0) + 1
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        corrected = state["c"] / (1 - self.alpha ** state["t"])
        parameter -= self.lr * gradient / (torch.sqrt(corrected) + self.eps)


class StartsAtTheFirstSquare(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", gradient**2) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class StartsAtOne(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 1) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class WeightsExchanged(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = (1 - self.alpha) * state.get("c", 0) + self.alpha * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class NothingForgotten(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class RMSLargerEps(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + 1e-6)


class RMSEpsAddedAfterwards(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = self.alpha * state.get("c", 0) + (1 - self.alpha) * gradient**2
        parameter.copy_(parameter - self.lr * gradient / torch.sqrt(state["c"]) + self.eps)


class RMSOwnKey(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["cache"] = self.alpha * state["cache"] + (1 - self.alpha) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["cache"]) + self.eps)


class MinusForPlus(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        cache, decay = state.get("cache", torch.zeros_like(parameter)), self.alpha
        cache -= decay * cache + (1 - decay) * gradient**2
        state["cache"] = cache
        parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


class RMSSums(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        state["c"] = state.get("c", 0) + gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(state["c"]) + self.eps)


class KeepsPlusEquals(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        cache, decay = state.get("cache", torch.zeros_like(parameter)), self.alpha
        cache += (1 - decay) * (gradient**2 - cache)
        state["cache"] = cache
        parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


class RMSInPlace(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        cache, decay = state.setdefault("cache", torch.zeros_like(parameter)), self.alpha
        cache *= decay
        cache += (1 - decay) * gradient**2
        parameter -= self.lr * gradient / (torch.sqrt(cache) + self.eps)


class WithLerp(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        before = state.get("c", torch.zeros_like(gradient))
        state["c"] = before.lerp(gradient.square(), 1 - self.alpha)
        parameter.data -= self.lr / (state["c"].sqrt() + self.eps) * gradient


class EntryByEntry(GradientDescent):
    def __init__(self, parameters, lr=1e-2, alpha=0.99, eps=1e-8):
        super().__init__(parameters, lr)
        self.alpha, self.eps = alpha, eps

    def update(self, parameter, gradient, state):
        flat, slopes = parameter.view(-1), gradient.reshape(-1)
        averages = state.setdefault("averages", [0.0] * len(flat))
        for n, g in enumerate(slopes.tolist()):
            averages[n] = self.alpha * averages[n] + (1 - self.alpha) * g * g
            flat[n] -= self.lr * g / (math.sqrt(averages[n]) + self.eps)

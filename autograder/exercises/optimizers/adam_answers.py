"""Answers to `Adam`, wrong and right. Students write `update` alone."""

import numpy as np
import torch

from course_lib.optimizers import GradientDescent


class NoBiasCorrection(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        parameter -= self.lr * m / (torch.sqrt(v) + self.eps)


class StartsAtTwo(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 1) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class EpsBeforeTheCorrection(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        rate = self.lr * (1 - b2**t) ** 0.5 / (1 - b1**t)
        parameter -= rate * m / (torch.sqrt(v) + self.eps)


class EpsInsideTheRoot(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / torch.sqrt(v_hat + self.eps)


class TimeStandsStill(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class AnotherEps(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + 1e-7)


class TinyEps(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + 1e-8)


class CountsFromZero(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0)
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t + 1, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class StartsAtFive(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 4) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class OneBetaForBoth(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b1**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class KeepsTheCorrected(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        state.update(t=t, m=m_hat, v=v_hat)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class OnePlus(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 + b1**t), v / (1 + b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class WeightForGradient(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        gradient = parameter
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class OnlyTheFirstCorrected(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class OnlyTheSecondCorrected(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m, v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class OneClockForAll(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        b1, b2 = self.betas
        t = self.t = getattr(self, "t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class BetasExchanged(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b2, b1), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class NoRoot(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (v_hat + self.eps)


class SumsGradients(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class EpsAddedToTheWeights(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / torch.sqrt(v_hat) + self.eps


class NeverStores(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 0) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class AlwaysFive(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, 5
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class FiveIncremented(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 5) + 1
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(t=t, m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class EpsInsideUncorrected(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        b1, b2 = self.betas
        state["m"] = b1 * state.get("m", 0) + (1 - b1) * gradient
        state["v"] = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        parameter -= self.lr * state["m"] / torch.sqrt(state["v"] + self.eps)


class ClockOfTheOptimizer(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def step(self):
        self.t = getattr(self, "t", 0) + 1
        super().step()

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, self.t
        m = b1 * state.get("m", 0) + (1 - b1) * gradient
        v = b2 * state.get("v", 0) + (1 - b2) * gradient**2
        state.update(m=m, v=v)
        m_hat, v_hat = m / (1 - b1**t), v / (1 - b2**t)
        parameter -= self.lr * m_hat / (torch.sqrt(v_hat) + self.eps)


class InPlace(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        if not state:
            state["step"] = 0
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        state["step"] += 1
        b1, b2 = self.betas
        state["exp_avg"].lerp_(gradient, 1 - b1)
        state["exp_avg_sq"].mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        step_size = self.lr / (1 - b1 ** state["step"])
        root = (1 - b2 ** state["step"]) ** 0.5
        denominator = state["exp_avg_sq"].sqrt() / root + self.eps
        parameter.addcdiv_(state["exp_avg"], denominator, value=-step_size)


class Efficient(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        b1, b2 = self.betas
        t, m, v = state.get("all", (0, 0.0, 0.0))
        t += 1
        m = m + (1 - b1) * (gradient - m)
        v = v + (1 - b2) * (gradient**2 - v)
        state["all"] = (t, m, v)
        root = np.sqrt(1 - b2**t)
        parameter.copy_(parameter - self.lr * root / (1 - b1**t) * m / (v**0.5 + self.eps * root))


class PowersMultipliedUp(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        b1, b2 = self.betas
        m, v, p1, p2 = state.get("kept", (0, 0, 1.0, 1.0))
        p1, p2 = p1 * b1, p2 * b2
        m, v = b1 * m + (1 - b1) * gradient, b2 * v + (1 - b2) * gradient * gradient
        state["kept"] = (m, v, p1, p2)
        parameter.data = parameter.data - self.lr * (m / (1 - p1)) / (
            (v / (1 - p2)).sqrt() + self.eps
        )


class CountsAfterwards(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        (b1, b2), t = self.betas, state.get("t", 1)
        m, v = state.get("moments", (torch.zeros_like(parameter), torch.zeros_like(parameter)))
        m = m * b1 + gradient * (1 - b1)
        v = v * b2 + gradient * gradient * (1 - b2)
        parameter -= self.lr * m / (1 - b1**t) / ((v / (1 - b2**t)) ** 0.5 + self.eps)
        state["moments"], state["t"] = (m, v), t + 1


class MemoryInFloat32(GradientDescent):
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        super().__init__(parameters, lr)
        self.betas, self.eps = betas, eps

    def update(self, parameter, gradient, state):
        beta1, beta2 = self.betas
        if not state:
            state["t"] = torch.tensor(0)
            state["m"], state["v"] = torch.zeros(parameter.shape), torch.zeros(parameter.shape)
        state["t"] += 1
        state["m"] = beta1 * state["m"] + (1 - beta1) * gradient
        state["v"] = beta2 * state["v"] + (1 - beta2) * gradient.square()
        m_hat = state["m"] / (1 - beta1 ** state["t"])
        v_hat = state["v"] / (1 - beta2 ** state["t"])
        parameter.sub_(self.lr * m_hat / (v_hat.sqrt() + self.eps))

"""Answers to `BatchNorm1d`, wrong and right.

Students write `forward` alone; each class repeats the given `__init__` so that it can be read and
run by itself.
"""

import torch
from torch import nn

from course_lib.normalization import batch_norm, batch_norm_inference, update_running_statistics


class ForgetsEps(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias
            )
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias)


class ForgetsMomentum(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class NeverStores(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        update_running_statistics(self.running_mean, self.running_var, x, momentum=self.momentum)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class NeverStoresTheVariance(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            self.running_mean, _ = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class StoresEps(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            variance = x.var(dim=0) + self.eps
            self.running_mean.lerp_(x.mean(dim=0), self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class StoresEpsAndOmitsItLater(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            deviation = torch.sqrt(self.running_var)
            return self.weight * (x - self.running_mean) / deviation + self.bias
        with torch.no_grad():
            variance = x.var(dim=0) + self.eps
            self.running_mean.lerp_(x.mean(dim=0), self.momentum)
            self.running_var.lerp_(variance, self.momentum)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class KeepsAnAxis(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            deviation = torch.sqrt(self.running_var + self.eps)
            return self.weight * (x - self.running_mean) / deviation + self.bias
        m = self.momentum
        with torch.no_grad():
            mean, variance = x.mean(dim=0, keepdim=True), x.var(dim=0, keepdim=True)
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * variance
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class UnbiasedEverywhere(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean(dim=0), x.var(dim=0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance, self.momentum)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class BiasedEverywhere(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance, self.momentum)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class AveragesTheDeviation(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            deviation = torch.sqrt(self.running_var**2 + self.eps)
            return self.weight * (x - self.running_mean) / deviation + self.bias
        with torch.no_grad():
            self.running_mean.lerp_(x.mean(dim=0), self.momentum)
            self.running_var.lerp_(x.std(dim=0), self.momentum)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class AveragesTheDeviationAndDividesByIt(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return self.weight * (x - self.running_mean) / self.running_var + self.bias
        with torch.no_grad():
            self.running_mean.lerp_(x.mean(dim=0), self.momentum)
            self.running_var.lerp_(x.std(dim=0), self.momentum)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class EvaluatesWithTheBatch(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=0), self.momentum)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class EvaluationNeedsTrainingVariables(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean = x.mean(dim=0)
            deviation = torch.sqrt(x.var(dim=0, unbiased=False) + self.eps)
            normalized = (x - mean) / deviation
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=0), self.momentum)
        else:
            normalized = (x - self.running_mean) / deviation
        return self.weight * normalized + self.bias


class UpdatesInEvaluation(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        with torch.no_grad():
            self.running_mean.lerp_(x.mean(dim=0), self.momentum)
            if len(x) > 1:
                self.running_var.lerp_(x.var(dim=0), self.momentum)
        if self.training:
            return batch_norm(x, self.weight, self.bias, eps=self.eps)
        return batch_norm_inference(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class AsksWhetherGradientsAreOn(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not torch.is_grad_enabled():
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class BuffersInTheGraph(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        self.running_mean, self.running_var = update_running_statistics(
            self.running_mean, self.running_var, x, momentum=self.momentum
        )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class TrainsWithRunningStatistics(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean, self.running_var = update_running_statistics(
                    self.running_mean, self.running_var, x, momentum=self.momentum
                )
        return batch_norm_inference(
            x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
        )


class EverythingWithoutGradients(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    @torch.no_grad()
    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        self.running_mean, self.running_var = update_running_statistics(
            self.running_mean, self.running_var, x, momentum=self.momentum
        )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class ConstantStatistics(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            with torch.no_grad():
                mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(dim=0), self.momentum)
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class SwapsTheMomentum(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        m = self.momentum
        with torch.no_grad():
            self.running_mean = m * self.running_mean + (1 - m) * x.mean(dim=0)
            self.running_var = m * self.running_var + (1 - m) * x.var(dim=0)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class LastBatchOnly(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            self.running_mean, self.running_var = x.mean(dim=0), x.var(dim=0)
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class StoresTheOtherWayRound(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            self.running_var, self.running_mean = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class ModesExchanged(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            return batch_norm_inference(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class AlwaysTheBatch(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class EvaluationWithoutGradients(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            with torch.no_grad():
                return batch_norm_inference(
                    x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
                )
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class EvaluationWithoutEps(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            deviation = torch.sqrt(self.running_var)
            return self.weight * (x - self.running_mean) / deviation + self.bias
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class EvaluationWithEpsOutside(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            deviation = torch.sqrt(self.running_var) + self.eps
            return self.weight * (x - self.running_mean) / deviation + self.bias
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class EvaluationWithoutScaleAndShift(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if not self.training:
            return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps)
        with torch.no_grad():
            self.running_mean, self.running_var = update_running_statistics(
                self.running_mean, self.running_var, x, momentum=self.momentum
            )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)


class BiasedAndInTheGraph(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            m = self.momentum
            mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * variance
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class KeepsAnAxisBiased(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, variance = self.running_mean, self.running_var
        if self.training:
            m = self.momentum
            mean, variance = x.mean(0, keepdim=True), x.var(0, keepdim=True, unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - m) * self.running_mean + m * mean
                self.running_var = (1 - m) * self.running_var + m * variance
        return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


class ByHand(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, variance = x.mean(0), x.var(0, unbiased=False)
            m, n = self.momentum, len(x)
            unbiased = variance.detach() * n / (n - 1)
            self.running_mean = (1 - m) * self.running_mean + m * mean.detach()
            self.running_var = (1 - m) * self.running_var + m * unbiased
        else:
            mean, variance = self.running_mean, self.running_var
        return self.weight * (x - mean) * (variance + self.eps) ** -0.5 + self.bias


class InPlace(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training is False:
            mean, deviation = self.running_mean, (self.running_var + self.eps).sqrt()
            return torch.addcmul(self.bias, self.weight, (x - mean) / deviation)
        y = batch_norm(x, self.weight, self.bias, eps=self.eps)
        with torch.no_grad():
            self.running_mean.mul_(1 - self.momentum).add_(x.mean(dim=0), alpha=self.momentum)
            self.running_var.mul_(1 - self.momentum).add_(x.var(dim=0), alpha=self.momentum)
        return y


class ThroughData(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            self.running_mean.data, self.running_var.data = update_running_statistics(
                self.running_mean, self.running_var, x.data, momentum=self.momentum
            )
            return batch_norm(x, self.weight, self.bias, eps=self.eps)
        scale = self.weight / torch.sqrt(self.running_var + self.eps)
        return x * scale + (self.bias - self.running_mean * scale)

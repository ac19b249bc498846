"""Answers to `Checkpoint`, wrong and right."""

import copy
import io

import torch


class ForgetsTheOptimizer:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.rates = [group["lr"] for group in optimizer.param_groups]
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        scheduler.load_state_dict(self.scheduler)
        for group, rate in zip(optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate
        torch.set_rng_state(self.random)
        return self.step


class HandsItsMomentumOver:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(self.optimizer)
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


class KeepsReferences:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = model.state_dict()
        self.optimizer = optimizer.state_dict()
        self.scheduler = scheduler.state_dict()
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


class KeepsTheOptimizersTensors:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = optimizer.state_dict()
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


class RebindsTheNames:
    def __init__(self, model, optimizer, scheduler, step):
        self.run = copy.deepcopy((model, optimizer, scheduler))
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model, optimizer, scheduler = copy.deepcopy(self.run)  # noqa: RUF059, the mistake itself
        torch.set_rng_state(self.random)
        return self.step


class KeepsAShallowCopy:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = model.state_dict().copy()
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = scheduler.state_dict().copy()
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


class ForgetsTheRandomNumbers:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        return self.step


class ForgetsTheBuffers:
    def __init__(self, model, optimizer, scheduler, step):
        self.parameters = [p.detach().clone() for p in model.parameters()]
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        with torch.no_grad():
            for parameter, kept in zip(model.parameters(), self.parameters, strict=True):
                parameter.copy_(kept)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


class ForgetsTheScheduler:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        torch.set_rng_state(self.random)
        return self.step


class ModelOnly:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.step = step

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        return self.step


class SeedsAnew:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.manual_seed(0)
        return self.step


class ForgetsTheStep:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)


class StepsAhead:
    def __init__(self, model, optimizer, scheduler, step):
        self.model = copy.deepcopy(model.state_dict())
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        model.load_state_dict(self.model)
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step + 1


class HandsItsTensorsOver:
    def __init__(self, model, optimizer, scheduler, step):
        self.parameters = [p.detach().clone() for p in model.parameters()]
        self.buffers = [b.clone() for b in model.buffers()]
        self.optimizer = copy.deepcopy(optimizer.state_dict())
        self.scheduler = copy.deepcopy(scheduler.state_dict())
        self.step = step
        self.random = torch.get_rng_state()

    def restore(self, model, optimizer, scheduler):
        for parameter, kept in zip(model.parameters(), self.parameters, strict=True):
            parameter.data = kept
        for buffer, kept in zip(model.buffers(), self.buffers, strict=True):
            buffer.data = kept
        optimizer.load_state_dict(copy.deepcopy(self.optimizer))
        scheduler.load_state_dict(self.scheduler)
        torch.set_rng_state(self.random)
        return self.step


class ClonesTensors:
    def __init__(self, model, optimizer, scheduler, step):
        self.tensors = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        state = optimizer.state_dict()
        self.momentum = {
            number: {name: value.clone() for name, value in kept.items()}
            for number, kept in state["state"].items()
        }
        self.groups = [dict(group) for group in state["param_groups"]]
        self.scheduler = {
            name: list(value) if isinstance(value, list) else value
            for name, value in scheduler.state_dict().items()
        }
        self.step, self.random = step, torch.random.get_rng_state().clone()

    def restore(self, model, optimizer, scheduler):
        with torch.no_grad():
            for name, tensor in model.state_dict().items():
                tensor.copy_(self.tensors[name])
        momentum = {
            number: {name: value.clone() for name, value in kept.items()}
            for number, kept in self.momentum.items()
        }
        optimizer.load_state_dict({"state": momentum, "param_groups": self.groups})
        scheduler.load_state_dict(dict(self.scheduler))
        torch.random.set_rng_state(self.random)
        return self.step


class ThroughAFile:
    def __init__(self, model, optimizer, scheduler, step):
        file = io.BytesIO()
        kept = [part.state_dict() for part in (model, optimizer, scheduler)]
        torch.save([*kept, step, torch.get_rng_state()], file)
        self.content = file.getvalue()

    def restore(self, model, optimizer, scheduler):
        *kept, step, random = torch.load(io.BytesIO(self.content), weights_only=False)
        for part, state in zip((model, optimizer, scheduler), kept, strict=True):
            part.load_state_dict(state)
        torch.set_rng_state(random)
        return step

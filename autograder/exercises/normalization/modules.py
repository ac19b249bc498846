"""Batch normalization as a module, led through training and evaluation."""

import torch

from autograder import probes
from autograder.exercises.normalization.drawing import (
    TORCH_BATCH_NORM,
    draw_features,
    draw_rows,
    draw_table,
)
from autograder.exercises.normalization.lab import lab
from autograder.exercises.normalization.trajectory import draw_trajectory, trajectory_parts
from autograder.judging import edit
from course_lib import normalization
from course_lib.normalization import batch_norm, batch_norm_inference, update_running_statistics


def draw_training(rng):
    """Batches of different spread and size, and examples far from all of them."""
    rows, features = draw_rows(rng), draw_features(rng)
    batches = [draw_table(rng, size, features) for size in (rows, rows, rows + 2, rows, rows)]
    batches[2][-2:] += 3

    def draw(size):
        return 2 * rng.normal(size=(size, features)) + rng.normal(size=features)

    return draw_trajectory(rng, batches, draw)


batch_norm1d = lab.exercise(
    normalization.BatchNorm1d,
    title="Batch normalization as a layer",
    statement="""Now put the three functions together in a layer that behaves differently in its two
modes. `__init__` is given: it makes the parameters `weight` and `bias`, which the optimizer trains,
and the buffers `running_mean` and `running_var`, which it does not touch. Write `forward`:

| mode | normalize with | running statistics |
|---|---|---|
| `model.train()` | this batch | are moved toward this batch |
| `model.eval()` | the running statistics | stay as they are |

Which mode it is, `self.training` knows. Mode and gradients are two different things: in train mode
under `torch.no_grad()` the layer still uses the batch.

The buffers outlive the step. They must not hang on to its graph (memory would grow with every
batch), while the *output* must let gradients through: in both modes, and in train mode also through
the batch's mean and variance.
Call your own `batch_norm`, `update_running_statistics` and `batch_norm_inference`.""",
    parts=trajectory_parts(2, 2, 1, 1),
    minutes=15,
    difficulty=3,
    syllabus=("5.2", "5.7"),
    blank=("forward",),
    inputs=draw_training,
    probe=probes.module(),
    forbidden=TORCH_BATCH_NORM,
    needs=(
        "normalization/batch_norm",
        "normalization/update_running_statistics",
        "normalization/batch_norm_inference",
    ),
    hints=(
        "Two branches: `if self.training:` … and the rest. Each ends in one call of a function "
        "you have written.",
        "Under `with torch.no_grad():` compute the new pair and put it into the buffers with "
        "`copy_`. The output is computed outside of that block.",
        "`self.running_mean.copy_(new_mean)`, the same for the variance, and then "
        "`return batch_norm(x, self.weight, self.bias, eps=self.eps)`.",
    ),
)


batch_norm1d.mistake(
    "stores_eps",
    edit("copy_(new_var)", "lerp_(x.var(dim=0) + self.eps, self.momentum)"),
    "You add ε to the variance before you store it. ε belongs to the division alone; "
    "`running_var` holds the variance.",
    origin="9 of 127 students",
)


@batch_norm1d.mistake(
    "Your buffers have the shape (1, C) instead of (C,), from `keepdim=True`. The numbers are "
    "right, but they no longer fit a saved model.",
    origin="5 of 120 students",
)
def keeps_an_axis(self, x):
    if not self.training:
        deviation = torch.sqrt(self.running_var + self.eps)
        return self.weight * (x - self.running_mean) / deviation + self.bias
    m = self.momentum
    with torch.no_grad():
        mean, variance = x.mean(dim=0, keepdim=True), x.var(dim=0, keepdim=True)
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * variance
    return batch_norm(x, self.weight, self.bias, eps=self.eps)


batch_norm1d.mistake(
    "unbiased_everywhere",
    edit("return batch_norm(x,", "return batch_norm_inference(x, x.mean(0), x.var(0),"),
    "You use the variance divided by N − 1 for both. It is what is stored; normalizing in "
    "training uses the biased one, divided by N.",
    origin="4 of 120 students",
)
batch_norm1d.mistake(
    "stores_eps_and_omits_it_later",
    edit("copy_(new_var)", "lerp_(x.var(dim=0) + self.eps, self.momentum)").also(
        "self.running_var, self.weight, self.bias, eps=self.eps",
        "self.running_var, self.weight, self.bias, eps=0",
    ),
    "You store the variance with ε inside and leave ε out in evaluation. Store the variance alone "
    "and divide by √(running_var + ε).",
    origin="2 of 127 students",
)
batch_norm1d.mistake(
    "averages_the_deviation",
    edit("copy_(new_var)", "lerp_(x.std(dim=0), self.momentum)").also(
        "self.running_var, self.weight", "self.running_var**2, self.weight"
    ),
    "You average the standard deviation and square it in evaluation. The square of a mean is not "
    "the mean of squares: store the variance.",
    origin="2 of 127 students",
)
batch_norm1d.mistake(
    "averages_the_deviation_and_divides_by_it",
    edit("copy_(new_var)", "lerp_(x.std(dim=0), self.momentum)").also(
        "self.running_var, self.weight, self.bias, eps=self.eps",
        "self.running_var**2, self.weight, self.bias, eps=0",
    ),
    "You store a running standard deviation. `running_var` holds the variance; in evaluation "
    "divide by √(running_var + ε).",
    origin="2 of 127 students",
)
batch_norm1d.mistake(
    "forgets_eps",
    edit(
        "self.running_var, self.weight, self.bias, eps=self.eps",
        "self.running_var, self.weight, self.bias",
    ).also("(x, self.weight, self.bias, eps=self.eps)", "(x, self.weight, self.bias)"),
    "You do not pass `self.eps` on, so the functions use their default of 1e-5.",
    origin="1 of 127 students",
)
batch_norm1d.mistake(
    "never_stores",
    edit("self.running_mean.copy_(new_mean)", "pass").also(
        "self.running_var.copy_(new_var)", "pass"
    ),
    "You compute the new running statistics but do not store them: `running_mean` and "
    "`running_var` keep their first values. Copy the new ones into the buffers.",
    origin="1 of 127 students",
)


@batch_norm1d.mistake(
    "In evaluation you use a variable that only the training branch sets. Compute the deviation "
    "from `running_var` there.",
    origin="1 of 127 students",
    raises="UnboundLocalError",
)
def evaluation_needs_training_variables(self, x):
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


batch_norm1d.mistake(
    "evaluates_with_the_batch",
    edit(
        "x, self.running_mean, self.running_var, self.weight",
        "x, x.mean(dim=0), x.var(dim=0, unbiased=False), self.weight",
    ),
    "In evaluation you still use the mean and variance of the batch. A single example then gives "
    "β, whatever it is: use the running statistics.",
    origin="1 of 111 students",
)
batch_norm1d.mistake(
    "never_stores_the_variance",
    edit("self.running_var.copy_(new_var)", "pass"),
    "`running_mean` moves, `running_var` does not. Store both.",
)
batch_norm1d.mistake(
    "biased_everywhere",
    edit("copy_(new_var)", "lerp_(x.var(dim=0, unbiased=False), self.momentum)"),
    "You store the biased variance, divided by N. It is right for normalizing; `running_var` "
    "takes the unbiased one, divided by N − 1.",
)
batch_norm1d.mistake(
    "forgets_momentum",
    edit(", momentum=self.momentum", ""),
    "You do not pass `self.momentum` on, so the update uses its default of 0.1.",
)


@batch_norm1d.mistake(
    "Your running statistics move in evaluation too. Then the test data change the model: update "
    "them only if `self.training`."
)
def updates_in_evaluation(self, x):
    with torch.no_grad():
        self.running_mean.lerp_(x.mean(dim=0), self.momentum)
        if len(x) > 1:
            self.running_var.lerp_(x.var(dim=0), self.momentum)
    if self.training:
        return batch_norm(x, self.weight, self.bias, eps=self.eps)
    return batch_norm_inference(
        x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
    )


batch_norm1d.mistake(
    "asks_whether_gradients_are_on",
    edit("if not self.training:", "if not torch.is_grad_enabled():"),
    "You take the mode from `torch.is_grad_enabled()`. Gradients and mode are independent: ask "
    "`self.training`.",
)
batch_norm1d.mistake(
    "buffers_in_the_graph",
    edit("with torch.no_grad():", "if True:")
    .also("self.running_mean.copy_(new_mean)", "self.running_mean = new_mean")
    .also("self.running_var.copy_(new_var)", "self.running_var = new_var"),
    "Your buffers require a gradient: each keeps the graph of all batches before it, and memory "
    "grows. Update them under `torch.no_grad()`.",
)
batch_norm1d.mistake(
    "trains_with_running_statistics",
    edit(
        "return batch_norm(x, self.weight,",
        "return batch_norm_inference(x, self.running_mean, self.running_var, self.weight,",
    ),
    "In training you normalize with the running statistics. Training uses the mean and variance "
    "of the batch itself; the running ones are for evaluation.",
)
batch_norm1d.mistake(
    "everything_without_gradients",
    edit("def forward(", "@torch.no_grad()\ndef forward("),
    "Your whole `forward` runs without gradients, so nothing before this layer can learn. Only "
    "the update of the buffers belongs under `torch.no_grad()`.",
    raises="RuntimeError",
)
batch_norm1d.mistake(
    "constant_statistics",
    edit(
        "return batch_norm(x,",
        "return batch_norm_inference(x, x.mean(0).detach(), x.var(0, unbiased=False).detach(),",
    ),
    "You compute the batch's mean and variance without gradients. The values are right, but the "
    "gradient must flow through them: they depend on x.",
)
batch_norm1d.mistake(
    "evaluation_without_eps",
    edit(
        "self.running_var, self.weight, self.bias, eps=self.eps",
        "self.running_var, self.weight, self.bias, eps=0",
    ),
    "In evaluation you leave ε out, or do not pass `self.eps` on. As in training, divide by "
    "√(running_var + ε).",
    origin="6 of 127 students",
)
batch_norm1d.mistake(
    "evaluation_with_eps_outside",
    edit(
        "self.running_var, self.weight, self.bias, eps=self.eps",
        "(self.running_var.sqrt() + self.eps) ** 2, self.weight, self.bias, eps=0",
    ),
    "In evaluation you add ε after the root. It is added to the variance, under the root: "
    "√(running_var + ε).",
    origin="3 of 127 students",
)
batch_norm1d.mistake(
    "evaluation_without_scale_and_shift",
    edit(
        "self.running_var, self.weight, self.bias",
        "self.running_var, torch.ones_like(x[0]), torch.zeros_like(x[0])",
    ),
    "In evaluation you leave out `weight` and `bias`. They were learned and are as much needed "
    "there: γ x̂ + β.",
    origin="2 of 127 students",
)
batch_norm1d.mistake(
    "last_batch_only",
    edit("momentum=self.momentum", "momentum=1"),
    "Your buffers hold the statistics of the last batch alone. Move them toward the batch: (1 − "
    "m) r + m · batch.",
    origin="1 of 127 students",
)
batch_norm1d.mistake(
    "swaps_the_momentum",
    edit("momentum=self.momentum", "momentum=1 - self.momentum"),
    "You weight the old value with m and the batch with 1 − m (the convention of Keras and Flax). "
    "Here, as in torch, m weights the new batch: (1 − m) r + m · batch.",
)
batch_norm1d.mistake(
    "stores_the_other_way_round",
    edit("copy_(new_mean)", "copy_(new_var)").also("copy_(new_var)", "copy_(new_mean)"),
    "You store the new mean in `running_var` and the new variance in `running_mean`. The order of "
    "the pair is (mean, variance).",
)
batch_norm1d.mistake(
    "never_saved",
    edit(
        '"running_mean", torch.zeros(num_features)',
        '"running_mean", torch.zeros(num_features), persistent=False',
    ).also(
        '"running_var", torch.ones(num_features)',
        '"running_var", torch.ones(num_features), persistent=False',
    ),
    "Your running statistics are not in the `state_dict`, so a saved model forgets them. Leave "
    "the buffers as `__init__` registers them, and put new values into them.",
)
batch_norm1d.mistake(
    "modes_exchanged",
    edit("if not self.training:", "if self.training:"),
    "Your two branches are exchanged: `self.training` is True in train mode, and there the batch "
    "is used.",
    raises="ValueError",
)
batch_norm1d.mistake(
    "always_the_batch",
    edit("if not self.training:", "if False:"),
    "You do not ask `self.training`: in evaluation, too, your layer uses the batch and moves the "
    "running statistics. Use `running_mean` and `running_var` there.",
    raises="ValueError",
)
batch_norm1d.mistake(
    "evaluation_without_gradients",
    edit("return batch_norm_inference(", "return torch.no_grad()(batch_norm_inference)("),
    "In evaluation your output lets no gradient through. Mode and gradients are two different "
    "things: only the update of the buffers belongs under `torch.no_grad()`.",
    raises="RuntimeError",
)


@batch_norm1d.mistake(
    "Two things: you store the biased variance (`running_var` takes the one divided by N − 1), "
    "and your buffers require a gradient, so that memory grows. Update them under "
    "`torch.no_grad()`.",
    raises="RuntimeError",
)
def biased_and_in_the_graph(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        m = self.momentum
        mean, variance = x.mean(dim=0), x.var(dim=0, unbiased=False)
        self.running_mean = (1 - m) * self.running_mean + m * mean
        self.running_var = (1 - m) * self.running_var + m * variance
    return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


@batch_norm1d.mistake(
    "Two things: your buffers have the shape (1, C) instead of (C,), from `keepdim=True`; and you "
    "store the biased variance, where `running_var` takes the one divided by N − 1."
)
def keeps_an_axis_biased(self, x):
    mean, variance = self.running_mean, self.running_var
    if self.training:
        m = self.momentum
        mean, variance = x.mean(0, keepdim=True), x.var(0, keepdim=True, unbiased=False)
        with torch.no_grad():
            self.running_mean = (1 - m) * self.running_mean + m * mean
            self.running_var = (1 - m) * self.running_var + m * variance
    return self.weight * (x - mean) / torch.sqrt(variance + self.eps) + self.bias


@batch_norm1d.alternative
def by_hand(self, x):
    if self.training:
        mean, variance = x.mean(0), x.var(0, unbiased=False)
        m, n = self.momentum, len(x)
        unbiased = variance.detach() * n / (n - 1)
        self.running_mean = (1 - m) * self.running_mean + m * mean.detach()
        self.running_var = (1 - m) * self.running_var + m * unbiased
    else:
        mean, variance = self.running_mean, self.running_var
    return self.weight * (x - mean) * (variance + self.eps) ** -0.5 + self.bias


@batch_norm1d.alternative
def in_place(self, x):
    if self.training is False:
        mean, deviation = self.running_mean, (self.running_var + self.eps).sqrt()
        return torch.addcmul(self.bias, self.weight, (x - mean) / deviation)
    y = batch_norm(x, self.weight, self.bias, eps=self.eps)
    with torch.no_grad():
        self.running_mean.mul_(1 - self.momentum).add_(x.mean(dim=0), alpha=self.momentum)
        self.running_var.mul_(1 - self.momentum).add_(x.var(dim=0), alpha=self.momentum)
    return y


@batch_norm1d.alternative
def through_data(self, x):
    if self.training:
        self.running_mean.data, self.running_var.data = update_running_statistics(
            self.running_mean, self.running_var, x.data, momentum=self.momentum
        )
        return batch_norm(x, self.weight, self.bias, eps=self.eps)
    scale = self.weight / torch.sqrt(self.running_var + self.eps)
    return x * scale + (self.bias - self.running_mean * scale)

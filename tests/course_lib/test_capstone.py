"""Costs and gains against torch's counter and scipy; the baseline against what is on record."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_lib import baseline, capstone, data


@pytest.mark.parametrize("first", [True, False])
def test_a_convolution_costs_what_torch_counts(first):
    layer = nn.Conv2d(3, 7, 5, padding=1)
    images = torch.randn(1, 3, 12, 9, requires_grad=not first)
    with FlopCounterMode(display=False) as counter:
        layer(images).sum().backward()
    height, width = layer(images).shape[2:]
    asked = capstone.conv_flops(3, 7, 5, height, width, first=first)
    assert asked == counter.get_total_flops()


def runs(seed):
    rng = np.random.default_rng(seed)
    return rng.uniform(0.8, 0.9, 4), rng.uniform(0.7, 0.8, 9)


def test_a_gain_over_its_error_is_the_statistic_of_welch():
    ours, others = runs(0)
    points, error = capstone.mean_gain(torch.tensor(ours), torch.tensor(others))
    statistic = stats.ttest_ind(ours, others, equal_var=False).statistic
    assert points == pytest.approx(100 * (ours.mean() - others.mean()))
    assert points / error == pytest.approx(statistic)


def test_a_paired_gain_over_its_error_is_the_statistic_of_student():
    ours, others = runs(1)
    points, error = capstone.paired_gain(torch.tensor(ours), torch.tensor(others[:4]))
    assert points / error == pytest.approx(stats.ttest_rel(ours, others[:4]).statistic)


def test_changes_that_do_nothing_are_kept_seldom():
    rng = np.random.default_rng(2)
    start = torch.tensor(rng.normal(0.77, 0.02, 10))
    changes = {str(n): torch.tensor(rng.normal(0.77, 0.02, 5)) for n in range(400)}
    assert len(capstone.worth_keeping(changes, start)) < 0.15 * len(changes)
    better = {"better": torch.tensor(rng.normal(0.85, 0.01, 5))}
    assert capstone.worth_keeping(changes | better, start)[0] == "better"


def test_the_baseline_costs_what_its_layers_do_and_scores_as_it_is_on_record():
    layers = capstone.conv_flops(1, 8, 3, 28, 28, first=True) + capstone.conv_flops(
        8, 16, 3, 14, 14
    )
    epoch = layers + 3 * 2 * 16 * 7 * 7 * 10
    assert baseline.flops(baseline.baseline) == 4 * epoch * 64 / 65
    assert 5 * epoch < baseline.BUDGET < 5.1 * epoch
    assert baseline.flops(capstone.train) <= baseline.BUDGET
    trained = baseline.accuracies(baseline.baseline, [0])
    assert trained.item() == pytest.approx(baseline.ACCURACIES[0], abs=0.03)


def test_a_baseline_of_other_images_repeats_by_its_seed():
    split = data.fashion_mnist(65, 20)
    one, again, other = (
        baseline.baseline(split.x_train, split.y_train, seed)(split.x_test) for seed in (3, 3, 4)
    )
    assert torch.equal(one, again) and not torch.equal(one, other)

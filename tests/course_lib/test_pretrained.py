import pytest
import torch
import torch.nn.functional as F
from sklearn.svm import LinearSVC
from torch import nn

from course_lib import data, pretrained


def features(trunk, images):
    """A 2×2 grid of mean features of animals drawn dark on white."""
    with torch.no_grad():
        maps = trunk(pretrained.prepare(1 - images))
        return F.adaptive_avg_pool2d(maps, 2).flatten(1)


def accuracy_of_a_linear_head(train, y_train, test, y_test):
    mean, std = train.mean(0), train.std(0) + 1e-6
    head = LinearSVC(C=0.001, max_iter=5000).fit(((train - mean) / std).numpy(), y_train)
    return head.score(((test - mean) / std).numpy(), y_test)


def test_twenty_animals_a_kind_are_told_better_by_features_than_by_pixels():
    animals = data.animal_mnist()
    some = torch.cat([(animals.y_train == kind).nonzero()[:20, 0] for kind in range(10)])
    x, y = animals.x_train[some], animals.y_train[some]
    x_test, y_test = animals.x_test[:300], animals.y_test[:300]
    torch.manual_seed(0)
    trunks = pretrained.efficientnet_lite0_trunk(), pretrained.EfficientNetLite0Trunk().eval()
    trained, random = (
        accuracy_of_a_linear_head(features(trunk, x), y, features(trunk, x_test), y_test)
        for trunk in trunks
    )
    pixels = accuracy_of_a_linear_head(x.flatten(1), y, x_test.flatten(1), y_test)
    assert trained > max(pixels, random) + 0.15


@pytest.mark.parametrize(("size", "kernel", "stride"), [(64, 3, 2), (33, 5, 2), (7, 3, 1)])
def test_padding_is_the_same_as_explicit_zeros(size, kernel, stride):
    torch.manual_seed(0)
    layer = pretrained.SameConv2d(2, 3, kernel, stride)
    x = torch.randn(2, 2, size, size + 1)
    y = layer(x)
    assert y.shape[2:] == (-(-size // stride), -(-(size + 1) // stride))
    # Of a stride of 2 and an even size, TensorFlow pads one less in front.
    front = [max((-(-s // stride) - 1) * stride + kernel - s, 0) // 2 for s in x.shape[2:]]
    padded = F.pad(x, (front[1], kernel, front[0], kernel))
    wanted = F.conv2d(padded, layer.weight, stride=stride)
    torch.testing.assert_close(y, wanted[:, :, : y.shape[2], : y.shape[3]])


def test_it_is_in_evaluation_mode_with_running_statistics_of_its_own():
    trunk = pretrained.efficientnet_lite0_trunk()
    norms = [module for module in trunk.modules() if isinstance(module, nn.BatchNorm2d)]
    assert len(norms) == 33 and not any(module.training for module in trunk.modules())
    assert all(norm.running_var.std() > 0.1 for norm in norms)


def test_every_call_gives_weights_of_its_own():
    first = pretrained.efficientnet_lite0_trunk()
    next(first.parameters()).data.zero_()
    assert next(pretrained.efficientnet_lite0_trunk().parameters()).abs().sum() > 0


def test_images_are_prepared_in_gray_and_in_color():
    gray = torch.linspace(0, 1, 2 * 28 * 28).reshape(2, 28, 28)
    prepared = pretrained.prepare(gray)
    assert prepared.shape == (2, 3, 64, 64) and torch.equal(prepared[:, 0], prepared[:, 2])
    white = pretrained.prepare(torch.ones(1, 3, 40, 50), size=48)
    torch.testing.assert_close(white, torch.ones(1, 3, 48, 48))


@pytest.mark.parametrize("shape", [(28, 28), (2, 1, 28, 28), (1, 2, 3, 4, 5)])
def test_other_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"^images: got shape .*allowed is"):
        pretrained.prepare(torch.zeros(shape))


def test_a_size_below_that_of_the_trunk_is_refused():
    with pytest.raises(ValueError, match=r"^size: got 16, allowed is size >= 32"):
        pretrained.prepare(torch.zeros(1, 28, 28), size=16)

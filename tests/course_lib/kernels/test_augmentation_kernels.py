"""Mixup, cutout and affine warps by kernels, against torch in float64."""

import math

import pytest
import torch
from torch.nn import functional as F

pytest.importorskip("triton")

from course_lib import augmentation as techniques
from course_lib.kernels import augmentation as module
from course_lib.kernels.augmentation import (
    affine_warp,
    affine_warp_bytes,
    blank,
    cutout,
    cutout_bytes,
    mix,
    mixup,
    mixup_bytes,
    warp,
)
from course_lib.tracing import interpreting, watching
from course_lib.tracing.compiling import compiled
from tests.support.exactness import assert_as_exact

SHAPES = [(5, 3, 7, 9), (2, 1, 1, 1), (1, 2, 4, 130), (3, 2, 33, 5)]
PRECISIONS = [torch.float64, torch.float32, torch.float16]
interpreted = pytest.mark.skipif(not interpreting(), reason="kernels are not interpreted here")
in_any_order = pytest.mark.parametrize("order", ["forward", "backward", "shuffled"])

# Top, left, height and width: over each border, the whole image, beyond it, empty in both ways.
BOXES = [
    [-2, -3, 5, 4], [5, 6, 40, 50], [2, 3, 2, 5], [0, 0, 7, 9], [-1, -1, 70, 90],
    [8, 9, 2, 2], [-5, 2, 5, 3], [3, 3, 0, 4], [3, 3, 4, 0], [6, 8, 1, 1],
]  # fmt: skip


def by_torch(images, theta):
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def affine(degrees, scale, shift):
    """θ of a rotation, a scaling and a shift, one an image."""
    angle = math.radians(degrees)
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return torch.tensor([[[cos, -sin, shift[0]], [sin, cos, shift[1]]]], dtype=torch.float64)


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_mixup_is_torchs(shape, dtype, device):
    images = torch.randn(shape, dtype=dtype, device=device)
    weight = torch.rand(shape[0], dtype=torch.promote_types(dtype, torch.float32), device=device)
    weight[0] = 1
    partner = torch.arange(shape[0], device=device).roll(1)
    result = mix(images, partner, weight)

    share = weight.double()[:, None, None, None]
    reference = share * images.double() + (1 - share) * images.double()[partner]
    assert_as_exact(result, reference.to(dtype), reference)
    assert torch.equal(result[0], images[0])


def test_mixup_of_the_course_can_be_had_by_the_kernel(device):
    images, targets = torch.randn(4, 3, 5, 7, device=device), torch.eye(4, device=device)
    torch.manual_seed(5)
    mixed, mixed_targets = techniques.mixup(images, targets, 0.4)
    torch.manual_seed(5)
    weight = torch.distributions.Beta(0.4, 0.4).sample((4, 1)).to(images)[:, 0]
    partner = torch.randperm(4, device=device)

    torch.testing.assert_close(mix(images, partner, weight), mixed)
    assert not torch.equal(mixed_targets, targets)


def test_several_programs_mix_one_image(device):
    x, out = torch.randn(3, 130, device=device), torch.full((3, 140), torch.nan, device=device)
    partner = torch.tensor([2, 2, 1], device=device)
    weight = torch.tensor([0.25, 0.5, 1.0], device=device)
    out = out.ravel()
    mixup[(3, 3)](x, partner, weight, out, 130, BLOCK=64)

    expected = weight[:, None] * x + (1 - weight[:, None]) * x[partner]
    torch.testing.assert_close(out[:390].reshape(3, 130), expected)
    assert out[390:].isnan().all()


@pytest.mark.parametrize("dtype", [*PRECISIONS], ids=str)
def test_boxes_are_blanked_as_far_as_they_are_inside(dtype, device):
    images = torch.randn(len(BOXES), 3, 7, 9, dtype=dtype, device=device)
    expected = images.clone()
    for image, (top, left, height, width) in zip(expected, BOXES, strict=True):
        image[:, max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)] = 0
    result = blank(images, torch.tensor(BOXES, device=device))

    assert result is images
    assert torch.equal(images, expected)


@pytest.mark.parametrize("box", [[1, 2, 40, 70], [0, 0, 50, 90], [17, 31, 16, 32]])
def test_a_box_larger_than_a_step_is_blanked(box, device):
    top, left, height, width = box
    images = torch.ones(1, 2, 50, 90, device=device)
    blank(images, torch.tensor([box], device=device))

    assert images.sum() == 2 * (50 * 90 - height * width)
    assert (images[:, :, top : top + height, left : left + width] == 0).all()


def test_blanking_tells_autograd(device):
    x = torch.ones(1, 1, 3, 3, device=device, requires_grad=True)
    y = x * 2
    squared = y.square().sum()
    blank(y.detach(), torch.tensor([[0, 0, 2, 2]], device=device))
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        squared.backward()

    y = blank(x * 2, torch.tensor([[0, 0, 2, 2]], device=device))
    (gradient,) = torch.autograd.grad(y.sum(), x)
    assert gradient.sum() == 2 * 5


@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_identity_is_exact(shape, dtype, device):
    images = torch.randn(shape, dtype=dtype, device=device)
    theta = torch.eye(2, 3, device=device).repeat(shape[0], 1, 1)

    assert torch.equal(warp(images, theta), images)


@pytest.mark.parametrize(
    ("theta", "change"),
    [
        ([[-1.0, 0, 0], [0, 1, 0]], lambda x: x.flip(3)),
        ([[1.0, 0, 0], [0, -1, 0]], lambda x: x.flip(2)),
        ([[1.0, 0, 2 / 8], [0, 1, 0]], lambda x: F.pad(x, (-1, 1))),
        ([[1.0, 0, 0], [0, 1, -4 / 4]], lambda x: F.pad(x, (0, 0, 2, -2))),
        ([[1.0, 0, 9], [0, 1, 0]], torch.zeros_like),
        ([[0.0, 0, 1e30], [0, 0, -1e30]], torch.zeros_like),
    ],
)
@pytest.mark.filterwarnings("error")  # no place is turned into a whole number that cannot hold it
def test_whole_pixels_move_exactly(theta, change, device):
    images = torch.randn(2, 3, 4, 8, device=device)
    theta = torch.tensor(theta, device=device).repeat(2, 1, 1)

    assert torch.equal(warp(images, theta), change(images))


MAPS = [
    affine(30, 1, (0, 0)), affine(0, 1, (0.3, -0.2)), affine(0, 0.6, (0, 0)),
    affine(0, 1.7, (0, 0)), affine(-100, 0.8, (0.5, 0.1)), affine(12, -2, (0.1, 0.9)),
]  # fmt: skip


@pytest.mark.parametrize("shape", [(6, 3, 7, 9), (6, 2, 33, 5), (6, 1, 1, 1)], ids=str)
def test_rotated_scaled_and_shifted_it_is_torchs(shape, device):
    theta = torch.cat(MAPS).to(device)
    images = torch.randn(shape, dtype=torch.float64, device=device)
    torch.testing.assert_close(warp(images, theta), by_torch(images, theta), rtol=1e-12, atol=1e-12)

    narrow, narrow_theta = images.float(), theta.float()
    own = by_torch(narrow, narrow_theta)
    reference = by_torch(narrow.double(), narrow_theta.double())
    assert_as_exact(warp(narrow, narrow_theta), own, reference)


def test_what_is_not_contiguous_is_brought_in_order(device):
    images, theta = torch.randn(2, 3, 7, 9, device=device), torch.cat(MAPS[:2]).float().to(device)
    last = images.to(memory_format=torch.channels_last)
    partner = torch.tensor([1, 0], device=device)
    weight = torch.rand(4, device=device)[::2]

    assert torch.equal(warp(last, theta.mT.contiguous().mT), warp(images, theta))
    assert torch.equal(mix(last, partner, weight), mix(images, partner, weight.clone()))


@pytest.mark.parametrize("wrong", ["zeros", "half inside", "nearest", "aligned corners"])
def test_what_is_not_exact_is_found(wrong):
    theta, images = torch.cat(MAPS).float(), torch.randn(6, 3, 7, 9)
    own, reference = by_torch(images, theta), by_torch(images.double(), theta.double())
    assert_as_exact(own, own, reference)
    grid = F.affine_grid(theta, images.shape, align_corners=False)
    bad = {
        "zeros": torch.zeros_like(own),
        "half inside": by_torch(images, theta.half().float()).half().float(),
        "nearest": F.grid_sample(images, grid, mode="nearest", align_corners=False),
        "aligned corners": F.grid_sample(images, grid, align_corners=True),
    }[wrong]

    with pytest.raises(AssertionError, match="error"):
        assert_as_exact(bad, own, reference)


def test_a_rotation_of_the_course_is_a_warp(device):
    images, degrees = (
        torch.randn(2, 1, 8, 6, device=device),
        torch.tensor([20.0, -75], device=device),
    )
    angle = torch.deg2rad(degrees)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    rows = [torch.stack([cos, -sin * 8 / 6, zero], 1), torch.stack([sin * 6 / 8, cos, zero], 1)]

    torch.testing.assert_close(
        warp(images, torch.stack(rows, 1)),
        techniques.rotate(images, degrees),
        rtol=1e-4,
        atol=1e-5,
    )


def test_only_pixels_with_a_share_are_read(device):
    images = torch.randn(1, 1, 4, 6, device=device)
    images[0, 0, 1, 2] = torch.nan
    theta = torch.eye(2, 3, device=device)[None].clone()
    theta[0, 0, 2] = 1 / 6  # half a pixel to the left

    assert warp(images, theta).isnan().sum() == 2
    assert warp(images, torch.eye(2, 3, device=device)[None]).isnan().sum() == 1


def test_gradients_are_torchs(device):
    theta = torch.cat(MAPS[:2]).to(device)
    images = torch.randn(2, 1, 4, 5, dtype=torch.float64, device=device, requires_grad=True)
    weight = torch.rand(2, dtype=torch.float64, device=device)
    partner = torch.tensor([1, 0], device=device)
    share = weight[:, None, None, None]
    grad = torch.randn_like(images)
    for y, expected in (
        (warp(images, theta), by_torch(images, theta)),
        (mix(images, partner, weight), share * images + (1 - share) * images[partner]),
    ):
        result = torch.autograd.grad(y, images, grad)
        torch.testing.assert_close(result, torch.autograd.grad(expected, images, grad))


def test_without_the_kernel_torch_does_the_same(monkeypatch, device):
    images = torch.randn(6, 3, 7, 9, dtype=torch.float64, device=device)
    theta, weight = torch.cat(MAPS).to(device), torch.rand(6, dtype=torch.float64, device=device)
    partner, boxes = torch.randperm(6, device=device), torch.tensor(BOXES[:6], device=device)
    mine = mix(images, partner, weight), blank(images.clone(), boxes), warp(images, theta)
    monkeypatch.setattr(module, "runs_on", lambda tensor: False)
    torchs = mix(images, partner, weight), blank(images.clone(), boxes), warp(images, theta)

    torch.testing.assert_close(mine, torchs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (mix, (torch.ones(3, 4), torch.arange(3), torch.ones(3)), "images: got"),
        (mix, (torch.ones(2, 1, 3, 3), torch.arange(3), torch.ones(2)), "partner: got"),
        (mix, (torch.ones(2, 1, 3, 3), torch.ones(2), torch.ones(2)), "partner: got"),
        (mix, (torch.ones(2, 1, 3, 3), torch.arange(2), torch.ones(2, 1)), "weight: got"),
        (blank, (torch.ones(2, 1, 3), torch.ones(2, 4).long()), "images: got"),
        (blank, (torch.ones(2, 1, 3, 3), torch.ones(2, 4)), "boxes: got"),
        (blank, (torch.ones(2, 1, 3, 3), torch.ones(3, 4).long()), "boxes: got"),
        (blank, (torch.ones(2, 3, 3, 2).mT, torch.ones(2, 4).long()), "contiguous"),
        (warp, (torch.ones(0, 1, 3, 3), torch.ones(0, 2, 3)), "images: got"),
        (warp, (torch.ones(2, 1, 3, 3), torch.ones(2, 3, 3)), "theta: got"),
    ],
)
def test_other_shapes_and_dtypes_are_refused(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(*arguments)


@interpreted
@in_any_order
def test_mixup_moves_the_fewest_bytes(order):
    images, partner, weight = torch.randn(3, 2, 11, 13), torch.tensor([2, 0, 1]), torch.rand(3)
    expected = mix(images, partner, weight)
    with watching(order) as traces:
        result = mix(images, partner, weight)
    (trace,) = traces

    assert torch.equal(result, expected)
    assert trace.moved <= 1.02 * mixup_bytes(images.numel(), 4)
    assert trace.races == [] and trace.unwritten("out_ptr") == 0


@interpreted
@in_any_order
def test_cutout_stores_the_boxes_and_nothing_else(order):
    images, boxes = torch.randn(10, 2, 7, 9), torch.tensor(BOXES)
    area = sum((blank(image[None].clone(), box[None]) == 0).sum().item() // 2
               for image, box in zip(images, boxes, strict=True))  # fmt: skip
    expected = blank(images.clone(), boxes)
    with watching(order) as traces:
        result = blank(images.clone(), boxes)
    (trace,) = traces

    assert torch.equal(result, expected)
    assert trace.stores["x_ptr"] == cutout_bytes(area, 2, 4)
    assert trace.loads["x_ptr"] == 0 and trace.races == []


@interpreted
@in_any_order
def test_a_warp_reads_the_corners_that_it_needs(order):
    images = torch.randn(2, 3, 16, 24)
    identity, rotation = torch.eye(2, 3).repeat(2, 1, 1), affine(7, 0.5, (0, 0)).repeat(2, 1, 1)
    for theta, corners in ((identity, 1), (rotation.float(), 4)):  # all of it inside
        expected = warp(images, theta)
        with watching(order) as traces:
            result = warp(images, theta)
        (trace,) = traces

        assert torch.equal(result, expected)
        assert trace.moved <= 1.02 * affine_warp_bytes(images.numel(), 4, corners=corners)
        assert trace.loads["x_ptr"] >= 0.99 * corners * 4 * images.numel()
        assert trace.races == [] and trace.unwritten("out_ptr") == 0


@interpreted
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_they_compile_without_spills(dtype):
    images, vector, whole = (
        torch.empty(1, dtype=kind) for kind in (dtype, torch.float32, torch.int64)
    )
    sides = {"channels": 3, "height": 32, "width": 32}
    of_mixup = compiled(
        mixup,
        {"x_ptr": images, "partner_ptr": whole, "weight_ptr": vector, "out_ptr": images,
         "size": 3072, "BLOCK": 1024},
    )  # fmt: skip
    of_cutout = compiled(
        cutout, {"x_ptr": images, "boxes_ptr": whole, **sides, "ROWS": 16, "COLUMNS": 32}
    )
    of_warp = compiled(
        affine_warp,
        {"x_ptr": images, "theta_ptr": vector, "out_ptr": images, **sides, "BLOCK": 512},
    )
    for name in ("sm_80", "sm_90"):
        assert of_mixup[name]["widest"] == 16
        for made, registers in ((of_mixup, 32), (of_cutout, 64), (of_warp, 128)):
            assert made[name]["spills"] == 0
            assert made[name]["registers"] <= registers

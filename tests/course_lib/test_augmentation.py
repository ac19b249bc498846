"""Augmentation against slices, numpy, scipy and torch's own warps, and against distributions."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage, stats
from torch import nn
from torch.nn import functional as F

from course_lib.augmentation import (
    augmented_features,
    crop_and_resize,
    cutout,
    jitter_colors,
    lens,
    mixed_cross_entropy,
    mixup,
    random_boxes,
    random_crop,
    random_flip,
    rotate,
    scaled_size,
    shear,
    stretch,
    ten_crop_average,
    translate,
)


def numbered(count: int, channels: int, height: int, width: int, **kind) -> torch.Tensor:
    """Images in which no two pixels are the same."""
    size = count * channels * height * width
    return torch.arange(1, size + 1, **kind).reshape(count, channels, height, width)


def smooth(height: int, width: int, **kind) -> torch.Tensor:
    """One image of a blob, off the center and wider than it is high."""
    y, x = torch.meshgrid(torch.arange(height, **kind), torch.arange(width, **kind), indexing="ij")
    blob = torch.exp(-(((y - 0.4 * height) / 3) ** 2) - ((x - 0.6 * width) / 5) ** 2)
    return blob[None, None]


def centroid(image: torch.Tensor) -> tuple[float, float]:
    """Where the middle of the mass is, right and down from the center of the image."""
    height, width = image.shape[-2:]
    mass = image.double().reshape(height, width)
    y = torch.arange(height) + 0.5 - height / 2
    x = torch.arange(width) + 0.5 - width / 2
    return float((mass.sum(0) * x).sum() / mass.sum()), float((mass.sum(1) * y).sum() / mass.sum())


def test_a_flip_is_torchs_with_the_box_along(device, dtype):
    images = numbered(300, 2, 3, 5, dtype=dtype, device=device)
    boxes = torch.tensor([[1, 0, 2, 4]], device=device).repeat(300, 1)
    flipped, moved = random_flip(images, boxes, 0.3)
    coins = (flipped == images.flip(-1)).flatten(1).all(1)
    assert torch.equal(flipped[~coins], images[~coins])
    assert torch.equal(
        moved[coins], torch.tensor([1, 1, 2, 4], device=device).expand(coins.sum(), 4)
    )
    assert torch.equal(moved[~coins], boxes[~coins])
    assert stats.binomtest(int(coins.sum()), 300, 0.3).pvalue > 1e-4


def test_flipping_twice_gives_the_image_and_the_box_back():
    images, boxes = torch.randn(4, 3, 5, 7), torch.tensor([[0, 1, 3, 2]] * 4)
    once = random_flip(images, boxes, 1)
    twice = random_flip(*once, 1)
    assert torch.equal(twice[0], images) and torch.equal(twice[1], boxes)
    assert torch.equal(random_flip(images, boxes, 0)[0], images)


def test_a_flipped_box_holds_the_flipped_content():
    images, boxes = torch.randn(1, 1, 9, 13), torch.tensor([[2, 1, 4, 5]])
    (flipped,), ((top, left, h, w),) = random_flip(images, boxes, 1)
    inside = flipped[:, top : top + h, left : left + w]
    assert torch.equal(inside, images[0, :, 2:6, 1:6].flip(-1))


def test_boxes_have_uniform_areas_log_uniform_aspects_and_uniform_places():
    height, width, scale, ratio = 3000, 5000, (0.01, 0.15), (1 / 4, 3)
    drawn = random_boxes(2000, height, width, scale, ratio).numpy()
    top, left, h, w = drawn.T
    for values, uniform in (
        (h * w / (height * width), stats.uniform(scale[0], scale[1] - scale[0])),
        (np.log(w / h), stats.uniform(math.log(ratio[0]), math.log(ratio[1] / ratio[0]))),
        (top / (height - h), stats.uniform()),
        (left / (width - w), stats.uniform()),
    ):
        assert stats.kstest(values, uniform.cdf).pvalue > 1e-4


def test_every_place_of_a_box_is_reached_and_every_box_fits():
    drawn = {tuple(box) for box in random_boxes(500, 6, 9, (0.5, 0.5), (0.75, 0.75)).tolist()}
    assert drawn == {(0, left, 6, 4) for left in range(6)}
    top, left, h, w = random_boxes(300, 5, 9, (0.3, 1.0), (1 / 4, 4)).T
    assert (top >= 0).all() and (top + h <= 5).all()
    assert (left >= 0).all() and (left + w <= 9).all()


def test_a_side_that_is_too_long_is_cut_down():
    _, _, h, w = random_boxes(50, 10, 100, (0.5, 0.9), (0.5, 2.0)).T
    assert (h == 10).all() and (w < 100).all() and (w >= 15).all()
    assert random_boxes(5, 8, 9, (1e-6, 1e-6))[:, 2:].tolist() == [[1, 1]] * 5


def test_a_crop_is_a_slice_and_a_resize_that_of_torch(device, dtype):
    images = torch.randn(2, 3, 11, 17, dtype=dtype, device=device)
    boxes = torch.tensor([[1, 2, 6, 9], [4, 0, 7, 12]], device=device)
    found = crop_and_resize(images, boxes, (5, 8))
    for image, box, crop in zip(images, boxes.tolist(), found, strict=True):
        top, left, h, w = box
        piece = image[None, :, top : top + h, left : left + w]
        wanted = F.interpolate(piece, (5, 8), mode="bilinear", align_corners=False)
        torch.testing.assert_close(crop[None], wanted)
    whole = torch.tensor([[0, 0, 11, 17]] * 2, device=device)
    assert torch.equal(crop_and_resize(images, whole, (11, 17)), images)


def test_a_turn_by_90_degrees_is_numpys(device, dtype):
    images = torch.randn(2, 3, 8, 8, dtype=dtype, device=device)
    turned = rotate(images, torch.tensor([90.0, -180.0], device=device))
    wanted = [np.rot90(images[0].cpu(), 1, (1, 2)), np.rot90(images[1].cpu(), -2, (1, 2))]
    np.testing.assert_allclose(turned.cpu(), np.stack(wanted), atol=1e-5)


@pytest.mark.parametrize("degrees", [-70.0, 15.0, 33.0])
def test_a_turn_is_scipys_on_an_image_that_is_not_square(degrees):
    image = smooth(40, 61, dtype=torch.float64)
    ours = rotate(image, torch.tensor([degrees]))[0, 0]
    theirs = ndimage.rotate(image[0, 0].numpy(), degrees, reshape=False, order=1)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    torch.testing.assert_close(rotate(image, torch.zeros(1)), image)


@pytest.mark.parametrize("shift", [(3.0, -2.0), (-1.25, 4.5)])
def test_a_shift_is_scipys(shift):
    image = torch.randn(1, 1, 9, 14, dtype=torch.float64)
    ours = translate(image, torch.tensor([shift], dtype=torch.float64))[0, 0]
    padded = np.pad(image[0, 0].numpy(), 1)  # scipy knows nothing between the border and the fill
    theirs = ndimage.shift(padded, shift[::-1], order=1)[1:-1, 1:-1]
    np.testing.assert_allclose(ours, theirs, atol=1e-12)


def test_what_enters_a_shifted_image_is_black():
    moved = translate(torch.ones(1, 1, 4, 6), torch.tensor([[2.0, 1.0]]))
    wanted = torch.zeros(1, 1, 4, 6)
    wanted[..., 1:, 2:] = 1
    torch.testing.assert_close(moved, wanted)


def test_stretching_moves_the_content_away_from_the_center():
    image = smooth(50, 70, dtype=torch.float64)
    x, y = centroid(image)
    wider = stretch(image, torch.tensor([[1.5, 0.8]]))
    assert centroid(wider) == pytest.approx((1.5 * x, 0.8 * y), rel=3e-3)
    assert float(wider.sum() / image.sum()) == pytest.approx(1.5 * 0.8, rel=0.01)


def test_shearing_keeps_rows_and_areas():
    image = smooth(50, 90, dtype=torch.float64)
    x, y = centroid(image)
    pushed = shear(image, torch.tensor([30.0]))
    k = math.tan(math.radians(30))
    assert centroid(pushed) == pytest.approx((x + k * y, y), rel=1e-3)
    torch.testing.assert_close(pushed.sum(-1), image.sum(-1), rtol=0.02, atol=1e-3)
    rows = torch.arange(5.0)[:, None].expand(1, 1, 5, 7)
    middle = shear(rows, torch.tensor([45.0]))[0, 0, :, 3]
    torch.testing.assert_close(middle, torch.arange(5.0))


def test_a_lens_is_the_closed_form():
    image = smooth(31, 44, dtype=torch.float64)
    k1, k2 = 0.3, -0.1
    y, x = np.meshgrid(np.arange(31) - 15, np.arange(44) - 21.5, indexing="ij")
    r = np.hypot(x, y) / np.hypot(15.5, 22)
    factor = 1 + k1 * r**2 + k2 * r**4
    padded = np.pad(image[0, 0].numpy(), 1)  # scipy knows nothing between the border and the fill
    wanted = ndimage.map_coordinates(padded, [y * factor + 16, x * factor + 22.5], order=1)
    np.testing.assert_allclose(lens(image, k1, k2)[0, 0], wanted, atol=1e-9)
    torch.testing.assert_close(lens(image, 0.0), image, rtol=0, atol=1e-12)
    assert centroid(lens(image, 0.3))[0] < centroid(image)[0] < centroid(lens(image, -0.3))[0]


def test_a_lens_treats_both_axes_alike_and_knows_no_resolution():
    square = torch.randn(1, 2, 12, 12, dtype=torch.float64)
    torch.testing.assert_close(
        lens(square.rot90(1, (2, 3)), 0.4), lens(square, 0.4).rot90(1, (2, 3))
    )
    small, large = smooth(40, 60), F.interpolate(smooth(40, 60), scale_factor=4, mode="bilinear")
    reached = np.array(centroid(lens(large, 0.4))) / 4
    assert reached == pytest.approx(centroid(lens(small, 0.4)), rel=0.01)


def test_a_random_crop_is_a_slice_of_the_padded_image_at_every_place(dtype):
    image = numbered(1, 2, 3, 4, dtype=dtype)
    padded = F.pad(image, [2] * 4, value=0.5)[0]
    places = {
        tuple(padded[:, top : top + 3, left : left + 4].flatten().tolist()): (top, left)
        for top in range(5)
        for left in range(5)
    }
    crops = random_crop(image.expand(1500, -1, -1, -1), 2, 0.5)
    counts = np.zeros((5, 5))
    for crop in crops:
        counts[places[tuple(crop.flatten().tolist())]] += 1
    assert stats.chisquare(counts.ravel()).pvalue > 1e-4
    assert torch.equal(random_crop(image, 0), image)


def test_the_shorter_side_gets_its_length_and_the_aspect_stays():
    assert scaled_size(200, 300, 100) == (100, 150)
    assert scaled_size(451, 300, 224) == (337, 224)


def test_cutout_blanks_one_square_an_image_that_may_hang_over_the_border(dtype):
    images = torch.ones(4000, 2, 5, 7, dtype=dtype)
    hole = cutout(images, 3) == 0
    assert torch.equal(hole[:, 0], hole[:, 1])
    rows, columns = hole[:, 0].any(2).sum(1), hole[:, 0].any(1).sum(1)
    assert torch.equal(hole[:, 0].sum((1, 2)), rows * columns)
    assert set(rows.tolist()) == set(columns.tolist()) == {2, 3}
    wanted = 2 / 5 * 2 / 7  # the centers that reach the corner
    assert stats.binomtest(int(hole[:, 0, 0, 0].sum()), 4000, wanted).pvalue > 1e-4
    assert hole[:, 0].double().mean().item() == pytest.approx(2.6 * 19 / 7 / 35, rel=0.03)
    assert torch.equal(cutout(images, 3, training=False), images)
    even = cutout(torch.ones(500, 1, 9, 9), 4)[:, 0, 4] == 0
    assert even.sum(1).max() == 4


def test_mixup_mixes_images_and_targets_with_one_weight_and_one_partner():
    images, targets = torch.eye(5).reshape(5, 1, 1, 5), torch.eye(5)
    weights = []
    for _ in range(400):
        mixed, labels = mixup(images, targets, 2.0)
        torch.testing.assert_close(mixed.reshape(5, 5), labels)
        torch.testing.assert_close(labels.sum(1), torch.ones(5))
        own, (largest, _) = labels.diagonal(), (labels - torch.diag(labels.diagonal())).max(1)
        torch.testing.assert_close(own + largest, torch.ones(5))
        weights += own[largest > 0].tolist()[:1]
    assert stats.kstest(weights, stats.beta(2, 2).cdf).pvalue > 1e-4


def test_the_loss_of_two_labels_is_that_of_the_mixed_ones():
    scores, one, other = torch.randn(6, 4), torch.randint(4, (6,)), torch.randint(4, (6,))
    mixed = 0.3 * F.one_hot(one, 4) + 0.7 * F.one_hot(other, 4)
    torch.testing.assert_close(
        mixed_cross_entropy(scores, one, other, 0.3), F.cross_entropy(scores, mixed)
    )


def test_the_ten_views_are_those_of_the_explicit_loop():
    images = torch.randn(3, 2, 7, 10)
    model = nn.Sequential(nn.Flatten(), nn.Linear(50, 4))
    views = []
    for top, left in ((0, 0), (0, 5), (2, 0), (2, 5), (1, 2)):
        crop = images[:, :, top : top + 5, left : left + 5]
        views += [crop, crop.flip(3)]
    wanted = torch.stack([model(view).softmax(1) for view in views]).mean(0)
    found = ten_crop_average(model, images, 5)
    torch.testing.assert_close(found, wanted.detach())
    assert not found.requires_grad
    assert torch.equal(found, ten_crop_average(model, images, 5))


def test_colors_change_as_asked_and_a_factor_of_one_changes_nothing(device, dtype):
    images = torch.rand(3, 3, 4, 5, dtype=dtype, device=device)
    one = torch.ones(3, dtype=dtype, device=device)
    torch.testing.assert_close(jitter_colors(images, one, one, one), images)
    gray = jitter_colors(images, one, one, 0 * one)
    torch.testing.assert_close(gray[:, 0], gray[:, 2])
    flat = jitter_colors(images, one, 0 * one, one)
    assert (flat.amax((1, 2, 3)) - flat.amin((1, 2, 3))).max() < 1e-5
    assert jitter_colors(images, 0 * one, one, one).abs().max() == 0
    brighter = jitter_colors(images, 5 * one, one, one)
    torch.testing.assert_close(brighter, (5 * images).clamp(0, 1))


def test_features_are_those_of_augmented_images():
    torch.manual_seed(0)
    extractor = nn.Sequential(nn.Flatten(), nn.Linear(24, 5), nn.ReLU())
    images, blanked = torch.randn(4, 2, 3, 4), nn.Dropout(0.5)
    torch.manual_seed(1)
    found = augmented_features(extractor, blanked, images, 3)
    torch.manual_seed(1)
    wanted = torch.stack([extractor(blanked(images)) for _ in range(3)])
    torch.testing.assert_close(found, wanted.detach())
    assert found.shape == (3, 4, 5) and not found.requires_grad
    assert not torch.allclose(found[0], found[1])


@pytest.mark.parametrize(
    "warp",
    [
        lambda x: rotate(x, torch.tensor([20.0, -30.0])),
        lambda x: translate(x, torch.tensor([[1.0, 2.0], [0.5, -1.0]])),
        lambda x: stretch(x, torch.tensor([[1.2, 0.7], [2.0, 1.1]])),
        lambda x: shear(x, torch.tensor([20.0, -30.0])),
        lambda x: lens(x, 0.2),
        lambda x: cutout(x, 3),
        lambda x: random_crop(x, 2),
        lambda x: mixup(x, torch.eye(2), 0.5)[0],
        lambda x: random_flip(x, torch.zeros(2, 4, dtype=torch.int64))[0],
        lambda x: crop_and_resize(x, torch.tensor([[0, 1, 3, 4]] * 2), (4, 6)),
    ],
)
def test_a_transform_leaves_its_input_alone_and_keeps_the_dtype(warp, dtype):
    images = torch.rand(2, 3, 6, 8, dtype=dtype)
    before = images.clone()
    changed = warp(images)
    assert torch.equal(images, before)
    assert changed.dtype == dtype


IMAGES, LABELS = torch.rand(2, 3, 4, 5), torch.eye(2)
ONES = torch.ones(2)


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: random_flip(IMAGES[0], torch.zeros(2, 4)), "images"),
        (lambda: random_flip(IMAGES, torch.zeros(2, 3)), "boxes"),
        (lambda: random_flip(IMAGES, torch.zeros(2, 4), 1.5), "p"),
        (lambda: random_boxes(1, 0, 5), "height"),
        (lambda: random_boxes(1, 5, 5, (0.0, 0.5)), "scale"),
        (lambda: random_boxes(1, 5, 5, ratio=(2.0, 1.0)), "ratio"),
        (lambda: crop_and_resize(IMAGES, torch.tensor([[0, 0, 5, 5]] * 2), (3, 3)), "boxes"),
        (lambda: crop_and_resize(IMAGES, torch.tensor([[0, 0, 0, 5]] * 2), (3, 3)), "boxes"),
        (lambda: crop_and_resize(IMAGES, torch.tensor([[0, 0, 4, 5]] * 2), (0, 3)), "size"),
        (lambda: rotate(IMAGES, torch.zeros(3)), "degrees"),
        (lambda: mixup(IMAGES, torch.eye(3), 0.2), "targets"),
        (lambda: mixup(IMAGES, LABELS, 0.0), "alpha"),
        (lambda: ten_crop_average(nn.Flatten(), IMAGES, 5), "size"),
        (lambda: random_crop(IMAGES, -1), "padding"),
        (lambda: scaled_size(4, 0, 3), "width"),
        (lambda: translate(IMAGES, torch.zeros(2)), "shifts"),
        (lambda: stretch(IMAGES, torch.zeros(2, 2)), "factors"),
        (lambda: shear(IMAGES, torch.tensor([90.0, 0.0])), "degrees"),
        (lambda: lens(IMAGES[0], 0.1), "images"),
        (lambda: cutout(IMAGES, 0), "size"),
        (lambda: jitter_colors(IMAGES, ONES, -ONES, ONES), "contrast"),
        (lambda: jitter_colors(IMAGES[:, :2], ONES, ONES, ONES), "images"),
        (lambda: mixed_cross_entropy(LABELS, ONES.long(), ONES.long(), 1.2), "weight"),
        (lambda: augmented_features(nn.Flatten(), nn.Identity(), IMAGES, 0), "views"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(call, argument):
    with pytest.raises(ValueError, match=rf"^{argument}: "):
        call()

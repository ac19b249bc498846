"""Data augmentation: transforms of whole batches of images, with the labels that go along.

Images are (N, C, H, W), rows counted from the top. Pixel (i, j) is a unit square with its center at
row i + ½ and column j + ½, so an image reaches from 0 to H and from 0 to W. A box is (top, left,
height, width) in pixels. Warps are written from the output to the input: where does the color of
this output pixel come from? As in `F.affine_grid`, that is the inverse of what the content does.
"""

import math
from collections.abc import Callable

import torch
from torch.nn import functional as F


def random_flip(
    images: torch.Tensor, boxes: torch.Tensor, p: float = 0.5
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mirror each image left to right with probability p, and its box with it.

    Formula:    x'[…, j] = x[…, W − 1 − j]; left' = W − left − width.
    Shapes:     images (N, C, H, W), boxes (N, 4) -> the same two.
    Convention: every image has a coin of its own, the same for all of its channels and its box.
    Raises:     ValueError for other shapes and for p outside [0, 1].
    Source:     Krizhevsky, Sutskever & Hinton 2012, Section 4.1.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if boxes.shape != (len(images), 4):
        raise ValueError(
            f"boxes: got shape {tuple(boxes.shape)}, allowed is (N, 4) = ({len(images)}, 4)"
        )
    if not 0 <= p <= 1:
        raise ValueError(f"p: got {p}, allowed is 0 <= p <= 1")

    flipped = torch.rand(len(images), device=images.device) < p
    mirrored = boxes.clone()
    mirrored[:, 1] = images.shape[-1] - boxes[:, 1] - boxes[:, 3]  # W − left − width
    return (
        torch.where(flipped[:, None, None, None], images.flip(-1), images),
        torch.where(flipped[:, None], mirrored, boxes),
    )


def random_boxes(
    count: int,
    height: int,
    width: int,
    scale: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
) -> torch.Tensor:
    """Draw the boxes that a random resized crop cuts out of images.

    Formula:    area = s H W with s ~ U(scale), w / h = r with log r ~ U(log ratio);
                h = √(area / r), w = √(area · r), rounded; the place is uniform among all
                whole-pixel places inside the image.
    Shapes:     (count, 4) whole numbers, each row (top, left, height, width).
    Convention: ratio is width over height. A side that comes out longer than the image's is cut
                down to it; none is shorter than a pixel.
    Raises:     ValueError for sizes and counts below 1, and for ranges that are not positive or not
                in order.
    Source:     Szegedy et al. 2015, Section 6 (area 8 % to 100 %, aspect from 3/4 to 4/3).
    """
    for name, size in (("count", count), ("height", height), ("width", width)):
        if size < 1:
            raise ValueError(f"{name}: got {size}, allowed is {name} >= 1")
    for name, (low, high) in (("scale", scale), ("ratio", ratio)):
        if not 0 < low <= high < math.inf:
            raise ValueError(f"{name}: got {(low, high)}, allowed is 0 < low <= high")

    spread = torch.rand(4, count, dtype=torch.float64)
    area = height * width * (scale[0] + (scale[1] - scale[0]) * spread[0])
    aspect = ratio[0] * (ratio[1] / ratio[0]) ** spread[1]  # log-uniform
    h = (area / aspect).sqrt().round().clamp(1, height)
    w = (area * aspect).sqrt().round().clamp(1, width)
    top = (spread[2] * (height - h + 1)).floor()  # the last place, H − h, is one of them
    left = (spread[3] * (width - w + 1)).floor()
    return torch.stack([top, left, h, w], dim=1).long()


def crop_and_resize(
    images: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int]
) -> torch.Tensor:
    """Cut a box out of each image and bring all of them to one size.

    Formula:    output pixel (i, j) shows the source at row top + (i + ½) h / h',
                column left + (j + ½) w / w', between pixels bilinear.
    Shapes:     images (N, C, H, W), boxes (N, 4) whole numbers -> (N, C, h', w'), which is size.
    Convention: the edges of the box become the edges of the output (`align_corners=False`).
    Raises:     ValueError for other shapes and no images, for boxes that are empty or reach out of
                the image, and for sizes below 1.
    Source:     `F.interpolate` of a slice.
    """
    if images.ndim != 4 or not len(images):
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if boxes.shape != (len(images), 4):
        raise ValueError(
            f"boxes: got shape {tuple(boxes.shape)}, allowed is (N, 4) = ({len(images)}, 4)"
        )
    if min(size) < 1:
        raise ValueError(f"size: got {tuple(size)}, allowed are sizes >= 1")
    if (boxes[:, :2] < 0).any() or (boxes[:, 2:] < 1).any():
        raise ValueError("boxes: got one that is empty or reaches out, allowed are boxes inside")
    if (boxes[:, :2] + boxes[:, 2:] > torch.tensor(images.shape[2:], device=boxes.device)).any():
        raise ValueError("boxes: got one that reaches out, allowed are boxes inside the image")

    crops = [
        F.interpolate(images[n : n + 1, :, top : top + h, left : left + w], size, mode="bilinear")
        for n, (top, left, h, w) in enumerate(boxes.tolist())
    ]
    return torch.cat(crops)


def rotate(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """Turn each image about its center, counterclockwise as one sees it.

    Formula:    the output pixel at (x, y) from the center shows the source at
                (x cos a − y sin a, x sin a + y cos a); x to the right, y down, both in pixels.
    Shapes:     images (N, C, H, W), degrees (N,) -> (N, C, H, W).
    Convention: what comes from outside of the image is 0; between pixels bilinear.
    Raises:     ValueError for other shapes.
    Source:     `F.affine_grid`, whose coordinates run from −1 to 1 along *each* side.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if degrees.shape != (len(images),):
        raise ValueError(f"degrees: got shape {tuple(degrees.shape)}, allowed is ({len(images)},)")

    _, _, height, width = images.shape
    angle = torch.deg2rad(degrees.to(images))
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    # Half a side is 1 in the grid's coordinates, so a step along y is H / W steps along x.
    along_x = torch.stack([cos, -sin * height / width, zero], dim=1)
    along_y = torch.stack([sin * width / height, cos, zero], dim=1)
    theta = torch.stack([along_x, along_y], dim=1)
    grid = F.affine_grid(theta, images.shape, align_corners=False)  # type: ignore[arg-type]
    return F.grid_sample(images, grid, align_corners=False)


def mixup(
    images: torch.Tensor, targets: torch.Tensor, alpha: float
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mix each image of a batch with another one, and their targets in the same way.

    Formula:    x̃ᵢ = λᵢ xᵢ + (1 − λᵢ) x_π(i), ỹᵢ = λᵢ yᵢ + (1 − λᵢ) y_π(i), λᵢ ~ Beta(α, α).
    Shapes:     images (N, C, H, W), targets (N, K), rows of class probabilities -> the same.
    Convention: a λ for every image and a random permutation π. The authors' code draws one λ a
                batch.
    Raises:     ValueError where the counts differ and for alpha that is not positive.
    Source:     Zhang, Cissé, Dauphin & Lopez-Paz 2018.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if targets.ndim != 2 or len(targets) != len(images):
        raise ValueError(
            f"targets: got shape {tuple(targets.shape)}, allowed is (N, K) with N = {len(images)}"
        )
    if not 0 < alpha < math.inf:
        raise ValueError(f"alpha: got {alpha}, allowed is 0 < alpha < inf")

    weight = torch.distributions.Beta(alpha, alpha).sample((len(images), 1)).to(images)  # λ
    partner = torch.randperm(len(images), device=images.device)  # π
    share = weight[:, :, None, None]
    mixed_images = share * images + (1 - share) * images[partner]
    return mixed_images, weight * targets + (1 - weight) * targets[partner]


def ten_crop_average(
    model: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor, size: int
) -> torch.Tensor:
    """Average the probabilities that a model gives to ten fixed views of each image.

    Formula:    the mean of softmax(model(view)) over the four corners and the center of each image,
                each as it is and mirrored left to right.
    Shapes:     images (N, C, H, W) -> (N, K); the model sees (N, C, size, size).
    Convention: the center starts at ⌊(H − size) / 2⌋ and ⌊(W − size) / 2⌋. The model comes in eval
                mode; no gradients are recorded.
    Raises:     ValueError for a size that does not fit.
    Source:     Krizhevsky, Sutskever & Hinton 2012, Section 4.1.
    """
    if not 1 <= size <= min(images.shape[-2:]):
        raise ValueError(f"size: got {size}, allowed is 1 to {min(images.shape[-2:])}")

    _, _, height, width = images.shape
    down, right = height - size, width - size
    places = [(0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2)]
    probabilities = []
    with torch.no_grad():
        for top, left in places:
            crop = images[..., top : top + size, left : left + size]
            for view in (crop, crop.flip(-1)):
                probabilities.append(torch.softmax(model(view), dim=1))
    return torch.stack(probabilities).mean(dim=0)


def random_crop(images: torch.Tensor, padding: int, fill: float = 0.0) -> torch.Tensor:
    """Pad each image on all sides and cut a piece of its old size out of it, anywhere.

    Formula:    x'[…, i, j] = padded[…, top + i, left + j] with top, left ~ U{0, …, 2 padding}.
    Shapes:     (N, C, H, W) -> (N, C, H, W).
    Convention: every image has a place of its own, the same for all of its channels.
    Raises:     ValueError for other shapes, no images and a negative padding.
    Source:     He et al. 2016, Section 4.2 (4 pixels, on CIFAR-10).
    """
    if images.ndim != 4 or not len(images):
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if padding < 0:
        raise ValueError(f"padding: got {padding}, allowed is padding >= 0")

    count, _, height, width = images.shape
    padded = F.pad(images, [padding] * 4, value=fill)
    places = torch.randint(2 * padding + 1, (count, 2)).tolist()
    crops = [
        padded[n, :, top : top + height, left : left + width]
        for n, (top, left) in enumerate(places)
    ]
    return torch.stack(crops)


def scaled_size(height: int, width: int, shorter: int) -> tuple[int, int]:
    """Give the size of an image once its shorter side is scaled to a given length.

    Formula: both sides times shorter / min(H, W), rounded to the nearest whole number.
    Raises:  ValueError for sizes below 1.
    Source:  Simonyan & Zisserman 2015, Section 3.1 (shorter side from 256 to 512, crops of 224).

    >>> scaled_size(300, 451, 256)
    (256, 385)
    """
    for name, size in (("height", height), ("width", width), ("shorter", shorter)):
        if size < 1:
            raise ValueError(f"{name}: got {size}, allowed is {name} >= 1")

    factor = shorter / min(height, width)
    return round(height * factor), round(width * factor)


def translate(images: torch.Tensor, shifts: torch.Tensor) -> torch.Tensor:
    """Move the content of each image to the right and down.

    Formula:    the output pixel at (x, y) shows the source at (x − dx, y − dy).
    Shapes:     images (N, C, H, W), shifts (N, 2), each (dx, dy) in pixels -> (N, C, H, W).
    Convention: what comes from outside of the image is 0; between pixels bilinear.
    Raises:     ValueError for other shapes.
    Source:     `F.affine_grid`.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if shifts.shape != (len(images), 2):
        raise ValueError(f"shifts: got shape {tuple(shifts.shape)}, allowed is ({len(images)}, 2)")

    _, _, height, width = images.shape
    theta = torch.eye(2, 3).to(images).repeat(len(images), 1, 1)
    theta[:, 0, 2] = -2 * shifts[:, 0] / width  # half a side is 1 in the grid's coordinates
    theta[:, 1, 2] = -2 * shifts[:, 1] / height
    grid = F.affine_grid(theta, images.shape, align_corners=False)  # type: ignore[arg-type]
    return F.grid_sample(images, grid, align_corners=False)


def stretch(images: torch.Tensor, factors: torch.Tensor) -> torch.Tensor:
    """Make the content of each image wider and higher, about the center.

    Formula:    the output pixel at (x, y) from the center shows the source at (x / s_x, y / s_y).
    Shapes:     images (N, C, H, W), factors (N, 2), each (s_x, s_y) -> (N, C, H, W).
    Convention: what comes from outside of the image is 0; between pixels bilinear. Areas grow by
                s_x s_y.
    Raises:     ValueError for other shapes and for factors that are not positive.
    Source:     `F.affine_grid`.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if factors.shape != (len(images), 2):
        raise ValueError(
            f"factors: got shape {tuple(factors.shape)}, allowed is ({len(images)}, 2)"
        )
    if not (factors > 0).all():
        raise ValueError(f"factors: got {factors.min().item():g}, allowed is factors > 0")

    theta = images.new_zeros(len(images), 2, 3)
    theta[:, 0, 0] = 1 / factors[:, 0]  # from the output to the input
    theta[:, 1, 1] = 1 / factors[:, 1]
    grid = F.affine_grid(theta, images.shape, align_corners=False)  # type: ignore[arg-type]
    return F.grid_sample(images, grid, align_corners=False)


def shear(images: torch.Tensor, degrees: torch.Tensor) -> torch.Tensor:
    """Push the rows of each image sideways: those below the center right, those above it left.

    Formula:    content goes from (x, y) to (x + k y, y) with k = tan a, so the output pixel at
                (x, y) from the center, y down, shows the source at (x − k y, y).
    Shapes:     images (N, C, H, W), degrees (N,) -> (N, C, H, W).
    Convention: what comes from outside of the image is 0; between pixels bilinear. Rows stay
                horizontal, areas stay as they are.
    Raises:     ValueError for other shapes and for angles that are not between −90 and 90 degrees.
    Source:     `F.affine_grid`.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if degrees.shape != (len(images),):
        raise ValueError(f"degrees: got shape {tuple(degrees.shape)}, allowed is ({len(images)},)")
    if not (degrees.abs() < 90).all():
        raise ValueError(f"degrees: got {degrees.abs().max().item():g}, allowed is |degrees| < 90")

    _, _, height, width = images.shape
    theta = torch.eye(2, 3).to(images).repeat(len(images), 1, 1)
    k = torch.tan(torch.deg2rad(degrees.to(images)))
    theta[:, 0, 1] = -k * height / width  # half a side is 1 in the grid's coordinates
    grid = F.affine_grid(theta, images.shape, align_corners=False)  # type: ignore[arg-type]
    return F.grid_sample(images, grid, align_corners=False)


def lens(images: torch.Tensor, k1: float, k2: float = 0.0) -> torch.Tensor:
    """Bend the images as a lens does that magnifies its edges differently from its center.

    Formula:    the output pixel at distance r from the center shows the source in the same
                direction at r (1 + k₁ r² + k₂ r⁴); r is 1 in the corners.
    Shapes:     (N, C, H, W) -> (N, C, H, W).
    Convention: k₁ > 0 pulls the content inward (barrel), k₁ < 0 pushes it outward (pincushion).
                What comes from outside of the image is 0; between pixels bilinear.
    Raises:     ValueError for other shapes.
    Source:     Brown 1966; Conrady 1919.
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")

    _, _, height, width = images.shape
    y = (torch.arange(height) + 0.5 - height / 2).to(images)[:, None]
    x = (torch.arange(width) + 0.5 - width / 2).to(images)[None, :]
    r2 = (x**2 + y**2) / ((width / 2) ** 2 + (height / 2) ** 2)  # one length for both axes
    factor = 1 + k1 * r2 + k2 * r2**2
    grid = torch.stack([x * factor / (width / 2), y * factor / (height / 2)], dim=-1)
    grid = grid.expand(len(images), -1, -1, -1)
    return F.grid_sample(images, grid, align_corners=False)


def cutout(images: torch.Tensor, size: int, training: bool = True) -> torch.Tensor:
    """Blank one square of each image; its center is anywhere, so it may hang over the border.

    Formula:    rows c − ⌊s/2⌋ to c − ⌊s/2⌋ + s − 1 become 0, and columns alike, as far as they lie
                inside; c ~ U{0, …, H − 1}, and for the columns U{0, …, W − 1}.
    Shapes:     (N, C, H, W) -> (N, C, H, W).
    Convention: images are normalized before, so 0 is the mean. Each image has a square of its own,
                in all of its channels. With training=False the images come back as they are.
    Raises:     ValueError for other shapes and for a size below 1.
    Source:     DeVries & Taylor 2017 (s = 16 on CIFAR-10).
    """
    if images.ndim != 4:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, C, H, W)")
    if size < 1:
        raise ValueError(f"size: got {size}, allowed is size >= 1")

    if not training:
        return images
    count, _, height, width = images.shape
    rows = torch.arange(height, device=images.device)
    columns = torch.arange(width, device=images.device)
    top = torch.randint(height, (count, 1), device=images.device) - size // 2
    left = torch.randint(width, (count, 1), device=images.device) - size // 2
    in_rows = (rows >= top) & (rows < top + size)  # (N, H)
    in_columns = (columns >= left) & (columns < left + size)  # (N, W)
    hole = in_rows[:, None, :, None] & in_columns[:, None, None, :]
    return images.masked_fill(hole, 0)


def jitter_colors(
    images: torch.Tensor,
    brightness: torch.Tensor,
    contrast: torch.Tensor,
    saturation: torch.Tensor,
) -> torch.Tensor:
    """Change the brightness, then the contrast, then the saturation of color images.

    Formula:    x ← b x; x ← m + c (x − m) with m the image's mean gray; x ← g + s (x − g) with g
                the pixel's gray; then x is cut off at 0 and 1. Gray is 0.299 R + 0.587 G + 0.114 B.
    Shapes:     images (N, 3, H, W) in [0, 1], the three factors (N,) -> (N, 3, H, W).
    Convention: a factor of 1 changes nothing, 0 is black, all of one gray, or without color.
    Raises:     ValueError for other shapes and for factors below 0.
    Source:     Howard 2013; the gray is ITU-R BT.601's luma.
    """
    if images.ndim != 4 or images.shape[1] != 3:
        raise ValueError(f"images: got shape {tuple(images.shape)}, allowed is (N, 3, H, W)")
    for name, factor in (
        ("brightness", brightness),
        ("contrast", contrast),
        ("saturation", saturation),
    ):
        if factor.shape != (len(images),) or not (factor >= 0).all():
            raise ValueError(f"{name}: allowed are {len(images)} factors >= 0, one an image")

    luma = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).to(images)[:, None, None]
    b, c, s = (factor[:, None, None, None] for factor in (brightness, contrast, saturation))
    x = b * images
    mean = (luma * x).sum(dim=1, keepdim=True).mean(dim=(2, 3), keepdim=True)
    x = mean + c * (x - mean)
    gray = (luma * x).sum(dim=1, keepdim=True)
    x = gray + s * (x - gray)
    return x.clamp(0, 1)


def mixed_cross_entropy(
    scores: torch.Tensor, first: torch.Tensor, second: torch.Tensor, weight: float
) -> torch.Tensor:
    """Give the loss of a mixed batch from the two class numbers of each of its images.

    Formula: λ CE(s, y) + (1 − λ) CE(s, y_π), which is the cross-entropy with the mixed targets.
    Shapes:  scores (N, K), first and second (N,) class numbers -> (), the mean over the batch.
    Raises:  ValueError for a weight outside [0, 1].
    Source:  Zhang et al. 2018, whose code computes it in this way.
    """
    if not 0 <= weight <= 1:
        raise ValueError(f"weight: got {weight}, allowed is 0 <= weight <= 1")

    return weight * F.cross_entropy(scores, first) + (1 - weight) * F.cross_entropy(scores, second)


def augmented_features(
    extractor: torch.nn.Module,
    augment: Callable[[torch.Tensor], torch.Tensor],
    images: torch.Tensor,
    views: int,
) -> torch.Tensor:
    """Compute the features of several augmented versions of a batch with a frozen extractor.

    Formula:    features[v] = extractor(augment(images)), with fresh random numbers for every v.
    Shapes:     images (N, C, H, W) -> (views, N, D).
    Convention: the images are augmented, not the features. The extractor comes in eval mode and no
                gradients are recorded; `augment` is called once a view.
    Raises:     ValueError for fewer than one view.
    Source:     Donahue et al. 2014 (features of a frozen network).
    """
    if views < 1:
        raise ValueError(f"views: got {views}, allowed is views >= 1")

    with torch.no_grad():
        return torch.stack([extractor(augment(images)) for _ in range(views)])

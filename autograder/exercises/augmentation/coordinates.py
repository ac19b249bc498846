"""Warps are judged by where they take things from, whatever they do between the pixels.

A coordinate image holds at every pixel the row and the column of its center, row + ½ and
column + ½. Once it is warped, it says at every pixel where that came from: linear interpolation
exactly, the nearest pixel up to half a pixel, an average up to less. Who takes whole pixels is known by
their centers; whoever else is off by a tenth is off. A third channel is constant
inside the image; where it is still so no border has been mixed in. The last is a picture.
"""

import numpy as np

from autograder.judging.checks import Check, finding

MAP, INSIDE, PICTURE = slice(0, 2), 2, 3
FULL = 1 + 0.5 / 1024
"""What the third channel holds: halfway between two numbers of half precision."""
HALF_A_PIXEL = 0.51
A_TENTH = 0.1
BIAS = 0.3


def coordinate_images(rng, count, height, width):
    """Images (count, 4, H, W) that say where each of their pixels is."""
    rows, columns = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    images = np.empty((count, 4, height, width))
    images[:, 0], images[:, 1], images[:, INSIDE] = rows, columns, FULL
    for image in images:
        u, v = rng.uniform(0.5, 1.2, 2) / np.array([height, width])
        phase = rng.uniform(0, 2 * np.pi, 2)
        waves = np.sin(2 * np.pi * u * rows + phase[0]) * np.sin(2 * np.pi * v * columns + phase[1])
        image[PICTURE] = waves
    return images


def _pair(case):
    observed, expected = case.observed.get("result"), np.asarray(case.expected["result"])
    if not isinstance(observed, np.ndarray) or observed.shape != expected.shape:
        return None, expected
    return observed.astype(np.float64), expected


def comes_from_the_right_place(bias=HALF_A_PIXEL, *, edges=False):
    """Every pixel comes from where it should, and so do all of them on average.

    The nearest pixels of a turned image are off in all directions, so a small ``bias`` tells.
    """
    return Check(
        "every pixel comes from the right place", lambda case: _from_where(case, bias, edges)
    )


def _from_where(case, allowed_bias, edges):
    observed, expected = _pair(case)
    if observed is None:
        return _another_shape(case, expected)
    inside = _surrounded(expected[:, INSIDE] > FULL - 1e-5, edges=edges)
    off = np.abs(observed[:, MAP] - expected[:, MAP]).max(axis=1)[inside]
    bias = max(
        _trend(o[axis][i] - e[axis][i], e[axis][i])
        for o, e, i in zip(observed, expected, inside, strict=True)
        for axis in (0, 1)
    )
    worst = float(off.max())
    allowed = HALF_A_PIXEL if edges or _takes_whole_pixels(observed, inside) else A_TENTH
    gist = f"up to {worst:.1f} pixels from where it should come from"
    if worst <= allowed:
        gist = f"all of it {bias:.1f} pixels from where it should come from"
    return finding(worst <= allowed and bias <= allowed_bias, "the same place", gist, gist)


def _takes_whole_pixels(observed, inside):
    """Whether all pixels show the center of one, as those of the nearest do."""
    centers = observed[:, MAP] - 0.5
    return bool((np.abs(centers - np.round(centers)).max(axis=1)[inside] < 1e-3).all())


def _trend(error, place):
    """How far off things are in the middle of an image or, on average, at its ends."""
    away = place - place.mean()
    slope = (error * away).mean() / (away**2).mean()
    return float(max(abs(error.mean()), abs(slope) * np.abs(away).max()))


def _border(case):
    observed, expected = _pair(case)
    if observed is None:
        return _another_shape(case, expected)
    outside = _surrounded(expected[:, INSIDE] < 1e-9)
    strange = np.abs(observed[:, INSIDE][outside]) > 1e-6
    share = float(strange.mean()) if strange.size else 0.0
    observed = f"{share:.0%} of what lies outside is not 0"
    return finding(share == 0, "0 outside of the image", observed, observed)


def _picture(case):
    observed, expected = _pair(case)
    if observed is None:
        return _another_shape(case, expected)
    inside = _surrounded(expected[:, INSIDE] > FULL - 1e-5)
    off = float(np.abs(observed[:, PICTURE] - expected[:, PICTURE])[inside].max())
    limit = case.inputs.get("blur", 0.3)
    return finding(off <= limit, "the picture", f"off by {off:.2g}", "another picture")


def _constant(case):
    observed, expected = _pair(case)
    if observed is None:
        return _another_shape(case, expected)
    inside = _surrounded(expected[:, INSIDE] > FULL - 1e-5)
    off = float(np.abs(observed[:, INSIDE] - FULL)[inside].max())
    return finding(off <= 1e-4, "the same brightness", f"off by {off:.2g}", "another brightness")


def _surrounded(mask, *, edges=False):
    """Where a mask holds for a pixel and its neighbors; at the ``edges`` some may be missing."""
    padded = np.pad(mask, ((0, 0), (1, 1), (1, 1)), constant_values=edges)
    middle = padded[:, 1:-1, 1:-1]
    across = padded[:, 1:-1, :-2] & padded[:, 1:-1, 2:]
    return middle & across & padded[:, :-2, 1:-1] & padded[:, 2:, 1:-1]


def _another_shape(case, expected):
    got = getattr(case.observed.get("result"), "shape", None)
    return finding(False, f"shape {expected.shape}", f"{got}", "of another shape")


shows_the_picture = Check("the picture itself is seen", _picture)
nothing_beyond_the_border = Check("what lies outside is 0", _border)

NO_GRADIENT = {
    "everything is done under torch.no_grad()": "nobody differentiates through an augmentation"
}
_DEFAULT = "false is the default"


def through_half(*lines):
    """Mutants of a warp that move where things come from by less than a tenth of a pixel."""
    found = {}
    for line in lines:
        name, _, value = line.partition(" = ")
        found[f"{line} => {name} = through_half({value})"] = "less than a tenth of a pixel"
    return found


THE_DEFAULTS = {
    "grid = F.affine_grid(theta, images.shape, align_corners=False) => "
    "grid = F.affine_grid(theta, images.shape)": _DEFAULT,
    "return F.grid_sample(images, grid, align_corners=False) => "
    "return F.grid_sample(images, grid)": _DEFAULT,
}
OF_THE_GRID = "grid = F.affine_grid(theta, images.shape, align_corners=False)"

CONSTANT_STAYS = Check("what is constant stays so", _constant)

WARP_CHECKS = (
    comes_from_the_right_place(bias=BIAS),
    shows_the_picture,
    CONSTANT_STAYS,
    nothing_beyond_the_border,
)

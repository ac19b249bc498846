"""Small data sets for the labs. They come with the course; nothing is downloaded.

Every call reads afresh and returns new tensors, so changing one in place changes nothing else.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

FASHION_CLASSES = (
    "T-shirt",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

ANIMAL_CLASSES = (
    "Bear",
    "Bird",
    "Cat",
    "Cow",
    "Dog",
    "Elephant",
    "Giraffe",
    "Horse",
    "Sheep",
    "Zebra",
)

WINE_FEATURES = (
    "alcohol",
    "malic acid",
    "ash",
    "alcalinity of ash",
    "magnesium",
    "total phenols",
    "flavanoids",
    "nonflavanoid phenols",
    "proanthocyanins",
    "color intensity",
    "hue",
    "OD280/OD315",
    "proline",
)

_FOLDER = Path(__file__).resolve().parent / "datasets"
_DIGITS_TRAIN = 1_437
_WINE_TRAIN = 140


class Split(NamedTuple):
    """Inputs (float32) and class numbers (int64), for training and for testing."""

    x_train: torch.Tensor
    y_train: torch.Tensor
    x_test: torch.Tensor
    y_test: torch.Tensor


def fashion_mnist(train: int = 10_000, test: int = 2_000) -> Split:
    """Load photographs of clothes in ten classes: the first `train` and `test` of those kept here.

    Shapes:  x (N, 28, 28), brightness in [0, 1], 0 is the background; y (N,) in 0…9, named by
             `FASHION_CLASSES`.
    Raises:  ValueError for a count that is not a whole number from 1 to what is kept.
    Source:  Xiao, Rasul & Vollgraf 2017; the first 10,000 of 60,000 training and 2,000 of 10,000
             test images.
    License: MIT, © 2017 Zalando SE.
    """
    split = _read("fashion_mnist")
    _check_count("train", train, len(split.x_train))
    _check_count("test", test, len(split.x_test))
    return Split(
        split.x_train[:train].float() / 255,
        split.y_train[:train].long(),
        split.x_test[:test].float() / 255,
        split.y_test[:test].long(),
    )


def animal_mnist(train: int = 7_716, test: int = 2_000) -> Split:
    """Load silhouettes of animals of ten kinds: the first `train` and `test` of those kept here.

    Shapes:  x (N, 28, 28), brightness in [0, 1], 0 is the background; y (N,) in 0…9, named by
             `ANIMAL_CLASSES`. No image occurs twice; the whole test part has 200 of each kind.
    Raises:  ValueError for a count that is not a whole number from 1 to what is kept.
    Source:  The Python package `animal_mnist` 0.4, by Sina Mohammadi, without its 284 exact
             duplicates; shuffled and split here.
    License: MIT.
    """
    split = _read("animal_mnist")
    _check_count("train", train, len(split.x_train))
    _check_count("test", test, len(split.x_test))
    return Split(
        split.x_train[:train].float() / 255,
        split.y_train[:train].long(),
        split.x_test[:test].float() / 255,
        split.y_test[:test].long(),
    )


def mnist1d(train: int = 4_000, test: int = 1_000) -> Split:
    """Load one-dimensional signals drawn like the ten digits, shifted, scaled, sheared and noisy.

    Shapes:  x (N, 40), no unit, mean 0 and standard deviation 1 over the whole set; y (N,) in 0…9.
    Raises:  ValueError for a count that is not a whole number from 1 to what is kept.
    Source:  Greydanus & Kobak 2020, "Scaling down deep learning with MNIST-1D"; default arguments.
    License: Apache-2.0.
    """
    split = _read("mnist1d")
    _check_count("train", train, len(split.x_train))
    _check_count("test", test, len(split.x_test))
    return Split(
        split.x_train[:train].clone(),
        split.y_train[:train].long(),
        split.x_test[:test].clone(),
        split.y_test[:test].long(),
    )


def digits() -> Split:
    """Load handwritten digits at low resolution; some border pixels never vary.

    Shapes:  x (N, 8, 8), ink in [0, 1] in steps of 1/16; y (N,) in 0…9. The first 1,437 images
             of the file are for training, the last 360 for testing.
    Source:  Alpaydin & Kaynak 1998, UCI "Optical Recognition of Handwritten Digits", as carried
             by scikit-learn.
    License: CC BY 4.0 (the data), BSD-3-Clause (scikit-learn).

    >>> digits().x_test.shape
    torch.Size([360, 8, 8])
    """
    from sklearn.datasets import load_digits

    loaded = load_digits()
    x = torch.tensor(loaded.images / 16, dtype=torch.float32)
    y = torch.tensor(loaded.target, dtype=torch.int64)
    n = _DIGITS_TRAIN
    return Split(x[:n].clone(), y[:n].clone(), x[n:].clone(), y[n:].clone())


def wine() -> Split:
    """Load chemical measurements of wines from three growers, on very different scales.

    Shapes:  x (N, 13), named by `WINE_FEATURES`, each in its own unit; y (N,) in 0…2. The rows are
             shuffled, always in the same way: 140 are for training, 38 for testing.
    Source:  Aeberhard & Forina 1991, UCI "Wine", as carried by scikit-learn.
    License: CC BY 4.0 (the data), BSD-3-Clause (scikit-learn).

    >>> wine().x_train.shape
    torch.Size([140, 13])
    """
    from sklearn.datasets import load_wine

    loaded = load_wine()
    # The file is sorted by grower.
    order = torch.randperm(len(loaded.target), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(loaded.data, dtype=torch.float32)[order]
    y = torch.tensor(loaded.target, dtype=torch.int64)[order]
    n = _WINE_TRAIN
    return Split(x[:n].clone(), y[:n].clone(), x[n:].clone(), y[n:].clone())


def photographs() -> torch.Tensor:
    """Load two color photographs, a palace in China and a flower.

    Shapes:  (2, 3, 427, 640), bytes (uint8), channels in the order red, green, blue.
    Source:  "china.jpg" (Flickr, danielbuechele) and "flower.jpg" (Flickr, vultilion), as carried
             by scikit-learn.
    License: CC BY 2.0 (both photographs).

    >>> photographs().dtype
    torch.uint8
    """
    from sklearn.datasets import load_sample_image

    images = [load_sample_image(name) for name in ("china.jpg", "flower.jpg")]
    return torch.stack([torch.tensor(image).movedim(-1, 0) for image in images])


def snapshots() -> dict[str, torch.Tensor]:
    """Load three small color photographs: "coffee", "cat" and "astronaut" (with lettering).

    Shapes:  (3, 200, 300), (3, 150, 225) and (3, 256, 256), bytes (uint8), channels in the order
             red, green, blue.
    Source:  The sample data of scikit-image, at half the height and width: a cup of coffee (Rachel
             Michetti), Chelsea the cat (Stefan van der Walt), Eileen Collins (NASA).
    License: CC0 (coffee, cat), public domain (astronaut).

    >>> snapshots()["cat"].shape
    torch.Size([3, 150, 225])
    """
    return {name: image.movedim(-1, 0).contiguous() for name, image in stored("snapshots").items()}


def stored(name: str) -> dict[str, torch.Tensor]:
    """Read the arrays of one file of `datasets/`.

    Raises:  FileNotFoundError where the course is not whole.
    """
    path = _FOLDER / f"{name}.npz"
    try:
        with np.load(path) as arrays:
            return {field: torch.from_numpy(arrays[field]) for field in arrays.files}
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{path} is missing; it comes with the course: restore it with `git checkout` "
            "or install the course again"
        ) from None


def _read(name: str) -> Split:
    """Read one file of `datasets/` with the parts of a split, as it is stored."""
    arrays = stored(name)
    return Split(*(arrays[field] for field in Split._fields))


def _check_count(name: str, count: int, kept: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= kept:
        raise ValueError(f"{name}: got {count!r}, allowed is a whole number from 1 to {kept:,}")

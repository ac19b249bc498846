"""Make the two data sets that the course carries; run once, the results are committed.

Fashion-MNIST comes from the IDX files of the Debian package `dataset-fashion-mnist`, MNIST-1D from
the generator in the Python package `mnist1d` with its default arguments (seed 42). Neither is
needed to take the course.

    python scripts/make_datasets.py            write the files
    python scripts/make_datasets.py --check    fail if the committed arrays differ
"""

import argparse
import gzip
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

FASHION_FOLDER = Path("/usr/share/datasets/fashion-mnist")
FASHION_TRAIN, FASHION_TEST = 10_000, 2_000
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


DATASETS: dict[str, Callable[[], Arrays]] = {
    "fashion_mnist": make_fashion_mnist,
    "mnist1d": make_mnist1d,
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
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    TARGET.mkdir(exist_ok=True)
    wrong = []
    for name, make in DATASETS.items():
        path, made = TARGET / f"{name}.npz", make()
        if not check:
            np.savez_compressed(path, **made)  # type: ignore[arg-type]
            print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")
        elif differs(path, made):
            wrong.append(path.name)
    if wrong:
        print(f"differ from what is made now: {', '.join(wrong)}", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

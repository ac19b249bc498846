"""Train the course's one network with ten seeds after every lab, and write the page on it.

`trials` and `accuracies` print what stands in `course_lib.one_network`, in some 15 minutes; `page`
trains nothing, and writes `docs/one_network.md` and its figure from what stands there.

    OMP_NUM_THREADS=1 python scripts/make_one_network.py trials
    OMP_NUM_THREADS=1 python scripts/make_one_network.py accuracies page
"""

import sys
from math import hypot, sqrt
from pathlib import Path
from statistics import fmean, stdev

import torch
import torch.nn.functional as F

from course_lib import one_network, plotting
from course_lib.data import Split, fashion_mnist
from course_lib.one_network import ACCURACIES, IMAGES, STEPS, OneNetwork
from course_lib.search import random_configs

DOCS = Path(__file__).resolve().parents[1] / "docs"
SEEDS = range(10)
VALIDATION = 1_000
SPACE = {"rate": (1e-3, 5e-2, "log"), "decay": (1e-2, 1.0, "log")}


def trials() -> None:
    """Print a random search on images that are neither trained on nor tested."""
    more = fashion_mnist(IMAGES + VALIDATION)
    part = slice(IMAGES, IMAGES + VALIDATION)
    split = Split(
        more.x_train[:IMAGES], more.y_train[:IMAGES], more.x_train[part], more.y_train[part]
    )
    before = OneNetwork("augmentation")
    torch.manual_seed(0)
    print("TRIALS = (")
    for config in random_configs(SPACE, 12):
        rate, decay = round(config["rate"], 5), round(config["decay"], 4)
        scores = [before.trained(split, seed, rate, decay) for seed in (100, 101)]
        losses = tuple(round(F.cross_entropy(s, split.y_test).item(), 4) for s in scores)
        print(f"    ({rate}, {decay}, {losses}),", flush=True)
    print(")")


def accuracies() -> None:
    """Print what the training reaches after each lab."""
    print("ACCURACIES = {")
    for lab in STEPS:
        shares = OneNetwork(lab).accuracies(SEEDS)
        print(f'    "{lab}": {tuple(round(share, 4) for share in shares.tolist())},', flush=True)
    print("}")


def table() -> str:
    """What is on record, as the page shows it."""
    rows = ["| lab | what it adds | test accuracy, % | change, points |", "|---|---|---|---|"]
    before = None
    for number, (lab, (added, _)) in enumerate(STEPS.items(), start=1):
        points = [100 * share for share in ACCURACIES[lab]]
        mean, error = fmean(points), stdev(points) / sqrt(len(points))
        change = ""
        if before is not None:
            change = f"{mean - before[0]:+.1f} ± {hypot(error, before[1]):.1f}".replace("-", "−")
        name = lab.replace("_", " ")
        rows.append(f"| {number} {name} | {added} | {mean:.1f} ± {error:.1f} | {change} |")
        before = mean, error
    return "\n".join(rows)


def page() -> None:
    """Lay the table into the page, and draw its figure."""
    plotting.style()
    one_network.ladder(list(STEPS)[-1]).savefig(DOCS / "one_network.png", dpi=110)
    path = DOCS / "one_network.md"
    before, _, rest = path.read_text(encoding="utf-8").partition("| lab |")
    _, _, after = rest.partition("\n\n")
    path.write_text(f"{before}{table()}\n\n{after}", encoding="utf-8")


PARTS = {"trials": trials, "accuracies": accuracies, "page": page}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()

"""The probe of a whole training: what it counts, and what it asks."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from autograder import probes
from autograder.probes import state
from autograder.probes.run import run

RNG = np.random.default_rng(0)
CASE = {
    "images": RNG.integers(0, 256, (40, 6, 6), dtype=np.uint8),
    "labels": RNG.integers(0, 10, 40),
    "asked": RNG.integers(0, 256, (90, 6, 6), dtype=np.uint8),
    "seeds": [5, 5, 6],
    "counted": 1,
}


def train(images, labels, seed):
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.Flatten(), nn.Linear(48, 10))
    nn.functional.cross_entropy(network(images[:, None]), labels).backward()

    @torch.no_grad()
    def predict(images):
        return network(images[:, None])

    return predict


def seen(answer):
    asked = probes.entry()
    return run(asked.name, asked.parameters, answer, [CASE], 0)[0]


def test_every_run_is_asked_for_scores_together_alone_and_twice():
    found = seen(train)
    one, same, other = found["result"]
    assert np.array_equal(one["scores"], same["scores"])
    assert not np.array_equal(one["scores"], other["scores"])
    assert one["scores"].shape == (90, 10) and found["changed"] == []
    assert np.allclose(np.concatenate(one["alone"]), one["scores"][: len(one["alone"])], atol=1e-6)
    once, again = one["twice"]
    assert np.array_equal(once, again) and np.array_equal(once, one["scores"][: len(once)])


def test_the_run_that_is_counted_costs_what_torch_counts():
    one, counted, _ = seen(train)["result"]
    with FlopCounterMode(display=False) as counter:
        train(torch.from_numpy(CASE["images"]) / 255, torch.from_numpy(CASE["labels"]), 5)
    assert "flops" not in one and counted["flops"] == counter.get_total_flops() > 0


def in_a_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_a_subclass_of_thread(work):
    class Worker(threading.Thread):
        def run(self):
            work()

    worker = Worker()
    worker.start()
    worker.join()


def in_a_pool(work):
    with ThreadPoolExecutor(1) as pool:
        pool.submit(work).result()


@pytest.mark.parametrize("elsewhere", [in_a_thread, in_a_subclass_of_thread, in_a_pool])
def test_what_is_computed_in_a_thread_is_counted(elsewhere):
    def hides(images, labels, seed):
        found = []
        elsewhere(lambda: found.append(train(images, labels, seed)))
        return found[0]

    assert seen(hides)["result"][1]["flops"] == seen(train)["result"][1]["flops"]


def test_a_thread_that_stays_counts_for_the_run_that_uses_it():
    with ThreadPoolExecutor(1) as pool:

        def hides(images, labels, seed):
            return pool.submit(train, images, labels, seed).result()

        assert seen(hides)["result"][1]["flops"] == seen(train)["result"][1]["flops"]


def test_threads_are_as_before_when_the_look_is_over():
    before = threading.Thread._bootstrap_inner
    seen(train)
    assert threading.Thread._bootstrap_inner is before


def test_an_answer_cannot_take_the_prices_away():
    kept = dict(flop_registry)

    def clears(images, labels, seed):
        flop_registry.clear()
        return train(images, labels, seed)

    try:
        assert seen(clears)["result"][1]["flops"] > 0
    finally:
        flop_registry.update(kept)


def test_images_that_are_changed_are_named_and_every_run_gets_fresh_ones():
    met = []

    def spoils(images, labels, seed):
        met.append(images.clone())
        predict = train(images, labels, seed)
        images -= images.mean()
        return predict

    assert seen(spoils)["changed"] == ["images"]
    assert all(torch.equal(met[0], images) for images in met)


def test_what_cannot_predict_has_raised():
    assert seen(lambda images, labels, seed: None)["raised"]["type"] == "TypeError"


def test_a_training_that_is_put_off_is_noticed():
    def lazy(images, labels, seed):
        network = nn.Sequential(nn.Flatten(), nn.Linear(36, 10))

        def predict(asked):
            nn.functional.cross_entropy(network(images), labels).backward()
            return network(asked).detach()

        return predict

    assert [run["trains_when_asked"] for run in seen(lazy)["result"]] == [True] * 3
    assert not any(run["trains_when_asked"] for run in seen(train)["result"])


def test_trainings_are_on_the_cpu_where_they_repeat_to_the_last_bit(monkeypatch):
    monkeypatch.setattr(state, "_find_device", torch.device)
    asked, places = probes.entry(), set()

    def answer(images, labels, seed):
        places.update({images.device.type, torch.ones(1).device.type})
        return train(images, labels, seed)

    found = run(asked.name, asked.parameters, answer, [CASE], 0, "meta")[0]
    assert places == {"cpu"} and found["raised"] is None

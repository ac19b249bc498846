import contextlib
import json
import math
import random

import numpy as np
import pytest

from autograder.probes import wire

DTYPES = ["bool", "int64", "uint8", "float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3, 4)])
def test_an_array_comes_back_with_its_dtype_shape_and_bytes(dtype, shape):
    array = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    back = wire.loads(wire.dumps({"a": [array, None]}))["a"][0]
    assert back.dtype == array.dtype and back.shape == shape
    assert back.tobytes() == array.tobytes()


def test_plain_values_and_odd_floats_survive():
    value = {"a": [None, True, 3, 2.5, "text"], "b": {"c": float("inf")}}
    assert wire.loads(wire.dumps(value)) == value
    assert np.isnan(wire.loads(wire.dumps(float("nan"))))


def test_an_array_that_arrives_can_be_written_to():
    wire.loads(wire.dumps(np.zeros(3)))[0] = 1


@pytest.mark.parametrize(
    "value",
    [
        object(),
        np.array([object()]),
        np.array(["text"]),
        1j,
        b"bytes",
        {1: 2},
        {"$array": "x"},
        len,
    ],
)
def test_what_is_not_plain_data_may_not_cross(value):
    with pytest.raises(wire.WireError):
        wire.dumps(value)


def test_a_message_over_the_cap_is_refused_on_both_sides():
    with pytest.raises(wire.WireError, match="may cross"):
        wire.dumps(np.random.default_rng(0).normal(size=wire.MAX_BYTES // 8))
    with pytest.raises(wire.WireError):
        wire.loads('"' + "x" * wire.MAX_BYTES + '"')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        '{"$array": "AAAA", "dtype": "object", "shape": [1]}',
        '{"$array": "AAAA", "dtype": "float64", "shape": [1]}',
        '{"$array": "AAAA", "dtype": "uint8", "shape": [-3]}',
        '{"$array": "AAAA", "dtype": "uint8", "shape": [1e300]}',
        '{"$array": "AAAA", "dtype": ["uint8"], "shape": [3]}',
        '{"$array": 3, "dtype": "uint8", "shape": [3]}',
        '{"$array": "AAAA"}',
        '{"$float": "1e400; import os"}',
        '{"$float": ["nan"]}',
        "[" * 100 + "]" * 100,
        "[" * 100_000,
        "1" * 5_000,
    ],
)
def test_a_malformed_message_is_refused_and_nothing_else_happens(text):
    with pytest.raises(wire.WireError):
        wire.loads(text)


def test_damaged_messages_are_refused_or_read_as_plain_data():
    rng = random.Random(0)
    good = wire.dumps({"result": np.arange(6.0).reshape(2, 3), "raised": None, "list": [1, "a"]})
    for _ in range(2000):
        place = rng.randrange(len(good))
        damaged = good[:place] + chr(rng.randrange(32, 127)) + good[place + rng.randrange(3) :]
        with contextlib.suppress(wire.WireError):
            json.dumps(wire.loads(damaged), default=np.ndarray.tolist)


BATCHES = (8, 32, 3, 32, 32)
"""Eight draws of a batch of 32 color images."""


def images(dtype):
    return np.random.default_rng(0).uniform(0, 255, BATCHES).astype(dtype)


@pytest.mark.parametrize(
    "message",
    [
        [images("float64")],
        [images("float32")] * 3,
        [images("uint8").astype("float64")] * 3,
        [images("uint8")] * 3,
        [np.broadcast_to(np.arange(32) + 0.5, BATCHES).astype("float64")] * 3,
    ],
    ids=["one case in float64", "three in float32", "whole", "bytes", "coordinates"],
)
def test_draws_of_image_batches_cross(message):
    for sent, came in zip(message, wire.loads(wire.dumps(message)), strict=True):
        assert came.dtype == sent.dtype
        np.testing.assert_array_equal(came, sent)


@pytest.mark.parametrize(
    "odd", [-0.0, math.nan, -math.inf, 0.1, 256, 2**-30, 70_000, 1 + 2**-40], ids=str
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_large_array_loses_no_bit(odd, dtype):
    array = np.arange(2**16, dtype=dtype) % 256
    array[777] = odd
    assert wire.loads(wire.dumps(array)).tobytes() == array.tobytes()


def test_whole_numbers_take_a_byte_each():
    array = np.arange(2**18) % 200
    assert len(wire.dumps(array)) < 1.4 * array.size


@pytest.mark.parametrize("wide", ["int8", "object", "nonsense", ["float64"], 3])
def test_a_forged_width_is_refused(wide):
    forged = {"$array": "AAAA", "dtype": "uint8", "shape": [3], "widened": wide}
    with pytest.raises(wire.WireError):
        wire.loads(json.dumps(forged))

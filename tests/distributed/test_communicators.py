"""Ranks that are processes do together what the protocol says: over MPI, and over NCCL where CuPy is."""

import json
import re

import numpy as np
import pytest
from cuda_device import is_pretended
from hypothesis import given
from hypothesis import strategies as st
from processes import HERE, by_mpi, by_variables, needs_mpi

from xpnet.distributed.memory import OfGpu, Staged, cuda_aware, memory_of
from xpnet.distributed.wire import packed, unpacked


@needs_mpi
def test_three_ranks_of_mpi():
    code, out, text = by_mpi(3, HERE / "communicate.py")
    assert code == 0, text
    found = json.loads(out)
    assert found["size"] == 3
    assert found["wrong"] == []
    assert re.match(r"(MPICH|Open MPI) v?\d", found["over"])


@pytest.mark.journey
def test_two_ranks_of_nccl(cupy):
    if is_pretended(cupy):
        devices = {"PRETEND_CUDA_DEVICES": "2"}
    elif cupy.cuda.runtime.getDeviceCount() >= 2 and cupy.cuda.nccl.available:
        devices = {}
    else:
        pytest.skip("two GPUs and NCCL are needed")
    codes, text = by_variables(2, HERE / "communicate.py", "cupy", **devices)
    assert codes == [0, 0], text
    found = json.loads(text)
    assert found["wrong"] == []
    assert found["over"].startswith("NCCL ")


@pytest.mark.journey
def test_two_ranks_with_one_gpu_are_told_so_once(cupy):
    if not is_pretended(cupy):
        pytest.skip("one GPU is pretended")
    codes, text = by_variables(2, HERE / "communicate.py", "cupy", PRETEND_CUDA_DEVICES="1")
    assert all(codes)
    assert text.count("error: ") == 1, text
    assert "each rank must have a GPU of its own, got one for ranks 0 and 1 on" in text


def test_mpi_that_takes_no_arrays_of_a_gpu_gets_them_by_way_of_the_host(cupy, monkeypatch):
    cuda_aware.cache_clear()
    array = cupy.arange(5, dtype=cupy.float32)
    monkeypatch.setenv("XPNET_CUDA_AWARE", "0")
    memory = memory_of(array)
    assert type(memory) is Staged
    array += 1  # after the call has begun: it is not to be sent
    with memory.buffer() as buffer:
        assert isinstance(buffer, np.ndarray)
        buffer[0] = 7.0
    assert array[0] == 7.0
    cuda_aware.cache_clear()
    monkeypatch.setenv("XPNET_CUDA_AWARE", "1")
    memory = memory_of(array)
    assert type(memory) is OfGpu
    with memory.buffer() as buffer:
        assert buffer is array
    cuda_aware.cache_clear()


@pytest.mark.parametrize(("wire", "digits"), [("float16", 11), ("bfloat16", 8)])
@given(value=st.floats(2.0**-14, 60000.0, width=32), sign=st.sampled_from([-1.0, 1.0]))
def test_a_number_on_the_wire_is_the_nearest_that_has_its_digits(wire, digits, value, sign):
    x = np.asarray([sign * value], np.float32)
    found = unpacked(np, packed(np, x, wire), wire)
    step = 2.0 ** (np.floor(np.log2(value)) + 1 - digits)
    assert abs(float(found[0]) - float(x[0])) <= step / 2
    assert np.array_equal(unpacked(np, packed(np, found, wire), wire), found)


@pytest.mark.parametrize("wire", ["float16", "bfloat16"])
def test_what_is_not_finite_stays_so_on_the_wire(wire):
    x = np.asarray([np.inf, -np.inf, np.nan, -np.nan, 0.0, -0.0], np.float32)
    found = unpacked(np, packed(np, x, wire), wire)
    assert np.array_equal(found, x, equal_nan=True)
    assert np.signbit(found[5])

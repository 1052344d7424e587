"""The trace of the pretended device names what it did, with the bytes that kernels touch."""

from __future__ import annotations

import os

import numpy as np
import pretend_cuda
import pytest

pytestmark = pytest.mark.journey

SOURCE = """
extern "C" __global__ void twice(const float* x, float* y, int n) {
    __shared__ float kept[32];
    for (int i = threadIdx.x; i < n; i += blockDim.x) {
        kept[threadIdx.x] = x[i] + x[i];
        y[i] = kept[threadIdx.x];
        y[i] += x[i];
    }
}
extern "C" __global__ void increase(unsigned char* y, int n) {
    for (int i = 2 * threadIdx.x; i < n; i += 2 * blockDim.x) y[i] += 1;
}
"""


@pytest.fixture
def traced(cupy):
    """What the device does in a function: (kind, name, read, written) of each event."""
    if not pretend_cuda.installed():
        pytest.skip("CuPy computes on a device of its own")
    if os.environ.get("PRETEND_CUDA_LAZY"):
        pytest.skip("lazy streams do their work later, outside of the trace")

    def trace(function):
        with pretend_cuda.trace() as events:
            function()
        return [(event.kind, event.name, event.read, event.written) for event in events]

    return trace


def test_bytes_of_a_launch_count_once_and_what_it_wrote_itself_is_not_read(cupy, traced):
    x, y = cupy.arange(100, dtype="float32"), cupy.empty(100, "float32")
    kernel = cupy.RawKernel(SOURCE, "twice")
    kernel((1,), (32,), (x, y, np.int32(100)))
    assert traced(lambda: kernel((1,), (32,), (x, y, np.int32(70)))) == [("launch", "twice", 280, 280)]
    np.testing.assert_array_equal(y.get(), 3.0 * np.arange(100))


def test_only_what_is_touched_counts(cupy, traced):
    y, kernel = cupy.zeros(99, "uint8"), cupy.RawKernel(SOURCE, "increase")
    assert traced(lambda: kernel((1,), (16,), (y, np.int32(99)))) == [("launch", "increase", 50, 50)]


def test_the_grid_and_block_of_a_launch_are_those_that_were_given(cupy, traced):
    x = cupy.zeros(1000, "float32")
    with pretend_cuda.trace() as events:
        _ = x + 1.0
    ((grid, block),) = [(event.grid, event.block) for event in events if event.kind == "launch"]
    assert grid[0] * block[0] >= 1000
    assert (events[-1].read, events[-1].written) == (4000, 4000)


def test_products_have_the_bytes_of_their_matrices(cupy, traced):
    a, b = cupy.ones((5, 6), "float32"), cupy.ones((6, 7), "float32")
    assert traced(lambda: a @ b) == [("product", "gemm", 4 * (30 + 42), 4 * 35)]
    a, b = cupy.ones((3, 5, 6)), cupy.ones((3, 6, 7))
    with pretend_cuda.trace() as events:
        _ = a @ b
    assert [(event.name, sorted(event.grid), event.read) for event in events] == [("gemm of 3", [5, 6, 7], 8 * 3 * 72)]


def test_waits_copies_fills_and_what_a_pool_does_not_have_are_told(cupy, traced):
    x, host = cupy.zeros(8), np.zeros(8)
    kinds = [kind for kind, *_ in traced(lambda: x.get())]
    assert kinds.count("copy") == 1
    assert "wait" in kinds
    assert traced(lambda: x.data.memset_async(0, 64)) == [("fill", "fill", 0, 64)]
    assert [kind for kind, *_ in traced(cupy.cuda.get_current_stream().synchronize)] == ["wait"]
    assert [kind for kind, *_ in traced(cupy.cuda.Device().synchronize)] == ["wait"]
    assert "wait" in [kind for kind, *_ in traced(lambda: float(x[0]))]
    assert [kind for kind, *_ in traced(lambda: x.set(host))].count("copy") == 1
    memory = cupy.empty(1 << 10, "uint8")
    del memory
    assert traced(lambda: cupy.empty(1 << 10, "uint8")) == []
    allocated = traced(lambda: cupy.cuda.Memory(1 << 10))
    assert allocated[0] == ("allocation", "of the device", 0, 1 << 10)


def test_a_graph_is_recorded_when_it_runs(cupy, traced):
    x, stream = cupy.zeros(4), cupy.cuda.Stream(non_blocking=True)
    x += 1  # compiled before

    def capture():
        with stream:
            stream.begin_capture()
            np.add(x, 1, out=x)
            capture.graph = stream.end_capture()

    assert [kind for kind, *_ in traced(capture)] == []
    assert [kind for kind, *_ in traced(lambda: capture.graph.launch(stream))] == ["graph", "launch"]


def test_a_trace_without_the_pretended_device_is_refused(monkeypatch):
    monkeypatch.setattr(pretend_cuda, "installed", lambda: False)
    with pytest.raises(RuntimeError, match="before the first import"), pretend_cuda.trace():
        pass

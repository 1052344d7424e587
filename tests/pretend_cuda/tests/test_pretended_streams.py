"""Streams, events, memory that is pinned, pools, captures and graphs."""

from __future__ import annotations

import numpy as np
import pytest


def test_events_and_host_functions(cp):
    stream = cp.cuda.Stream(non_blocking=True)
    with stream:
        start = stream.record()
        x = cp.asarray([1.0, 2.0]) + 1
        end = stream.record()
    cp.cuda.Stream.null.wait_event(end)
    end.synchronize()
    assert cp.cuda.get_elapsed_time(start, end) >= 0
    assert stream.done
    assert end.done
    assert x.get().tolist() == [2.0, 3.0]
    called = []
    stream.launch_host_func(called.append, 5)
    stream.synchronize()
    assert called == [5]


def test_pools_hold_and_give_back(cp):
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        x = cp.empty(1000)
        assert pool.used_bytes() >= 8000
        del x
        assert pool.used_bytes() == 0
        pool.free_all_blocks()
        assert pool.total_bytes() == 0
    with cp.cuda.using_allocator(cp.cuda.MemoryAsyncPool().malloc):
        assert (cp.ones(3) + 1).get().tolist() == [2.0] * 3


def test_kinds_of_memory_are_known(cp):
    import cupyx

    runtime, host, device = cp.cuda.runtime, cupyx.empty_pinned(3), cp.empty(3)
    managed = runtime.mallocManaged(64)
    kinds = [runtime.pointerGetAttributes(p).type for p in (host.ctypes.data, device.data.ptr, managed, 4096)]
    assert kinds == [
        *(runtime.memoryTypeHost, runtime.memoryTypeDevice, runtime.memoryTypeManaged),
        runtime.memoryTypeUnregistered,
    ]
    runtime.free(managed)
    mine = np.zeros(8)
    runtime.hostRegister(mine.ctypes.data, mine.nbytes, 0)
    with pytest.raises(runtime.CUDARuntimeError, match="already mapped"):
        runtime.hostRegister(mine.ctypes.data, mine.nbytes, 0)
    runtime.hostUnregister(mine.ctypes.data)
    with pytest.raises(runtime.CUDARuntimeError, match="registered"):
        runtime.hostUnregister(mine.ctypes.data)


def test_pinned_memory_is_copied(cp):
    import cupyx

    host, x = cupyx.empty_pinned((2, 3)), cp.empty((2, 3))
    host[...] = np.arange(6.0).reshape(2, 3)
    x.set(host, stream=cp.cuda.Stream())
    assert x.get().tolist() == host.tolist()
    host[...] = 0
    cp.asnumpy(x + 1, out=host)
    assert host.ravel().tolist() == [1, 2, 3, 4, 5, 6]


def test_a_captured_graph_runs_when_it_is_launched(cp, tmp_path):
    stream = cp.cuda.Stream(non_blocking=True)
    x, y, n = cp.ones(5), cp.zeros(5), cp.zeros(5)
    with stream:
        stream.begin_capture()
        y += x * 2
        n.data.memset_async(0, n.nbytes, stream)
        n.data.copy_from_device_async(y.data, y.nbytes, stream)
        graph = stream.end_capture()
    assert not y.any()
    for _ in range(3):
        graph.launch(stream)
    stream.synchronize()
    assert y.get().tolist() == n.get().tolist() == [6.0] * 5
    cp.cuda.runtime.graphDebugDotPrint(graph.graph, str(tmp_path / "graph.dot"), 0)
    labels = [line.split('"')[1] for line in (tmp_path / "graph.dot").read_text().splitlines() if "label" in line]
    assert labels == ["kernel", "kernel", "memset", "memcpy"]


@pytest.mark.parametrize("name", ["get", "synchronize", "product", "sort", "legacy copy"])
def test_what_a_capture_forbids_is_refused(cp, name):
    stream, x, host = cp.cuda.Stream(), cp.ones((3, 3)), np.ones(9)
    forbidden = {
        "get": x.get,
        "synchronize": stream.synchronize,
        "product": lambda: x @ x,
        "sort": lambda: cp.sort(x),
        "legacy copy": lambda: cp.cuda.runtime.memcpy(x.data.ptr, host.ctypes.data, 72, 1),
    }[name]
    with stream:
        stream.begin_capture()
        with pytest.raises((RuntimeError, NotImplementedError)):  # of CuPy, of CUDA, of CuPy before cuBLAS
            forbidden()
        if name in ("synchronize", "sort", "legacy copy"):  # which CuPy leaves to CUDA
            with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="previous error during capture"):
                stream.end_capture()
        else:
            stream.end_capture()
    assert (x + 1).get().tolist() == [[2.0] * 3] * 3


@pytest.mark.parametrize("joined", [True, False])
def test_a_capture_with_a_second_stream_waits_for_it(cp, joined):
    first, second = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream(non_blocking=True)
    x, y = cp.ones(5), cp.zeros(5)
    first.begin_capture()
    second.wait_event(first.record())
    with second:
        y += x
    if joined:
        first.wait_event(second.record())
        graph = first.end_capture()
        graph.launch(first)
        first.synchronize()
        assert y.get().tolist() == [1.0] * 5
    else:
        with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="unjoined"):
            first.end_capture()


def test_a_product_is_captured_by_the_bindings_of_nvmath(cp):
    import pretend_cuda.nvmath_cublas as cublas

    stream, handle = cp.cuda.Stream(non_blocking=True), cublas.create()
    a, b, c = (cp.asarray(np.arange(9.0).reshape(3, 3) + i) for i in range(3))
    one, zero = np.ones(1), np.zeros(1)
    cublas.set_stream(handle, stream.ptr)
    pointers = one.ctypes.data, a.data.ptr, b.data.ptr, zero.ctypes.data, c.data.ptr
    stream.begin_capture()
    cublas.gemm_ex(
        *(handle, 0, 0, 3, 3, 3, pointers[0], pointers[1], 1, 3, pointers[2], 1, 3, pointers[3], pointers[4], 1, 3),
        *(70, -1),
    )
    graph = stream.end_capture()
    before = c.get()
    a *= 2
    graph.launch(stream)
    stream.synchronize()
    assert (before == np.arange(9.0).reshape(3, 3) + 2).all()
    np.testing.assert_array_equal(c.get(), (a.T @ b.T).T.get())  # in columns, as Fortran has them
    cublas.destroy(handle)


def test_a_transform_is_captured(cp):
    stream, x = cp.cuda.Stream(non_blocking=True), cp.asarray(np.arange(8.0) + 0j)
    cp.fft.fft(x)  # which makes the plan
    with stream:
        stream.begin_capture()
        y = cp.fft.fft(x)
        graph = stream.end_capture()
    stream.synchronize()
    x += 1
    graph.launch(stream)
    stream.synchronize()
    np.testing.assert_allclose(y.get(), np.fft.fft(np.arange(8.0) + 1))

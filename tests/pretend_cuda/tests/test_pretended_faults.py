"""Faults that a GPU would punish, or hide: each is reported."""

from __future__ import annotations

import re

import numpy as np
import pytest

REVERSED = r"""
extern "C" __global__ void reversed(const float* x, float* y) {
    __shared__ float all[64];
    all[threadIdx.x] = x[threadIdx.x];
    BARRIER
    y[threadIdx.x] = all[63 - threadIdx.x];
}"""


@pytest.mark.parametrize(("barrier", "right"), [("__syncthreads();", True), ("", False)])
def test_a_missing_barrier_gives_wrong_numbers(cp, barrier, right):
    x, y = cp.arange(64, dtype="f"), cp.zeros(64, "f")
    cp.RawKernel(REVERSED.replace("BARRIER", barrier), "reversed")((1,), (64,), (x, y))
    assert (y.get() == np.arange(64)[::-1]).all() == right


def test_a_missing_barrier_between_two_uses_of_shared_memory_gives_wrong_numbers(cp):
    """The thread that turns first changes at each barrier: it writes what others have still to read."""
    source = r"""
    extern "C" __global__ void steps(float* x) {
        __shared__ float all[32];
        for (int i = 0; i < 3; i++) {
            all[threadIdx.x] = x[threadIdx.x];
            __syncthreads();
            x[threadIdx.x] = all[(threadIdx.x + 1) % 32];
            BARRIER
        }
    }"""
    for barrier, right in (("__syncthreads();", True), ("", False)):
        x = cp.arange(32, dtype="f")
        cp.RawKernel(source.replace("BARRIER", barrier), "steps")((1,), (32,), (x,))
        assert (x.get() == (np.arange(32) + 3) % 32).all() == right


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("if (threadIdx.x < 10) __syncthreads();", "10 wait at __syncthreads(), 54 have ended"),
        (
            "if (threadIdx.x < 10) {\n__syncthreads();\n} else {\n__syncthreads();\n}",
            "64 wait at __syncthreads(), 54 of them at another one",
        ),
        (
            "if (threadIdx.x < 10) __syncthreads(); else __syncwarp();",
            "10 wait at __syncthreads(), 22 for others of their warp, 32 have ended",
        ),
    ],
)
def test_a_barrier_that_not_all_threads_reach_is_told(cp, body, why):
    kernel = cp.RawKernel(f'extern "C" __global__ void stuck() {{ {body} }}', "stuck")
    with pytest.raises(cp.cuda.driver.CUDADriverError, match=re.escape(f"stuck: of the 64 threads of a block {why}")):
        kernel((1,), (64,), ())
    test_a_missing_barrier_gives_wrong_numbers(cp, "__syncthreads();", right=True)  # and the next kernel runs


@pytest.mark.parametrize(
    ("grid", "block", "shared", "why"),
    [
        ((1,), (2048,), 0, "a block of (2048, 1, 1), where 1024 threads are the most"),
        ((1,), (1, 1, 65), 0, "a block of (1, 1, 65), where 1024 threads are the most, 64 along z"),
        ((1, 70000), (1,), 0, "a grid of (1, 70000, 1)"),
        ((1,), (1,), 49153, "49153 bytes of shared memory, where 49152 are allowed"),
    ],
)
def test_a_launch_beyond_the_limits_is_refused(cp, grid, block, shared, why):
    kernel = cp.RawKernel('extern "C" __global__ void nothing() {}', "nothing")
    with pytest.raises(cp.cuda.driver.CUDADriverError, match=re.escape(f"nothing: {why}")):
        kernel(grid, block, (), shared_mem=shared)


@pytest.mark.parametrize(("kind", "why"), [(1, "to the device writes"), (2, "from the device reads"), (9, "direction")])
def test_a_copy_in_the_wrong_direction_is_refused(cp, kind, why):
    device, host = cp.zeros(4), np.zeros(4)
    to, source = (host.ctypes.data, device.data.ptr) if kind == 1 else (device.data.ptr, host.ctypes.data)
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match=why):
        cp.cuda.runtime.memcpy(to, source, 32, kind)


def test_a_copy_or_fill_beyond_a_block_is_refused(cp):
    block = cp.cuda.runtime.malloc(512)
    for call in (
        lambda: cp.cuda.runtime.memset(block, 0, 513),
        lambda: cp.cuda.runtime.memcpy(block, np.zeros(600, "b").ctypes.data, 600, 1),
        lambda: cp.cuda.runtime.memcpy2D(block, 64, np.zeros(600, "b").ctypes.data, 64, 64, 9, 1),
    ):
        with pytest.raises(cp.cuda.runtime.CUDARuntimeError, match="not in one"):
            call()
    cp.cuda.runtime.free(block)
    with pytest.raises(cp.cuda.runtime.CUDARuntimeError):
        cp.cuda.runtime.free(block)


def test_what_nobody_wrote_is_no_number(cp):
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        assert cp.isnan(cp.empty(1000)).all()


def test_more_memory_than_there_is_is_refused(cp):
    with pytest.raises(cp.cuda.memory.OutOfMemoryError):
        cp.empty(1 << 40, "b")


def test_a_write_outside_of_an_array_ends_the_process_with_its_line(pretended):
    done = pretended(
        r"""
import os, cupy, numpy
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # as pytest captures it
past = cupy.RawKernel('''extern "C" __global__ void past(float* x, int n) {
    x[n] = 1;
}''', "past")
x = cupy.zeros(5, "f")
past((1,), (1,), (x, numpy.int32(4)))
print("inside", float(x[4]), flush=True)
past((1,), (1,), (x, numpy.int32(5)))
print("not seen")
""",
        sanitize=True,
    )
    assert done.stdout == "inside 1.0\n"
    assert done.returncode
    assert re.search(r"heap-buffer-overflow.*\nWRITE of size 4.*\n.* in past .*kernels\.cpp:2\n", done.stderr)


def test_memory_of_another_device_is_refused(pretended):
    done = pretended(
        r"""
import cupy
own = cupy.RawKernel('extern "C" __global__ void own(float* x) { *x = 1; }', "own")
x = cupy.zeros(1, "f")
with cupy.cuda.Device(1):
    y = cupy.zeros(1, "f")
    own((1,), (1,), (y,))
    try:
        own((1,), (1,), (x,))
    except cupy.cuda.driver.CUDADriverError as error:
        print(error)
print(float(x[0]), float(y[0]), y.device.id)
""",
        devices=2,
    )
    assert "own: argument 0 is memory of device 0, and device 1 is current" in done.stdout, done.stderr
    assert done.stdout.endswith("0.0 1.0 1\n")


def test_a_wait_that_is_missing_shows_old_values_where_streams_are_lazy(pretended):
    done = pretended(
        r"""
import cupy as cp, cupyx, numpy as np
stream, blocking = cp.cuda.Stream(non_blocking=True), cp.cuda.Stream()
pinned, x = cupyx.empty_pinned(5), cp.zeros(5)
pinned[...] = 1
cp.cuda.Device().synchronize()
x.set(pinned, stream=stream)
pinned[...] = 2  # too early: the copy has still to be made
stream.synchronize()
print("pinned", x.get().max())
x.set(np.full(5, 3.0), stream=stream)
stream.synchronize()
print("pageable", x.get().max())
with stream:
    y = x + 1
event = stream.record()
print("no wait", (y * 1).get().max() == 4)
cp.cuda.get_current_stream().wait_event(event)
print("wait", (y * 1).get().max() == 4)
with blocking:
    w = x * 5
    v, s = w @ w, cp.sort(cp.asarray([3.0, 1.0, 2.0]))
print("blocking", (w + 0).get().max(), float(v), s.get().tolist())
while not event.done:
    pass
""",
        lazy=True,
    )
    assert done.stdout.splitlines() == [
        *("pinned 2.0", "pageable 3.0", "no wait False", "wait True"),
        "blocking 15.0 1125.0 [1.0, 2.0, 3.0]",
    ], done.stderr

"""Kernels in CUDA C++: what they compute, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

A = np.random.default_rng(0).normal(size=(5, 7))


def test_threads_of_a_block_meet_at_barriers(cp):
    kernel = cp.RawKernel(
        r"""
        extern "C" __global__ void sums(const float* x, float* y, int n) {
            __shared__ float part[128];
            float own = 0;
            for (int i = blockIdx.x * n + threadIdx.x; i < (blockIdx.x + 1) * n; i += blockDim.x) own += x[i];
            part[threadIdx.x] = own;
            __syncthreads();
            for (int half = blockDim.x / 2; half; half /= 2) {
                if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
                __syncthreads();
            }
            if (threadIdx.x == 0) y[blockIdx.x] = part[0];
        }""",
        "sums",
    )
    x, y = cp.arange(3000, dtype="f"), cp.empty(3, "f")
    kernel((3,), (128,), (x, y, np.int32(1000)))
    np.testing.assert_allclose(y.get(), np.arange(3000.0).reshape(3, 1000).sum(1), rtol=1e-6)


def test_dynamic_shared_memory_and_exchanges_in_a_warp(cp):
    kernel = cp.RawKernel(
        r"""
        extern "C" __global__ void turn(const int* x, int* y, int* warps) {
            extern __shared__ int all[];
            all[threadIdx.x] = x[threadIdx.x];
            __syncthreads();
            y[threadIdx.x] = all[blockDim.x - 1 - threadIdx.x];
            int sum = x[threadIdx.x];
            for (int by = 16; by; by /= 2) sum += __shfl_down_sync(0xffffffff, sum, by);
            if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = sum;
        }""",
        "turn",
    )
    x, y, warps = cp.arange(96, dtype="i"), cp.empty(96, "i"), cp.empty(3, "i")
    kernel((1,), (96,), (x, y, warps), shared_mem=96 * 4)
    np.testing.assert_array_equal(y.get(), np.arange(96)[::-1])
    np.testing.assert_array_equal(warps.get(), np.arange(96).reshape(3, 32).sum(1))


def test_votes_and_counts(cp):
    kernel = cp.RawKernel(
        r"""
        extern "C" __global__ void votes(const int* x, unsigned int* y) {
            unsigned int ballot = __ballot_sync(0xffffffff, x[threadIdx.x]);
            int all = __all_sync(0xffffffff, x[threadIdx.x]), any = __any_sync(0xffffffff, x[threadIdx.x]);
            int count = __syncthreads_count(x[threadIdx.x]), either = __syncthreads_or(threadIdx.x == 63);
            if (threadIdx.x % 32 == 0) {
                unsigned int* own = y + threadIdx.x / 32 * 5;
                own[0] = ballot, own[1] = all, own[2] = any, own[3] = count, own[4] = either;
            }
        }""",
        "votes",
    )
    x, y = cp.asarray([1] * 32 + [0] * 31 + [1], dtype="i"), cp.empty((2, 5), "I")
    kernel((1,), (64,), (x, y))
    assert y.get().tolist() == [[0xFFFFFFFF, 1, 1, 33, 1], [0x80000000, 0, 1, 33, 1]]


def test_atomics_of_many_blocks(cp):
    kernel = cp.RawKernel(
        r"""
        extern "C" __global__ void count(int* bins, float* sum, unsigned long long* most) {
            atomicAdd(bins + (threadIdx.x & 3), 1);
            atomicAdd(sum, 0.5f);
            atomicMax(most, blockIdx.x * 1000ull + threadIdx.x);
        }""",
        "count",
    )
    bins, total, most = cp.zeros(4, "i"), cp.zeros(1, "f"), cp.zeros(1, "Q")
    kernel((8,), (64,), (bins, total, most))
    assert (bins.get().tolist(), float(total[0]), int(most[0])) == ([128] * 4, 256.0, 7063)


def test_templates_of_a_module(cp):
    module = cp.RawModule(
        code="template<class T> __global__ void twice(T* x) { x[threadIdx.x] *= 2; }",
        options=("-std=c++17",),
        name_expressions=("twice<float>", "twice<long long>"),
    )
    for dtype, name in (("f", "twice<float>"), ("q", "twice<long long>")):
        x = cp.arange(5, dtype=dtype)
        module.get_function(name)((1,), (5,), (x,))
        np.testing.assert_array_equal(x.get(), np.arange(5) * 2)


def test_grid_and_block_have_three_dimensions(cp):
    kernel = cp.RawKernel(
        r"""
        extern "C" __global__ void place(int* x) {
            int block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
            int thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
            x[block * blockDim.x * blockDim.y * blockDim.z + thread] += block * 1000 + thread;
        }""",
        "place",
    )
    x = cp.zeros(24 * 24, "i")
    kernel((2, 3, 4), (4, 3, 2), (x,))
    np.testing.assert_array_equal(x.get(), (np.arange(24)[:, None] * 1000 + np.arange(24)).ravel())


def test_what_cupy_generates(cp):
    squares = cp.ElementwiseKernel("T x, float64 y", "T z", "z = x * x + y", "squares")
    norm = cp.ReductionKernel("T x", "T y", "x * x", "a + b", "y = sqrt(a)", "0", "norm")

    @cp.fuse
    def fused(x, y):
        return cp.exp(x) * y + 1

    a = cp.asarray(A)
    np.testing.assert_allclose(squares(a, 2.0).get(), A * A + 2)
    np.testing.assert_allclose(norm(a, axis=1).get(), np.linalg.norm(A, axis=1))
    np.testing.assert_allclose(fused(a, a).get(), np.exp(A) * A + 1)


def test_an_accelerator_that_is_not_here_leaves_the_work_to_cupy(cp):
    before = cp._core.get_routine_accelerators()
    cp._core.set_routine_accelerators(["cub"])
    try:
        assert cp.cumprod(cp.asarray([2.0, 3.0, 4.0])).get().tolist() == [2, 6, 24]
        assert float(cp.asarray([2.0, 3.0, 4.0]).sum()) == 9
    finally:
        cp._core.set_routine_accelerators(before)


def test_floats_are_rounded_to_whole_numbers(cp):
    kernel = cp.RawKernel(
        r"""
        extern "C" __global__ void whole(const float* x, long long* y) {
            y[0] = __float2ll_rn(*x), y[1] = __float2int_rz(*x), y[2] = __double2ll_ru(*x), y[3] = __double2int_rd(*x);
        }""",
        "whole",
    )
    y = cp.empty(4, "q")
    kernel((1,), (1,), (cp.asarray([-2.5], "f"), y))
    assert y.get().tolist() == [-2, -2, -2, -3]


def test_a_source_that_does_not_compile_gives_the_compilers_message(cp):
    wrong = cp.RawKernel('extern "C" __global__ void wrong() {\n    nothing;\n}', "wrong")
    with pytest.raises(cp.cuda.compiler.CompileException, match=r"(?s):2:.*nothing"):
        wrong.compile()


def test_inline_ptx_is_refused(cp):
    wrong = cp.RawKernel(
        r"""extern "C" __global__ void wrong(int* x) { asm("mov.u32 %0, %laneid;" : "=r"(*x)); }""", "wrong"
    )
    with pytest.raises(cp.cuda.compiler.CompileException):
        wrong.compile()


@pytest.mark.parametrize("image", [b".version 9.0", b"\x7fELF" + bytes(14) + b"\xbe\x00" + bytes(100)])
def test_code_for_a_real_gpu_is_refused(cp, image):
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="a module is loaded that pretend_cuda has not compiled"):
        cp.cuda.function.Module().load(image)


def test_a_name_that_a_module_does_not_have_is_told(cp):
    kernel = cp.RawKernel('extern "C" __global__ void here() {}', "elsewhere")
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="the module has no kernel elsewhere"):
        kernel((1,), (1,), ())

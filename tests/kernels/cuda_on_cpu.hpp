// CUDA's language on a CPU, for the kernels of xpnet. Blocks run one after another; the threads of a block take turns,
// each until it waits for the others. On the way to every second meeting they go in the opposite order, so that a
// thread that needs what another has not written yet is found whichever of the two comes first.
#include <cmath>
#include <math.h>
#include <stdlib.h>
#include <ucontext.h>

struct Index { unsigned int x = 0, y = 0, z = 0; };
static Index threadIdx, blockIdx, blockDim, gridDim;

using Half = _Float16;

#define __global__
#define __device__ static
#define __shared__ static

static const unsigned int MOST = 1024, STACK = 1 << 16;
static char* stacks = (char*)malloc((size_t)MOST * STACK);
static ucontext_t scheduler, threads[MOST];
static bool done[MOST];
static void (*kernel)(void*);
static void* arguments;
static int votes, elected;

static void __syncthreads() { swapcontext(&threads[threadIdx.x], &scheduler); }

static int __syncthreads_or(int vote) {
    votes |= vote;
    __syncthreads();
    return elected;
}

static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

static void begin() {
    kernel(arguments);
    done[threadIdx.x] = true;
}

// 0, or 1 where some threads of a block had ended while others waited for them.
static int launch(unsigned int blocks, unsigned int size, void (*function)(void*), void* given) {
    gridDim.x = blocks;
    blockDim.x = size;
    kernel = function;
    arguments = given;
    for (blockIdx.x = 0; blockIdx.x < blocks; blockIdx.x++) {
        for (unsigned int i = 0; i < size; i++) {
            getcontext(&threads[i]);
            threads[i].uc_stack.ss_sp = stacks + (size_t)i * STACK;
            threads[i].uc_stack.ss_size = STACK;
            threads[i].uc_link = &scheduler;
            makecontext(&threads[i], begin, 0);
            done[i] = false;
        }
        unsigned int ended = 0;
        for (unsigned int meeting = 0; ended < size; meeting++) {
            if (ended) return 1;
            votes = 0;
            for (unsigned int i = 0; i < size; i++) {
                threadIdx.x = meeting % 2 ? size - 1 - i : i;
                swapcontext(&scheduler, &threads[threadIdx.x]);
                ended += done[threadIdx.x];
            }
            elected = votes;
        }
    }
    return 0;
}

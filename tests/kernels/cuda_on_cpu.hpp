// CUDA's language on a CPU, for the kernels of xpnet: the threads of a block are threads, blocks run one after another.
#include <barrier>
#include <cmath>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

struct Index { unsigned int x = 0, y = 0, z = 0; };
static thread_local Index threadIdx, blockIdx;
static Index blockDim, gridDim;
static std::unique_ptr<std::barrier<>> together;

#define __global__
#define __device__ static
#define __shared__ static
#define __syncthreads() together->arrive_and_wait()

static unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
    return (unsigned long long)(((unsigned __int128)a * b) >> 64);
}

static void launch(unsigned int blocks, unsigned int threads, const std::function<void()>& kernel) {
    gridDim.x = blocks;
    blockDim.x = threads;
    for (unsigned int block = 0; block < blocks; block++) {
        together = std::make_unique<std::barrier<>>(threads);
        std::vector<std::thread> running;
        for (unsigned int thread = 0; thread < threads; thread++) {
            running.emplace_back([=, &kernel] {
                threadIdx.x = thread;
                blockIdx.x = block;
                kernel();
                together->arrive_and_drop();
            });
        }
        for (auto& thread : running) thread.join();
    }
}

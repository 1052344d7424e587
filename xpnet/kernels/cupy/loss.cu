// Softmax and its cross-entropy: a block for each row of scores.

extern "C" __global__ void softmax(const REAL* x, REAL* y, long long rows, long long classes) {
    __shared__ REAL scratch[1024];
    for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
        const REAL* scores = x + row * classes;
        REAL largest = scores[0];
        for (long long k = threadIdx.x; k < classes; k += blockDim.x) {
            if (scores[k] > largest || scores[k] != scores[k]) largest = scores[k];
        }
        largest = block_max(largest, scratch);
        REAL total = 0;
        for (long long k = threadIdx.x; k < classes; k += blockDim.x) total += exp(scores[k] - largest);
        total = block_sum(total, scratch);
        for (long long k = threadIdx.x; k < classes; k += blockDim.x) {
            y[row * classes + k] = exp(scores[k] - largest) / total;
        }
    }
}

// Labels are class indices; one outside 0 ... classes - 1 makes its loss NaN.
extern "C" __global__ void softmax_cross_entropy(
    const REAL* x, const long long* t, REAL* losses, REAL* y, long long rows, long long classes
) {
    __shared__ REAL scratch[1024];
    for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
        const REAL* scores = x + row * classes;
        REAL largest = scores[0];
        for (long long k = threadIdx.x; k < classes; k += blockDim.x) {
            if (scores[k] > largest || scores[k] != scores[k]) largest = scores[k];
        }
        largest = block_max(largest, scratch);
        REAL total = 0;
        for (long long k = threadIdx.x; k < classes; k += blockDim.x) total += exp(scores[k] - largest);
        total = block_sum(total, scratch);
        for (long long k = threadIdx.x; k < classes; k += blockDim.x) {
            y[row * classes + k] = exp(scores[k] - largest) / total;
        }
        if (threadIdx.x == 0) {
            long long label = t[row];
            bool known = label >= 0 && label < classes;
            losses[row] = known ? log(total) - (scores[label] - largest) : REAL(nan(""));
        }
    }
}

extern "C" __global__ void softmax_cross_entropy_backward(
    const REAL* y, const long long* t, REAL* dx, long long rows, long long classes
) {
    long long n = rows * classes;
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x) {
        dx[i] = y[i] - (t[i / classes] == i % classes ? REAL(1) : REAL(0));
    }
}

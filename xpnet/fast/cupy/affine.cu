// What stands around the matrix products of an affine map; they write into the product itself.

extern "C" __global__ void add_bias(REAL* y, const REAL* b, long long n, long long width) {
    EACH(i, n) y[i] = WIDE(y[i]) + WIDE(b[i % width]);
}

extern "C" __global__ void add_bias_onto(REAL* y, const REAL* b, const REAL* around, long long n, long long width) {
    EACH(i, n) y[i] = WIDE(y[i]) + WIDE(b[i % width]) + WIDE(around[i]);
}

extern "C" __global__ void add_bias_relu(REAL* y, const REAL* b, long long n, long long width) {
    EACH(i, n) {
        WIDE v = WIDE(y[i]) + WIDE(b[i % width]);
        y[i] = v < 0 ? WIDE(0) : v;
    }
}

// GELU beside the product, which stays as it is for the backward
extern "C" __global__ void add_bias_gelu(
    const REAL* z, const REAL* b, REAL* y, long long n, long long width, long long by_tanh
) {
    EACH(i, n) {
        WIDE v = WIDE(z[i]) + WIDE(b[i % width]);
        y[i] = v * gelu_share(v, by_tanh);
    }
}

// Sums over rows. A block has `tile` neighbouring columns, and threads that each add up some of the rows.
#define EACH_COLUMN(value)                                                                                             \
    __shared__ WIDE scratch[1024];                                                                                     \
    long long lane = threadIdx.x / tile, lanes = blockDim.x / tile;                                                    \
    for (long long first = blockIdx.x * tile; first < width; first += gridDim.x * tile) {                              \
        long long column = first + threadIdx.x % tile;                                                                 \
        WIDE sum = 0;                                                                                                  \
        if (column < width) {                                                                                          \
            for (long long row = lane; row < rows; row += lanes) {                                                     \
                long long i = row * width + column;                                                                    \
                sum += value;                                                                                          \
            }                                                                                                          \
        }                                                                                                              \
        sum = block_sum(sum, scratch, tile);                                                                           \
        if (lane == 0 && column < width) sums[column] = sum;                                                           \
    }

extern "C" __global__ void sum_rows(const REAL* x, REAL* sums, long long rows, long long width, long long tile) {
    EACH_COLUMN(WIDE(x[i]))
}

// The derivative of ReLU, and its sums.
extern "C" __global__ void relu_backward_and_sums(
    const REAL* dout, const REAL* y, REAL* dx, REAL* sums, long long rows, long long width, long long tile
) {
    EACH_COLUMN(WIDE(dx[i] = y[i] > WIDE(0) ? dout[i] : REAL(0)))
}

// The derivative of GELU after a bias, and its sums.
extern "C" __global__ void gelu_backward_and_sums(
    const REAL* dout, const REAL* z, const REAL* b, REAL* dx, REAL* sums, long long rows, long long width, long long tile,
    long long by_tanh
) {
    EACH_COLUMN(WIDE(dx[i] = WIDE(dout[i]) * gelu_derivative(WIDE(z[i]) + WIDE(b[column]), by_tanh)))
}

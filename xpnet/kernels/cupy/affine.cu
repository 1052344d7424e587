// What stands around the matrix products of an affine map; they write into the product itself.

extern "C" __global__ void add_bias(REAL* y, const REAL* b, long long n, long long width) {
    EACH(i, n) y[i] = WIDE(y[i]) + WIDE(b[i % width]);
}

extern "C" __global__ void add_bias_relu(REAL* y, const REAL* b, long long n, long long width) {
    EACH(i, n) {
        WIDE v = WIDE(y[i]) + WIDE(b[i % width]);
        y[i] = v < 0 ? WIDE(0) : v;
    }
}

// Sums over rows. A block has `tile` neighbouring columns, and threads that each add up some of the rows.
extern "C" __global__ void sum_rows(const REAL* x, REAL* y, long long rows, long long width, long long tile) {
    __shared__ WIDE scratch[1024];
    long long lane = threadIdx.x / tile, lanes = blockDim.x / tile;
    for (long long first = blockIdx.x * tile; first < width; first += gridDim.x * tile) {
        long long column = first + threadIdx.x % tile;
        WIDE sum = 0;
        if (column < width) {
            for (long long row = lane; row < rows; row += lanes) sum += WIDE(x[row * width + column]);
        }
        sum = block_sum(sum, scratch, tile);
        if (lane == 0 && column < width) y[column] = sum;
    }
}

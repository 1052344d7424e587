// Rows of a table by number, with a row for each place of a sequence added where there are such, and their transpose. An index outside the table yields NaN, and adds to nothing.

extern "C" __global__ void embedding(
    const REAL* W, const void* x, long long kind, const REAL* positions, REAL* y,
    long long n, long long size, long long width, long long length
) {
    EACH(i, n * width) {
        long long row = integer_at(x, i / width, kind);
        WIDE value = row >= 0 && row < size ? WIDE(W[row * width + i % width]) : WIDE(nan(""));
        y[i] = positions ? value + WIDE(positions[i % (length * width)]) : value;
    }
}

// A block for each row of y and each `blockDim.x` of its columns looks through all indices, in their order: the sums
// are the same in every run, which those of atomic additions are not.
extern "C" __global__ void scatter_add(
    const REAL* g, const void* indices, long long kind, REAL* y, long long n, long long size, long long width
) {
    __shared__ bool found[1024];
    long long tiles = (width + blockDim.x - 1) / blockDim.x;
    EACH_ROW(block, size * tiles) {
        long long row = block / tiles, column = block % tiles * blockDim.x + threadIdx.x;
        WIDE total = 0;
        for (long long first = 0; first < n; first += blockDim.x) {
            long long mine = first + threadIdx.x;
            bool here = mine < n && integer_at(indices, mine, kind) == row;
            found[threadIdx.x] = here;
            if (__syncthreads_or(here) && column < width) {
                WIDE sum = 0;
                for (unsigned int k = 0; k < blockDim.x; k++) {
                    if (found[k]) sum += WIDE(g[(first + k) * width + column]);
                }
                total += sum;
            }
            __syncthreads();
        }
        if (column < width) y[row * width + column] = total;
    }
}

// Each row of the table that is named receives new values; a number outside the table names none.
extern "C" __global__ void put_rows(
    REAL* W, const void* rows, long long kind, const REAL* values, long long n, long long size, long long width
) {
    EACH(i, n * width) {
        long long row = integer_at(rows, i / width, kind);
        if (row >= 0 && row < size) W[row * width + i % width] = values[i];
    }
}

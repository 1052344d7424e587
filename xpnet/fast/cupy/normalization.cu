// Normalizations, y = gamma xhat + beta with xhat = (x - mean) r. Those of rows keep x, and mean and r of each row for
// the backward; that of batches keeps xhat and r. What is kept is WIDE, but for x.

// A block for each row: a sample, or a group of `channels` channels of one, with `places` values for each channel.
// Without beta the mean is left out: RMS normalization.
extern "C" __global__ void normalize_rows(
    const REAL* x, const REAL* gamma, const REAL* beta, REAL* y, WIDE* statistics,
    long long rows, long long groups, long long channels, long long places, double eps
) {
    __shared__ WIDE scratch[1024];
    long long width = channels * places;
    EACH_ROW(row, rows) {
        const REAL* own = x + row * width;
        long long channel = row % groups * channels;
        WIDE mean = 0, squares = 0;
        if (beta) {
            EACH_OF_ROW(i, width) mean += WIDE(own[i]);
            mean = block_sum(mean, scratch) / width;
        }
        EACH_OF_ROW(i, width) squares += (WIDE(own[i]) - mean) * (WIDE(own[i]) - mean);
        WIDE r = WIDE(1) / sqrt(block_sum(squares, scratch) / width + WIDE(eps));
        EACH_OF_ROW(i, width) {
            long long c = channel + i / places;
            y[row * width + i] = WIDE(gamma[c]) * ((WIDE(own[i]) - mean) * r) + (beta ? WIDE(beta[c]) : WIDE(0));
        }
        if (threadIdx.x == 0) {
            statistics[2 * row] = mean;
            statistics[2 * row + 1] = r;
        }
    }
}

// The xhat of a row.
struct Normalized {
    const REAL* x;
    WIDE mean, r;

    __device__ Normalized(const REAL* x, const WIDE* statistics, long long row, long long width)
        : x(x + row * width), mean(statistics[2 * row]), r(statistics[2 * row + 1]) {}
    __device__ WIDE operator[](long long i) const { return (WIDE(x[i]) - mean) * r; }
};

// dx = r (d - mean d - xhat mean(d xhat)) with d = gamma dout, plus what comes around the normalization. With `parts`, for
// rows of one value a channel, a block leaves there its sums for dgamma, and for dbeta where the mean counts.
extern "C" __global__ void normalize_rows_dx(
    const REAL* dout, const REAL* x, const WIDE* statistics, const REAL* gamma, const REAL* around,
    REAL* dx, WIDE* parts, long long rows, long long groups, long long channels, long long places, long long centred
) {
    __shared__ WIDE scratch[1024];
    long long width = channels * places;
    WIDE* scales = parts + 2 * blockIdx.x * width;
    EACH_ROW(row, rows) {
        const REAL* d = dout + row * width;
        Normalized h(x, statistics, row, width);
        const REAL* scale = gamma + row % groups * channels;
        WIDE sum = 0, along = 0;
        EACH_OF_ROW(i, width) {
            WIDE dh = WIDE(d[i]) * WIDE(scale[i / places]);
            sum += dh;
            along += dh * h[i];
        }
        sum = centred ? block_sum(sum, scratch) / width : WIDE(0);
        along = block_sum(along, scratch) / width;
        EACH_OF_ROW(i, width) {
            WIDE through = h.r * (WIDE(d[i]) * WIDE(scale[i / places]) - sum - h[i] * along);
            dx[row * width + i] = around ? through + WIDE(around[row * width + i]) : through;
            if (parts) {
                bool first = row == blockIdx.x;
                scales[i] = (first ? WIDE(0) : scales[i]) + WIDE(d[i]) * h[i];
                scales[width + i] = (first ? WIDE(0) : scales[width + i]) + WIDE(d[i]);
            }
        }
    }
}

// dgamma and dbeta from the sums of the blocks
extern "C" __global__ void sum_scales(
    const WIDE* parts, REAL* dgamma, REAL* dbeta, long long blocks, long long width, long long tile
) {
    __shared__ WIDE scratch[1024];
    long long lane = threadIdx.x / tile, lanes = blockDim.x / tile;
    for (long long first = blockIdx.x * tile; first < 2 * width; first += gridDim.x * tile) {
        long long column = first + threadIdx.x % tile;
        WIDE sum = 0;
        if (column < 2 * width) {
            for (long long block = lane; block < blocks; block += lanes) sum += parts[2 * block * width + column];
        }
        sum = block_sum(sum, scratch, tile);
        if (lane == 0 && column < width) dgamma[column] = sum;
        if (lane == 0 && column >= width && column < 2 * width && dbeta) dbeta[column - width] = sum;
    }
}

// Below, a block has `tile` neighbouring channels of (N, C, P), and threads that each see some of the N P values.
#define EACH_TILE(first, C, tile) \
    for (long long first = (long long)blockIdx.x * tile; first < C; first += (long long)gridDim.x * tile)

__device__ long long place_of(unsigned int item, long long c, long long C, unsigned int P) {
    return ((long long)(item / P) * C + c) * P + item % P;
}

// dgamma and dbeta of groups, whose `width` values of a sample are a row
extern "C" __global__ void scale_and_shift(
    const REAL* dout, const REAL* x, const WIDE* statistics, REAL* dgamma, REAL* dbeta,
    long long N, long long C, long long P, long long width, long long tile
) {
    __shared__ WIDE scratch[1024];
    unsigned int lane = threadIdx.x / tile, lanes = blockDim.x / tile;
    EACH_TILE(first, C, tile) {
        long long c = first + threadIdx.x % tile;
        unsigned int items = c < C ? N * P : 0;
        WIDE scale = 0, shift = 0;
        for (unsigned int item = lane; item < items; item += lanes) {
            long long i = place_of(item, c, C, P);
            scale += WIDE(dout[i]) * Normalized(x, statistics, i / width, width)[i % width];
            shift += WIDE(dout[i]);
        }
        scale = block_sum(scale, scratch, tile);
        shift = block_sum(shift, scratch, tile);
        if (lane == 0 && c < C) {
            dgamma[c] = scale;
            dbeta[c] = shift;
        }
    }
}

extern "C" __global__ void batch_norm(
    const REAL* x, const REAL* gamma, const REAL* beta, REAL* y, WIDE* xhat, WIDE* rstd, WIDE* means, WIDE* vars,
    long long N, long long C, long long P, long long tile, double eps
) {
    __shared__ WIDE scratch[1024];
    unsigned int lane = threadIdx.x / tile, lanes = blockDim.x / tile;
    EACH_TILE(first, C, tile) {
        long long c = first + threadIdx.x % tile;
        unsigned int items = c < C ? N * P : 0;
        WIDE mean = 0, var = 0;
        for (unsigned int item = lane; item < items; item += lanes) mean += WIDE(x[place_of(item, c, C, P)]);
        mean = block_sum(mean, scratch, tile) / (N * P);
        for (unsigned int item = lane; item < items; item += lanes) {
            WIDE d = WIDE(x[place_of(item, c, C, P)]) - mean;
            var += d * d;
        }
        var = block_sum(var, scratch, tile) / (N * P);
        WIDE r = WIDE(1) / sqrt(var + WIDE(eps));
        for (unsigned int item = lane; item < items; item += lanes) {
            long long i = place_of(item, c, C, P);
            WIDE h = (WIDE(x[i]) - mean) * r;
            xhat[i] = h;
            y[i] = WIDE(gamma[c]) * h + WIDE(beta[c]);
        }
        if (lane == 0 && c < C) {
            rstd[c] = r;
            means[c] = mean;
            vars[c] = var;
        }
    }
}

extern "C" __global__ void batch_norm_backward(
    const REAL* dout, const WIDE* xhat, const WIDE* rstd, const REAL* gamma, REAL* dx, REAL* dgamma, REAL* dbeta,
    long long N, long long C, long long P, long long tile
) {
    __shared__ WIDE scratch[1024];
    unsigned int lane = threadIdx.x / tile, lanes = blockDim.x / tile;
    EACH_TILE(first, C, tile) {
        long long c = first + threadIdx.x % tile;
        unsigned int items = c < C ? N * P : 0;
        WIDE scale = 0, shift = 0;
        for (unsigned int item = lane; item < items; item += lanes) {
            long long i = place_of(item, c, C, P);
            scale += WIDE(dout[i]) * xhat[i];
            shift += WIDE(dout[i]);
        }
        scale = block_sum(scale, scratch, tile);
        shift = block_sum(shift, scratch, tile);
        for (unsigned int item = lane; item < items; item += lanes) {
            long long i = place_of(item, c, C, P);
            WIDE through = WIDE(dout[i]) - (shift + xhat[i] * scale) / (N * P);
            dx[i] = rstd[c] * WIDE(gamma[c]) * through;
        }
        if (lane == 0 && c < C) {
            dgamma[c] = scale;
            dbeta[c] = shift;
        }
    }
}

extern "C" __global__ void batch_norm_predict(
    const REAL* x, const REAL* gamma, const REAL* beta, const WIDE* mean, const WIDE* var, REAL* y,
    long long n, long long C, long long P, double eps
) {
    EACH(i, n) {
        long long c = i / P % C;
        y[i] = (WIDE(x[i]) - mean[c]) * (WIDE(gamma[c]) / sqrt(var[c] + WIDE(eps))) + WIDE(beta[c]);
    }
}

// Layer normalization: a block for each row; the sums over rows, a block for each column.

extern "C" __global__ void layer_norm(
    const REAL* x, const REAL* gamma, const REAL* beta, REAL* y, REAL* xhat, REAL* rstd,
    long long rows, long long width, double eps
) {
    __shared__ REAL scratch[1024];
    for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
        const REAL* own = x + row * width;
        REAL sum = 0;
        for (long long i = threadIdx.x; i < width; i += blockDim.x) sum += own[i];
        REAL mean = block_sum(sum, scratch) / width;
        REAL squares = 0;
        for (long long i = threadIdx.x; i < width; i += blockDim.x) squares += (own[i] - mean) * (own[i] - mean);
        REAL r = REAL(1) / sqrt(block_sum(squares, scratch) / width + REAL(eps));
        for (long long i = threadIdx.x; i < width; i += blockDim.x) {
            REAL h = (own[i] - mean) * r;
            xhat[row * width + i] = h;
            y[row * width + i] = gamma[i] * h + beta[i];
        }
        if (threadIdx.x == 0) rstd[row] = r;
    }
}

extern "C" __global__ void layer_norm_dx(
    const REAL* dout, const REAL* xhat, const REAL* rstd, const REAL* gamma, REAL* dx, long long rows, long long width
) {
    __shared__ REAL scratch[1024];
    for (long long row = blockIdx.x; row < rows; row += gridDim.x) {
        const REAL* d = dout + row * width;
        const REAL* h = xhat + row * width;
        REAL sum = 0, along = 0;
        for (long long i = threadIdx.x; i < width; i += blockDim.x) {
            sum += d[i] * gamma[i];
            along += d[i] * gamma[i] * h[i];
        }
        sum = block_sum(sum, scratch) / width;
        along = block_sum(along, scratch) / width;
        for (long long i = threadIdx.x; i < width; i += blockDim.x) {
            dx[row * width + i] = rstd[row] * (d[i] * gamma[i] - sum - h[i] * along);
        }
    }
}

extern "C" __global__ void layer_norm_dparams(
    const REAL* dout, const REAL* xhat, REAL* dgamma, REAL* dbeta, long long rows, long long width
) {
    __shared__ REAL scratch[1024];
    for (long long i = blockIdx.x; i < width; i += gridDim.x) {
        REAL scale = 0, shift = 0;
        for (long long row = threadIdx.x; row < rows; row += blockDim.x) {
            scale += dout[row * width + i] * xhat[row * width + i];
            shift += dout[row * width + i];
        }
        scale = block_sum(scale, scratch);
        shift = block_sum(shift, scratch);
        if (threadIdx.x == 0) {
            dgamma[i] = scale;
            dbeta[i] = shift;
        }
    }
}

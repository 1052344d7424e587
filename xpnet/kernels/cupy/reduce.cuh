// The sum and the maximum of one value per thread of a block, for all its threads. blockDim.x is a power of two.

__device__ REAL block_sum(REAL value, REAL* scratch) {
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    REAL total = scratch[0];
    __syncthreads();
    return total;
}

__device__ REAL block_max(REAL value, REAL* scratch) {
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            REAL other = scratch[threadIdx.x + half];
            if (other > scratch[threadIdx.x] || other != other) scratch[threadIdx.x] = other;
        }
        __syncthreads();
    }
    REAL largest = scratch[0];
    __syncthreads();
    return largest;
}

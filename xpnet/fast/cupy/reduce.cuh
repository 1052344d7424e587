// Sums and maxima of one value per thread, for all threads of a block. blockDim.x is a power of two, at most 1024.

// The sum over the threads of one column, where the thread number modulo `columns`, a power of two, is the column.
__device__ WIDE block_sum(WIDE value, WIDE* scratch, unsigned int columns = 1) {
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (unsigned int half = blockDim.x / 2; half >= columns; half /= 2) {
        if (threadIdx.x < half) scratch[threadIdx.x] += scratch[threadIdx.x + half];
        __syncthreads();
    }
    WIDE total = scratch[threadIdx.x % columns];
    __syncthreads();
    return total;
}

__device__ WIDE block_max(WIDE value, WIDE* scratch) {
    scratch[threadIdx.x] = value;
    __syncthreads();
    for (unsigned int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) {
            WIDE other = scratch[threadIdx.x + half];
            if (other > scratch[threadIdx.x] || other != other) scratch[threadIdx.x] = other;
        }
        __syncthreads();
    }
    WIDE largest = scratch[0];
    __syncthreads();
    return largest;
}

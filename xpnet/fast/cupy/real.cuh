// A number as arrays hold it is a REAL, as kernels compute with it a WIDE: float for Half, otherwise the same.

#ifdef __CUDACC__
// float16 by two instructions, since the header of CUDA is not always there at run time.
struct Half {
    unsigned short bits;
    __device__ Half() {}
    __device__ Half(float value) { asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value)); }
    __device__ operator float() const {
        float value;
        asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
        return value;
    }
};
#endif

// One of the integers of an array, whose kind is the bytes of each, negative for those without a sign.
__device__ long long integer_at(const void* integers, long long i, long long kind) {
    switch (kind) {
        case 1: return ((const signed char*)integers)[i];
        case 2: return ((const short*)integers)[i];
        case 4: return ((const int*)integers)[i];
        case -1: return ((const unsigned char*)integers)[i];
        case -2: return ((const unsigned short*)integers)[i];
        case -4: return ((const unsigned int*)integers)[i];
        default: return ((const long long*)integers)[i];  // unsigned ones beyond 2^63 come out negative
    }
}

// Elements 0 ... n - 1, shared among all threads.
#define EACH(i, n) \
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x)

// Rows 0 ... n - 1, shared among blocks, and the elements of one, shared among the threads of a block.
#define EACH_ROW(row, n) for (long long row = blockIdx.x; row < n; row += gridDim.x)
#define EACH_OF_ROW(i, n) for (long long i = threadIdx.x; i < n; i += blockDim.x)

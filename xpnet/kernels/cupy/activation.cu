// Element-wise activations, one thread for each element in turn.

#define EACH(i, n) \
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < n; i += (long long)gridDim.x * blockDim.x)

extern "C" __global__ void relu(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = x[i] < 0 ? REAL(0) : x[i];
}

extern "C" __global__ void relu_backward(const REAL* dout, const REAL* y, REAL* dx, long long n) {
    EACH(i, n) dx[i] = y[i] > 0 ? dout[i] : REAL(0);
}

extern "C" __global__ void sigmoid(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = exp(x[i] < 0 ? x[i] : REAL(0)) / (REAL(1) + exp(-fabs(x[i])));
}

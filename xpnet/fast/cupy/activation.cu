// Element-wise activations: x and y, or dout, what forward kept and dx; options, and the number of elements.

extern "C" __global__ void relu(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = x[i] < WIDE(0) ? REAL(0) : x[i];
}

extern "C" __global__ void relu_backward(const REAL* dout, const REAL* y, REAL* dx, long long n) {
    EACH(i, n) dx[i] = y[i] > WIDE(0) ? dout[i] : REAL(0);
}

extern "C" __global__ void leaky_relu(const REAL* x, REAL* y, double slope, long long n) {
    EACH(i, n) y[i] = x[i] < WIDE(0) ? REAL(WIDE(slope) * WIDE(x[i])) : x[i];
}

extern "C" __global__ void leaky_relu_backward(const REAL* dout, const REAL* x, REAL* dx, double slope, long long n) {
    EACH(i, n) dx[i] = x[i] > WIDE(0) ? dout[i] : REAL(WIDE(slope) * WIDE(dout[i]));
}

extern "C" __global__ void elu(const REAL* x, REAL* y, double alpha, long long n) {
    EACH(i, n) y[i] = x[i] < WIDE(0) ? REAL(WIDE(alpha) * expm1(WIDE(x[i]))) : x[i];
}

extern "C" __global__ void elu_backward(const REAL* dout, const REAL* x, REAL* dx, double alpha, long long n) {
    EACH(i, n) dx[i] = x[i] > WIDE(0) ? dout[i] : REAL(WIDE(alpha) * exp(WIDE(x[i])) * WIDE(dout[i]));
}

__device__ WIDE logistic(WIDE x) {
    return exp(x < 0 ? x : WIDE(0)) / (WIDE(1) + exp(-fabs(x)));
}

extern "C" __global__ void sigmoid(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = logistic(x[i]);
}

extern "C" __global__ void sigmoid_backward(const REAL* dout, const REAL* y, REAL* dx, long long n) {
    EACH(i, n) dx[i] = WIDE(dout[i]) * (WIDE(y[i]) * (WIDE(1) - WIDE(y[i])));
}

extern "C" __global__ void softplus(const REAL* x, REAL* y, long long n) {
    EACH(i, n) {
        WIDE v = x[i];
        y[i] = (v < 0 ? WIDE(0) : v) + log1p(exp(-fabs(v)));
    }
}

extern "C" __global__ void softplus_backward(const REAL* dout, const REAL* x, REAL* dx, long long n) {
    EACH(i, n) dx[i] = WIDE(dout[i]) * logistic(x[i]);
}

extern "C" __global__ void silu(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = WIDE(x[i]) * logistic(x[i]);
}

extern "C" __global__ void silu_backward(const REAL* dout, const REAL* x, REAL* dx, long long n) {
    EACH(i, n) {
        WIDE v = x[i], share = logistic(v);
        dx[i] = WIDE(dout[i]) * (share + v * share * (WIDE(1) - share));
    }
}

extern "C" __global__ void error_function(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = erf(WIDE(x[i]));
}

extern "C" __global__ void gelu(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = WIDE(x[i]) * gelu_share(x[i], false);
}

extern "C" __global__ void gelu_backward(const REAL* dout, const REAL* x, REAL* dx, long long n) {
    EACH(i, n) dx[i] = WIDE(dout[i]) * gelu_derivative(x[i], false);
}

extern "C" __global__ void gelu_tanh(const REAL* x, REAL* y, long long n) {
    EACH(i, n) y[i] = WIDE(x[i]) * gelu_share(x[i], true);
}

extern "C" __global__ void gelu_tanh_backward(const REAL* dout, const REAL* x, REAL* dx, long long n) {
    EACH(i, n) dx[i] = WIDE(dout[i]) * gelu_derivative(x[i], true);
}

// GELU is x times a share, by the error function or by tanh; the derivative from both.

// sqrt(2 / pi), and 0.044715 times it
#define SLOPE WIDE(0.79788456080286536)
#define BEND WIDE(0.035677408136300125)

__device__ WIDE gelu_share(WIDE x, bool by_tanh) {
    WIDE inner = by_tanh ? tanh(x * (SLOPE + BEND * x * x)) : erf(x * WIDE(0.70710678118654752));
    return WIDE(0.5) + WIDE(0.5) * inner;
}

__device__ WIDE gelu_slope(WIDE x, WIDE share, bool by_tanh) {
    if (!by_tanh) return share + x * exp(WIDE(-0.5) * x * x) * WIDE(0.39894228040143268);
    WIDE inner = WIDE(2) * x * (SLOPE + WIDE(3) * BEND * x * x);
    return share * (WIDE(1) + (WIDE(1) - share) * inner);
}

__device__ WIDE gelu_derivative(WIDE x, bool by_tanh) {
    return gelu_slope(x, gelu_share(x, by_tanh), by_tanh);
}

// Steps of the optimizers, element-wise and in place: parameters, gradients, state, and numbers.
// In a graph the numbers are in memory, where each replay finds its own.

#define DECAYED(g, W, decay) (decay != 0 ? WIDE(g) + WIDE(decay) * WIDE(W) : WIDE(g))

extern "C" __global__ void sgd(REAL* W, const REAL* dW, double rate, double decay, const double* live, long long n) {
    if (live) rate = live[0], decay = live[1];
    EACH(i, n) W[i] = WIDE(W[i]) - WIDE(rate) * DECAYED(dW[i], W[i], decay);
}

extern "C" __global__ void momentum(
    REAL* W, const REAL* dW, REAL* v, double rate, double friction, double decay, const double* live, long long n
) {
    if (live) rate = live[0], friction = live[1], decay = live[2];
    EACH(i, n) {
        WIDE moved = WIDE(friction) * WIDE(v[i]) + DECAYED(dW[i], W[i], decay);
        v[i] = moved;
        W[i] = WIDE(W[i]) - WIDE(rate) * moved;
    }
}

extern "C" __global__ void nesterov(
    REAL* W, const REAL* dW, REAL* v, double rate, double friction, double decay, const double* live, long long n
) {
    if (live) rate = live[0], friction = live[1], decay = live[2];
    EACH(i, n) {
        WIDE g = DECAYED(dW[i], W[i], decay), moved = WIDE(friction) * WIDE(v[i]) + g;
        v[i] = moved;
        W[i] = WIDE(W[i]) - WIDE(rate) * (g + WIDE(friction) * moved);
    }
}

extern "C" __global__ void adagrad(
    REAL* W, const REAL* dW, REAL* h, double rate, double eps, double decay, const double* live, long long n
) {
    if (live) rate = live[0], eps = live[1], decay = live[2];
    EACH(i, n) {
        WIDE g = DECAYED(dW[i], W[i], decay), squares = WIDE(h[i]) + g * g;
        h[i] = squares;
        W[i] = WIDE(W[i]) - WIDE(rate) * g / (sqrt(squares) + WIDE(eps));
    }
}

extern "C" __global__ void rmsprop(
    REAL* W, const REAL* dW, REAL* h, double rate, double kept, double eps, double decay, const double* live, long long n
) {
    if (live) rate = live[0], kept = live[1], eps = live[2], decay = live[3];
    EACH(i, n) {
        WIDE g = DECAYED(dW[i], W[i], decay), squares = WIDE(kept) * WIDE(h[i]) + WIDE(1.0 - kept) * g * g;
        h[i] = squares;
        W[i] = WIDE(W[i]) - WIDE(rate) * g / (sqrt(squares) + WIDE(eps));
    }
}

// AdamW keeps `kept` W, Adam all of it; W loses scale m / (sqrt v + shift).
extern "C" __global__ void adam(
    REAL* W, const REAL* dW, REAL* m, REAL* v,
    double scale, double shift, double beta1, double beta2, double decay, double kept, const double* live, long long n
) {
    if (live) scale = live[0], shift = live[1], beta1 = live[2], beta2 = live[3], decay = live[4], kept = live[5];
    EACH(i, n) {
        WIDE g = DECAYED(dW[i], W[i], decay);
        WIDE first = WIDE(beta1) * WIDE(m[i]) + g, second = WIDE(beta2) * WIDE(v[i]) + g * g;
        m[i] = first;
        v[i] = second;
        W[i] = WIDE(kept) * WIDE(W[i]) - WIDE(scale) * first / (sqrt(second) + WIDE(shift));
    }
}

extern "C" __global__ void lion(
    REAL* W, const REAL* dW, REAL* m, double rate, double beta1, double beta2, double kept, const double* live, long long n
) {
    if (live) rate = live[0], beta1 = live[1], beta2 = live[2], kept = live[3];
    EACH(i, n) {
        WIDE g = dW[i], c = WIDE(beta1) * WIDE(m[i]) + WIDE(1.0 - beta1) * g;
        WIDE sign = c > 0 ? WIDE(1) : c < 0 ? WIDE(-1) : c;
        W[i] = WIDE(kept) * WIDE(W[i]) - WIDE(rate) * sign;
        m[i] = WIDE(beta2) * WIDE(m[i]) + WIDE(1.0 - beta2) * g;
    }
}

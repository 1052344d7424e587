// Softmax and its cross-entropy, a block for each row of scores; losses of single elements, with their derivatives.
// What is kept for the way back is WIDE.

__device__ WIDE largest_of(const REAL* scores, long long classes, WIDE* scratch) {
    WIDE largest = scores[0];
    EACH_OF_ROW(k, classes) {
        WIDE score = scores[k];
        if (score > largest || score != score) largest = score;
    }
    return block_max(largest, scratch);
}

__device__ WIDE sum_of_exp(const REAL* scores, long long classes, WIDE largest, WIDE* scratch) {
    WIDE total = 0;
    EACH_OF_ROW(k, classes) total += exp(WIDE(scores[k]) - largest);
    return block_sum(total, scratch);
}

extern "C" __global__ void softmax(const REAL* x, REAL* y, long long rows, long long classes) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        const REAL* scores = x + row * classes;
        WIDE largest = largest_of(scores, classes, scratch), total = sum_of_exp(scores, classes, largest, scratch);
        EACH_OF_ROW(k, classes) y[row * classes + k] = exp(WIDE(scores[k]) - largest) / total;
    }
}

extern "C" __global__ void softmax_backward(
    const REAL* dout, const REAL* y, REAL* dx, long long rows, long long classes
) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        const REAL* d = dout + row * classes;
        const REAL* share = y + row * classes;
        WIDE along = 0;
        EACH_OF_ROW(k, classes) along += WIDE(d[k]) * WIDE(share[k]);
        along = block_sum(along, scratch);
        EACH_OF_ROW(k, classes) dx[row * classes + k] = WIDE(share[k]) * (WIDE(d[k]) - along);
    }
}

extern "C" __global__ void log_softmax(const REAL* x, REAL* y, long long rows, long long classes) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        const REAL* scores = x + row * classes;
        WIDE largest = largest_of(scores, classes, scratch), total = sum_of_exp(scores, classes, largest, scratch);
        EACH_OF_ROW(k, classes) y[row * classes + k] = WIDE(scores[k]) - largest - log(total);
    }
}

extern "C" __global__ void log_softmax_backward(
    const REAL* dout, const REAL* y, REAL* dx, long long rows, long long classes
) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        const REAL* d = dout + row * classes;
        WIDE sum = 0;
        EACH_OF_ROW(k, classes) sum += WIDE(d[k]);
        sum = block_sum(sum, scratch);
        EACH_OF_ROW(k, classes) dx[row * classes + k] = WIDE(d[k]) - exp(WIDE(y[row * classes + k])) * sum;
    }
}

// Labels are class indices; one outside 0 ... classes - 1 makes its loss and the derivatives of its scores NaN.
extern "C" __global__ void softmax_cross_entropy(
    const REAL* x, const void* t, long long kind, WIDE* losses, WIDE* y, long long rows, long long classes
) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        const REAL* scores = x + row * classes;
        WIDE largest = largest_of(scores, classes, scratch), total = sum_of_exp(scores, classes, largest, scratch);
        EACH_OF_ROW(k, classes) y[row * classes + k] = exp(WIDE(scores[k]) - largest) / total;
        if (threadIdx.x == 0) {
            long long label = integer_at(t, row, kind);
            bool known = label >= 0 && label < classes;
            losses[row] = known ? log(total) - (WIDE(scores[label]) - largest) : WIDE(nan(""));
        }
    }
}

// The derivative with respect to a loss, which is in memory or 1, times a number.
__device__ WIDE times(const REAL* dloss, double number) {
    return (dloss ? WIDE(*dloss) : WIDE(1)) * WIDE(number);
}

// There is one dloss for all rows, or one for each.
extern "C" __global__ void softmax_cross_entropy_backward(
    const REAL* dlosses, double number, long long each, const WIDE* y, const void* t, long long kind, REAL* dx,
    long long rows, long long classes
) {
    EACH(i, rows * classes) {
        WIDE scale = times(each ? dlosses + i / classes : dlosses, number);
        long long label = integer_at(t, i / classes, kind);
        WIDE share = label >= 0 && label < classes ? WIDE(label == i % classes) : WIDE(nan(""));
        dx[i] = scale * (y[i] - share);
    }
}

extern "C" __global__ void sigmoid_cross_entropy(const REAL* x, const REAL* t, WIDE* losses, WIDE* slopes, long long n) {
    EACH(i, n) {
        WIDE v = x[i], e = exp(-fabs(v));
        WIDE share = (v > 0 ? WIDE(1) : WIDE(0)) - WIDE(t[i]);
        losses[i] = (share == 0 ? WIDE(0) : share * v) + log1p(e);
        slopes[i] = (v < 0 ? e : WIDE(1)) / (WIDE(1) + e) - WIDE(t[i]);
    }
}

extern "C" __global__ void huber(
    const REAL* x, const REAL* t, WIDE* losses, WIDE* slopes, double delta, long long n
) {
    EACH(i, n) {
        WIDE d = WIDE(x[i]) - WIDE(t[i]), end = delta;
        WIDE g = d > end ? end : d < -end ? -end : d;
        losses[i] = g * (d - WIDE(0.5) * g);
        slopes[i] = g;
    }
}

extern "C" __global__ void times_slopes(const REAL* dloss, double number, const WIDE* slopes, REAL* dx, long long n) {
    EACH(i, n) dx[i] = times(dloss, number) * slopes[i];
}

// The largest value and the mean of bins of images (T, H, W): bin i of n covers from i H / n, rounded down, to before
// (i + 1) H / n, rounded up. Bin h of H over n covers the bins that cover place h: so the way back is gathered.

__device__ long long first_of(long long i, long long length, long long bins) { return i * length / bins; }

__device__ long long end_of(long long i, long long length, long long bins) {
    return ((i + 1) * length + bins - 1) / bins;
}

// y (planes, OT, OH, OW) and the place that won in its plane; the first of equal values, NaN before all
extern "C" __global__ void adaptive_max(
    const REAL* x, REAL* y, long long* winner, long long planes, long long T, long long H, long long W, long long OT,
    long long OH, long long OW
) {
    EACH(i, planes * OT * OH * OW) {
        long long at = i, ow = at % OW, oh = (at /= OW) % OH, ot = (at /= OH) % OT, plane = at / OT;
        long long place = -1;
        WIDE best = 0;
        for (long long t = first_of(ot, T, OT); t < end_of(ot, T, OT); t++)
            for (long long h = first_of(oh, H, OH); h < end_of(oh, H, OH); h++)
                for (long long w = first_of(ow, W, OW); w < end_of(ow, W, OW); w++) {
                    long long own = (t * H + h) * W + w;
                    WIDE value = x[plane * T * H * W + own];
                    if (place < 0 || value > best || value != value) {
                        best = value;
                        place = own;
                    }
                }
        y[i] = best;
        winner[i] = place;
    }
}

extern "C" __global__ void adaptive_max_backward(
    const REAL* dout, const long long* winner, REAL* dx, long long planes, long long T, long long H, long long W,
    long long OT, long long OH, long long OW
) {
    EACH(i, planes * T * H * W) {
        long long at = i, w = at % W, h = (at /= W) % H, t = (at /= H) % T, plane = at / T, own = i - plane * T * H * W;
        WIDE sum = 0;
        for (long long ot = first_of(t, OT, T); ot < end_of(t, OT, T); ot++)
            for (long long oh = first_of(h, OH, H); oh < end_of(h, OH, H); oh++)
                for (long long ow = first_of(w, OW, W); ow < end_of(w, OW, W); ow++) {
                    long long o = ((plane * OT + ot) * OH + oh) * OW + ow;
                    if (winner[o] == own) sum += WIDE(dout[o]);
                }
        dx[i] = sum;
    }
}

extern "C" __global__ void adaptive_average(
    const REAL* x, REAL* y, long long planes, long long T, long long H, long long W, long long OT, long long OH,
    long long OW
) {
    EACH(i, planes * OT * OH * OW) {
        long long at = i, ow = at % OW, oh = (at /= OW) % OH, ot = (at /= OH) % OT, plane = at / OT, count = 0;
        WIDE sum = 0;
        for (long long t = first_of(ot, T, OT); t < end_of(ot, T, OT); t++)
            for (long long h = first_of(oh, H, OH); h < end_of(oh, H, OH); h++)
                for (long long w = first_of(ow, W, OW); w < end_of(ow, W, OW); w++, count++)
                    sum += WIDE(x[((plane * T + t) * H + h) * W + w]);
        y[i] = sum / count;
    }
}

extern "C" __global__ void adaptive_average_backward(
    const REAL* dout, REAL* dx, long long planes, long long T, long long H, long long W, long long OT, long long OH,
    long long OW
) {
    EACH(i, planes * T * H * W) {
        long long at = i, w = at % W, h = (at /= W) % H, t = (at /= H) % T, plane = at / T;
        WIDE sum = 0;
        for (long long ot = first_of(t, OT, T); ot < end_of(t, OT, T); ot++)
            for (long long oh = first_of(h, OH, H); oh < end_of(h, OH, H); oh++)
                for (long long ow = first_of(w, OW, W); ow < end_of(w, OW, W); ow++) {
                    long long count = (end_of(ot, T, OT) - first_of(ot, T, OT)) * (end_of(oh, H, OH) - first_of(oh, H, OH))
                        * (end_of(ow, W, OW) - first_of(ow, W, OW));
                    sum += WIDE(dout[((plane * OT + ot) * OH + oh) * OW + ow]) / count;
                }
        dx[i] = sum;
    }
}

// The largest value and the mean under windows that slide over planes (H, W); the way back, gathered.

// y (planes, OH, OW) and which cell of the window won, never one of the border; the first of equal values, NaN before all
extern "C" __global__ void max_pooling(
    const REAL* x, REAL* y, unsigned char* winner, long long planes, long long H, long long W, long long OH, long long OW,
    long long FH, long long FW, long long sh, long long sw, long long ph, long long pw
) {
    long long n = planes * OH * OW;
    EACH(i, n) {
        long long ow = i % OW, oh = i / OW % OH, plane = i / (OW * OH);
        bool seen = false;
        WIDE best = log(WIDE(0));
        unsigned char cell = 0;
        for (long long k = 0; k < FH * FW; k++) {
            long long h = oh * sh + k / FW - ph, w = ow * sw + k % FW - pw;
            if (h < 0 || h >= H || w < 0 || w >= W) continue;
            WIDE value = x[(plane * H + h) * W + w];
            if (!seen || value > best || value != value) {
                seen = true;
                best = value;
                cell = (unsigned char)k;
            }
        }
        y[i] = best;
        winner[i] = cell;
    }
}

extern "C" __global__ void max_pooling_backward(
    const REAL* dout, const unsigned char* winner, REAL* dx, long long planes, long long H, long long W,
    long long OH, long long OW, long long FH, long long FW, long long sh, long long sw, long long ph, long long pw
) {
    long long n = planes * H * W;
    EACH(i, n) {
        long long w = i % W, h = i / W % H, plane = i / (W * H);
        WIDE sum = 0;
        for (long long k = 0; k < FH * FW; k++) {
            long long top = h + ph - k / FW, left = w + pw - k % FW;
            if (top < 0 || top % sh || top / sh >= OH || left < 0 || left % sw || left / sw >= OW) continue;
            long long o = (plane * OH + top / sh) * OW + left / sw;
            if (winner[o] == k) sum += WIDE(dout[o]);
        }
        dx[i] = sum;
    }
}

// the border counts as zeros
extern "C" __global__ void average_pooling(
    const REAL* x, REAL* y, long long planes, long long H, long long W, long long OH, long long OW,
    long long FH, long long FW, long long sh, long long sw, long long ph, long long pw
) {
    long long n = planes * OH * OW;
    EACH(i, n) {
        long long ow = i % OW, oh = i / OW % OH, plane = i / (OW * OH);
        WIDE sum = 0;
        for (long long k = 0; k < FH * FW; k++) {
            long long h = oh * sh + k / FW - ph, w = ow * sw + k % FW - pw;
            if (h >= 0 && h < H && w >= 0 && w < W) sum += WIDE(x[(plane * H + h) * W + w]);
        }
        y[i] = sum / (FH * FW);
    }
}

extern "C" __global__ void average_pooling_backward(
    const REAL* dout, REAL* dx, long long planes, long long H, long long W, long long OH, long long OW,
    long long FH, long long FW, long long sh, long long sw, long long ph, long long pw
) {
    long long n = planes * H * W;
    EACH(i, n) {
        long long w = i % W, h = i / W % H, plane = i / (W * H);
        WIDE sum = 0;
        for (long long k = 0; k < FH * FW; k++) {
            long long top = h + ph - k / FW, left = w + pw - k % FW;
            if (top < 0 || top % sh || top / sh >= OH || left < 0 || left % sw || left / sw >= OW) continue;
            sum += WIDE(dout[(plane * OH + top / sh) * OW + left / sw]);
        }
        dx[i] = sum / (FH * FW);
    }
}

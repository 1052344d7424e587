// The largest value and the mean under windows that slide over images (T, H, W) of planes; the way back, gathered.
// Images of fewer axes have T = 1, or T = H = 1.

__device__ long long counted(long long start, long long F, long long first, long long end) {
    return (start + F < end ? start + F : end) - (start > first ? start : first);
}

__device__ long long winner_at(const void* winner, long long i, long long cells) {
    return cells <= 256 ? ((const unsigned char*)winner)[i] : ((const int*)winner)[i];
}

__device__ void set_winner(void* winner, long long i, long long k, long long cells) {
    if (cells <= 256) ((unsigned char*)winner)[i] = (unsigned char)k;
    else ((int*)winner)[i] = (int)k;
}

// y (planes, OT, OH, OW) and which cell of the window won, in a byte if there are up to 256, else an int; never one of the
// border; the first of equal values, NaN before all
extern "C" __global__ void max_pooling(
    const REAL* x, REAL* y, void* winner, long long planes, long long T, long long H, long long W, long long OT,
    long long OH, long long OW, long long FT, long long FH, long long FW, long long st, long long sh, long long sw,
    long long pt, long long ph, long long pw
) {
    EACH(i, planes * OT * OH * OW) {
        long long at = i, ow = at % OW, oh = (at /= OW) % OH, ot = (at /= OH) % OT, plane = at / OT;
        bool seen = false;
        WIDE best = log(WIDE(0));
        long long cell = 0;
        for (long long k = 0; k < FT * FH * FW; k++) {
            long long t = ot * st + k / (FH * FW) - pt, h = oh * sh + k / FW % FH - ph, w = ow * sw + k % FW - pw;
            if (t < 0 || t >= T || h < 0 || h >= H || w < 0 || w >= W) continue;
            WIDE value = x[((plane * T + t) * H + h) * W + w];
            if (!seen || value > best || value != value) {
                seen = true;
                best = value;
                cell = k;
            }
        }
        y[i] = best;
        set_winner(winner, i, cell, FT * FH * FW);
    }
}

extern "C" __global__ void max_pooling_backward(
    const REAL* dout, const void* winner, REAL* dx, long long planes, long long T, long long H, long long W,
    long long OT, long long OH, long long OW, long long FT, long long FH, long long FW, long long st, long long sh,
    long long sw, long long pt, long long ph, long long pw
) {
    EACH(i, planes * T * H * W) {
        long long at = i, w = at % W, h = (at /= W) % H, t = (at /= H) % T, plane = at / T;
        WIDE sum = 0;
        for (long long ft = (t + pt) % st; ft < FT && ft <= t + pt; ft += st) {
            long long ot = (t + pt - ft) / st;
            if (ot >= OT) continue;
            for (long long fh = (h + ph) % sh; fh < FH && fh <= h + ph; fh += sh) {
                long long oh = (h + ph - fh) / sh;
                if (oh >= OH) continue;
                for (long long fw = (w + pw) % sw; fw < FW && fw <= w + pw; fw += sw) {
                    long long ow = (w + pw - fw) / sw, o = ((plane * OT + ot) * OH + oh) * OW + ow;
                    if (ow >= OW || winner_at(winner, o, FT * FH * FW) != (ft * FH + fh) * FW + fw) continue;
                    sum += WIDE(dout[o]);
                }
            }
        }
        dx[i] = sum;
    }
}

// t0, t1 and so on: from where to before where cells count along each axis
extern "C" __global__ void average_pooling(
    const REAL* x, REAL* y, long long planes, long long T, long long H, long long W, long long OT, long long OH,
    long long OW, long long FT, long long FH, long long FW, long long st, long long sh, long long sw, long long pt,
    long long ph, long long pw, long long t0, long long t1, long long h0, long long h1, long long w0, long long w1
) {
    EACH(i, planes * OT * OH * OW) {
        long long at = i, ow = at % OW, oh = (at /= OW) % OH, ot = (at /= OH) % OT, plane = at / OT;
        long long front = ot * st - pt, top = oh * sh - ph, left = ow * sw - pw;
        WIDE sum = 0;
        for (long long k = 0; k < FT * FH * FW; k++) {
            long long t = front + k / (FH * FW), h = top + k / FW % FH, w = left + k % FW;
            if (t >= 0 && t < T && h >= 0 && h < H && w >= 0 && w < W) sum += WIDE(x[((plane * T + t) * H + h) * W + w]);
        }
        y[i] = sum / (counted(front, FT, t0, t1) * counted(top, FH, h0, h1) * counted(left, FW, w0, w1));
    }
}

extern "C" __global__ void average_pooling_backward(
    const REAL* dout, REAL* dx, long long planes, long long T, long long H, long long W, long long OT, long long OH,
    long long OW, long long FT, long long FH, long long FW, long long st, long long sh, long long sw, long long pt,
    long long ph, long long pw, long long t0, long long t1, long long h0, long long h1, long long w0, long long w1
) {
    EACH(i, planes * T * H * W) {
        long long at = i, w = at % W, h = (at /= W) % H, t = (at /= H) % T, plane = at / T;
        WIDE sum = 0;
        for (long long ft = (t + pt) % st; ft < FT && ft <= t + pt; ft += st) {
            long long ot = (t + pt - ft) / st;
            if (ot >= OT) continue;
            for (long long fh = (h + ph) % sh; fh < FH && fh <= h + ph; fh += sh) {
                long long oh = (h + ph - fh) / sh;
                if (oh >= OH) continue;
                for (long long fw = (w + pw) % sw; fw < FW && fw <= w + pw; fw += sw) {
                    long long ow = (w + pw - fw) / sw;
                    if (ow >= OW) continue;
                    long long count = counted(t - ft, FT, t0, t1) * counted(h - fh, FH, h0, h1) * counted(w - fw, FW, w0, w1);
                    sum += WIDE(dout[((plane * OT + ot) * OH + oh) * OW + ow]) / count;
                }
            }
        }
        dx[i] = sum;
    }
}

// Patches of images (N, C, T, H, W) as columns, and back; images of fewer axes have T = 1, or T = H = 1.

// columns (C FT FH FW, N OT OH OW), a thread for each element in turn
extern "C" __global__ void im2col(
    const REAL* x, REAL* columns, long long N, long long C, long long T, long long H, long long W, long long OT,
    long long OH, long long OW, long long FT, long long FH, long long FW, long long st, long long sh, long long sw,
    long long pt, long long ph, long long pw, long long dt, long long dh, long long dw
) {
    EACH(i, C * FT * FH * FW * N * OT * OH * OW) {
        long long at = i, ow = at % OW, oh = (at /= OW) % OH, ot = (at /= OH) % OT, image = (at /= OT) % N;
        long long fw = (at /= N) % FW, fh = (at /= FW) % FH, ft = (at /= FH) % FT, c = at / FT;
        long long t = ot * st + ft * dt - pt, h = oh * sh + fh * dh - ph, w = ow * sw + fw * dw - pw;
        bool inside = t >= 0 && t < T && h >= 0 && h < H && w >= 0 && w < W;
        columns[i] = inside ? x[(((image * C + c) * T + t) * H + h) * W + w] : REAL(0);
    }
}

// the transpose of im2col, gathered: each pixel adds up the columns that saw it
extern "C" __global__ void col2im(
    const REAL* columns, REAL* x, long long N, long long C, long long T, long long H, long long W, long long OT,
    long long OH, long long OW, long long FT, long long FH, long long FW, long long st, long long sh, long long sw,
    long long pt, long long ph, long long pw, long long dt, long long dh, long long dw
) {
    EACH(i, N * C * T * H * W) {
        long long at = i, w = at % W, h = (at /= W) % H, t = (at /= H) % T, c = (at /= T) % C, image = at / C;
        WIDE sum = 0;
        for (long long ft = 0; ft < FT; ft++) {
            long long front = t + pt - ft * dt;
            if (front < 0 || front % st || front / st >= OT) continue;
            for (long long fh = 0; fh < FH; fh++) {
                long long top = h + ph - fh * dh;
                if (top < 0 || top % sh || top / sh >= OH) continue;
                for (long long fw = 0; fw < FW; fw++) {
                    long long left = w + pw - fw * dw;
                    if (left < 0 || left % sw || left / sw >= OW) continue;
                    long long row = ((c * FT + ft) * FH + fh) * FW + fw;
                    sum += WIDE(columns[(((row * N + image) * OT + front / st) * OH + top / sh) * OW + left / sw]);
                }
            }
        }
        x[i] = sum;
    }
}

// images (N, M, ...) from rows (M, N ...), with a bias for each channel where there is one
extern "C" __global__ void rows_to_images(
    const REAL* rows, const REAL* b, REAL* y, long long N, long long M, long long places
) {
    long long n = N * M * places;
    EACH(i, n) {
        long long place = i % places, m = i / places % M, image = i / (places * M);
        y[i] = WIDE(rows[(m * N + image) * places + place]) + (b ? WIDE(b[m]) : WIDE(0));
    }
}

// Patches of images (N, C, H, W) as columns, and back.

// columns (C FH FW, N OH OW), a thread for each element in turn
extern "C" __global__ void im2col(
    const REAL* x, REAL* columns, long long N, long long C, long long H, long long W, long long OH, long long OW,
    long long FH, long long FW, long long sh, long long sw, long long ph, long long pw, long long dh, long long dw
) {
    long long n = C * FH * FW * N * OH * OW;
    EACH(i, n) {
        long long ow = i % OW, oh = i / OW % OH, image = i / (OW * OH) % N;
        long long fw = i / (OW * OH * N) % FW, fh = i / (OW * OH * N * FW) % FH, c = i / (OW * OH * N * FW * FH);
        long long h = oh * sh + fh * dh - ph, w = ow * sw + fw * dw - pw;
        bool inside = h >= 0 && h < H && w >= 0 && w < W;
        columns[i] = inside ? x[((image * C + c) * H + h) * W + w] : REAL(0);
    }
}

// the transpose of im2col, gathered: each pixel adds up the columns that saw it
extern "C" __global__ void col2im(
    const REAL* columns, REAL* x, long long N, long long C, long long H, long long W, long long OH, long long OW,
    long long FH, long long FW, long long sh, long long sw, long long ph, long long pw, long long dh, long long dw
) {
    long long n = N * C * H * W;
    EACH(i, n) {
        long long w = i % W, h = i / W % H, c = i / (W * H) % C, image = i / (W * H * C);
        WIDE sum = 0;
        for (long long fh = 0; fh < FH; fh++) {
            long long top = h + ph - fh * dh;
            if (top < 0 || top % sh || top / sh >= OH) continue;
            for (long long fw = 0; fw < FW; fw++) {
                long long left = w + pw - fw * dw;
                if (left < 0 || left % sw || left / sw >= OW) continue;
                sum += WIDE(columns[((((c * FH + fh) * FW + fw) * N + image) * OH + top / sh) * OW + left / sw]);
            }
        }
        x[i] = sum;
    }
}

// images (N, M, OH, OW) from rows (M, N OH OW), with a bias for each channel where there is one
extern "C" __global__ void rows_to_images(
    const REAL* rows, const REAL* b, REAL* y, long long N, long long M, long long places
) {
    long long n = N * M * places;
    EACH(i, n) {
        long long place = i % places, m = i / places % M, image = i / (places * M);
        y[i] = WIDE(rows[(m * N + image) * places + place]) + (b ? WIDE(b[m]) : WIDE(0));
    }
}

// Between the product of a convolution, rows (M, N OH OW), and pools (N, M, PH, PW): bias, ReLU and pooling at once.

extern "C" __global__ void rows_to_pools(
    const REAL* rows, const REAL* b, REAL* y, unsigned char* winner, long long N, long long M, long long OH, long long OW,
    long long PH, long long PW, long long FH, long long FW, long long sh, long long sw, long long ph, long long pw
) {
    EACH(i, N * M * PH * PW) {
        long long left = i % PW * sw - pw, top = i / PW % PH * sh - ph, m = i / (PW * PH) % M, n = i / (PW * PH * M);
        const REAL* plane = rows + (m * N + n) * OH * OW;
        const WIDE lowest = log(WIDE(0));
        WIDE best = lowest;
        unsigned char cell = 0;
        for (long long k = 0; k < FH * FW; k++) {
            long long h = top + k / FW, w = left + k % FW;
            WIDE value = lowest;
            if (h >= 0 && h < OH && w >= 0 && w < OW) {
                value = WIDE(plane[h * OW + w]) + WIDE(b[m]);
                if (value < 0) value = 0;
            }
            if (k == 0 || value > best || value != value) {
                best = value;
                cell = (unsigned char)k;
            }
        }
        y[i] = best;
        winner[i] = cell;
    }
}

// What comes back to each place, gathered: dout of the pools that it won with a value above 0. A block has `size` places
// of one channel, and leaves their sum.
extern "C" __global__ void pools_to_rows(
    const REAL* dout, const REAL* y, const unsigned char* winner, REAL* rows, WIDE* sums, long long parts, long long size,
    long long N, long long M, long long OH, long long OW, long long PH, long long PW, long long FH, long long FW,
    long long sh, long long sw, long long ph, long long pw
) {
    __shared__ WIDE scratch[1024];
    long long places = N * OH * OW;
    EACH_ROW(part, M * parts) {
        long long m = part / parts, first = part % parts * size, end = first + size < places ? first + size : places;
        WIDE all = 0;
        for (long long i = first + threadIdx.x; i < end; i += blockDim.x) {
            long long w = i % OW, h = i / OW % OH, n = i / (OW * OH);
            WIDE sum = 0;
            for (long long k = 0; k < FH * FW; k++) {
                long long top = h + ph - k / FW, left = w + pw - k % FW;
                if (top < 0 || top % sh || top / sh >= PH || left < 0 || left % sw || left / sw >= PW) continue;
                long long o = ((n * M + m) * PH + top / sh) * PW + left / sw;
                if (winner[o] == k && y[o] > WIDE(0)) sum += WIDE(dout[o]);
            }
            rows[m * places + i] = sum;
            all += sum;
        }
        all = block_sum(all, scratch);
        if (threadIdx.x == 0) sums[part] = all;
    }
}

// Sums over each row of what the parts of a sum came to.
extern "C" __global__ void sum_parts(const WIDE* sums, REAL* y, long long rows, long long parts) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        WIDE sum = 0;
        EACH_OF_ROW(k, parts) sum += sums[row * parts + k];
        sum = block_sum(sum, scratch);
        if (threadIdx.x == 0) y[row] = sum;
    }
}

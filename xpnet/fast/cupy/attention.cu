// Attention around its matrix products: heads side by side and back, and softmax over the keys that may be attended.

// Of `count` arrays: y (N, heads, L, E) from x (N L, heads E), plus a bias where there is one
extern "C" __global__ void split_heads(
    const REAL* x0, const REAL* x1, const REAL* x2, const REAL* b0, const REAL* b1, const REAL* b2,
    REAL* y0, REAL* y1, REAL* y2, long long count, long long n, long long L, long long heads, long long E
) {
    EACH(place, count * n) {
        long long which = place / n, i = place % n;
        const REAL* x = which == 0 ? x0 : which == 1 ? x1 : x2;
        const REAL* b = which == 0 ? b0 : which == 1 ? b1 : b2;
        REAL* y = which == 0 ? y0 : which == 1 ? y1 : y2;
        long long e = i % E, l = i / E % L, head = i / (L * E) % heads, sample = i / (L * E * heads);
        WIDE value = x[((sample * L + l) * heads + head) * E + e];
        y[i] = b ? value + WIDE(b[head * E + e]) : value;
    }
}

// the way back
extern "C" __global__ void join_heads(
    const REAL* x, REAL* y, long long n, long long L, long long heads, long long E
) {
    EACH(i, n) {
        long long e = i % E, head = i / E % heads, l = i / (E * heads) % L, sample = i / (E * heads * L);
        y[i] = x[((sample * heads + head) * L + l) * E + e];
    }
}

// The way back of three arrays side by side, as if they had `width` columns, and the sums over their rows.
extern "C" __global__ void join_with_sums(
    const REAL* x0, const REAL* x1, const REAL* x2, REAL* y0, REAL* y1, REAL* y2, REAL* s0, REAL* s1, REAL* s2,
    long long rows, long long width, long long L, long long heads, long long E, long long tile
) {
    __shared__ WIDE scratch[1024];
    long long lane = threadIdx.x / tile, lanes = blockDim.x / tile, D = heads * E;
    for (long long first = blockIdx.x * tile; first < width; first += gridDim.x * tile) {
        long long column = first + threadIdx.x % tile, which = column / D, c = column % D, head = c / E, e = c % E;
        const REAL* x = which == 0 ? x0 : which == 1 ? x1 : x2;
        REAL* y = which == 0 ? y0 : which == 1 ? y1 : y2;
        WIDE sum = 0;
        if (column < width) {
            for (long long row = lane; row < rows; row += lanes) {
                WIDE value = x[((row / L * heads + head) * L + row % L) * E + e];
                y[row * D + c] = value;
                sum += value;
            }
        }
        sum = block_sum(sum, scratch, tile);
        if (lane == 0 && column < width) (which == 0 ? s0 : which == 1 ? s1 : s2)[c] = sum;
    }
}

// Shares in the place of scores (N, heads, queries, keys); mask (N, keys) may be left out.
extern "C" __global__ void attention_shares(
    REAL* scores, const bool* mask, long long rows, long long keys, long long heads, long long queries, long long causal
) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        REAL* own = scores + row * keys;
        const bool* known = mask ? mask + row / (heads * queries) * keys : 0;
        long long past = causal ? row % queries : keys;
        WIDE lowest = log(WIDE(0)), top = lowest;
        EACH_OF_ROW(j, keys) {
            WIDE score = own[j];
            if (j <= past && (!known || known[j]) && (score > top || score != score)) top = score;
        }
        top = block_max(top, scratch);
        if (known && top == lowest) top = 0;
        WIDE total = 0;
        EACH_OF_ROW(j, keys) {
            if (j <= past && (!known || known[j])) total += exp(WIDE(own[j]) - top);
        }
        total = block_sum(total, scratch);
        if (known && total == 0) total = 1;
        EACH_OF_ROW(j, keys) {
            own[j] = j <= past && (!known || known[j]) ? exp(WIDE(own[j]) - top) / total : WIDE(0);
        }
    }
}

// The derivative of the scores in the place of that of the shares, ds = p (dp - sum(dp p)).
extern "C" __global__ void attention_shares_backward(REAL* dp, const REAL* p, long long rows, long long keys) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        REAL* own = dp + row * keys;
        const REAL* share = p + row * keys;
        WIDE along = 0;
        EACH_OF_ROW(j, keys) along += WIDE(own[j]) * WIDE(share[j]);
        along = block_sum(along, scratch);
        EACH_OF_ROW(j, keys) own[j] = WIDE(share[j]) * (WIDE(own[j]) - along);
    }
}

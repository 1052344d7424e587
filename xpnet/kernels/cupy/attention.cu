// Attention around its matrix products: heads side by side and back, and softmax over the keys that may be attended.

// y (N, heads, L, E), or (N, heads, E, L) where turned, from x (N, L, heads E), times a number
extern "C" __global__ void split_heads(
    const REAL* x, REAL* y, long long n, long long L, long long heads, long long E, long long turned, double scale
) {
    EACH(i, n) {
        long long e = turned ? i / L % E : i % E, l = turned ? i % L : i / E % L;
        long long head = i / (L * E) % heads, sample = i / (L * E * heads);
        y[i] = WIDE(scale) * WIDE(x[((sample * L + l) * heads + head) * E + e]);
    }
}

// the way back
extern "C" __global__ void join_heads(
    const REAL* x, REAL* y, long long n, long long L, long long heads, long long E, long long turned
) {
    EACH(i, n) {
        long long e = i % E, head = i / E % heads, l = i / (E * heads) % L, sample = i / (E * heads * L);
        long long matrix = (sample * heads + head) * L * E;
        y[i] = x[matrix + (turned ? e * L + l : l * E + e)];
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

// The derivative of the scores in the place of that of the shares, ds = p (dp - sum(dp p)) scale.
extern "C" __global__ void attention_shares_backward(
    REAL* dp, const REAL* p, long long rows, long long keys, double scale
) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        REAL* own = dp + row * keys;
        const REAL* share = p + row * keys;
        WIDE along = 0;
        EACH_OF_ROW(j, keys) along += WIDE(own[j]) * WIDE(share[j]);
        along = block_sum(along, scratch);
        EACH_OF_ROW(j, keys) own[j] = WIDE(share[j]) * (WIDE(own[j]) - along) * WIDE(scale);
    }
}

// Attention around its matrix products: heads side by side and back, and softmax over the keys that may be attended.

// The angle of a pair of columns at a position, in rotary attention.
__device__ WIDE angle_of(long long position, long long pair, long long E) {
    return WIDE(position) * exp(WIDE(pair) * WIDE(-2.0 * 9.210340371976184 / E));  // log 10000
}

// A value of a pair of columns, turned by an angle; `other` is the other value of the pair.
__device__ WIDE turned(WIDE value, WIDE other, WIDE angle, bool odd) {
    return odd ? other * sin(angle) + value * cos(angle) : value * cos(angle) - other * sin(angle);
}

// Of `count` arrays: y (N, heads, L, E) from x (N L, heads / each * E), plus a bias where there is one; `each` heads get
// the same values. Bit i of `rotary` tells that array i is turned, by the angles of positions from `start` on.
extern "C" __global__ void split_heads(
    const REAL* x0, const REAL* x1, const REAL* x2, const REAL* b0, const REAL* b1, const REAL* b2,
    REAL* y0, REAL* y1, REAL* y2, long long count, long long n, long long L, long long heads, long long E,
    long long each, long long rotary, long long start
) {
    EACH(place, count * n) {
        long long which = place / n, i = place % n;
        const REAL* x = which == 0 ? x0 : which == 1 ? x1 : x2;
        const REAL* b = which == 0 ? b0 : which == 1 ? b1 : b2;
        REAL* y = which == 0 ? y0 : which == 1 ? y1 : y2;
        long long e = i % E, l = i / E % L, head = i / (L * E) % heads, sample = i / (L * E * heads);
        long long first = ((sample * L + l) * (heads / each) + head / each) * E, column = head / each * E;
        WIDE value = x[first + e];
        if (b) value += WIDE(b[column + e]);
        if (rotary >> which & 1) {
            WIDE other = x[first + (e ^ 1)];
            if (b) other += WIDE(b[column + (e ^ 1)]);
            value = turned(value, other, angle_of(start + l, e / 2, E), e % 2);
        }
        y[i] = value;
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

// The way back of `count` arrays side by side, as if they had `width` columns, and the sums over their rows; those of
// `each` heads are added, and those whose bit is in `rotary` turned back.
extern "C" __global__ void join_with_sums(
    const REAL* x0, const REAL* x1, const REAL* x2, REAL* y0, REAL* y1, REAL* y2, REAL* s0, REAL* s1, REAL* s2,
    long long rows, long long width, long long L, long long heads, long long E, long long each, long long rotary,
    long long tile
) {
    __shared__ WIDE scratch[1024];
    long long lane = threadIdx.x / tile, lanes = blockDim.x / tile, D = heads / each * E;
    for (long long first = blockIdx.x * tile; first < width; first += gridDim.x * tile) {
        long long column = first + threadIdx.x % tile, which = column / D, c = column % D, group = c / E, e = c % E;
        const REAL* x = which == 0 ? x0 : which == 1 ? x1 : x2;
        REAL* y = which == 0 ? y0 : which == 1 ? y1 : y2;
        WIDE sum = 0;
        if (column < width) {
            for (long long row = lane; row < rows; row += lanes) {
                long long l = row % L;
                WIDE value = 0, other = 0;
                for (long long head = group * each; head < (group + 1) * each; head++) {
                    const REAL* own = x + ((row / L * heads + head) * L + l) * E;
                    value += WIDE(own[e]);
                    if (rotary >> which & 1) other += WIDE(own[e ^ 1]);
                }
                if (rotary >> which & 1) value = turned(value, other, -angle_of(l, e / 2, E), e % 2);
                y[row * D + c] = value;
                sum += value;
            }
        }
        sum = block_sum(sum, scratch, tile);
        if (lane == 0 && column < width) (which == 0 ? s0 : which == 1 ? s1 : s2)[c] = sum;
    }
}

// Shares in the place of scores (N, heads, queries, keys), of queries from `query` and keys from `key` on. Where there
// is a mask, an element of it is at n * of_samples + head * of_heads + query * of_queries + key. A window of 0 has no
// end; `slopes` is the power of 2 from which the slopes of ALiBi follow, 0 where there are none.
extern "C" __global__ void attention_shares(
    REAL* scores, const bool* mask, long long of_samples, long long of_heads, long long of_queries,
    long long rows, long long keys, long long heads, long long queries, long long query, long long key,
    long long causal, long long window, long long slopes
) {
    __shared__ WIDE scratch[1024];
    EACH_ROW(row, rows) {
        REAL* own = scores + row * keys;
        long long head = row / queries % heads, i = query + row % queries;
        const bool* known = mask ? mask + row / (heads * queries) * of_samples + head * of_heads + i * of_queries + key : 0;
        long long first = window ? i - window + 1 - key : 0, last = causal ? i - key : keys - 1;
        if (window && !causal) last = i + window - 1 - key;
        WIDE slope = 0;
        if (slopes) slope = exp2(head < slopes ? WIDE(-8) * (head + 1) / slopes : WIDE(-4) * (2 * (head - slopes) + 1) / slopes);
        WIDE lowest = log(WIDE(0)), top = lowest;
        EACH_OF_ROW(j, keys) {
            long long away = i - key - j;
            WIDE score = own[j] - slope * WIDE(away < 0 ? -away : away);
            if (j >= first && j <= last && (!known || known[j]) && (score > top || score != score)) top = score;
        }
        top = block_max(top, scratch);
        if (known && top == lowest) top = 0;
        WIDE total = 0;
        EACH_OF_ROW(j, keys) {
            long long away = i - key - j;
            WIDE score = own[j] - slope * WIDE(away < 0 ? -away : away);
            if (j >= first && j <= last && (!known || known[j])) total += exp(score - top);
        }
        total = block_sum(total, scratch);
        if (known && total == 0) total = 1;
        EACH_OF_ROW(j, keys) {
            long long away = i - key - j;
            WIDE score = own[j] - slope * WIDE(away < 0 ? -away : away);
            own[j] = j >= first && j <= last && (!known || known[j]) ? exp(score - top) / total : WIDE(0);
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

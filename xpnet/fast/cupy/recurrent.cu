// Steps of recurrent layers around their products, forward and backward, for each unit j of each row.
// `u` is the product of h and Wh, `a` that of x and Wx. Where `real` is given and false the row is padded: its state stays.

__device__ WIDE sigmoid(WIDE x) {
    return WIDE(1) / (WIDE(1) + exp(-x));
}

// The output of a step, which is 0 at padding, where y (N, L, H) is wanted
__device__ void put_out(REAL* y, WIDE h, bool here, long long k, long long H, long long L, long long t) {
    if (y) y[(k / H * L + t) * H + k % H] = here ? h : WIDE(0);
}

// dh of a step: of what comes after by its product and beside it, and of the output, where y was wanted
__device__ WIDE taken_in(
    const REAL* product, const REAL* beside, const REAL* dout, bool here, long long k, long long H, long long L, long long t
) {
    WIDE d = WIDE(product[k]) + WIDE(beside[k]);
    return dout && here ? d + WIDE(dout[(k / H * L + t) * H + k % H]) : d;
}

extern "C" __global__ void rnn_step(
    const REAL* a, const REAL* u, const REAL* b, const REAL* before, const bool* real, REAL* h, REAL* y,
    long long n, long long H, long long L, long long t
) {
    EACH(k, n) {
        bool here = !real || real[k / H];
        WIDE value = here ? tanh(WIDE(a[k]) + WIDE(u[k]) + WIDE(b[k % H])) : WIDE(before[k]);
        h[k] = value;
        put_out(y, value, here, k, H, L, t);
    }
}

extern "C" __global__ void rnn_step_backward(
    const REAL* product, REAL* beside, const REAL* dout, const REAL* h, const bool* real, REAL* da,
    long long n, long long H, long long L, long long t
) {
    EACH(k, n) {
        bool here = !real || real[k / H];
        WIDE d = taken_in(product, beside, dout, here, k, H, L, t), state = h[k];
        da[k] = here ? d * (WIDE(1) - state * state) : WIDE(0);
        beside[k] = here ? WIDE(0) : d;
    }
}

// `p (3, H)` are peepholes, of i, f and o, or none
extern "C" __global__ void lstm_step(
    const REAL* a, const REAL* u, const REAL* b, const REAL* p, const REAL* before, const REAL* cell, const bool* real,
    REAL* kept, REAL* h, REAL* c, REAL* y, long long n, long long H, long long L, long long t
) {
    EACH(k, n) {
        long long j = k % H, at = k / H * 4 * H + j;
        bool here = !real || real[k / H];
        WIDE c_then = cell[k], none = 0;
        WIDE i = sigmoid(WIDE(a[at]) + WIDE(u[at]) + WIDE(b[j]) + (p ? WIDE(p[j]) * c_then : none));
        WIDE f = sigmoid(WIDE(a[at + H]) + WIDE(u[at + H]) + WIDE(b[j + H]) + (p ? WIDE(p[j + H]) * c_then : none));
        WIDE g = tanh(WIDE(a[at + 2 * H]) + WIDE(u[at + 2 * H]) + WIDE(b[j + 2 * H]));
        WIDE inside = here ? f * c_then + i * g : c_then;
        WIDE open = WIDE(a[at + 3 * H]) + WIDE(u[at + 3 * H]) + WIDE(b[j + 3 * H]);
        WIDE o = sigmoid(open + (p ? WIDE(p[j + 2 * H]) * inside : none));
        kept[at] = i;
        kept[at + H] = f;
        kept[at + 2 * H] = g;
        kept[at + 3 * H] = o;
        WIDE value = here ? o * tanh(inside) : WIDE(before[k]);
        c[k] = inside;
        h[k] = value;
        put_out(y, value, here, k, H, L, t);
    }
}

extern "C" __global__ void lstm_step_backward(
    const REAL* product, REAL* beside, const REAL* dout, REAL* dc, const REAL* kept, const REAL* cell, const REAL* c,
    const bool* real, const REAL* p, REAL* da, long long n, long long H, long long L, long long t
) {
    EACH(k, n) {
        long long j = k % H, at = k / H * 4 * H + j;
        bool here = !real || real[k / H];
        WIDE d = taken_in(product, beside, dout, here, k, H, L, t);
        beside[k] = here ? WIDE(0) : d;
        if (!here) {
            da[at] = da[at + H] = da[at + 2 * H] = da[at + 3 * H] = WIDE(0);
            continue;
        }
        WIDE i = kept[at], f = kept[at + H], g = kept[at + 2 * H], o = kept[at + 3 * H], tanh_c = tanh(WIDE(c[k]));
        WIDE d_o = d * tanh_c * o * (WIDE(1) - o), none = 0;
        WIDE inside = WIDE(dc[k]) + d * o * (WIDE(1) - tanh_c * tanh_c) + (p ? d_o * WIDE(p[j + 2 * H]) : none);
        WIDE d_i = inside * g * i * (WIDE(1) - i), d_f = inside * WIDE(cell[k]) * f * (WIDE(1) - f);
        da[at] = d_i;
        da[at + H] = d_f;
        da[at + 2 * H] = inside * i * (WIDE(1) - g * g);
        da[at + 3 * H] = d_o;
        dc[k] = inside * f + (p ? d_i * WIDE(p[j]) + d_f * WIDE(p[j + H]) : none);
    }
}

extern "C" __global__ void gru_step(
    const REAL* a, const REAL* u, const REAL* bx, const REAL* bh, const REAL* before, const bool* real,
    REAL* kept, REAL* h, REAL* y, long long n, long long H, long long L, long long t
) {
    EACH(k, n) {
        long long j = k % H, at = k / H * 3 * H + j, own = k / H * 4 * H + j;
        bool here = !real || real[k / H];
        WIDE r = sigmoid(WIDE(a[at]) + WIDE(bx[j]) + (WIDE(u[at]) + WIDE(bh[j])));
        WIDE z = sigmoid(WIDE(a[at + H]) + WIDE(bx[j + H]) + (WIDE(u[at + H]) + WIDE(bh[j + H])));
        WIDE u_n = WIDE(u[at + 2 * H]) + WIDE(bh[j + 2 * H]);
        WIDE n_gate = tanh(WIDE(a[at + 2 * H]) + WIDE(bx[j + 2 * H]) + r * u_n);
        kept[own] = r;
        kept[own + H] = z;
        kept[own + 2 * H] = n_gate;
        kept[own + 3 * H] = u_n;
        WIDE value = here ? n_gate + z * (WIDE(before[k]) - n_gate) : WIDE(before[k]);
        h[k] = value;
        put_out(y, value, here, k, H, L, t);
    }
}

// `da` belongs to the product of x, `du` to that of h
extern "C" __global__ void gru_step_backward(
    const REAL* product, REAL* beside, const REAL* dout, const REAL* kept, const REAL* before, const bool* real,
    REAL* da, REAL* du, long long n, long long H, long long L, long long t
) {
    EACH(k, n) {
        long long at = k / H * 3 * H + k % H, own = k / H * 4 * H + k % H;
        bool here = !real || real[k / H];
        WIDE d = taken_in(product, beside, dout, here, k, H, L, t);
        WIDE r = kept[own], z = kept[own + H], n_gate = kept[own + 2 * H], u_n = kept[own + 3 * H];
        WIDE dn = here ? d * (WIDE(1) - z) * (WIDE(1) - n_gate * n_gate) : WIDE(0);
        WIDE dr = here ? dn * u_n * r * (WIDE(1) - r) : WIDE(0);
        WIDE dz = here ? d * (WIDE(before[k]) - n_gate) * z * (WIDE(1) - z) : WIDE(0);
        da[at] = du[at] = dr;
        da[at + H] = du[at + H] = dz;
        da[at + 2 * H] = dn;
        du[at + 2 * H] = dn * r;
        beside[k] = here ? d * z : d;
    }
}

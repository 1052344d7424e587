// Steps of the optimizers, element-wise and in place, of many parameters in one launch.

// What `ManyParameters` in optimizer.py lays out: at most 4096 bytes, all that a kernel takes everywhere.
#define MOST 80
#define KINDS 8
#define CHUNK 1024  // elements of a block
struct Many {
    REAL* arrays[4][MOST];       // parameters, gradients, and what the optimizer keeps
    long long sizes[MOST];
    double numbers[KINDS][6];    // of each set of options
    const WIDE* live[KINDS];     // in a graph the first numbers are in memory, where each replay finds its own
    long long lives;             // how many of them
    unsigned int ends[MOST];     // how many blocks have begun by the end of each parameter
    unsigned char kinds[MOST];   // which set of options
};
static_assert(sizeof(Many) == 4056, "see optimizer.py");

// The part of a parameter that a block works on.
struct Part {
    REAL *W, *dW;
    WIDE *m, *v;  // of 16-bit parameters in float32, as optimizers keep them
    long long first, end;
    double numbers[6];

    __device__ Part(const Many& many) {
        unsigned int low = 0, high = MOST - 1;  // those that are not there end with the last block
        while (low < high) {
            unsigned int middle = (low + high) / 2;
            if (many.ends[middle] > blockIdx.x) high = middle;
            else low = middle + 1;
        }
        unsigned int kind = many.kinds[low];
        W = many.arrays[0][low], dW = many.arrays[1][low];
        m = (WIDE*)many.arrays[2][low], v = (WIDE*)many.arrays[3][low];
        first = (long long)(blockIdx.x - (low ? many.ends[low - 1] : 0)) * CHUNK;
        end = first + CHUNK < many.sizes[low] ? first + CHUNK : many.sizes[low];
        for (int i = 0; i < 6; i++) {
            numbers[i] = many.live[kind] && i < many.lives ? many.live[kind][i] : many.numbers[kind][i];
        }
    }
};

#define EACH_OF_PART(i, part) for (long long i = part.first + threadIdx.x; i < part.end; i += blockDim.x)
#define DECAYED(g, W, decay) (decay != 0 ? WIDE(g) + WIDE(decay) * WIDE(W) : WIDE(g))

extern "C" __global__ void sgd(const Many many) {
    Part own(many);
    double rate = own.numbers[0], decay = own.numbers[1];
    EACH_OF_PART(i, own) own.W[i] = WIDE(own.W[i]) - WIDE(rate) * DECAYED(own.dW[i], own.W[i], decay);
}

extern "C" __global__ void momentum(const Many many) {
    Part own(many);
    double rate = own.numbers[0], friction = own.numbers[1], decay = own.numbers[2];
    EACH_OF_PART(i, own) {
        WIDE moved = WIDE(friction) * own.m[i] + DECAYED(own.dW[i], own.W[i], decay);
        own.m[i] = moved;
        own.W[i] = WIDE(own.W[i]) - WIDE(rate) * moved;
    }
}

extern "C" __global__ void nesterov(const Many many) {
    Part own(many);
    double rate = own.numbers[0], friction = own.numbers[1], decay = own.numbers[2];
    EACH_OF_PART(i, own) {
        WIDE g = DECAYED(own.dW[i], own.W[i], decay), moved = WIDE(friction) * own.m[i] + g;
        own.m[i] = moved;
        own.W[i] = WIDE(own.W[i]) - WIDE(rate) * (g + WIDE(friction) * moved);
    }
}

extern "C" __global__ void adagrad(const Many many) {
    Part own(many);
    double rate = own.numbers[0], eps = own.numbers[1], decay = own.numbers[2];
    EACH_OF_PART(i, own) {
        WIDE g = DECAYED(own.dW[i], own.W[i], decay), squares = own.m[i] + g * g;
        own.m[i] = squares;
        own.W[i] = WIDE(own.W[i]) - WIDE(rate) * g / (sqrt(squares) + WIDE(eps));
    }
}

extern "C" __global__ void rmsprop(const Many many) {
    Part own(many);
    double rate = own.numbers[0], kept = own.numbers[1], eps = own.numbers[2], decay = own.numbers[3];
    EACH_OF_PART(i, own) {
        WIDE g = DECAYED(own.dW[i], own.W[i], decay);
        WIDE squares = WIDE(kept) * own.m[i] + WIDE(1.0 - kept) * g * g;
        own.m[i] = squares;
        own.W[i] = WIDE(own.W[i]) - WIDE(rate) * g / (sqrt(squares) + WIDE(eps));
    }
}

// AdamW keeps `kept` W, Adam all of it; W loses scale m / (sqrt v + shift).
__device__ void adam_step(
    const Part& own, double scale, double shift, double kept, double beta1, double beta2, double decay
) {
    EACH_OF_PART(i, own) {
        WIDE g = DECAYED(own.dW[i], own.W[i], decay);
        WIDE first = WIDE(beta1) * own.m[i] + g, second = WIDE(beta2) * own.v[i] + g * g;
        own.m[i] = first;
        own.v[i] = second;
        own.W[i] = WIDE(kept) * WIDE(own.W[i]) - WIDE(scale) * first / (sqrt(second) + WIDE(shift));
    }
}

extern "C" __global__ void adam(const Many many) {
    Part own(many);
    double* n = own.numbers;
    adam_step(own, n[0], n[1], 1.0, n[2], n[3], n[4]);
}

extern "C" __global__ void adamw(const Many many) {
    Part own(many);
    double* n = own.numbers;
    adam_step(own, n[0], n[1], n[2], n[3], n[4], 0.0);
}

extern "C" __global__ void lion(const Many many) {
    Part own(many);
    double rate = own.numbers[0], kept = own.numbers[1], beta1 = own.numbers[2], beta2 = own.numbers[3];
    EACH_OF_PART(i, own) {
        WIDE g = own.dW[i], c = WIDE(beta1) * own.m[i] + WIDE(1.0 - beta1) * g;
        WIDE sign = c > 0 ? WIDE(1) : c < 0 ? WIDE(-1) : c;
        own.W[i] = WIDE(kept) * WIDE(own.W[i]) - WIDE(rate) * sign;
        own.m[i] = WIDE(beta2) * own.m[i] + WIDE(1.0 - beta2) * g;
    }
}

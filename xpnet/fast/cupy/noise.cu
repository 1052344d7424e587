// Philox4x64-10 (Salmon et al., 2011): the bits of numpy.random.Philox, four 64-bit words for each counter.

__device__ void philox(unsigned long long counter[4], unsigned long long key0, unsigned long long key1) {
    for (int round = 0; round < 10; round++) {
        unsigned long long low0 = 0xD2E7470EE14C6C93ULL * counter[0];
        unsigned long long high0 = __umul64hi(0xD2E7470EE14C6C93ULL, counter[0]);
        unsigned long long low1 = 0xCA5A826395121157ULL * counter[2];
        unsigned long long high1 = __umul64hi(0xCA5A826395121157ULL, counter[2]);
        counter[0] = high1 ^ counter[1] ^ key0;
        counter[1] = low1;
        counter[2] = high0 ^ counter[3] ^ key1;
        counter[3] = low0;
        key0 += 0x9E3779B97F4A7C15ULL;
        key1 += 0xBB67AE8584CAA73BULL;
    }
}

// A thread for each counter, which serves eight values: two 24-bit numbers from each word, the low half first.
// Of the mask of a whole batch, the n values from start on.
// In a graph the step is in memory, where each replay finds its own.
extern "C" __global__ void dropout_mask(
    REAL* mask, long long n, long long start, unsigned long long key0, unsigned long long key1, long long step,
    long long use, double keep, const double* live
) {
    if (live) step = (long long)live[0];
    long long first = start / 8, counters = (start % 8 + n + 7) / 8;
    EACH(c, counters) {
        unsigned long long words[4] = {
            (unsigned long long)(first + c) + 1, (unsigned long long)use, (unsigned long long)step, 0
        };
        philox(words, key0, key1);
        for (int half = 0; half < 8; half++) {
            long long i = 8 * c + half - start % 8;
            if (i < 0) continue;
            if (i >= n) break;
            unsigned int bits = (unsigned int)(words[half / 2] >> (half % 2 ? 32 : 0));
            mask[i] = (bits >> 8) * 5.9604644775390625e-8 < keep ? WIDE(1.0 / keep) : WIDE(0);
        }
    }
}

// Items, each normalised alone by a block. An item's values lie in runs, `stride` apart; each
// `outer` values in memory hold the items of all groups, `step` apart.

struct Items {
    int values, groups, outer, step, run, stride;

    __device__ int start(int item) const { return item / groups * outer + item % groups * step; }

    __device__ int offset(int k) const { return run == values ? k : k / run * stride + k % run; }

    // The item whose value is the i-th in memory.
    __device__ int of(int i) const {
        return groups == 1 ? i / outer : i / outer * groups + i % stride / run;
    }
};

#define FOR_EACH_VALUE(i, item, at)                                                  \
    for (int start = at.start(item), k = threadIdx.x, i;                             \
         i = start + at.offset(k), k < at.values; k += blockDim.x)

// The mean of an item, and the mean of the squared distances from it.
struct Moments {
    Real mean, variance;

    __device__ Moments(const Real* x, int item, const Items& at) {
        Real sum = 0, squares = 0;
        FOR_EACH_VALUE(i, item, at) sum += x[i];
        mean = block_sum(sum) / at.values;
        FOR_EACH_VALUE(i, item, at) squares += (x[i] - mean) * (x[i] - mean);
        variance = block_sum(squares) / at.values;
    }
};

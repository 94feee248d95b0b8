// What every CUDA C source of Caffe starts with. `Real` is the blob's element type: the source is
// compiled once for float and once for double.

#define KERNEL extern "C" __global__ void

// Threads share out the numbers i below n.
#define FOR_EACH(i, n) \
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += blockDim.x * gridDim.x)

// Blocks share out the numbers i below n; all threads of a block have the same i.
#define FOR_EACH_BLOCK(i, n) for (int i = blockIdx.x; i < (n); i += gridDim.x)

// The threads of a block share out the numbers i below n.
#define FOR_EACH_THREAD(i, n) for (int i = threadIdx.x; i < (n); i += blockDim.x)

// Warps share out the numbers i below n; all threads of a warp have the same i.
#define FOR_EACH_WARP(i, n)                                                    \
    for (int i = (blockIdx.x * blockDim.x + threadIdx.x) / 32; i < (n);       \
         i += blockDim.x * gridDim.x / 32)

// The threads of a warp share out the numbers i below n.
#define FOR_EACH_LANE(i, n) for (int i = threadIdx.x % 32; i < (n); i += 32)

#ifndef FLT_MAX
#define FLT_MAX 3.402823466e+38F
#endif

__device__ inline Real infinity() { return (Real)__int_as_float(0x7f800000); }

struct Sum {
    template <typename T>
    __device__ static T of(T a, T b) { return a + b; }
};

struct Greatest {  // of numbers; NaN loses
    template <typename T>
    __device__ static T of(T a, T b) { return a > b ? a : b; }
};

// Combine a value of each thread of a warp; every thread gets the result, in one fixed order.
template <typename Op, typename T>
__device__ inline T warp_reduce(T value) {
    for (int distance = 16; distance > 0; distance /= 2)
        value = Op::of(value, __shfl_xor_sync(0xffffffffu, value, distance));
    return value;
}

// Combine a value of each thread of a block, which has whole warps; every thread gets the result.
// `neutral` is what changes no result.
template <typename Op, typename T>
__device__ inline T block_reduce(T value, T neutral) {
    __shared__ T parts[32];
    value = warp_reduce<Op>(value);
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = threadIdx.x % 32 < blockDim.x / 32 ? parts[threadIdx.x % 32] : neutral;
    __syncthreads();  // the next reduction writes to `parts`
    return warp_reduce<Op>(value);
}

template <typename T>
__device__ inline T warp_sum(T value) { return warp_reduce<Sum>(value); }

template <typename T>
__device__ inline T block_sum(T value) { return block_reduce<Sum>(value, (T)0); }

__device__ inline Real warp_max(Real value) { return warp_reduce<Greatest>(value); }

__device__ inline Real block_max(Real value) { return block_reduce<Greatest>(value, -infinity()); }

// The threads of one of n blocks share out every n-th part of the numbers i below `count`.
#define FOR_EACH_OF_BLOCK(i, block, n, count)                                     \
    for (int i = (block) * blockDim.x + threadIdx.x; i < (count); i += (n) * blockDim.x)

// Note what the threads of a block found, for `MeanLoss`: parts of a loss, and how many count.
__device__ inline void leave_sums(Real* sums, int block, Real loss, Real valid) {
    loss = block_sum(loss);
    valid = block_sum(valid);
    if (threadIdx.x == 0) {
        sums[2 * block] = loss;
        sums[2 * block + 1] = valid;
    }
}

enum { IGNORED = -1, WRONG = -2 };

// The class that a label, a real number, names, or IGNORED if it is `ignore`, or WRONG.
__device__ inline int class_of(Real label, int classes, bool ignored, int ignore) {
    if (!(label > -(Real)2147483648 && label < (Real)2147483648)) return WRONG;
    int whole = (int)label;
    if (ignored && whole == ignore) return IGNORED;
    return whole >= 0 && whole < classes ? whole : WRONG;
}

// A random number of 64 bits, the same for the same key and counter. Philox 4x32 with ten rounds:
// Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011.
__device__ inline unsigned long long random_bits(unsigned long long key, unsigned long long counter) {
    unsigned x0 = (unsigned)counter, x1 = (unsigned)(counter >> 32), x2 = 0, x3 = 0;
    unsigned k0 = (unsigned)key, k1 = (unsigned)(key >> 32);
    for (int round = 0; round < 10; ++round) {
        unsigned long long a = 0xd2511f53ull * x0, b = 0xcd9e8d57ull * x2;
        x0 = (unsigned)(b >> 32) ^ x1 ^ k0;
        x2 = (unsigned)(a >> 32) ^ x3 ^ k1;
        x1 = (unsigned)b;
        x3 = (unsigned)a;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    return (unsigned long long)x1 << 32 | x0;
}

// A random number from 0 up to, not including, 1: a multiple of 2^-24, exact in float.
__device__ inline Real random_uniform(unsigned long long key, int i) {
    return (Real)(int)(random_bits(key, i) >> 40) * (Real)5.9604644775390625e-8;
}

// A random number of the standard normal distribution. Box and Muller, "A note on the generation of
// random normal deviates", 1958.
__device__ inline Real random_normal(unsigned long long key, int i) {
    unsigned long long bits = random_bits(key, i);
    Real nearness = (Real)(int)((bits >> 40) + 1) * (Real)5.9604644775390625e-8;
    Real turn = (Real)(int)(bits >> 8 & 0xffffff) * (Real)5.9604644775390625e-8;
    return sqrt(-2 * log(nearness)) * cospi(2 * turn);
}

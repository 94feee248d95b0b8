// What CUDA C needs to run on a CPU: its words, and threads as fibers that take turns.
//
// Blocks run one after the other, and so do warps, each as far as it comes before others of the
// block must reach a barrier. A thread runs until it ends or waits for others, at a barrier or a
// shuffle; only then it needs a stack of its own, so that code without either runs as fast as a
// loop. All may take their turns backwards: where the result differs, a barrier is missing.

#include <setjmp.h>
#include <ucontext.h>

#define __global__ static
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __shared__ static
#define __launch_bounds__(...)

namespace emulation {

struct Dim { unsigned x, y, z; };

enum State { RUNNING, AT_BARRIER, AT_SHUFFLE, DONE };

struct Fiber {
    ucontext_t begin;
    jmp_buf place;
    bool begun;
};

const unsigned STACK = 64 << 10, MOST = 1024;

struct Thread {
    State state;
    Fiber* fiber;
    unsigned turn;  // of its shuffles: even or odd
};

static Fiber fibers[MOST];
static Fiber* idle[MOST];
static unsigned fiber_count, idle_count;
static Thread threads[MOST];
static unsigned current, thread_count;
static unsigned first_new, new_count, begun;  // threads that are to begin; how many of them have
static bool backwards;
static unsigned long long slots[2][MOST];
static jmp_buf scheduler;
static void (*body)(void**);
static void** arguments;

}  // namespace emulation

static emulation::Dim threadIdx, blockIdx, blockDim, gridDim;

namespace emulation {

static void enter(unsigned thread) {
    current = thread;
    threadIdx.x = thread;
}

static void leave(Fiber* fiber) {
    if (!_setjmp(fiber->place)) _longjmp(scheduler, 1);
}

// Which of `count` from `first` on is the k-th to take its turn.
static unsigned turn_of(unsigned k, unsigned first, unsigned count) {
    return first + (backwards ? count - 1 - k : k);
}

// What each fiber does: start threads as long as there are any that have not begun.
static void work() {
    for (;;) {
        Fiber* own = idle[--idle_count];
        while (begun < new_count) {
            unsigned thread = turn_of(begun++, first_new, new_count);
            enter(thread);
            threads[thread] = {RUNNING, own, 0};
            body(arguments);
            threads[current].state = DONE;
        }
        idle[idle_count++] = own;
        leave(own);
    }
}

// Once a fiber has begun, it is left and entered by jumps, which cost no system call.
static void switch_to(Fiber* fiber) {
    if (_setjmp(scheduler)) return;
    if (fiber->begun) _longjmp(fiber->place, 1);
    fiber->begun = true;
    setcontext(&fiber->begin);
}

static void start(unsigned first, unsigned count) {
    first_new = first;
    new_count = count;
    begun = 0;
    while (begun < new_count) {
        if (!idle_count) {
            Fiber* fiber = &fibers[fiber_count++];
            getcontext(&fiber->begin);
            fiber->begin.uc_stack.ss_sp = __builtin_malloc(STACK);
            fiber->begin.uc_stack.ss_size = STACK;
            fiber->begin.uc_link = 0;
            makecontext(&fiber->begin, work, 0);
            idle[idle_count++] = fiber;
        }
        switch_to(idle[idle_count - 1]);
    }
}

static void wait(State state) {
    unsigned thread = current;
    threads[thread].state = state;
    leave(threads[thread].fiber);
}

// Let threads go that wait in this state, if all do that have not ended.
static bool open(unsigned first, unsigned count, State state) {
    bool any = false;
    for (unsigned t = first; t < first + count; ++t) {
        if (threads[t].state != DONE && threads[t].state != state) return false;
        any |= threads[t].state == state;
    }
    for (unsigned t = first; t < first + count; ++t)
        if (threads[t].state == state) threads[t].state = RUNNING;
    return any;
}

static void go_on(unsigned first, unsigned count) {
    for (unsigned k = 0; k < count; ++k) {
        unsigned thread = turn_of(k, first, count);
        if (threads[thread].state != RUNNING) continue;
        enter(thread);
        switch_to(threads[thread].fiber);
    }
}

// Each warp begins, or goes on, and runs until its threads have ended or wait for other warps.
static void run_warps(void (*run)(unsigned, unsigned)) {
    unsigned warps = (thread_count + 31) / 32;
    for (unsigned k = 0; k < warps; ++k) {
        unsigned first = 32 * turn_of(k, 0, warps);
        unsigned count = first + 32 < thread_count ? 32 : thread_count - first;
        run(first, count);
        while (open(first, count, AT_SHUFFLE)) go_on(first, count);
    }
}

// Returns whether all threads came to their end; not so if some wait for others that never come.
static bool run_block() {
    run_warps(start);
    while (open(0, thread_count, AT_BARRIER)) run_warps(go_on);
    for (unsigned t = 0; t < thread_count; ++t)
        if (threads[t].state != DONE) return false;
    return true;
}

static bool launch(
    void (*function)(void**), void** values, unsigned blocks, unsigned count, bool reversed
) {
    body = function;
    arguments = values;
    thread_count = count;
    backwards = reversed;
    blockDim = {count, 1, 1};
    gridDim = {blocks, 1, 1};
    for (unsigned k = 0; k < blocks; ++k) {
        blockIdx = {turn_of(k, 0, blocks), 0, 0};
        if (!run_block()) return false;
    }
    return true;
}

template <typename T>
T shuffle(T value, unsigned lane) {
    static_assert(sizeof(T) <= 8, "a shuffle takes up to 64 bits");
    unsigned turn = threads[current].turn++ & 1, thread = current;
    __builtin_memcpy(&slots[turn][thread], &value, sizeof(T));
    wait(AT_SHUFFLE);
    unsigned from = thread / 32 * 32 + lane % 32;
    if (from < thread_count) __builtin_memcpy(&value, &slots[turn][from], sizeof(T));
    return value;
}

}  // namespace emulation

static inline void __syncthreads() { emulation::wait(emulation::AT_BARRIER); }
static inline void __syncwarp(unsigned = 0xffffffffu) { emulation::wait(emulation::AT_SHUFFLE); }

template <typename T>
T __shfl_sync(unsigned, T value, int lane) { return emulation::shuffle(value, lane); }
template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
    return emulation::shuffle(value, threadIdx.x % 32 ^ mask);
}
template <typename T>
T __shfl_down_sync(unsigned, T value, unsigned by) {
    unsigned lane = threadIdx.x % 32;
    return emulation::shuffle(value, lane + by < 32 ? lane + by : lane);
}
template <typename T>
T __shfl_up_sync(unsigned, T value, unsigned by) {
    unsigned lane = threadIdx.x % 32;
    return emulation::shuffle(value, lane >= by ? lane - by : lane);
}

template <typename T, typename U>
T atomicAdd(T* at, U value) { T old = *at; *at += value; return old; }
template <typename T, typename U>
T atomicMax(T* at, U value) { T old = *at; if ((T)value > old) *at = value; return old; }
template <typename T, typename U>
T atomicMin(T* at, U value) { T old = *at; if ((T)value < old) *at = value; return old; }

template <typename T>
T __ldg(const T* at) { return *at; }
static inline float __int_as_float(int bits) { float value; __builtin_memcpy(&value, &bits, 4); return value; }
static inline int __float_as_int(float value) { int bits; __builtin_memcpy(&bits, &value, 4); return bits; }
static inline void __threadfence() {}

#define FUNCTION(name)                                                     \
    static inline float name(float x) { return __builtin_##name##f(x); }   \
    static inline double name(double x) { return __builtin_##name(x); }    \
    static inline float name##f(float x) { return __builtin_##name##f(x); }
#define FUNCTION2(name)                                                                     \
    static inline float name(float x, float y) { return __builtin_##name##f(x, y); }        \
    static inline double name(double x, double y) { return __builtin_##name(x, y); }        \
    static inline float name##f(float x, float y) { return __builtin_##name##f(x, y); }

namespace cuda {  // apart from the C library's functions of the same names

FUNCTION(acos) FUNCTION(asin) FUNCTION(atan) FUNCTION(cbrt) FUNCTION(ceil) FUNCTION(cos)
FUNCTION(cosh) FUNCTION(erf) FUNCTION(erfc) FUNCTION(exp) FUNCTION(exp2) FUNCTION(expm1)
FUNCTION(fabs) FUNCTION(floor) FUNCTION(log) FUNCTION(log10) FUNCTION(log1p) FUNCTION(log2)
FUNCTION(rint) FUNCTION(round) FUNCTION(sin) FUNCTION(sinh) FUNCTION(sqrt) FUNCTION(tan)
FUNCTION(tanh) FUNCTION(tgamma) FUNCTION(lgamma) FUNCTION(trunc)
FUNCTION2(atan2) FUNCTION2(copysign) FUNCTION2(fmax) FUNCTION2(fmin) FUNCTION2(fmod)
FUNCTION2(hypot) FUNCTION2(pow)

static inline float fma(float x, float y, float z) { return __builtin_fmaf(x, y, z); }
static inline double fma(double x, double y, double z) { return __builtin_fma(x, y, z); }
static inline float rsqrt(float x) { return 1 / sqrt(x); }
static inline double rsqrt(double x) { return 1 / sqrt(x); }
static inline float cospi(float x) { return cos(3.14159265358979f * x); }
static inline double cospi(double x) { return cos(3.14159265358979312 * x); }
static inline float abs(float x) { return fabs(x); }
static inline double abs(double x) { return fabs(x); }
static inline int abs(int x) { return x < 0 ? -x : x; }
template <typename T>
bool isnan(T x) { return x != x; }
template <typename T>
bool isinf(T x) { return __builtin_isinf(x); }
template <typename T>
bool isfinite(T x) { return __builtin_isfinite(x); }
template <typename T>
T max(T a, T b) { return a > b || b != b ? a : b; }
template <typename T>
T min(T a, T b) { return a < b || b != b ? a : b; }

}  // namespace cuda

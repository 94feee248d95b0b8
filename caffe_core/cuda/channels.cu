// Sums over channels. Values are (outer, channels, inner) in memory. `parts` blocks share out the
// values of a channel, or, if inner is 1, of `lanes` channels side by side. Each leaves two sums for
// each of its channels: they are (2, channels, parts).

struct Share {
    int channels, inner, values, lanes, parts;

    __device__ int channel(int i) const { return i / inner % channels; }

    __device__ int begin(int part) const {
        return min(part * ((values - 1) / parts + 1), values);
    }

    __device__ int size(int part) const { return begin(part + 1) - begin(part); }
};

// What a thread of a block works on.
struct Task {
    int channel, part, lane;
    bool idle;

    __device__ Task(int block, const Share& at) {
        part = block % at.parts;
        lane = threadIdx.x % at.lanes;
        channel = block / at.parts * at.lanes + lane;
        idle = channel >= at.channels;
    }
};

// Goes from value to value of a thread's task, without a division for each.
struct Walk {
    int i, left, position, step, jump, rest, inner, over;

    __device__ Walk(const Task& task, const Share& at) {
        int first = threadIdx.x / at.lanes, k = at.begin(task.part) + first;
        left = task.idle ? 0 : at.size(task.part) - first;
        inner = at.inner;
        position = k % inner;
        i = (k / inner * at.channels + task.channel) * inner + position;
        step = blockDim.x / at.lanes;
        rest = step % inner;
        jump = step / inner * at.channels * inner + rest;
        over = (at.channels - 1) * inner;
    }

    __device__ bool more() const { return left > 0; }

    __device__ void next() {
        left -= step;
        i += jump;
        position += rest;
        if (position >= inner) {
            position -= inner;
            i += over;
        }
    }
};

// The sum over the threads of a block that work on the same channel; each of them gets it.
__device__ Real sum_of(Real value, const Share& at) {
    __shared__ Real parts[256];
    if (at.lanes == 1) return block_sum(value);
    parts[threadIdx.x] = value;
    __syncthreads();
    value = 0;
    for (int i = threadIdx.x % at.lanes; i < blockDim.x; i += at.lanes) value += parts[i];
    __syncthreads();  // the next sum writes to `parts`
    return value;
}

__device__ void write_sums(Real* sums, const Task& task, const Share& at, Real first, Real second) {
    if (threadIdx.x >= at.lanes || task.idle) return;
    sums[task.channel * at.parts + task.part] = first;
    sums[(at.channels + task.channel) * at.parts + task.part] = second;
}

// A warp: both sums over all parts of a channel.
struct Totals {
    Real first, second;

    __device__ Totals(const Real* sums, int channel, const Share& at) : first(0), second(0) {
        const Real *firsts = sums + channel * at.parts, *seconds = firsts + at.channels * at.parts;
        FOR_EACH_LANE(part, at.parts) {
            first += firsts[part];
            second += seconds[part];
        }
        first = warp_sum(first);
        second = warp_sum(second);
    }
};

// Scale and shift have a number for each channel of `Share`, as the axes that they span are called
// here. `turn` of them take turns in memory whose numbers follow one another in scale and shift.

__device__ inline int learned(int channel, const Share& share, int turn) {
    if (turn == 1) return channel;
    return channel % turn * (share.channels / turn) + channel / turn;
}

// A block for each item.
KERNEL forward(int n, const Real* x, Real* y, Real* kept, const Real* scale, const Real* shift, Real* mean, Real* factor, Real eps, const Items* items, const Share* channels, int turn) {
    const Items at = *items;
    const Share share = *channels;
    FOR_EACH_BLOCK(item, n) {
        Moments moments(x, item, at);
        Real slope = 1 / sqrt(moments.variance + eps);
        FOR_EACH_VALUE(i, item, at) {
            Real value = x[i], normal = (value - moments.mean) * slope;
            if (kept) kept[i] = value;
            if (scale) {
                int c = learned(share.channel(i), share, turn);
                normal = normal * scale[c] + shift[c];
            }
            y[i] = normal;
        }
        if (threadIdx.x == 0) {
            mean[item] = moments.mean;
            factor[item] = slope;
        }
    }
}

// A block for each item: dx = (g - mean(g) - normal mean(g normal)) factor, where g = scale dy.
KERNEL backward(int n, const Real* x, const Real* dy, Real* dx, const Real* scale, const Real* mean, const Real* factor, const Items* items, const Share* channels, int turn) {
    const Items at = *items;
    const Share share = *channels;
    FOR_EACH_BLOCK(item, n) {
        Real sum = 0, dot = 0, center = mean[item], slope = factor[item];
        FOR_EACH_VALUE(i, item, at) {
            Real g = scale ? dy[i] * scale[learned(share.channel(i), share, turn)] : dy[i];
            sum += g;
            dot += g * (x[i] - center);
        }
        sum = block_sum(sum) / at.values;
        dot = block_sum(dot) * slope / at.values;
        FOR_EACH_VALUE(i, item, at) {
            Real g = scale ? dy[i] * scale[learned(share.channel(i), share, turn)] : dy[i];
            dx[i] = (g - sum - (x[i] - center) * slope * dot) * slope;
        }
    }
}

// For each part of a channel: the sum of dy, and that of dy times the normalised value.
KERNEL add_up(int n, const Real* x, const Real* dy, const Real* mean, const Real* factor, Real* sums, const Items* items, const Share* channels) {
    const Items at = *items;
    const Share share = *channels;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, share);
        Real sum = 0, dot = 0;
        for (Walk walk(task, share); walk.more(); walk.next()) {
            int i = walk.i, item = at.of(i);
            sum += dy[i];
            dot += dy[i] * (x[i] - mean[item]) * factor[item];
        }
        sum = sum_of(sum, share);
        write_sums(sums, task, share, sum, sum_of(dot, share));
    }
}

// A warp for each channel: adds to the diffs of scale and shift.
KERNEL learn(int n, const Real* sums, Real* dscale, Real* dshift, const Share* channels, int turn) {
    const Share share = *channels;
    FOR_EACH_WARP(channel, n) {
        Totals totals(sums, channel, share);
        int c = learned(channel, share, turn);
        if (threadIdx.x % 32 == 0 && dscale) dscale[c] += totals.second;
        if (threadIdx.x % 32 == 0 && dshift) dshift[c] += totals.first;
    }
}

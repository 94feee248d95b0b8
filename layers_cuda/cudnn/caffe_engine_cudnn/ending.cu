// What a convolution ends with where cuDNN does not: the bias of each channel, if any, then a ReLU,
// if asked for.
KERNEL end(int n, Real* y, const Real* bias, bool rectify, Real slope, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        Real value = bias ? y[i] + bias[at.channel(i)] : y[i];
        y[i] = rectify && !(value > 0) ? slope * value : value;
    }
}

// A block for each part of the gradient of a bias.
KERNEL sum_up(int n, const Real* dy, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real sum = 0;
        for (Walk walk(task, at); walk.more(); walk.next()) sum += dy[walk.i];
        write_sums(sums, task, at, sum_of(sum, at), 0);
    }
}

// A warp for each bias, to whose gradient it adds the parts.
KERNEL add_up(int n, const Real* sums, Real* biases, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(channel, n) {
        Totals totals(sums, channel, at);
        if (threadIdx.x % 32 == 0) biases[channel] += totals.first;
    }
}

// A block for each part of the sum of each channel.
KERNEL sum_up(int n, const Real* x, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real sum = 0;
        for (Walk walk(task, at); walk.more(); walk.next()) sum += x[walk.i];
        write_sums(sums, task, at, sum_of(sum, at), 0);
    }
}

// A warp for each channel's sum, from its parts.
KERNEL finish(int n, const Real* sums, Real* result, bool add, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(channel, n) {
        Real sum = Totals(sums, channel, at).first;
        if (threadIdx.x % 32 == 0) result[channel] = add ? result[channel] + sum : sum;
    }
}

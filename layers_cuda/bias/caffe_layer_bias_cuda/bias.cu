KERNEL forward(int n, const Real* x, Real* y, const Real* biases, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) y[i] = x[i] + biases[at.channel(i)];
}

// A block for each part of each bias's gradient.
KERNEL sum_up(int n, const Real* dy, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real sum = 0;
        for (Walk walk(task, at); walk.more(); walk.next()) sum += dy[walk.i];
        write_sums(sums, task, at, sum_of(sum, at), 0);
    }
}

// A warp for each bias's gradient.
KERNEL finish(int n, const Real* sums, Real* diff, bool add, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(c, n) {
        Real sum = Totals(sums, c, at).first;
        if (threadIdx.x % 32 == 0) diff[c] = add ? diff[c] + sum : sum;
    }
}

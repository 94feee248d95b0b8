KERNEL forward(int n, const Real* x, Real* y, const Real* slopes, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        Real value = x[i];
        y[i] = value > 0 ? value : value * slopes[at.channel(i)];
    }
}

KERNEL backward(int n, const Real* x, const Real* dy, Real* dx, const Real* slopes, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        Real gradient = dy[i];
        dx[i] = x[i] > 0 ? gradient : gradient * slopes[at.channel(i)];
    }
}

// A block for each part of each slope's gradient.
KERNEL sum_up(int n, const Real* x, const Real* dy, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real sum = 0;
        for (Walk walk(task, at); walk.more(); walk.next()) {
            Real value = x[walk.i];
            if (!(value > 0)) sum += value * dy[walk.i];
        }
        write_sums(sums, task, at, sum_of(sum, at), 0);
    }
}

// A warp for each slope's gradient.
KERNEL add(int n, const Real* sums, Real* diff, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(c, n) {
        Real sum = Totals(sums, c, at).first;
        if (threadIdx.x % 32 == 0) diff[c] += sum;
    }
}

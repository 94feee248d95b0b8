// A block for each item. The deviation is 1 where only the mean is taken away.

KERNEL forward(int n, const Real* x, Real* y, Real* deviation, int normalize_variance, Real eps, const Items* items) {
    const Items at = *items;
    FOR_EACH_BLOCK(item, n) {
        Moments moments(x, item, at);
        Real divisor = normalize_variance ? sqrt(moments.variance) + eps : 1;
        FOR_EACH_VALUE(i, item, at) y[i] = (x[i] - moments.mean) / divisor;
        if (threadIdx.x == 0) deviation[item] = divisor;
    }
}

// y is null where only the mean is taken away.
KERNEL backward(int n, const Real* y, const Real* dy, Real* dx, const Real* deviation, const Items* items) {
    const Items at = *items;
    FOR_EACH_BLOCK(item, n) {
        Real sum = 0, dot = 0;
        FOR_EACH_VALUE(i, item, at) {
            sum += dy[i];
            if (y) dot += dy[i] * y[i];
        }
        sum = block_sum(sum) / at.values;
        dot = block_sum(dot) / at.values;
        FOR_EACH_VALUE(i, item, at) {
            dx[i] = (dy[i] - sum - (y ? y[i] * dot : 0)) / deviation[item];
        }
    }
}

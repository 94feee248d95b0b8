// The mean of each part of a channel, and the sum of the squared distances from it.
KERNEL measure(int n, const Real* x, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real sum = 0, squares = 0;
        for (Walk walk(task, at); walk.more(); walk.next()) sum += x[walk.i];
        Real mean = sum_of(sum, at) / max(at.size(task.part), 1);
        for (Walk walk(task, at); walk.more(); walk.next()) {
            Real distance = x[walk.i] - mean;
            squares += distance * distance;
        }
        write_sums(sums, task, at, mean, sum_of(squares, at));
    }
}

// A warp for each channel: puts the parts together, and adds them to the statistics.
KERNEL remember(int n, const Real* sums, Real* mean, Real* scale, Real* means, Real* variances, Real* total, Real fraction, Real eps, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(c, n) {
        const Real *part_means = sums + c * at.parts, *part_squares = part_means + n * at.parts;
        Real sum = 0, squares = 0;
        FOR_EACH_LANE(p, at.parts) sum += part_means[p] * at.size(p);
        Real center = warp_sum(sum) / max(at.values, 1);
        FOR_EACH_LANE(p, at.parts) {
            Real distance = part_means[p] - center;
            squares += part_squares[p] + distance * distance * at.size(p);
        }
        squares = warp_sum(squares);
        if (threadIdx.x % 32 == 0) {
            mean[c] = center;
            scale[c] = 1 / sqrt(squares / max(at.values, 1) + eps);
            means[c] = means[c] * fraction + center;
            variances[c] = variances[c] * fraction + squares / max(at.values - 1, 1);
            if (c == 0) *total = *total * fraction + 1;
        }
    }
}

// Mean and scale from the statistics.
KERNEL recall(int n, const Real* means, const Real* variances, const Real* total, Real* mean, Real* scale, Real eps) {
    FOR_EACH(c, n) {
        Real factor = *total == 0 ? 0 : 1 / *total;
        mean[c] = means[c] * factor;
        scale[c] = 1 / sqrt(variances[c] * factor + eps);
    }
}

KERNEL forward(int n, const Real* x, Real* y, Real* kept, const Real* mean, const Real* scale, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        int c = at.channel(i);
        Real value = x[i];
        if (kept) kept[i] = value;
        y[i] = (value - mean[c]) * scale[c];
    }
}

KERNEL backward_scaled(int n, const Real* dy, Real* dx, const Real* scale, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) dx[i] = dy[i] * scale[at.channel(i)];
}

// For each part of a channel: the sum of dy, and that of dy y.
KERNEL add_up(int n, const Real* x, const Real* dy, const Real* mean, const Real* scale, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real sum = 0, dot = 0;
        Real center = task.idle ? 0 : mean[task.channel], factor = task.idle ? 0 : scale[task.channel];
        for (Walk walk(task, at); walk.more(); walk.next()) {
            Real gradient = dy[walk.i];
            sum += gradient;
            dot += gradient * (x[walk.i] - center);
        }
        sum = sum_of(sum, at);
        write_sums(sums, task, at, sum, sum_of(dot, at) * factor);
    }
}

// A warp for each channel: the averages of dy and of dy y.
KERNEL average_out(int n, const Real* sums, Real* average, Real* slope, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(c, n) {
        Totals totals(sums, c, at);
        if (threadIdx.x % 32 == 0) {
            average[c] = totals.first / max(at.values, 1);
            slope[c] = totals.second / max(at.values, 1);
        }
    }
}

KERNEL backward(int n, const Real* x, const Real* dy, Real* dx, const Real* mean, const Real* scale, const Real* average, const Real* slope, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        int c = at.channel(i);
        Real y = (x[i] - mean[c]) * scale[c];
        dx[i] = (dy[i] - average[c] - y * slope[c]) * scale[c];
    }
}

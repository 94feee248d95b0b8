KERNEL forward(int n, const Real* x, Real* y, Real* kept, const Real* factors, const Real* biases, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        int c = at.channel(i);
        Real value = x[i];
        if (kept) kept[i] = value;
        y[i] = value * factors[c] + (biases ? biases[c] : Real(0));
    }
}

KERNEL backward(int n, const Real* dy, Real* dx, const Real* factors, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) dx[i] = dy[i] * factors[at.channel(i)];
}

// A block for each part of the gradients of a factor, unless x is null, and of a bias.
KERNEL sum_up(int n, const Real* x, const Real* dy, Real* sums, const Share* share) {
    const Share at = *share;
    FOR_EACH_BLOCK(block, n) {
        Task task(block, at);
        Real products = 0, sum = 0;
        for (Walk walk(task, at); walk.more(); walk.next()) {
            Real gradient = dy[walk.i];
            if (x) products += gradient * x[walk.i];
            sum += gradient;
        }
        products = sum_of(products, at);
        write_sums(sums, task, at, products, sum_of(sum, at));
    }
}

// A warp for each factor and bias. A factor that is a bottom gets its gradient, others add it.
KERNEL finish(int n, const Real* sums, Real* factors, bool learned, Real* biases, const Share* share) {
    const Share at = *share;
    FOR_EACH_WARP(c, n) {
        Totals totals(sums, c, at);
        if (threadIdx.x % 32 != 0) continue;
        if (factors) factors[c] = learned ? factors[c] + totals.first : totals.first;
        if (biases) biases[c] += totals.second;
    }
}

KERNEL forward(int n, const Real* x, Real* y, const Real* biases, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) y[i] = x[i] + biases[at.channel(i)];
}

// Copies what is about to be overwritten.
KERNEL keep(int n, const Real* x, Real* kept) {
    FOR_EACH(i, n) kept[i] = x[i];
}

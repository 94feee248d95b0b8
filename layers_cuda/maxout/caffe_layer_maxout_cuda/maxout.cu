// The pieces of which an element of the top is the greatest are `inner` apart.

KERNEL forward(int n, const Real* x, Real* y, int pieces, int inner) {
    FOR_EACH(i, n) {
        const Real* piece = x + i / inner * pieces * inner + i % inner;
        Real greatest = *piece;
        for (int p = 1; p < pieces; ++p) {
            Real value = piece[p * inner];
            if (value > greatest || value != value) greatest = value;  // NaN wins, and stays
        }
        y[i] = greatest;
    }
}

KERNEL backward(int n, const Real* x, const Real* y, const Real* dy, Real* dx, int pieces, int inner) {
    FOR_EACH(i, n) {
        int start = i / inner * pieces * inner + i % inner;
        Real greatest = y[i], gradient = dy[i];
        for (int p = 0; p < pieces; ++p) {
            int at = start + p * inner;
            bool wins = x[at] == greatest;
            dx[at] = wins ? gradient : 0;
            if (wins) gradient = 0;  // where pieces tie, the first has it
        }
    }
}

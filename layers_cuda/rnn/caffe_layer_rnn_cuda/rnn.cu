// States are (steps, streams, units).

KERNEL forward(int n, int step, int steps, Real* states, const Real* bias, const Real* fixed, const Real* cont, Real* seen, int units) {
    FOR_EACH(i, n) {
        int now = step * n + i;
        Real into = states[now] + bias[i % units] + (fixed ? fixed[i] : 0), state = tanh(into);
        states[now] = state;
        pass_on(state, i, n, step, steps, cont, seen, units);
    }
}

// diffs are the gradients of the states, as far as they come from the output; then those of what
// went into them.
KERNEL backward(int n, int step, int steps, const Real* states, const Real* cont, const Real* left, Real* diffs, int units) {
    FOR_EACH(i, n) {
        int now = step * n + i;
        Real above = state_gradient(diffs[now], i, n, step, steps, cont, left, units);
        diffs[now] = above * (1 - states[now] * states[now]);
    }
}

KERNEL emit(int n, Real* y, Real* kept, const Real* bias, int units) {
    FOR_EACH(i, n) {
        Real output = tanh(y[i] + bias[i % units]);
        y[i] = output;
        if (kept) kept[i] = output;
    }
}

KERNEL emit_backward(int n, const Real* y, const Real* dy, Real* dx) {
    FOR_EACH(i, n) dx[i] = dy[i] * (1 - y[i] * y[i]);
}

// Gates are (steps, streams, 4, units). Forward opens them; c has what step t finds at t.
KERNEL forward(int n, int step, int steps, Real* gates, const Real* bias, const Real* fixed, const Real* cont, Real* c, Real* h, Real* seen, int units) {
    FOR_EACH(i, n) {
        int stream = i / units, unit = i % units, now = step * n + i;
        Real* own = gates + 4 * step * n + 4 * stream * units + unit;
        Gates into = Gates::read(own, units).plus(Gates::read(bias + unit, units));
        if (fixed) into = into.plus(Gates::read(fixed + 4 * stream * units + unit, units));
        Gates open = into.open(cont[now / units]);
        Real cell = open.cell(c[now]), output = open.out * tanh(cell);
        open.write(own, units);
        c[now + n] = cell;
        h[now] = output;
        pass_on(output, i, n, step, steps, cont, seen, units);
    }
}

// dc is the gradient of the cells after the step, then that of those before it.
KERNEL backward(int n, int step, int steps, const Real* gates, const Real* cont, const Real* c, const Real* dh, const Real* left, Real* dc, Real* dgates, int units) {
    FOR_EACH(i, n) {
        int now = step * n + i, at = 4 * step * n + i + 3 * (i / units) * units;
        Gates open = Gates::read(gates + at, units);
        Real tanh_c = tanh(c[now + n]);
        Real above = state_gradient(dh[now], i, n, step, steps, cont, left, units);
        Real diff = above * open.out * (1 - tanh_c * tanh_c);
        if (step + 1 < steps) diff += dc[i];
        open.backward(c[now], tanh_c, above, diff).write(dgates + at, units);
        dc[i] = diff * open.forget;
    }
}

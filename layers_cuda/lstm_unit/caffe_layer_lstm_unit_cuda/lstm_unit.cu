KERNEL forward(int n, const Real* before, const Real* gates, const Real* cont, Real* c, Real* h, int units) {
    FOR_EACH(i, n) {
        int stream = i / units;
        Gates open = Gates::read(gates + i + 3 * stream * units, units).open(cont[stream]);
        Real cell = open.cell(before[i]);
        c[i] = cell;
        h[i] = open.out * tanh(cell);
    }
}

// Opens the gates again, which is faster than keeping them.
KERNEL backward(int n, const Real* before, const Real* gates, const Real* cont, const Real* dc, const Real* dh, Real* dbefore, Real* dgates, int units) {
    FOR_EACH(i, n) {
        int stream = i / units, at = i + 3 * stream * units;
        Gates open = Gates::read(gates + at, units).open(cont[stream]);
        Real tanh_c = tanh(open.cell(before[i]));
        Real diff = dc[i] + dh[i] * open.out * (1 - tanh_c * tanh_c);
        if (dgates) open.backward(before[i], tanh_c, dh[i], diff).write(dgates + at, units);
        if (dbefore) dbefore[i] = diff * open.forget;
    }
}

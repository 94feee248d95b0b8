// Scores of a distribution that are `inner` apart. Neighbouring threads read neighbouring scores.

KERNEL forward(int n, const Real* x, Real* y, int classes, int inner) {
    FOR_EACH(i, n) {
        int start = i / inner * classes * inner + i % inner;
        Real greatest = -infinity(), sum = 0;
        for (int c = 0; c < classes; ++c) greatest = max(greatest, x[start + c * inner]);
        for (int c = 0; c < classes; ++c) {
            Real power = exp(x[start + c * inner] - greatest);
            y[start + c * inner] = power;
            sum += power;
        }
        for (int c = 0; c < classes; ++c) y[start + c * inner] /= sum;
    }
}

KERNEL backward(int n, const Real* y, const Real* dy, Real* dx, int classes, int inner) {
    FOR_EACH(i, n) {
        int start = i / inner * classes * inner + i % inner;
        Real sum = 0;
        for (int c = 0; c < classes; ++c) sum += y[start + c * inner] * dy[start + c * inner];
        for (int c = 0; c < classes; ++c) {
            int at = start + c * inner;
            dx[at] = (dy[at] - sum) * y[at];
        }
    }
}

// Scores of a distribution side by side: a warp for each.

KERNEL forward_rows(int n, const Real* x, Real* y, int classes) {
    FOR_EACH_WARP(i, n) {
        int start = i * classes;
        Real greatest = -infinity(), sum = 0;
        FOR_EACH_LANE(c, classes) greatest = max(greatest, x[start + c]);
        greatest = warp_max(greatest);
        FOR_EACH_LANE(c, classes) {
            Real power = exp(x[start + c] - greatest);
            y[start + c] = power;
            sum += power;
        }
        sum = warp_sum(sum);
        FOR_EACH_LANE(c, classes) y[start + c] /= sum;
    }
}

KERNEL backward_rows(int n, const Real* y, const Real* dy, Real* dx, int classes) {
    FOR_EACH_WARP(i, n) {
        int start = i * classes;
        Real sum = 0;
        FOR_EACH_LANE(c, classes) sum += y[start + c] * dy[start + c];
        sum = warp_sum(sum);
        FOR_EACH_LANE(c, classes) dx[start + c] = (dy[start + c] - sum) * y[start + c];
    }
}

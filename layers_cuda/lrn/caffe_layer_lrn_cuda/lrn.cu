// Elements are (outer, height, width, inner) in memory. Across channels these are the height, and
// the width is 1.

struct Region {
    int height, width, reach_h, reach_w, inner;
};

struct Itself {
    __device__ static Real of(Real x) { return x; }
};

struct Square {
    __device__ static Real of(Real x) { return x * x; }
};

// The sum of `Of` of the elements no farther from element i than the region reaches.
template <typename Of>
__device__ Real sum_around(int i, const Real* x, const Region& at) {
    int column = i / at.inner % at.width, row = i / at.inner / at.width % at.height;
    int top = max(row - at.reach_h, 0), bottom = min(row + at.reach_h, at.height - 1);
    int left = max(column - at.reach_w, 0), right = min(column + at.reach_w, at.width - 1);
    const Real* image = x + i - (row * at.width + column) * at.inner;
    Real sum = 0;
    for (int h = top; h <= bottom; ++h)
        for (int w = left; w <= right; ++w) sum += Of::of(image[(h * at.width + w) * at.inner]);
    return sum;
}

// 1 / x^beta. Roots are much faster, and 0.75 is what nearly all nets have.
__device__ Real inverse_power(Real x, Real beta) {
    if (beta != Real(0.75)) return pow(x, -beta);
    Real root = sqrt(x);
    return 1 / (root * sqrt(root));
}

KERNEL forward(int n, const Real* x, Real* y, Real scale, Real shift, Real beta, const Region* region) {
    const Region at = *region;
    FOR_EACH(i, n) {
        y[i] = x[i] * inverse_power(shift + scale * sum_around<Square>(i, x, at), beta);
    }
}

// What an element's own top gives to its gradient, and what all its neighbours need of that top.
KERNEL backward_alone(int n, const Real* x, const Real* dy, Real* dx, Real* ratio, Real scale, Real shift, Real beta, const Region* region) {
    const Region at = *region;
    FOR_EACH(i, n) {
        Real total = shift + scale * sum_around<Square>(i, x, at);
        dx[i] = dy[i] * inverse_power(total, beta);
        ratio[i] = dx[i] * x[i] / total;
    }
}

// What the neighbours' tops give.
KERNEL backward_around(int n, const Real* x, const Real* ratio, Real* dx, Real factor, const Region* region) {
    const Region at = *region;
    FOR_EACH(i, n) dx[i] -= factor * x[i] * sum_around<Itself>(i, ratio, at);
}

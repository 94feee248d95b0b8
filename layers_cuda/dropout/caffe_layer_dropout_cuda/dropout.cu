// Memory is (outer, inner, channels), and the numbers are drawn in the order (outer, channels,
// inner) of the axes, so that a seed gives one mask in either memory format.
KERNEL drop(int n, const Real* x, Real* y, unsigned long long key, Real ratio, Real scale, int inner, int channels) {
    FOR_EACH(i, n) {
        int drawn = i;
        if (channels > 1) {
            int position = i / channels, c = i - position * channels;
            drawn = (position / inner * channels + c) * inner + position % inner;
        }
        y[i] = x[i] * (random_uniform(key, drawn) < ratio ? Real(0) : scale);
    }
}

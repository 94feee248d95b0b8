// What a convolution ends with where cuDNN does not: the bias of each channel, if any, then a ReLU,
// if asked for.
KERNEL end(int n, Real* y, const Real* bias, bool rectify, Real slope, const Share* share) {
    const Share at = *share;
    FOR_EACH(i, n) {
        Real value = bias ? y[i] + bias[at.channel(i)] : y[i];
        y[i] = rectify && !(value > 0) ? slope * value : value;
    }
}

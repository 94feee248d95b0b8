// A thread for each channel: adds the batch's mean and unbiased variance to the statistics.
KERNEL remember(int n, const Real* mean, const Real* scale, Real* means, Real* variances, Real* total, Real fraction, Real eps, int values) {
    FOR_EACH(c, n) {
        Real variance = max(1 / (scale[c] * scale[c]) - eps, Real(0));
        means[c] = means[c] * fraction + mean[c];
        variances[c] = variances[c] * fraction + variance * values / max(values - 1, 1);
        if (c == 0) *total = *total * fraction + 1;
    }
}

// Mean and variance from the statistics.
KERNEL recall(int n, const Real* means, const Real* variances, const Real* total, Real* mean, Real* variance) {
    FOR_EACH(c, n) {
        Real factor = *total == 0 ? 0 : 1 / *total;
        mean[c] = means[c] * factor;
        variance[c] = variances[c] * factor;
    }
}

// With e = exp(-|x|), which cannot overflow, the loss is x ([x >= 0] - t) + log(1 + e), and the
// sigmoid is max(e, [x >= 0]) / (1 + e).
KERNEL sum_up(int n, int count, Real* sums, const Real* scores, const Real* targets, Real* slope, bool ignored, int ignore) {
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0, valid = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            Real x = scores[i], target = targets[i];
            if (ignored && trunc(target) == ignore) {
                slope[i] = 0;
                continue;
            }
            Real power = exp(-abs(x)), positive = x >= 0;
            loss += x * (positive - target) + log1p(power);
            slope[i] = max(power, positive) / (1 + power) - target;
            valid += 1;
        }
        leave_sums(sums, block, loss, valid);
    }
}

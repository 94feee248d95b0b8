// One block: the loss, and what its sum was divided by: `fixed`, or what counts if that is 0.
KERNEL finish(int n, const Real* sums, int blocks, Real fixed, Real* divisor, Real* loss) {
    FOR_EACH_BLOCK(block, n) {
        Real sum = 0, valid = 0;
        FOR_EACH_THREAD(i, blocks) {
            sum += sums[2 * i];
            valid += sums[2 * i + 1];
        }
        sum = block_sum(sum);
        valid = block_sum(valid);
        if (threadIdx.x == 0) {
            *divisor = fixed > 0 ? fixed : max(valid, Real(1));
            *loss = sum / *divisor;
        }
    }
}

KERNEL spread(int n, const Real* slope, Real sign, const Real* loss_weight, const Real* divisor, Real* dx) {
    const Real scale = sign * *loss_weight / *divisor;
    FOR_EACH(i, n) { dx[i] = scale * slope[i]; }
}

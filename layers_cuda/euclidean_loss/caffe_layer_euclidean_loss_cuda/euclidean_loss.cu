KERNEL sum_up(int n, int count, Real* sums, const Real* first, const Real* second, Real* slope) {
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            Real difference = first[i] - second[i];
            loss += difference * difference;
            slope[i] = 2 * difference;
        }
        leave_sums(sums, block, loss, 0);
    }
}

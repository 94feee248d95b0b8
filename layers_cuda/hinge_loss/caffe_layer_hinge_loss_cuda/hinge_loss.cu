KERNEL sum_up(int n, int count, Real* sums, const Real* scores, const Real* labels, Real* slope, int classes, bool squared) {
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            int label = class_of(labels[i / classes], classes, false, 0);
            Real side = i % classes == label ? -1 : 1, lack = 1 + side * scores[i];
            if (label == WRONG) lack = infinity() - infinity();
            if (lack < 0) lack = 0;
            loss += squared ? lack * lack : lack;
            slope[i] = side * (squared ? 2 * lack : Real(lack > 0));
        }
        leave_sums(sums, block, loss, 0);
    }
}

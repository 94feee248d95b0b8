// Each label names a row of the matrix.

// For each label its class and the sum of its row. No probability counts as less than 1e-20, as in
// Caffe.
KERNEL sum_up(int n, int count, Real* sums, const Real* prob, const Real* labels, const Real* matrix, int* classes, Real* totals, const Labels* how) {
    const Labels at = *how;
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0, valid = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            int label = classes[i] = class_of(labels[i], at.classes, at.ignored, at.ignore);
            if (label == IGNORED) continue;
            valid += 1;
            if (label == WRONG) {
                loss = infinity() - infinity();
                continue;
            }
            const Real* own = prob + i / at.inner * at.classes * at.inner + i % at.inner;
            const Real* row = matrix + label * at.classes;
            Real total = 0;
            for (int c = 0; c < at.classes; ++c) {
                Real p = own[c * at.inner];
                if (p < Real(1e-20)) p = Real(1e-20);
                loss -= row[c] * log(p);
                total += row[c];
            }
            totals[i] = total;
        }
        leave_sums(sums, block, loss, valid);
    }
}

KERNEL backward(int n, const Real* prob, const Real* matrix, const int* classes, const Real* totals, Real* dx, const Real* loss_weight, const Real* divisor, const Labels* how) {
    const Labels at = *how;
    const Real scale = *loss_weight / *divisor;
    FOR_EACH(i, n) {
        int place = i / at.inner / at.classes * at.inner + i % at.inner;
        int label = classes[place], own = i / at.inner % at.classes;
        dx[i] = label < 0 ? 0 : scale * (prob[i] * totals[place] - matrix[label * at.classes + own]);
    }
}

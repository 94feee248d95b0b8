// The class of each label, and the sum of their losses.
KERNEL sum_up(int n, int count, Real* sums, const Real* prob, const Real* labels, int* classes, const Labels* how) {
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
            Real p = prob[(i / at.inner * at.classes + label) * at.inner + i % at.inner];
            loss -= log(max(p, (Real)1.17549435e-38f));  // the least that is normal, as in Caffe
        }
        leave_sums(sums, block, loss, valid);
    }
}

KERNEL backward(int n, const Real* prob, const int* classes, Real* dx, const Real* loss_weight, const Real* divisor, const Labels* how) {
    const Labels at = *how;
    const Real scale = *loss_weight / *divisor;
    FOR_EACH(i, n) {
        int place = i / at.inner / at.classes * at.inner + i % at.inner;
        int label = classes[place], own = i / at.inner % at.classes;
        dx[i] = label == IGNORED ? 0 : scale * (prob[i] - (own == label));
    }
}

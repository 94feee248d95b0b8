// The class of each label and its probability; none counts as less than 1e-20, as in Caffe.
KERNEL sum_up(int n, int count, Real* sums, const Real* prob, const Real* labels, int* named, Real* picked, int classes) {
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            int label = named[i] = class_of(labels[i], classes, false, 0);
            Real p = label == WRONG ? infinity() - infinity() : prob[i * classes + label];
            if (p < Real(1e-20)) p = Real(1e-20);
            loss -= log(p);
            picked[i] = p;
        }
        leave_sums(sums, block, loss, 0);
    }
}

KERNEL backward(int n, const int* named, const Real* picked, int classes, Real* dx, const Real* loss_weight, const Real* divisor) {
    const Real scale = -*loss_weight / *divisor;
    FOR_EACH(i, n) {
        int item = i / classes;
        dx[i] = i % classes == named[item] ? scale / picked[item] : 0;
    }
}

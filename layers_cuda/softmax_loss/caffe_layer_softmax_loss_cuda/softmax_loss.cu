// Probabilities are (outer, classes, inner); there is a label for each (outer, inner).

struct Labels {
    int classes, inner, ignored, ignore;
};

const int IGNORED = -1, WRONG = -2;

// The class that a label, a real number, names, or IGNORED, or WRONG.
__device__ inline int class_of(Real label, const Labels& labels) {
    if (!(label > -(Real)2147483648 && label < (Real)2147483648)) return WRONG;
    int whole = (int)label;
    if (labels.ignored && whole == labels.ignore) return IGNORED;
    return whole >= 0 && whole < labels.classes ? whole : WRONG;
}

// Each of n blocks: the class of some labels, the sum of their losses, and how many count.
KERNEL sum_up(int n, const Real* prob, const Real* labels, int* classes, Real* sums, int count, const Labels* how) {
    const Labels at = *how;
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0, valid = 0;
        for (int i = block * blockDim.x + threadIdx.x; i < count; i += n * blockDim.x) {
            int label = classes[i] = class_of(labels[i], at);
            if (label == IGNORED) continue;
            valid += 1;
            if (label == WRONG) {
                loss = infinity() - infinity();
                continue;
            }
            Real p = prob[(i / at.inner * at.classes + label) * at.inner + i % at.inner];
            loss -= log(max(p, (Real)1.17549435e-38f));  // the least that is normal, as in Caffe
        }
        loss = block_sum(loss);
        valid = block_sum(valid);
        if (threadIdx.x == 0) {
            sums[2 * block] = loss;
            sums[2 * block + 1] = valid;
        }
    }
}

// One block: the loss, and what its sum was divided by: `fixed`, or the labels that count if 0.
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

KERNEL backward(int n, const Real* prob, const int* classes, Real* dx, const Real* loss_weight, const Real* divisor, const Labels* how) {
    const Labels at = *how;
    const Real scale = *loss_weight / *divisor;
    FOR_EACH(i, n) {
        int place = i / at.inner / at.classes * at.inner + i % at.inner;
        int label = classes[place], own = i / at.inner % at.classes;
        dx[i] = label == IGNORED ? 0 : scale * (prob[i] - (own == label));
    }
}

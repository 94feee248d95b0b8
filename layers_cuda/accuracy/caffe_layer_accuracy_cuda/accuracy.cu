// Scores are (outer, classes, inner); there is a label for each (outer, inner).

struct Labels {
    int classes, inner, ignored, ignore, top_k;
};

// For each label its class, and whether as many scores are lower as `top_k` asks for.
KERNEL find(int n, const Real* scores, const Real* labels, int* classes, bool* hits, const Labels* how) {
    const Labels at = *how;
    FOR_EACH(i, n) {
        int label = classes[i] = class_of(labels[i], at.classes, at.ignored, at.ignore);
        if (label < 0) continue;
        const Real* own = scores + i / at.inner * at.classes * at.inner + i % at.inner;
        Real score = own[label * at.inner];
        int lower = 0;
        for (int c = 0; c < at.classes; ++c) lower += own[c * at.inner] < score;
        hits[i] = lower >= at.classes - at.top_k;
    }
}

// The same with scores side by side: a warp for each label.
KERNEL find_rows(int n, const Real* scores, const Real* labels, int* classes, bool* hits, const Labels* how) {
    const Labels at = *how;
    FOR_EACH_WARP(i, n) {
        int label = class_of(labels[i], at.classes, at.ignored, at.ignore), lower = 0;
        const Real* own = scores + i * at.classes;
        if (label >= 0) {
            FOR_EACH_LANE(c, at.classes) lower += own[c] < own[label];
        }
        lower = warp_sum(lower);
        if (threadIdx.x % 32 == 0) {
            classes[i] = label;
            hits[i] = lower >= at.classes - at.top_k;
        }
    }
}

// How many labels are hit, and how many count.
KERNEL sum_up(int n, int count, Real* sums, const int* classes, const bool* hits) {
    FOR_EACH_BLOCK(block, n) {
        Real hit = 0, valid = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            if (classes[i] == WRONG) hit = infinity() - infinity();
            if (classes[i] < 0) continue;
            hit += hits[i];
            valid += 1;
        }
        leave_sums(sums, block, hit, valid);
    }
}

// A block for each class: the share of its labels that are hit.
KERNEL each_class(int n, const int* classes, const bool* hits, int count, Real* shares) {
    FOR_EACH_BLOCK(own, n) {
        int hit = 0, all = 0;
        FOR_EACH_THREAD(i, count) {
            if (classes[i] != own) continue;
            hit += hits[i];
            all += 1;
        }
        hit = block_sum(hit);
        all = block_sum(all);
        if (threadIdx.x == 0) shares[own] = (Real)hit / (Real)max(all, 1);
    }
}

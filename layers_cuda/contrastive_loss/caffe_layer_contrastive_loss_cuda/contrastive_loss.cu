// The slope of a pair's loss is the difference of its vectors times a factor. `count` is 32 for
// each pair: a warp, whose first thread keeps the loss.
KERNEL sum_up(int n, int count, Real* sums, const Real* first, const Real* second, const Real* similar, Real* slope, int size, Real margin, bool legacy) {
    FOR_EACH_BLOCK(block, n) {
        Real loss = 0;
        FOR_EACH_OF_BLOCK(i, block, n, count) {
            int pair = i / 32, start = pair * size;
            Real squared = 0;
            FOR_EACH_LANE(c, size) {
                Real difference = first[start + c] - second[start + c];
                squared += difference * difference;
            }
            squared = warp_sum(squared);
            Real distance = sqrt(squared), gap = margin - (legacy ? squared : distance);
            if (gap < 0) gap = 0;
            // Caffe cuts the number to a whole one before it asks whether it is 0, and adds 1e-4.
            bool alike = abs(similar[pair]) >= 1;
            Real penalty = alike ? squared : legacy ? gap : gap * gap;
            Real factor = alike ? 1 : legacy ? -Real(gap > 0) : -gap / (distance + Real(1e-4));
            if (i % 32 == 0) loss += penalty;
            FOR_EACH_LANE(c, size) {
                slope[start + c] = 2 * factor * (first[start + c] - second[start + c]);
            }
        }
        leave_sums(sums, block, loss, 0);
    }
}

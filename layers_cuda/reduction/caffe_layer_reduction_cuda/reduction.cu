enum Operation { PLAIN, MAGNITUDE, SQUARE };

__device__ inline Real term(Real x, int operation) {
    return operation == PLAIN ? x : operation == MAGNITUDE ? abs(x) : x * x;
}

__device__ inline Real slope(Real x, int operation) {
    return operation == MAGNITUDE ? Real((x > 0) - (x < 0)) : 2 * x;
}

// A block for each part of a row; each row has so many parts.
KERNEL sum_rows(int n, const Real* x, Real* sums, int length, int parts, int operation, Real coeff) {
    const int size = (length + parts - 1) / parts;
    FOR_EACH_BLOCK(i, n) {
        int start = i % parts * size, left = min(length - start, size);
        const Real* part = x + i / parts * length + start;
        Real sum = 0;
        FOR_EACH_THREAD(k, left) sum += term(part[k], operation);
        sum = block_sum(sum);
        if (threadIdx.x == 0) sums[i] = coeff * sum;
    }
}

// A thread for each sum, whose terms lie `inner` apart.
KERNEL sum_columns(int n, const Real* x, Real* sums, int length, int inner, int operation, Real coeff) {
    FOR_EACH(i, n) {
        const Real* column = x + i / inner * inner * length + i % inner;
        Real sum = 0;
        for (int k = 0; k < length; ++k) sum += term(column[k * inner], operation);
        sums[i] = coeff * sum;
    }
}

KERNEL backward(int n, const Real* x, const Real* dy, Real* dx, int length, int inner, int operation, Real coeff) {
    FOR_EACH(i, n) {
        Real gradient = coeff * dy[i / inner / length * inner + i % inner];
        dx[i] = operation == PLAIN ? gradient : gradient * slope(x[i], operation);
    }
}

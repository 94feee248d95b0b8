// Rows of an array that indices pick, and what is added to them.

// Index i of n, cut to a whole number; -1 if it is none of `limit`, or no number.
KERNEL read_indices(int n, const Real* numbers, int* indices, int limit) {
    FOR_EACH(i, n) {
        Real number = numbers[i];
        indices[i] = number > -1 && number < limit ? (int)number : -1;
    }
}

// Row i / size of y is the row of x that its index picks, plus the bias, if any; NaN if none.
KERNEL pick(int n, const Real* x, const int* indices, Real* y, const Real* bias, int size) {
    FOR_EACH(i, n) {
        int index = indices[i / size], column = i % size;
        Real value = index < 0 ? infinity() - infinity() : x[(long long)index * size + column];
        y[i] = bias ? value + bias[column] : value;
    }
}

// Those of n indices that are equal make a chain: the next of each, n for the last. A chain begins
// at what is first; -1 picks nothing.
KERNEL link(int n, const int* indices, int* next, bool* first) {
    FOR_EACH(i, n) {
        int earlier = i - 1, later = i + 1;
        while (earlier >= 0 && indices[earlier] != indices[i]) --earlier;
        while (later < n && indices[later] != indices[i]) ++later;
        first[i] = earlier < 0 && indices[i] >= 0;
        next[i] = later;
    }
}

// Adds each row of y to the row of x that its index picks, in the order of the rows of y.
KERNEL add(int n, Real* x, const int* indices, const Real* y, const int* next, const bool* first, int size) {
    const int count = n / size;
    FOR_EACH(i, n) {
        int row = i / size, column = i % size;
        if (!first[row]) continue;
        Real sum = 0;
        for (int each = row; each < count; each = next[each]) sum += y[each * size + column];
        x[(long long)indices[row] * size + column] += sum;
    }
}

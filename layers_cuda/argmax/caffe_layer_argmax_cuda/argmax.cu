// The bottom is (outer, length, inner) in memory. The values of a row are numbered as they are
// indexed, which is as they lie unless they are an item (positions, channels) in channels-last.
struct Search {
    int length, inner, channels, top_k;
    int item, place;            // in the top: from row to row of `outer`, from place to place
    int numbers_at, values_at;  // where numbers and values begin; -1: not asked for
};

struct Found {
    Real value;
    int number;

    // Greater values come first, of equal ones that with the greater number.
    __device__ bool before(const Found& other) const {
        return value > other.value || (value == other.value && number > other.number);
    }
};

__device__ inline Found none() { return Found{-infinity(), -1}; }

// Number k in memory of a row; NaN is the least.
__device__ inline Found seen(const Real* row, int k, const Search& at) {
    Real value = row[k * at.inner];
    int positions = at.length / at.channels;
    int number = at.channels == 1 ? k : k % at.channels * positions + k / at.channels;
    return Found{isnan(value) ? -infinity() : value, number};
}

__device__ inline void write(Real* y, const Found& found, const Search& at) {
    if (at.numbers_at >= 0) y[at.numbers_at] = found.number;
    if (at.values_at >= 0) y[at.values_at] = found.value;
}

// A block for each row, `inner` being 1.
KERNEL search_rows(int n, const Real* x, Real* y, const Search* search) {
    const Search at = *search;
    FOR_EACH_BLOCK(i, n) {
        Found last = none();
        for (int place = 0; place < at.top_k; ++place) {
            Found best = none();
            FOR_EACH_THREAD(k, at.length) {
                Found found = seen(x + i * at.length, k, at);
                if ((place == 0 || last.before(found)) && found.before(best)) best = found;
            }
            last.value = block_max(best.value);
            last.number = block_reduce<Greatest>(best.value == last.value ? best.number : -1, -1);
            if (threadIdx.x == 0) write(y + i * at.item + place * at.place, last, at);
        }
    }
}

// A thread for each row, whose values lie `inner` apart.
KERNEL search_columns(int n, const Real* x, Real* y, const Search* search) {
    const Search at = *search;
    FOR_EACH(i, n) {
        const Real* row = x + i / at.inner * at.inner * at.length + i % at.inner;
        Real* results = y + i / at.inner * at.item + i % at.inner;
        Found last = none();
        for (int place = 0; place < at.top_k; ++place) {
            Found best = none();
            for (int k = 0; k < at.length; ++k) {
                Found found = seen(row, k, at);
                if ((place == 0 || last.before(found)) && found.before(best)) best = found;
            }
            last = best;
            write(results + place * at.place, last, at);
        }
    }
}

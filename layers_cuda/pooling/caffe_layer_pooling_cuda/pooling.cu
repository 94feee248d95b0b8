// Images are (outer, height, width, inner) in memory: contiguous if inner is 1, else channels-last.

struct Windows {
    int height, width, rows, columns, kernel_h, kernel_w, stride_h, stride_w, pad_h, pad_w, inner;
};

// What window i sees of an image that begins at `image`, and how many elements AVE divides by.
struct Window {
    int image, top, bottom, left, right, size;

    __device__ Window(int i, const Windows& at) {
        int column = i / at.inner % at.columns, row = i / at.inner / at.columns % at.rows;
        int outer = i / at.inner / at.columns / at.rows;
        image = outer * at.height * at.width * at.inner + i % at.inner;
        top = row * at.stride_h - at.pad_h;
        left = column * at.stride_w - at.pad_w;
        bottom = min(top + at.kernel_h, at.height + at.pad_h);
        right = min(left + at.kernel_w, at.width + at.pad_w);
        size = max(bottom - top, 1) * max(right - left, 1);
        top = max(top, 0);
        left = max(left, 0);
        bottom = min(bottom, at.height);
        right = min(right, at.width);
    }
};

// The windows that see element i of an image; their results begin at `results`.
struct Element {
    int row, column, results, first_row, last_row, first_column, last_column;

    __device__ Element(int i, const Windows& at) {
        column = i / at.inner % at.width;
        row = i / at.inner / at.width % at.height;
        int outer = i / at.inner / at.width / at.height;
        results = outer * at.rows * at.columns * at.inner + i % at.inner;
        int h = row + at.pad_h, w = column + at.pad_w;
        first_row = h < at.kernel_h ? 0 : (h - at.kernel_h) / at.stride_h + 1;
        first_column = w < at.kernel_w ? 0 : (w - at.kernel_w) / at.stride_w + 1;
        last_row = min(h / at.stride_h, at.rows - 1);
        last_column = min(w / at.stride_w, at.columns - 1);
    }
};

// Each place h * width + w that a window sees.
#define FOR_EACH_PLACE(place, window, at)                     \
    for (int h = window.top; h < window.bottom; ++h)          \
        for (int place = h * at.width + window.left;          \
             place < h * at.width + window.right; ++place)

// Each window that sees an element: where its result is.
#define FOR_EACH_RESULT(result, element, at)                                               \
    for (int row = element.first_row; row <= element.last_row; ++row)                      \
        for (int column = element.first_column, result;                                    \
             result = element.results + (row * at.columns + column) * at.inner,            \
             column <= element.last_column; ++column)

__device__ Real sum_of(const Real* image, const Window& window, const Windows& at) {
    Real sum = 0;
    FOR_EACH_PLACE(place, window, at) sum += image[place * at.inner];
    return sum;
}

KERNEL greatest(int n, const Real* x, Real* y, int* chosen, Real* mask, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Window window(i, at);
        const Real* image = x + window.image;
        Real most = -FLT_MAX;
        int choice = -1;
        FOR_EACH_PLACE(place, window, at) {
            if (image[place * at.inner] > most) {
                most = image[place * at.inner];
                choice = place;
            }
        }
        y[i] = most;
        chosen[i] = choice;
        if (mask) mask[i] = choice;
    }
}

KERNEL drawn(int n, const Real* x, Real* y, int* chosen, unsigned long long key, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Window window(i, at);
        const Real* image = x + window.image;
        Real left = (1 - random_uniform(key, i)) * sum_of(image, window, at);
        Real value = 0;
        int choice = -1;
        FOR_EACH_PLACE(place, window, at) {
            if (choice < 0 || left > 0) {
                value = image[place * at.inner];
                choice = place;
                left -= value;
            }
        }
        y[i] = value;
        chosen[i] = choice;
    }
}

KERNEL chosen_backward(int n, const Real* dy, Real* dx, const int* chosen, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Element element(i, at);
        int place = element.row * at.width + element.column;
        Real gradient = 0;
        FOR_EACH_RESULT(result, element, at) {
            if (chosen[result] == place) gradient += dy[result];
        }
        dx[i] = gradient;
    }
}

KERNEL average(int n, const Real* x, Real* y, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Window window(i, at);
        y[i] = sum_of(x + window.image, window, at) / window.size;
    }
}

KERNEL average_backward(int n, const Real* dy, Real* dx, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Element element(i, at);
        Real gradient = 0;
        FOR_EACH_RESULT(result, element, at) gradient += dy[result] / Window(result, at).size;
        dx[i] = gradient;
    }
}

// What drawing gives on average: the sum of squares over the sum; 0 if that is not positive.
KERNEL expected(int n, const Real* x, Real* y, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Window window(i, at);
        const Real* image = x + window.image;
        Real sum = sum_of(image, window, at), squares = 0;
        FOR_EACH_PLACE(place, window, at) squares += image[place * at.inner] * image[place * at.inner];
        y[i] = sum > 0 ? squares / sum : 0;
    }
}

KERNEL expected_backward(int n, const Real* x, const Real* y, const Real* dy, Real* dx, const Windows* windows) {
    const Windows at = *windows;
    FOR_EACH(i, n) {
        Element element(i, at);
        Real gradient = 0;
        FOR_EACH_RESULT(result, element, at) {
            Window window(result, at);
            Real sum = sum_of(x + window.image, window, at);
            if (sum > 0) gradient += dy[result] * (2 * x[i] - y[result]) / sum;
        }
        dx[i] = gradient;
    }
}

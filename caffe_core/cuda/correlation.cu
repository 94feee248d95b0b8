// Im2col, col2im and what goes with them. Images are (images, channels, *spatial); columns are
// (channels, *kernel, images, *positions), so that one product of matrices serves all images.

const int MOST_AXES = 8;

struct Geometry {
    int channels, taps, image, positions;  // products over the axes
    int size[MOST_AXES], kernel[MOST_AXES], stride[MOST_AXES], pad[MOST_AXES], dilation[MOST_AXES];
    int count[MOST_AXES];  // positions along each axis
};

// Calls act(tap) for each element of the kernel in order; step(axis, k) sets its place on an axis.
#define FOR_EACH_TAP(AXES, tap, k, at)                                            \
    for (int tap = 0; tap < at.taps; next_tap<AXES>(k, at), ++tap)

template <int AXES>
__device__ inline void next_tap(int* k, const Geometry& at) {
#pragma unroll
    for (int axis = AXES - 1; axis >= 0; --axis) {
        if (++k[axis] < at.kernel[axis]) return;
        k[axis] = 0;
    }
}

template <int AXES>
__device__ inline void unravel(int index, const int* sizes, int* place) {
#pragma unroll
    for (int axis = AXES - 1; axis >= 0; --axis) {
        place[axis] = index % sizes[axis];
        index /= sizes[axis];
    }
}

// A thread copies what all elements of the kernel see of one channel at one position.
template <int AXES>
__device__ inline void copy_columns(int n, const Real* images, Real* columns, int count, const Geometry& at) {
    FOR_EACH(i, n) {
        int position = i % at.positions, image = i / at.positions % count;
        int channel = i / at.positions / count;
        const Real* from = images + (image * at.channels + channel) * at.image;
        Real* to = columns + (channel * at.taps * count + image) * at.positions + position;
        int start[AXES], k[AXES] = {0};
        unravel<AXES>(position, at.count, start);
#pragma unroll
        for (int axis = 0; axis < AXES; ++axis)
            start[axis] = start[axis] * at.stride[axis] - at.pad[axis];
        FOR_EACH_TAP(AXES, tap, k, at) {
            int place = 0;
            bool inside = true;
#pragma unroll
            for (int axis = 0; axis < AXES; ++axis) {
                int along = start[axis] + k[axis] * at.dilation[axis];
                inside = inside && along >= 0 && along < at.size[axis];
                place = place * at.size[axis] + along;
            }
            to[tap * count * at.positions] = inside ? from[place] : 0;
        }
    }
}

// A thread adds up all elements of the columns that one element of an image went to, plus
// the channel's bias, if any.
template <int AXES>
__device__ inline void add_columns(int n, const Real* columns, Real* images, const Real* bias, int count, const Geometry& at) {
    FOR_EACH(i, n) {
        int channel = i / at.image % at.channels, image = i / at.image / at.channels;
        const Real* from = columns + (channel * at.taps * count + image) * at.positions;
        int place[AXES], k[AXES] = {0};
        unravel<AXES>(i % at.image, at.size, place);
        Real sum = 0;
        FOR_EACH_TAP(AXES, tap, k, at) {
            int position = 0;
            bool seen = true;
#pragma unroll
            for (int axis = 0; axis < AXES; ++axis) {
                int along = place[axis] + at.pad[axis] - k[axis] * at.dilation[axis];
                int step = along / at.stride[axis];
                seen = seen && along >= 0 && step * at.stride[axis] == along && step < at.count[axis];
                position = position * at.count[axis] + step;
            }
            if (seen) sum += from[tap * count * at.positions + position];
        }
        images[i] = bias ? sum + bias[channel] : sum;
    }
}

KERNEL im2col_2(int n, const Real* images, Real* columns, int count, const Geometry* geometry) {
    copy_columns<2>(n, images, columns, count, *geometry);
}

KERNEL im2col_3(int n, const Real* images, Real* columns, int count, const Geometry* geometry) {
    copy_columns<3>(n, images, columns, count, *geometry);
}

KERNEL im2col_8(int n, const Real* images, Real* columns, int count, const Geometry* geometry) {
    copy_columns<MOST_AXES>(n, images, columns, count, *geometry);
}

KERNEL col2im_2(int n, const Real* columns, Real* images, const Real* bias, int count, const Geometry* geometry) {
    add_columns<2>(n, columns, images, bias, count, *geometry);
}

KERNEL col2im_3(int n, const Real* columns, Real* images, const Real* bias, int count, const Geometry* geometry) {
    add_columns<3>(n, columns, images, bias, count, *geometry);
}

KERNEL col2im_8(int n, const Real* columns, Real* images, const Real* bias, int count, const Geometry* geometry) {
    add_columns<MOST_AXES>(n, columns, images, bias, count, *geometry);
}

// (filters, images, positions) to (images, filters, positions), plus the bias, if any.
KERNEL to_images(int n, const Real* rows, Real* images, const Real* bias, int filters, int count, int positions) {
    FOR_EACH(i, n) {
        int position = i % positions, filter = i / positions % filters;
        int image = i / positions / filters;
        Real value = rows[(filter * count + image) * positions + position];
        images[i] = bias ? value + bias[filter] : value;
    }
}

// (images, filters, positions) to (filters, images, positions).
KERNEL to_rows(int n, const Real* images, Real* rows, int filters, int count, int positions) {
    FOR_EACH(i, n) {
        int position = i % positions, image = i / positions % count;
        int filter = i / positions / count;
        rows[i] = images[(image * filters + filter) * positions + position];
    }
}

// Adds to each filter's number the sum over all images and positions; a block for each filter.
KERNEL add_sums(int n, const Real* images, Real* sums, int count, int positions) {
    FOR_EACH_BLOCK(filter, n) {
        Real sum = 0;
        FOR_EACH_THREAD(i, count * positions) {
            int image = i / positions, position = i % positions;
            sum += images[(image * n + filter) * positions + position];
        }
        sum = block_sum(sum);
        if (threadIdx.x == 0) sums[filter] += sum;
    }
}

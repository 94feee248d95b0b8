// What a convolution ends with where cuDNN has no code for the whole: the bias of each channel, if
// any, then a ReLU, if asked for. Channels lie `inner` elements apart.
KERNEL end(int n, Real* y, const Real* bias, int channels, int inner, bool rectify, Real slope) {
    FOR_EACH(i, n) {
        Real value = bias ? y[i] + bias[i / inner % channels] : y[i];
        y[i] = rectify && !(value > 0) ? slope * value : value;
    }
}

// Adds to each channel's number the sum of it all: (outer, n, inner); a block for each channel.
KERNEL add_sums(int n, const Real* dy, Real* sums, int outer, int inner) {
    FOR_EACH_BLOCK(channel, n) {
        Real sum = 0;
        FOR_EACH_THREAD(i, outer * inner) {
            int before = i / inner, behind = i % inner;
            sum += dy[(before * n + channel) * inner + behind];
        }
        sum = block_sum(sum);
        if (threadIdx.x == 0) sums[channel] += sum;
    }
}

// The sums of strips of rows (rows, channels): neighbouring threads read neighbouring channels.
KERNEL sum_strips(int n, const Real* dy, Real* sums, int channels, int rows, int strips) {
    FOR_EACH(i, n) {
        int channel = i % channels, strip = i / channels;
        Real sum = 0;
        for (int row = strip; row < rows; row += strips) sum += dy[row * channels + channel];
        sums[i] = sum;
    }
}

// Adds to each channel's number what its strips amount to: (strips, n).
KERNEL add_strips(int n, const Real* sums, Real* total, int strips) {
    FOR_EACH(channel, n) {
        Real sum = 0;
        for (int strip = 0; strip < strips; ++strip) sum += sums[strip * n + channel];
        total[channel] += sum;
    }
}

__device__ inline Real logistic(Real x) { return 1 / (1 + exp(-x)); }

// The four gates of a unit of an LSTM, or their gradients. In memory they are `units` apart.
struct Gates {
    Real in, forget, out, candidate;

    __device__ static Gates read(const Real* at, int units) {
        return {at[0], at[units], at[2 * units], at[3 * units]};
    }

    __device__ void write(Real* at, int units) const {
        at[0] = in;
        at[units] = forget;
        at[2 * units] = out;
        at[3 * units] = candidate;
    }

    __device__ Gates plus(const Gates& more) const {
        return {
            in + more.in, forget + more.forget, out + more.out, candidate + more.candidate
        };
    }

    // How far the gates open, from what goes into them. Where cont is 0, the cell forgets all.
    __device__ Gates open(Real cont) const {
        return {logistic(in), logistic(forget) * cont, logistic(out), tanh(candidate)};
    }

    __device__ Real cell(Real before) const { return forget * before + in * candidate; }

    // The gradients of what went into open gates, from those of the output and the cell.
    __device__ Gates backward(Real before, Real tanh_c, Real dh, Real dc) const {
        return {
            dc * candidate * in * (1 - in), dc * before * forget * (1 - forget),
            dh * tanh_c * out * (1 - out), dc * in * (1 - candidate * candidate)
        };
    }
};

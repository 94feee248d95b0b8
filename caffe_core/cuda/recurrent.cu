// Arrays of all steps are (steps, streams, units); n is streams * units, i one unit of a stream.

// What step 0 sees of the state before it.
KERNEL begin(int n, const Real* state, const Real* cont, Real* seen, int units) {
    FOR_EACH(i, n) seen[i] = state[i] * cont[i / units];
}

// Leave a state to the step after `step`, which sees nothing of it where a sequence begins.
__device__ inline void pass_on(Real state, int i, int n, int step, int steps, const Real* cont, Real* seen, int units) {
    if (step + 1 == steps) return;
    seen[(step + 1) * n + i] = state * cont[((step + 1) * n + i) / units];
}

// The gradient of a state after `step`: that of the output, and what the next step has left.
__device__ inline Real state_gradient(Real above, int i, int n, int step, int steps, const Real* cont, const Real* left, int units) {
    if (step + 1 == steps) return above;
    return above + left[i] * cont[((step + 1) * n + i) / units];
}

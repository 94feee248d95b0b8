#!/usr/bin/env bash
# From nothing to a tested net: `make demo`. Everything is written to demo/.
set -euo pipefail
cd "$(dirname "$0")/../.."
mkdir -p demo

# The net is so small that more threads cost more than they bring.
export CAFFE_THREADS=${CAFFE_THREADS:-1}

caffe convert digits demo --force
caffe train -solver examples/digits/digits_solver.prototxt --plot demo/plot.png
caffe test -model examples/digits/digits_train_test.prototxt \
    -weights demo/digits_iter_1000.caffemodel -iterations 3 2>&1 | tee demo/test.log

accuracy=$(sed -nE 's/.*\] accuracy = ([0-9.]+)$/\1/p' demo/test.log)
echo "curves of loss and accuracy: demo/plot.png"
awk -v accuracy="$accuracy" 'BEGIN {
    if (accuracy < 0.97) { print "test accuracy = " accuracy ", expected 0.97"; exit 1 }
    printf "test accuracy = %.4f\n", accuracy
}'

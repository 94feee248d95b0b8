"""ResNet-50 (He et al., 2015): one function for a residual block, used sixteen times."""

from __future__ import annotations

import caffe
from caffe import layers as L
from caffe import params as P

STAGES = ((64, "abc"), (128, "abcd"), (256, "abcdef"), (512, "abc"))  # channels, names of blocks
TRAIN, TEST = dict(phase=caffe.TRAIN), dict(phase=caffe.TEST)
WEIGHT, BIAS = dict(lr_mult=1, decay_mult=1), dict(lr_mult=2, decay_mult=0)
GAUSSIAN, ZERO = dict(type="gaussian", std=0.01), dict(type="constant", value=0)


def resnet50():
    """Return the net."""
    n = caffe.NetSpec()
    n.data = L.Input(shape=dict(dim=[1, 3, 224, 224]))
    n.label = L.Input(shape=dict(dim=1), include=TRAIN)
    top = conv(n, "conv1", n.data, 64, kernel_size=7, stride=2, pad=3)
    n.pool1 = top = L.Pooling(top, pool=P.Pooling.MAX, kernel_size=3, stride=2)
    for stage, (channels, blocks) in enumerate(STAGES, 2):
        for block in blocks:
            stride = {"stride": 2} if stage > 2 and block == "a" else {}
            top = residual(n, f"res{stage}{block}", top, channels, block == "a", **stride)
    n.pool5 = L.Pooling(top, pool=P.Pooling.AVE, global_pooling=True)
    starts = dict(weight_filler=GAUSSIAN, bias_filler=ZERO)
    n.fc1000 = L.InnerProduct(n.pool5, num_output=1000, param=[WEIGHT, BIAS], **starts)
    n.loss = L.SoftmaxWithLoss(n.fc1000, n.label, loss_weight=1, include=TRAIN)
    n.prob = L.Softmax(n.fc1000, include=TEST)
    return n.to_proto()


def residual(n, name, bottom, channels, project, **stride):
    """Return a blob with what three convolutions add to it."""
    with n.scope(f"{name}_"):
        shortcut = conv(n, "branch1", bottom, 4 * channels, False, **stride) if project else bottom
        top = conv(n, "branch2a", bottom, channels, **stride)
        top = conv(n, "branch2b", top, channels, kernel_size=3, pad=1)
        top = conv(n, "branch2c", top, 4 * channels, False, scale=0.2)
    n[name] = top = L.Eltwise(shortcut, top)
    n[f"{name}/relu"] = top = L.ReLU(top, in_place=True)
    return top


def conv(n, name, bottom, num_output, rectify=True, scale=1, kernel_size=1, **window):
    """Return a convolution, normalised; each channel begins at a scale."""
    window |= dict(num_output=num_output, kernel_size=kernel_size, bias_term=False)
    n[name] = top = L.Convolution(bottom, param=WEIGHT, weight_filler=dict(type="msra"), **window)
    n[f"{name}/bn"] = top = L.BatchNorm(top, in_place=True)
    filler = dict(type="constant", value=scale)
    n[f"{name}/scale"] = top = L.Scale(top, in_place=True, bias_term=True, filler=filler)
    if rectify:
        n[f"{name}/relu"] = top = L.ReLU(top, in_place=True)
    return top


if __name__ == "__main__":
    print('name: "ResNet-50"', resnet50(), sep="\n")

"""LeNet for MNIST, to train and to test: the net of examples/mnist/lenet_train_test.prototxt."""

from __future__ import annotations

from typing import Any

import caffe
from caffe import layers as L
from caffe import params as P

LEARN = {
    "param": [dict(lr_mult=1), dict(lr_mult=2)],
    "weight_filler": dict(type="xavier"),
    "bias_filler": dict(type="constant"),
}


def lenet(folder: str = "examples/mnist") -> Any:
    """Return the net, which reads databases in a folder."""

    def mnist(name: str, phase: int, batch_size: int, **options: Any) -> Any:
        return L.Data(
            name="mnist",
            include=dict(phase=phase),
            transform_param=dict(scale=1 / 256),
            source=f"{folder}/mnist_{name}_lmdb",
            batch_size=batch_size,
            backend=P.Data.LMDB,
            **options,
        )

    n = caffe.NetSpec()
    n.data, n.label = mnist("train", caffe.TRAIN, 64, ntop=2)
    n.test = mnist("test", caffe.TEST, 100, ntop=0, top=["data", "label"])  # in the first's place
    n.conv1 = L.Convolution(n.data, num_output=20, kernel_size=5, **LEARN)
    n.pool1 = L.Pooling(n.conv1, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.conv2 = L.Convolution(n.pool1, num_output=50, kernel_size=5, **LEARN)
    n.pool2 = L.Pooling(n.conv2, pool=P.Pooling.MAX, kernel_size=2, stride=2)
    n.ip1 = L.InnerProduct(n.pool2, num_output=500, **LEARN)
    n.relu1 = L.ReLU(n.ip1, in_place=True)
    n.ip2 = L.InnerProduct(n.relu1, num_output=10, **LEARN)
    n.accuracy = L.Accuracy(n.ip2, n.label, include=dict(phase=caffe.TEST))
    n.loss = L.SoftmaxWithLoss(n.ip2, n.label)
    return n.to_proto()


if __name__ == "__main__":
    print('name: "LeNet"', lenet(), sep="\n")

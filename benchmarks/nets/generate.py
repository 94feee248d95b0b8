"""Write the definitions of the long nets: ``python -m benchmarks.nets.generate``.

They are the nets of the papers, with the layers that their authors published for Caffe. Weights
start at random; where that lets activations grow from block to block, a smaller start keeps them
near 1, so that a comparison of outputs says something.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from benchmarks.nets.growing import Growing

XAVIER = {"type": "xavier"}
SMALL = {"type": "gaussian", "std": 0.01}


def caffenet() -> str:
    """Krizhevsky et al., "ImageNet classification with deep convolutional neural networks", 2012.

    As Caffe's reference model has it: for one machine, and normalised after pooling.
    """
    net = Growing("CaffeNet", 3, 227, 227)
    wide = {"type": "gaussian", "std": 0.005}

    def norm(number: int, top: str) -> str:
        return net.lrn(f"norm{number}", net.max_pool(f"pool{number}", net.relu(top), 3, 2))

    top = norm(1, net.conv("conv1", "data", 96, 11, stride=4, filler=SMALL))
    top = norm(2, net.conv("conv2", top, 256, 5, pad=2, group=2, bias=1, filler=SMALL))
    top = net.relu(net.conv("conv3", top, 384, 3, pad=1, filler=SMALL))
    top = net.relu(net.conv("conv4", top, 384, 3, pad=1, group=2, bias=1, filler=SMALL))
    top = net.relu(net.conv("conv5", top, 256, 3, pad=1, group=2, bias=1, filler=SMALL))
    top = net.max_pool("pool5", top, 3, 2)
    for name in ("fc6", "fc7"):
        top = net.relu(net.inner_product(name, top, 4096, bias=1, filler=wide))
        top = net.dropout(top, 0.5)
    return net.finish(net.inner_product("fc8", top, 1000, filler=SMALL))


def vgg16() -> str:
    """Simonyan and Zisserman, "Very deep convolutional networks", 2014: configuration D."""
    net = Growing("VGG-16", 3, 224, 224)
    top = "data"
    for block, (convs, channels) in enumerate(
        ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)), start=1
    ):
        for index in range(1, convs + 1):
            top = net.relu(net.conv(f"conv{block}_{index}", top, channels, 3, pad=1))
        top = net.max_pool(f"pool{block}", top, 2, 2)
    for name in ("fc6", "fc7"):
        top = net.dropout(net.relu(net.inner_product(name, top, 4096)), 0.5)
    return net.finish(net.inner_product("fc8", top, 1000, filler=SMALL))


def googlenet() -> str:
    """Szegedy et al., "Going deeper with convolutions", 2014, with both auxiliary losses."""
    net = Growing("GoogLeNet", 3, 224, 224)

    def conv(name: str, bottom: str, outputs: int, kernel: int, **options: int) -> str:
        return net.relu(net.conv(name, bottom, outputs, kernel, bias=0.2, filler=XAVIER, **options))

    def inception(name: str, bottom: str, *outputs: int) -> str:
        one, three_reduce, three, five_reduce, five, pool = outputs
        name = f"inception_{name}"
        reduced_3 = conv(f"{name}/3x3_reduce", bottom, three_reduce, 1)
        reduced_5 = conv(f"{name}/5x5_reduce", bottom, five_reduce, 1)
        pooled = net.max_pool(f"{name}/pool", bottom, 3, 1, pad=1)
        return net.concat(
            f"{name}/output",
            conv(f"{name}/1x1", bottom, one, 1),
            conv(f"{name}/3x3", reduced_3, three, 3, pad=1),
            conv(f"{name}/5x5", reduced_5, five, 5, pad=2),
            conv(f"{name}/pool_proj", pooled, pool, 1),
        )

    def auxiliary(number: int, bottom: str) -> None:
        name = f"loss{number}"
        with net.only("TRAIN"):
            top = conv(f"{name}/conv", net.mean_pool(f"{name}/ave_pool", bottom, 5, 3), 128, 1)
            top = net.inner_product(f"{name}/fc", top, 1024, bias=0.2, filler=XAVIER)
            top = net.dropout(net.relu(top), 0.7)
            top = net.inner_product(f"{name}/classifier", top, 1000, filler=XAVIER)
            net.loss(f"{name}/loss", top, 0.3)

    top = conv("conv1/7x7_s2", "data", 64, 7, stride=2, pad=3)
    top = net.lrn("pool1/norm1", net.max_pool("pool1/3x3_s2", top, 3, 2))
    top = conv("conv2/3x3_reduce", top, 64, 1)
    top = net.lrn("conv2/norm2", conv("conv2/3x3", top, 192, 3, pad=1))
    top = net.max_pool("pool2/3x3_s2", top, 3, 2)
    top = inception("3a", top, 64, 96, 128, 16, 32, 32)
    top = inception("3b", top, 128, 128, 192, 32, 96, 64)
    top = net.max_pool("pool3/3x3_s2", top, 3, 2)
    top = inception("4a", top, 192, 96, 208, 16, 48, 64)
    auxiliary(1, top)
    top = inception("4b", top, 160, 112, 224, 24, 64, 64)
    top = inception("4c", top, 128, 128, 256, 24, 64, 64)
    top = inception("4d", top, 112, 144, 288, 32, 64, 64)
    auxiliary(2, top)
    top = inception("4e", top, 256, 160, 320, 32, 128, 128)
    top = net.max_pool("pool4/3x3_s2", top, 3, 2)
    top = inception("5a", top, 256, 160, 320, 32, 128, 128)
    top = inception("5b", top, 384, 192, 384, 48, 128, 128)
    top = net.dropout(net.mean_pool("pool5/7x7_s1", top, 7, 1), 0.4)
    return net.finish(net.inner_product("loss3/classifier", top, 1000, filler=XAVIER))


def resnet50() -> str:
    """He et al., "Deep residual learning for image recognition", 2015."""
    net = Growing("ResNet-50", 3, 224, 224)

    def conv(name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, factor: float = 1):
        pad = kernel // 2
        top = net.conv(name, bottom, outputs, kernel, stride=stride, pad=pad, bias=None)
        return net.batch_norm(top, factor=factor)

    def block(name: str, bottom: str, channels: int, stride: int, project: bool) -> str:
        shortcut = bottom
        if project:
            shortcut = conv(f"{name}_branch1", bottom, 4 * channels, 1, stride)
        top = net.relu(conv(f"{name}_branch2a", bottom, channels, 1, stride))
        top = net.relu(conv(f"{name}_branch2b", top, channels, 3))
        top = conv(f"{name}_branch2c", top, 4 * channels, 1, factor=0.2)
        return net.relu(net.add("Eltwise", name, (shortcut, top)))

    top = net.max_pool("pool1", net.relu(conv("conv1", "data", 64, 7, stride=2)), 3, 2)
    for stage, blocks in enumerate((3, 4, 6, 3)):
        for index in range(blocks):
            stride = 2 if stage and not index else 1
            name = f"res{stage + 2}{'abcdef'[index]}"
            top = block(name, top, 64 << stage, stride, project=not index)
    top = net.mean_pool("pool5", top)
    return net.finish(net.inner_product("fc1000", top, 1000, filler=SMALL))


def squeezenet() -> str:
    """Iandola et al., "SqueezeNet", 2016, in its version 1.1."""
    net = Growing("SqueezeNet 1.1", 3, 227, 227)

    def fire(number: int, bottom: str, squeeze: int, expand: int) -> str:
        name = f"fire{number}"
        top = net.relu(net.conv(f"{name}/squeeze1x1", bottom, squeeze, 1))
        return net.concat(
            f"{name}/concat",
            net.relu(net.conv(f"{name}/expand1x1", top, expand, 1)),
            net.relu(net.conv(f"{name}/expand3x3", top, expand, 3, pad=1)),
        )

    top = net.max_pool("pool1", net.relu(net.conv("conv1", "data", 64, 3, stride=2)), 3, 2)
    top = net.max_pool("pool3", fire(3, fire(2, top, 16, 64), 16, 64), 3, 2)
    top = net.max_pool("pool5", fire(5, fire(4, top, 32, 128), 32, 128), 3, 2)
    top = fire(7, fire(6, top, 48, 192), 48, 192)
    top = net.dropout(fire(9, fire(8, top, 64, 256), 64, 256), 0.5)
    top = net.relu(net.conv("conv10", top, 1000, 1, filler=SMALL))
    return net.finish(net.mean_pool("pool10", top))


def mobilenet() -> str:
    """Howard et al., "MobileNets", 2017: version 1, of width 1."""
    net = Growing("MobileNet v1", 3, 224, 224)

    def conv(name: str, bottom: str, outputs: int, kernel: int, stride: int = 1, group: int = 1):
        pad = kernel // 2
        top = net.conv(
            name, bottom, outputs, kernel, stride=stride, pad=pad, group=group, bias=None
        )
        return net.relu(net.batch_norm(top))

    top, channels = conv("conv1", "data", 32, 3, stride=2), 32
    outputs = (64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    strides = (1, 2, 1, 2, 1, 2, *[1] * 5, 2, 1)
    for index, (wanted, stride) in enumerate(zip(outputs, strides, strict=True), start=2):
        top = conv(f"conv{index}/dw", top, channels, 3, stride, group=channels)
        top, channels = conv(f"conv{index}/sep", top, wanted, 1), wanted
    top = net.mean_pool("pool", top)
    return net.finish(net.inner_product("fc", top, 1000, filler=SMALL))


GENERATED: tuple[Callable[[], str], ...] = (
    caffenet,
    vgg16,
    googlenet,
    resnet50,
    squeezenet,
    mobilenet,
)


def main() -> None:
    """Write each definition beside this file."""
    for definition in GENERATED:
        path = Path(__file__).with_name(f"{definition.__name__}.prototxt")
        path.write_text(definition())


if __name__ == "__main__":
    main()

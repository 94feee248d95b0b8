"""The families that the index sorts layer types into, and their order in it."""

from __future__ import annotations

FAMILIES = {
    "Data": (
        *("Data", "ImageData", "HDF5Data", "WindowData", "MemoryData", "DummyData", "Input"),
        *("Parameter", "HDF5Output"),
    ),
    "Images": ("Convolution", "Deconvolution", "Pooling", "SPP", "Crop", "Im2col"),
    "Linear": ("InnerProduct", "Embed", "Scale", "Bias"),
    "Recurrent": ("LSTM", "LSTMUnit", "RNN"),
    "Normalisation": ("BatchNorm", "LRN", "MVN", "Softmax"),
    "Activations": (
        *("ReLU", "PReLU", "ELU", "BNLL", "Swish", "Sigmoid", "TanH", "Threshold", "Clip"),
        *("Dropout", "AbsVal", "Power", "Exp", "Log"),
    ),
    "Combining and rearranging": (
        *("Concat", "Slice", "Split", "Eltwise", "Reduction", "ArgMax", "Reshape", "Flatten"),
        *("Tile", "BatchReindex", "Filter", "Silence", "Python"),
    ),
    "Losses and measures": (
        *("SoftmaxWithLoss", "InfogainLoss", "MultinomialLogisticLoss", "SigmoidCrossEntropyLoss"),
        *("HingeLoss", "EuclideanLoss", "ContrastiveLoss", "Accuracy"),
    ),
    "Beside those of Caffe 1.0": (
        *("GELU", "HardSigmoid", "Maxout", "Mish", "ReLU6", "GroupNorm", "LayerNorm"),
    ),
}

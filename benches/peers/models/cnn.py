"""MobileNetV2 and ResNet-50, batch normalization already folded into the convolutions."""

import numpy
from graph import F32, Graph, value

PIXELS = ("input", 1, ["N", 3, 224, 224])
LOGITS = ("logits", 1, ["N", 1000])


def conv(g, x, inputs, outputs, size, stride=1, groups=1, activation=None, gain=2.0):
    deviation = numpy.sqrt(gain / (inputs // groups * size * size))
    w = g.weight(g.normal(outputs, inputs // groups, size, size, scale=deviation))
    b = g.weight(g.normal(outputs, scale=0.05))
    pads = [size // 2] * 4
    y = g.op(
        "Conv", [x, w, b], kernel_shape=[size, size], strides=[stride, stride],
        pads=pads, group=groups, dilations=[1, 1],
    )  # fmt: skip
    if activation == "relu6":
        return g.op("Clip", [y, g.low, g.high])
    return g.op("Relu", [y]) if activation == "relu" else y


def classify(g, x, channels):
    x = g.op("Flatten", [g.op("GlobalAveragePool", [x])], axis=1)
    w = g.weight(g.normal(1000, channels, scale=0.05))
    g.op("Gemm", [x, w, g.weight(numpy.zeros(1000, F32))], ["logits"], transB=1)


def mobilenet_v2(path):
    g = Graph(1)
    g.low, g.high = g.scalar(0), g.scalar(6)
    x, channels = conv(g, "input", 3, 32, 3, 2, activation="relu6"), 32
    # Expansion, channels, blocks, stride.
    plan = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]
    for expansion, outputs, blocks, stride in plan:
        for block in range(blocks):
            s, hidden, y = stride if block == 0 else 1, channels * expansion, x
            if expansion != 1:
                y = conv(g, y, channels, hidden, 1, activation="relu6")
            y = conv(g, y, hidden, hidden, 3, s, hidden, activation="relu6")
            y = conv(g, y, hidden, outputs, 1, gain=1.0)
            x = g.op("Add", [x, y]) if s == 1 and channels == outputs else y
            channels = outputs
    classify(g, conv(g, x, 320, 1280, 1, activation="relu6"), 1280)
    g.save(path, [value(*PIXELS)], [value(*LOGITS)], 13)


def resnet50(path):
    g = Graph(2)
    x = conv(g, "input", 3, 64, 7, 2, activation="relu")
    x = g.op("MaxPool", [x], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    channels = 64
    for hidden, blocks, stride in [(64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)]:
        for block in range(blocks):
            s = stride if block == 0 else 1
            y = conv(g, x, channels, hidden, 1, activation="relu")
            y = conv(g, y, hidden, hidden, 3, s, activation="relu")
            y = conv(g, y, hidden, 4 * hidden, 1, gain=0.3)
            if block == 0:
                x = conv(g, x, channels, 4 * hidden, 1, s, gain=1.0)
            x, channels = g.op("Relu", [g.op("Add", [x, y])]), 4 * hidden
    classify(g, x, 2048)
    g.save(path, [value(*PIXELS)], [value(*LOGITS)], 13)

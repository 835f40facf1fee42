"""Golden values of the optimisers, losses and activations that tests/golden/ops lacks, by PyTorch in float64.

usage: python generate.py [OUT_DIR]

Needs torch, numpy and safetensors. Files as in tests/golden/ops: one safetensors file a case; float32 inputs (`in.*`),
float64 outputs and gradients (`out.*`, `grad.*`); the metadata key `case` holds JSON with `op`, `params` (settings by the
names that recipes give them) and `f32_error`, the largest error of PyTorch's own float32 run, for each expected tensor.
"""
import json
import pathlib
import sys

import numpy as np
import torch
from safetensors.numpy import save_file

OUT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)


def numbers(generator, *shape, scale=1.0):
    """Numbers that float32 holds exactly, so that both runs have the same."""
    return (torch.randn(*shape, generator=generator, dtype=torch.float64) * scale).to(torch.float32)


def save(name, op, params, inputs, compute):
    wide, narrow = (compute({k: t.to(dtype) for k, t in inputs.items()}) for dtype in (torch.float64, torch.float32))
    error = {key: float((wide[key] - narrow[key].to(torch.float64)).abs().nan_to_num(0.0).max()) for key in wide}
    arrays = {key if "." in key else f"in.{key}": t.numpy().astype(np.float32) for key, t in inputs.items()}
    arrays |= {key: np.ascontiguousarray(t.numpy().astype(np.float64)) for key, t in wide.items()}
    case = {"op": op, "params": params, "f32_error": error}
    save_file(arrays, OUT / f"{name}.safetensors", metadata={"case": json.dumps(case)})


def optimizer(name, make, params, generator, scale=1.0):
    """Parameters after each of five updates by given gradients."""

    def compute(inputs):
        theta = inputs["parameter"].clone().requires_grad_(True)
        optimizer, steps = make([theta]), []
        for gradient in inputs["gradients"]:
            theta.grad = gradient.clone()
            optimizer.step()
            steps.append(theta.detach().clone())
        return {"out.parameters": torch.stack(steps)}

    inputs = {"parameter": numbers(generator, 301), "gradients": numbers(generator, 5, 301, scale=scale)}
    save(f"optimizer_{name}", name.split("_")[0], params, inputs, compute)


def huber(name, delta, shape, generator):
    def compute(inputs):
        prediction = inputs["prediction"].clone().requires_grad_(True)
        loss = torch.nn.HuberLoss(delta=delta)(prediction, inputs["target"])
        loss.backward()
        return {"out.loss": loss.detach().reshape(1), "grad.prediction": prediction.grad}

    inputs = {"prediction": numbers(generator, *shape, scale=2.0), "target": numbers(generator, *shape)}
    save(f"loss_huber_{name}", "huber", {"delta": delta}, inputs, compute)


def activation(name, function, x):
    def compute(inputs):
        x = inputs["x"].clone().requires_grad_(True)
        y = function(x)
        y.backward(inputs["up.y"])
        return {"out.y": y.detach(), "grad.x": x.grad}

    dy = numbers(torch.Generator().manual_seed(1), *x.shape)
    save(f"activation_{name}", name.split("_")[0], {}, {"x": x, "up.y": dy}, compute)


def main():
    generator = torch.Generator().manual_seed(0)
    rmsprop = torch.optim.RMSprop
    optimizer("rmsprop", lambda q: rmsprop(q, lr=0.01), {"lr": 0.01}, generator)
    optimizer(
        "rmsprop_momentum",
        lambda q: rmsprop(q, lr=0.01, alpha=0.9, eps=1e-3, momentum=0.9),
        {"lr": 0.01, "alpha": 0.9, "eps": 1e-3, "momentum": 0.9},
        generator,
    )
    optimizer(
        "rmsprop_l2",
        lambda q: rmsprop(q, lr=0.01, weight_decay=0.1),
        {"lr": 0.01, "weight_decay": 0.1},
        generator,
    )
    # Gradients as small as eps, which then is a part of every step.
    optimizer("rmsprop_small", lambda q: rmsprop(q, lr=0.01), {"lr": 0.01}, generator, scale=1e-8)
    huber("plain", 1.0, (23, 4), generator)
    huber("narrow", 0.25, (40, 3), generator)
    huber("wide", 10.0, (7, 1), generator)
    hardswish = torch.nn.functional.hardswish
    activation("hardswish", hardswish, numbers(generator, 37, 11, scale=3.0))
    ends = torch.tensor([[-3.0, 3.0, 0.0, -0.0, 1e30, -1e30, 2.9999998, -2.9999998]])
    activation("hardswish_extreme", hardswish, ends)


if __name__ == "__main__":
    main()

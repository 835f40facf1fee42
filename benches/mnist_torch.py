#!/usr/bin/env python3
"""MNIST by PyTorch on the CPU, as wgrad trains it with

  wgrad train mnist --layers "linear 512, batch_norm, relu, dropout 0.2, linear 256, batch_norm, relu, dropout 0.2, linear" \\
    --batch 128 --epochs 3 --schedule one_cycle --lr 0.2 --validation 0 --device cpu

usage: mnist_torch.py FOLDER [SEED]      FOLDER: with the four gzipped IDX files

Prints one JSON line: test accuracy, seconds of training, and seconds from the start of the process to the accuracy.
"""
import gzip
import json
import sys
import time

UP = float(open("/proc/uptime").read().split()[0])
STARTED = int(open("/proc/self/stat").read().rsplit(")", 1)[1].split()[19]) / 100
BEGUN = time.perf_counter() - (UP - STARTED)

import numpy
import torch
from torch import nn

BATCH, EPOCHS = 128, 3


def read(folder, name, skip):
    with gzip.open(f"{folder}/{name}.gz") as file:
        return numpy.frombuffer(file.read(), numpy.uint8, offset=skip)


def part(folder, name):
    images = read(folder, f"{name}-images-idx3-ubyte", 16).reshape(-1, 784)
    labels = read(folder, f"{name}-labels-idx1-ubyte", 8)
    return torch.from_numpy(images.astype(numpy.float32) / 255), torch.from_numpy(labels.astype(numpy.int64))


def block(inputs, outputs):
    return [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.2)]


folder = sys.argv[1]
torch.manual_seed(int(sys.argv[2]) if len(sys.argv) > 2 else 0)
x, y = part(folder, "train")
net = nn.Sequential(*block(784, 512), *block(512, 256), nn.Linear(256, 10))
for layer in net:
    if isinstance(layer, nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
steps = EPOCHS * -(-len(x) // BATCH)
optimizer = torch.optim.SGD(net.parameters(), lr=0.2, momentum=0.9, weight_decay=1e-4)
schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=steps, cycle_momentum=False)
began = time.perf_counter()
for _ in range(EPOCHS):
    for rows in torch.randperm(len(x)).split(BATCH):
        optimizer.zero_grad(set_to_none=True)
        nn.functional.cross_entropy(net(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
trained = time.perf_counter() - began
net.eval()
x, y = part(folder, "t10k")
with torch.no_grad():
    accuracy = (net(x).argmax(1) == y).float().mean().item()
print(json.dumps({
    "peer": f"torch-{torch.__version__}",
    "accuracy": round(accuracy, 4),
    "train_s": round(trained, 2),
    "from_start_s": round(time.perf_counter() - BEGUN, 2),
}))

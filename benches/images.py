"""wgrad beside PyTorch on convolutional networks, in turn: samples per second, and the ratio of the medians.

usage: python images.py WGRAD [ROUNDS] [SECONDS] [DEVICE]

Each round measures wgrad, then PyTorch (eager, with the fused optimiser) with images as [channels, height, width] and with
`channels_last`, on the networks `w5` (batch 64) and `resnet20` (batch 128) of `wgrad bench`: float32, random images of 3x32x32.
The ratio is that to the better of PyTorch's two forms.
"""
import resource
import statistics
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

from networks import wgrad_rate

ROWS = 5_120


def w5():
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 8 * 8, 10),
    )  # fmt: skip


class Block(nn.Module):
    """A block of He et al. 2016, section 4.2: where its width changes, the shortcut takes every other pixel and pads channels."""

    def __init__(self, given, width, stride):
        super().__init__()
        self.stride, self.more = stride, width - given
        self.body = nn.Sequential(
            nn.Conv2d(given, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width),
        )  # fmt: skip

    def forward(self, x):
        short = x[:, :, :: self.stride, :: self.stride]
        before = self.more // 2
        return F.relu(self.body(x) + F.pad(short, (0, 0, 0, 0, before, self.more - before)))


def resnet20():
    layers, given = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()], 16
    for width in (16, 32, 64):
        for i in range(3):
            layers.append(Block(given, width, 2 if i == 0 and width > 16 else 1))
            given = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


WORKS = {"w5": (w5, 64), "resnet20": (resnet20, 128)}


def torch_rate(work, seconds, channels_last, x, y):
    make, batch = WORKS[work]
    model = make()
    if channels_last:
        model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, fused=True)

    def step(i):
        at = i * batch % ROWS
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(x[at : at + batch]), y[at : at + batch])
        loss.backward()
        optimizer.step()

    for i in range(5):
        step(i)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step(done)
        done += 1
    return done * batch / (time.perf_counter() - start)


def main():
    program = sys.argv[1]
    rounds, seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 3, float(sys.argv[3]) if len(sys.argv) > 3 else 3.0
    device = sys.argv[4] if len(sys.argv) > 4 else "cpu"
    torch.manual_seed(42)
    x, y = torch.rand(ROWS, 3, 32, 32), torch.randint(0, 10, (ROWS,))
    for work in WORKS:
        all_rates = []
        for _ in range(rounds):
            ours = wgrad_rate(program, work, seconds, device)
            all_rates.append((ours, *(torch_rate(work, seconds, last, x, y) for last in (False, True))))
        ours, first, last = ([rates[i] for rates in all_rates] for i in range(3))
        better = max(statistics.median(first), statistics.median(last))
        spread = sorted(a / max(b, c) for a, b, c in all_rates)
        print(
            f"{work:10} wgrad {statistics.median(ours):7.0f}  torch {statistics.median(first):7.0f}  "
            f"channels_last {statistics.median(last):7.0f} samples/s  "
            f"ratio {statistics.median(ours) / better:.2f} ({spread[0]:.2f} to {spread[-1]:.2f})",
            flush=True,
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of PyTorch: {peak:.0f} MiB")


if __name__ == "__main__":
    main()

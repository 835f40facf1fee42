"""wgrad beside PyTorch on networks of the sizes of w1, in turn: samples per second, and the ratio of the medians.

usage: python networks.py WGRAD [ROUNDS] [SECONDS] [DEVICE]

Each round measures wgrad and then PyTorch (eager, with the fused optimiser) on each network: those of `wgrad bench`, float32,
batch 128, 60,000 rows of random floats in memory.
"""
import json
import statistics
import subprocess
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH, ROWS, SIZES = 128, 60_000, (784, 256, 128, 10)


class Maxout(nn.Module):
    def forward(self, x):
        return x.view(x.shape[0], -1, 2).max(dim=2).values


BEHIND = {
    "w1": (lambda n: [nn.BatchNorm1d(n), nn.ReLU(), nn.Dropout(0.5)], 1, False),
    "gelu_adam": (lambda n: [nn.BatchNorm1d(n), nn.GELU(), nn.Dropout(0.5)], 1, True),
    "tanh": (lambda n: [nn.Tanh()], 1, False),
    "relu_adam": (lambda n: [nn.ReLU()], 1, True),
    "maxout": (lambda n: [Maxout(), nn.Dropout(0.5)], 2, False),
}


def torch_rate(work, seconds, x, y):
    behind, pieces, adam = BEHIND[work]
    layers = []
    for a, b in zip(SIZES[:-2], SIZES[1:-1]):
        layers += [nn.Linear(a, b * pieces), *behind(b)]
    model = nn.Sequential(*layers, nn.Linear(SIZES[-2], SIZES[-1]))
    if adam:
        optimizer = torch.optim.Adam(model.parameters(), lr=0.001, fused=True)
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, fused=True)
    batches = ROWS // BATCH

    def steps(first, count):
        for i in range(first, first + count):
            at = i % batches * BATCH
            optimizer.zero_grad(set_to_none=True)
            loss = F.cross_entropy(model(x[at : at + BATCH]), y[at : at + BATCH])
            loss.backward()
            optimizer.step()
        return loss.item()

    steps(0, 50)
    done, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        steps(done, 20)
        done += 20
    return done * BATCH / (time.perf_counter() - start)


def wgrad_rate(program, work, seconds, device):
    command = [program, "bench", work, "--device", device, "--runs", "1", "--seconds", str(seconds), "--json"]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return json.loads(lines[-1])["median"]


def main():
    program = sys.argv[1]
    rounds, seconds = int(sys.argv[2]) if len(sys.argv) > 2 else 5, float(sys.argv[3]) if len(sys.argv) > 3 else 3.0
    device = sys.argv[4] if len(sys.argv) > 4 else "cpu"
    torch.manual_seed(42)
    x, y = torch.rand(ROWS, SIZES[0]), torch.randint(0, SIZES[-1], (ROWS,))
    for work in BEHIND:
        both = [(wgrad_rate(program, work, seconds, device), torch_rate(work, seconds, x, y)) for _ in range(rounds)]
        ours, theirs = ([pair[i] for pair in both] for i in (0, 1))
        spread = sorted(a / b for a, b in both)
        print(
            f"{work:10} wgrad {statistics.median(ours):9.0f}  torch {statistics.median(theirs):9.0f} samples/s  "
            f"ratio {statistics.median(ours) / statistics.median(theirs):.2f} ({spread[0]:.2f} to {spread[-1]:.2f})",
            flush=True,
        )


if __name__ == "__main__":
    main()

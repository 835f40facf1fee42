#!/usr/bin/env python3
"""PyTorch on a CUDA device, on the works of `wgrad bench`, in float32 without TF32; one JSON line for each measurement.

usage: gpu_torch.py [RUNS] [SECONDS] [WORK…]      WORK: w1, w2, w3, gemm [default: w1 w2 gemm]

Each network is measured three times: eager, its step captured as one CUDA graph, and compiled by torch.compile with
mode="max-autotune". `gemm` is torch.mm, so cuBLAS, at 4096 cubed and at the training shapes of W1 and W2.
"""
import json
import statistics
import sys
import time

WORKS = {
    "w1": ([784, 256, 128, 10], 128),
    "w2": ([784, 2048, 2048, 10], 512),
    "w3": ([64, 32, 10], 32),
}
ROWS = 60_000


def fail(what):
    print(f"gpu_torch.py: {what}", file=sys.stderr)
    sys.exit(3)


try:
    import torch
    from torch import nn
    from torch.nn import functional as F
except ImportError as error:
    fail(f"PyTorch is not there: {error}")
if not torch.cuda.is_available():
    fail("PyTorch finds no CUDA device")

DEVICE = "cuda"
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False
torch.set_float32_matmul_precision("highest")
PEER = f"torch-{torch.__version__}"


def rates(run, runs, seconds):
    """Times per second of `run(n)`, which does something n times and does not wait."""

    def chunk(n):
        started = time.perf_counter()
        run(n)
        torch.cuda.synchronize()
        return time.perf_counter() - started

    chunk(3)
    started, n = time.perf_counter(), 1
    while time.perf_counter() - started < min(seconds, 3.0):
        if chunk(n) < 0.1:
            n *= 2
    found = []
    for _ in range(runs):
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            chunk(n)
            done += n
        found.append(done / (time.perf_counter() - started))
    return found


def say(**line):
    print(json.dumps(line), flush=True)


def network(sizes):
    layers = []
    for inputs, outputs in zip(sizes[:-2], sizes[1:-1]):
        layers += [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1])).to(DEVICE)


def stepper(mode, sizes, batch):
    """A function that takes one training step on the next batch."""
    torch.manual_seed(42)
    x, y = torch.rand(ROWS, sizes[0], device=DEVICE), torch.randint(0, sizes[-1], (ROWS,), device=DEVICE)
    net, at = network(sizes), [0]
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4, fused=True)

    def loss_of(rows, targets):
        return F.cross_entropy(net(rows), targets)

    # A graph of its own is the one thing that the second mode has; this one is for the best code.
    loss = torch.compile(loss_of, mode="max-autotune") if mode == "compiled" else loss_of

    def step(rows, targets):
        optimizer.zero_grad(set_to_none=mode != "graph")
        loss(rows, targets).backward()
        optimizer.step()

    def batch_at():
        first = at[0] % (ROWS // batch) * batch
        at[0] += 1
        return x[first : first + batch], y[first : first + batch]

    if mode != "graph":
        return lambda: step(*batch_at())
    rows, targets = (part.clone() for part in batch_at())
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(rows, targets)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step(rows, targets)

    def replay():
        next_rows, next_targets = batch_at()
        rows.copy_(next_rows)
        targets.copy_(next_targets)
        graph.replay()

    return replay


def train(name, runs, seconds):
    sizes, batch = WORKS[name]
    for mode in ("eager", "graph", "compiled"):
        peer = f"{PEER} {mode}"
        try:
            step = stepper(mode, sizes, batch)
            found = rates(lambda n, step=step: [step() for _ in range(n)], runs, seconds)
        except Exception as error:  # A mode that this installation lacks leaves the others.
            print(f"left out: {peer} on {name}: {str(error).splitlines()[0]}", file=sys.stderr)
            continue
        found = [rate * batch for rate in found]
        median = statistics.median(found)
        say(peer=peer, work=name, batch=batch, median=median, runs=found, us_per_step=1e6 * batch / median)


def products(sizes, batch):
    """As `wgrad bench gemmw1` names them: the products of a step, layer by layer."""
    for layer, (inputs, outputs) in enumerate(zip(sizes[:-1], sizes[1:])):
        yield "nt", batch, outputs, inputs
        if layer > 0:
            yield "nn", batch, inputs, outputs
        yield "tn", outputs, inputs, batch


def gemm(runs, seconds):
    all_products = [("gemm4096", ("nn", 4096, 4096, 4096))]
    all_products += [(f"gemm{name}", product) for name in ("w1", "w2") for product in products(*WORKS[name])]
    for work, (form, m, n, k) in all_products:
        a = torch.rand(k, m, device=DEVICE).T if form[0] == "t" else torch.rand(m, k, device=DEVICE)
        b = torch.rand(n, k, device=DEVICE).T if form[1] == "t" else torch.rand(k, n, device=DEVICE)
        c = torch.empty(m, n, device=DEVICE)
        found = rates(lambda count: [torch.mm(a, b, out=c) for _ in range(count)], runs, seconds)
        found = [rate * 2 * m * n * k / 1e9 for rate in found]
        say(peer=f"{PEER} cuBLAS", work=work, product=f"{form} {m}x{n}x{k}", gflops=statistics.median(found), runs=found)


def main():
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 3.0
    for work in sys.argv[3:] or ["w1", "w2", "gemm"]:
        if work == "gemm":
            gemm(runs, seconds)
        elif work in WORKS:
            train(work, runs, seconds)
        else:
            fail(f"there is no work {work!r}: w1, w2, w3 or gemm")


main()

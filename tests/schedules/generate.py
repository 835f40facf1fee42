"""Rates of PyTorch's schedulers, for the test of src/train/schedule.rs: python generate.py > rates.csv"""
import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, ExponentialLR, LambdaLR, OneCycleLR, SequentialLR, StepLR


def rates(text, lr, total, epoch, make, every=1):
    """One line: the scheduler moves on after every `every` steps."""
    optimizer = torch.optim.SGD([torch.zeros(1, dtype=torch.float64)], lr=lr)
    scheduler = make(optimizer)
    out = []
    for step in range(total):
        out.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if (step + 1) % every == 0 and step + 1 < total:
            scheduler.step()
    print(",".join([text, repr(lr), str(total), str(epoch), *(repr(float(rate)) for rate in out)]))


def warm_cosine(warmup, total):
    """The warm-up reaches the whole rate at its last step."""
    def make(optimizer):
        up = LambdaLR(optimizer, lambda t: (t + 1) / warmup)
        return SequentialLR(optimizer, [up, CosineAnnealingLR(optimizer, total - warmup)], [warmup])
    return make


rates("constant", 0.1, 5, 5, lambda o: LambdaLR(o, lambda t: 1.0))
rates("step every=7", 0.1, 30, 10, lambda o: StepLR(o, 7, 0.1))
rates("step every=2epochs factor=0.5", 0.3, 33, 5, lambda o: StepLR(o, 2, 0.5), every=5)
rates("exponential every=1 factor=0.9", 0.05, 40, 10, lambda o: ExponentialLR(o, 0.9))
rates("exponential", 0.05, 40, 10, lambda o: LambdaLR(o, lambda t: 0.95 ** (t / 10)))
rates("exponential every=2epochs factor=0.25", 0.05, 40, 10, lambda o: LambdaLR(o, lambda t: 0.25 ** (t / 20)))
rates("cosine", 0.1, 37, 10, lambda o: CosineAnnealingLR(o, 37))
rates("cosine end=0.01", 0.1, 37, 10, lambda o: CosineAnnealingLR(o, 37, eta_min=0.001))
rates("cosine warmup=5", 0.2, 41, 10, warm_cosine(5, 41))
rates("cosine warmup=2epochs", 0.2, 41, 10, warm_cosine(20, 41))
rates("one_cycle", 0.4, 50, 10, lambda o: OneCycleLR(o, 0.4, total_steps=50))
rates("one_cycle", 0.4, 7, 10, lambda o: OneCycleLR(o, 0.4, total_steps=7))
rates("one_cycle peak=0.25 start=0.1 end=0.001", 1.0, 33, 10,
      lambda o: OneCycleLR(o, 1.0, total_steps=33, pct_start=0.25, div_factor=10, final_div_factor=100))

"""Networks of torch.nn.Sequential: fixtures for the tests, and a check that our files load there.

usage: python sequential.py make NAME OUT_DIR       writes NAME.safetensors (a state_dict) and NAME_io.safetensors (in, out) of
                                                    the network mixed or residual
       python sequential.py check MODEL TABLE.csv   loads a model of ours, strictly, and compares its outputs with those that
                                                    `wgrad predict MODEL TABLE.csv --json` gives on stdin
"""
import csv, json, sys
import torch, torch.nn as nn, torch.nn.functional as F
from safetensors import safe_open
from safetensors.torch import load_file, save_file

MIXED = ["linear 20", "batch_norm", "prelu per_channel=true", "linear 18 bias=false", "tanh", "batch_norm eps=1e-3",
          "linear 24", "maxout 2", "elu 0.7", "dropout 0.4", "linear 16", "gelu", "linear 14", "silu", "prelu", "linear 10",
          "leaky_relu 0.2", "linear 8", "sigmoid", "linear 6", "relu", "linear 5"]
RESIDUAL = ["residual(linear 12; relu)", "linear 20", "residual(batch_norm; relu; linear 16; gelu; linear 20 bias=false)",
            "residual(linear 20; residual(tanh; linear 20 bias=false); batch_norm eps=1e-3)", "residual(silu)", "tanh", "linear 5"]
INPUTS = 12


class Maxout(nn.Module):
    def __init__(self, pieces): super().__init__(); self.pieces = pieces
    def forward(self, x): return x.view(x.shape[0], -1, self.pieces).max(-1).values


class Scale(nn.Module):
    def __init__(self, factor): super().__init__(); self.factor = factor
    def forward(self, x): return x * self.factor


class Residual(nn.Module):
    def __init__(self, body): super().__init__(); self.body = body
    def forward(self, x): return x + self.body(x)


def split(text):
    """The layers of a body: what is separated by `;` outside of parentheses."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == ";" and depth == 0: parts.append("")
        else: parts[-1] += c
    return [part.strip() for part in parts]


def build(layers, width):
    """The layer notation as torch.nn.Sequential, for inference."""
    modules = []
    for text in layers:
        if text.startswith("residual("): modules.append(Residual(build(split(text[len("residual("):-1]), width))); continue
        kind, *rest = text.split()
        values, keys = [r for r in rest if "=" not in r], dict(r.split("=") for r in rest if "=" in r)
        number = float(values[0]) if values else None
        if kind == "linear":
            modules.append(nn.Linear(width, int(number), bias=keys.get("bias", "true") == "true")); width = int(number)
        elif kind == "batch_norm": modules.append(nn.BatchNorm1d(width, eps=float(keys.get("eps", 1e-5))))
        elif kind == "prelu": modules.append(nn.PReLU(width if keys.get("per_channel") == "true" else 1))
        elif kind == "maxout": modules.append(Maxout(int(number))); width //= int(number)
        elif kind == "dropout": modules.append(Scale(1 - number) if keys.get("rule") == "weight_scaling" else nn.Dropout(number))
        elif kind == "leaky_relu": modules.append(nn.LeakyReLU(0.01 if number is None else number))
        elif kind == "elu": modules.append(nn.ELU(1.0 if number is None else number))
        else: modules.append({"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}[kind]())
    return nn.Sequential(*modules)


def make(name, out):
    torch.manual_seed(4)
    layers = {"mixed": MIXED, "residual": RESIDUAL}[name]
    net = build(layers, INPUTS)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.weight, 1, .3); nn.init.normal_(module.bias, 0, .3)
            module.running_mean.normal_(0, .5); module.running_var.uniform_(.3, 2); module.num_batches_tracked.fill_(17)
        if isinstance(module, nn.PReLU): nn.init.uniform_(module.weight, -.2, 1.3)
        if isinstance(module, nn.Linear): nn.init.normal_(module.weight, 0, 1.3 / module.in_features ** .5)
    state = {key: value.clone() for key, value in net.state_dict().items()}
    save_file(state, f"{out}/{name}.safetensors")
    x = torch.randn(33, INPUTS) * 2
    made = {"x": x, "y": net.double().eval()(x.double()).detach()}
    if name == "residual": made |= trained(layers, state, x)
    save_file(made, f"{out}/{name}_io.safetensors", metadata={"layers": json.dumps(layers)})


def trained(layers, state, x):
    """Loss and gradients of a training step, and how far those of a run in float32 are off, of the largest of each."""
    labels, made = torch.arange(len(x)) % 5, {}
    for dtype in (torch.float64, torch.float32):
        net = build(layers, INPUTS); net.load_state_dict(state); net.to(dtype).train()
        loss = F.cross_entropy(net(x.to(dtype)), labels); loss.backward()
        all = {"loss": loss.detach().reshape(1)} | {f"grad.{key}": value.grad for key, value in net.named_parameters()}
        for key, value in all.items():
            if dtype == torch.float64: made[key] = value.clone()
            else: made[f"error.{key}"] = ((value.double() - made[key]).abs().max() / made[key].abs().max()).reshape(1)
    return made | {"labels": labels}


def check(path, table):
    with safe_open(path, "pt") as file: meta = json.loads(file.metadata()["wgrad"])
    width = 1
    for size in meta["input"]: width *= size
    net = build(meta["layers"], width); net.load_state_dict(load_file(path), strict=True)
    names = [column["name"] for column in meta["encoding"]]
    rows = [[float(row[name]) for name in names] for row in csv.DictReader(open(table))]
    numbers = meta["normalize"]
    each = lambda value: torch.tensor(value, dtype=torch.float64)
    x = (torch.tensor(rows, dtype=torch.float64) - each(numbers["offset"])) * each(numbers["factor"])
    logits = net[:-1] if meta["loss"] == "binary_cross_entropy" and meta["layers"][-1] == "sigmoid" else net
    want = logits.double().eval()(x).detach()
    got = torch.tensor([json.loads(line)["logits"] for line in sys.stdin], dtype=torch.float64)
    error = ((got - want).abs().max() / want.abs().max()).item()
    print(f"{len(rows)} rows, largest error {error:.1e} of the largest logit")
    sys.exit(0 if error < 1e-5 else 1)


if __name__ == "__main__": {"make": make, "check": check}[sys.argv[1]](*sys.argv[2:])

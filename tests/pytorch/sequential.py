"""Networks of torch.nn.Sequential: fixtures for the tests, and a check that our files load there.

usage: python sequential.py make NAME OUT_DIR       writes NAME.safetensors (a state_dict) and NAME_io.safetensors (in, out) of
                                                    the network mixed, residual or images
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
IMAGES = ["conv 8 kernel=3 padding=1", "batch_norm", "relu", "max_pool 3 stride=2 padding=1",
          "residual(conv 12 kernel=3 stride=2 padding=1 bias=false; batch_norm; relu; conv 12 kernel=3 padding=1; batch_norm)", "relu",
          "residual(conv 16 kernel=3 padding=1 bias=false; batch_norm) shortcut=pad", "prelu per_channel=true",
          "residual(conv 16 kernel=3 padding=1; tanh; conv 16 kernel=1)", "conv 10 kernel=2 padding=1 dilation=2", "silu",
          "avg_pool 2 ceil_mode=true", "flatten", "linear 9", "tanh", "linear 5"]
NETS = {"mixed": (MIXED, (12,)), "residual": (RESIDUAL, (12,)), "images": (IMAGES, (3, 15, 13))}


class Maxout(nn.Module):
    def __init__(self, pieces): super().__init__(); self.pieces = pieces
    def forward(self, x): return x.view(x.shape[0], -1, self.pieces).max(-1).values


class Scale(nn.Module):
    def __init__(self, factor): super().__init__(); self.factor = factor
    def forward(self, x): return x * self.factor


class Pad(nn.Module):
    """The shortcut without weights: every stride-th pixel, channels of 0 behind."""
    def __init__(self, stride, channels): super().__init__(); self.stride, self.channels = stride, channels
    def forward(self, x):
        x = x[:, :, ::self.stride, ::self.stride]
        return F.pad(x, (0, 0, 0, 0, 0, self.channels - x.shape[1]))


class Residual(nn.Module):
    def __init__(self, body, shortcut=None):
        super().__init__(); self.body = body
        if shortcut is not None: self.shortcut = shortcut
    def forward(self, x): return self.body(x) + (self.shortcut(x) if hasattr(self, "shortcut") else x)


def residual(text, probe):
    inside, rest = text[len("residual("):].rsplit(")", 1)
    body = build(split(inside), probe.shape[1:])
    given = body.eval()(probe)
    if given.shape == probe.shape: return Residual(body)
    stride, channels = -(-probe.shape[2] // given.shape[2]), given.shape[1]
    if "shortcut=pad" in rest: return Residual(body, Pad(stride, channels))
    conv = nn.Conv2d(probe.shape[1], channels, 1, stride, bias=False)
    return Residual(body, nn.Sequential(conv, nn.BatchNorm2d(channels)))


def split(text):
    """The layers of a body: what is separated by `;` outside of parentheses."""
    parts, depth = [""], 0
    for c in text:
        depth += (c == "(") - (c == ")")
        if c == ";" and depth == 0: parts.append("")
        else: parts[-1] += c
    return [part.strip() for part in parts]


def build(layers, shape):
    """The layer notation as torch.nn.Sequential, for inference, on rows of a shape."""
    modules, probe = [], torch.zeros(2, *shape)
    for text in layers:
        modules.append(layer(text, probe))
        probe = modules[-1].eval()(probe)
    return nn.Sequential(*modules)


def layer(text, probe):
    """The module of one layer on inputs like `probe`."""
    if text.startswith("residual("): return residual(text, probe)
    width, modules = probe.shape[1], []
    kind, *rest = text.split()
    values, keys = [r for r in rest if "=" not in r], dict(r.split("=") for r in rest if "=" in r)
    number = float(values[0]) if values else None
    size = lambda key, default: int(keys.get(key, default))
    if kind == "linear": modules.append(nn.Linear(width, int(number), bias=keys.get("bias", "true") == "true"))
    elif kind == "conv":
        modules.append(nn.Conv2d(width, int(number), size("kernel", 1), size("stride", 1), size("padding", 0),
                                 size("dilation", 1), bias=keys.get("bias", "true") == "true"))
    elif kind in ("max_pool", "avg_pool"):
        pool = nn.MaxPool2d if kind == "max_pool" else nn.AvgPool2d
        kernel = int(number or 2)
        modules.append(pool(kernel, size("stride", kernel), size("padding", 0), ceil_mode=keys.get("ceil_mode") == "true"))
    elif kind == "global_avg_pool": modules.append(nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()))
    elif kind == "flatten": modules.append(nn.Flatten())
    elif kind == "batch_norm":
        norm = nn.BatchNorm2d if probe.dim() == 4 else nn.BatchNorm1d
        modules.append(norm(width, eps=float(keys.get("eps", 1e-5))))
    elif kind == "prelu": modules.append(nn.PReLU(width if keys.get("per_channel") == "true" else 1))
    elif kind == "maxout": modules.append(Maxout(int(number)))
    elif kind == "dropout": modules.append(Scale(1 - number) if keys.get("rule") == "weight_scaling" else nn.Dropout(number))
    elif kind == "leaky_relu": modules.append(nn.LeakyReLU(0.01 if number is None else number))
    elif kind == "elu": modules.append(nn.ELU(1.0 if number is None else number))
    else: modules.append({"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU}[kind]())
    return modules[0]


def make(name, out):
    torch.manual_seed(4)
    layers, shape = NETS[name]
    net = build(layers, shape)
    for module in net.modules():
        if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            nn.init.normal_(module.weight, 1, .3); nn.init.normal_(module.bias, 0, .3)
            module.running_mean.normal_(0, .5); module.running_var.uniform_(.3, 2); module.num_batches_tracked.fill_(17)
        if isinstance(module, nn.PReLU): nn.init.uniform_(module.weight, -.2, 1.3)
        if isinstance(module, (nn.Linear, nn.Conv2d)): nn.init.normal_(module.weight, 0, 1.3 / module.weight[0].numel() ** .5)
    state = {key: value.clone() for key, value in net.state_dict().items()}
    save_file(state, f"{out}/{name}.safetensors")
    x = torch.randn(33, *shape) * 2
    made = {"x": x, "y": net.double().eval()(x.double()).detach()}
    if name != "mixed": made |= trained(layers, state, x)
    save_file(made, f"{out}/{name}_io.safetensors", metadata={"layers": json.dumps(layers)})


def trained(layers, state, x):
    """Loss and gradients of a training step, and how far those of a run in float32 are off, of the largest of each."""
    labels, made = torch.arange(len(x)) % 5, {}
    for dtype in (torch.float64, torch.float32):
        net = build(layers, x.shape[1:]); net.load_state_dict(state); net.to(dtype).train()
        loss = F.cross_entropy(net(x.to(dtype)), labels); loss.backward()
        all = {"loss": loss.detach().reshape(1)} | {f"grad.{key}": value.grad for key, value in net.named_parameters()}
        for key, value in all.items():
            if dtype == torch.float64: made[key] = value.clone()
            else: made[f"error.{key}"] = ((value.double() - made[key]).abs().max() / made[key].abs().max()).reshape(1)
    return made | {"labels": labels}


def check(path, table):
    with safe_open(path, "pt") as file: meta = json.loads(file.metadata()["wgrad"])
    net = build(meta["layers"], meta["input"]); net.load_state_dict(load_file(path), strict=True)
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

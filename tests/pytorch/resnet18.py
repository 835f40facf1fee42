"""A network with random weights built and named as torchvision's resnet18, for the test that `WGRAD_RESNET18` turns on.

usage: python resnet18.py make FOLDER     writes the weights, and inputs with logits in float64 for images of 64x64 and 224x224
       python resnet18.py check FILE      loads a file of ours, strictly
"""
import sys

import torch
import torch.nn as nn
from safetensors.torch import load_file, save_file


class Block(nn.Module):
    def __init__(self, given, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(given, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        if stride != 1 or given != width:
            self.downsample = nn.Sequential(nn.Conv2d(given, width, 1, stride, bias=False), nn.BatchNorm2d(width))

    def forward(self, x):
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + (self.downsample(x) if hasattr(self, "downsample") else x)).relu()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64)
        widths = [64, 64, 128, 256, 512]
        for stage in range(1, 5):
            blocks = [Block(widths[stage - 1], widths[stage], 1 if stage == 1 else 2), Block(widths[stage], widths[stage], 1)]
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.fc = nn.Linear(512, 1000)

    def forward(self, x):
        x = nn.functional.max_pool2d(self.bn1(self.conv1(x)).relu(), 3, 2, 1)
        for stage in range(1, 5):
            x = getattr(self, f"layer{stage}")(x)
        return self.fc(x.mean((2, 3)))


def make(folder):
    torch.manual_seed(3)
    net = Net()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, 0, 0.2)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    save_file({name: value.clone() for name, value in net.state_dict().items()}, f"{folder}/resnet18.safetensors")
    for side in (64, 224):
        x = torch.randn(2, 3, side, side)
        y = net.double().eval()(x.double()).detach()
        save_file({"x": x, "y": y}, f"{folder}/resnet18_{side}.safetensors")


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(sys.argv[2])
    else:
        print(Net().load_state_dict(load_file(sys.argv[2]), strict=True))

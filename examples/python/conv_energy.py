"""A convolutional energy of `ebm` in PyTorch: reads its weights, and compares its energies with those that `ebm` wrote."""

import argparse
import json
import re
import sys

import numpy as np
import torch
from safetensors import safe_open
from torch import nn

ACTIVATIONS = {
    "swish": nn.SiLU,
    "relu": nn.ReLU,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "softplus": nn.Softplus,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
}


def activation(name):
    """The module of an activation as `ebm` calls it."""
    slope = re.fullmatch(r"leaky_relu\((.*)\)", name)
    return nn.LeakyReLU(float(slope[1])) if slope else ACTIVATIONS[name]()


class EnergyNet(nn.Module):
    """f(x) = -E(x), one number an image: convolutions, flatten, hidden layer, output.

    `layers` are (channels, kernel, stride, padding); `shape` is channels, height and width of an image.
    """

    def __init__(self, shape, layers, hidden, act):
        super().__init__()
        self.act = activation(act)
        channels = shape[0]
        self.convolutions = nn.ModuleList()
        for outputs, kernel, stride, padding in layers:
            self.convolutions.append(nn.Conv2d(channels, outputs, kernel, stride, padding))
            channels = outputs
        with torch.no_grad():
            features = self.features(torch.zeros(1, *shape)).shape[1]
        self.hidden = nn.Linear(features, hidden)
        self.output = nn.Linear(hidden, 1)

    def features(self, x):
        for convolution in self.convolutions:
            x = self.act(convolution(x))
        return x.flatten(1)

    def forward(self, x):
        return self.output(self.act(self.hidden(self.features(x)))).squeeze(1)

    @classmethod
    def load(cls, path):
        """The network of a file of `ebm export`, which says its architecture."""
        with safe_open(path, "pt") as file:
            said = file.metadata()
            weights = {name: file.get_tensor(name) for name in file.keys()}
        if said["model"] != "conv_net":
            sys.exit(f"{path} holds a {said['model']}, not a conv_net")
        strides, paddings = json.loads(said["strides"]), json.loads(said["paddings"])
        layers = [
            (*weights[f"convolutions.{k}.weight"].shape[0::2], stride, padding)
            for k, (stride, padding) in enumerate(zip(strides, paddings))
        ]
        hidden = weights["hidden.weight"].shape[0]
        net = cls(json.loads(said["shape"]), layers, hidden, said["activation"])
        net.load_state_dict(weights)  # strict: every name and shape has to fit
        return net


# The network of the UvA deep-learning tutorial 8, which is the default of `ebm`.
TUTORIAL = dict(
    shape=[1, 28, 28], layers=[(16, 5, 2, 4), (32, 3, 2, 1), (64, 3, 2, 1), (64, 3, 2, 1)], hidden=64, act="swish"
)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", nargs="?", help=".safetensors of `ebm export`, or .pt of --save")
    parser.add_argument("samples", nargs="?", help=".npz of `ebm sample`, with samples and energies")
    parser.add_argument("--random", type=int, metavar="SEED", help="a network of random weights")
    parser.add_argument("--save", metavar="FILE", help="write the state_dict of the network")
    args = parser.parse_args()

    if args.random is not None:
        torch.manual_seed(args.random)
        net = EnergyNet(**TUTORIAL)
    elif args.weights is None:
        parser.error("pass a file of weights, or --random SEED")
    elif args.weights.endswith(".safetensors"):
        net = EnergyNet.load(args.weights)
    else:
        net = EnergyNet(**TUTORIAL)
        net.load_state_dict(torch.load(args.weights, weights_only=True))
    if args.save:
        torch.save(net.state_dict(), args.save)
        print(f"wrote {args.save}")
    if args.samples is None:
        return

    arrays = np.load(args.samples)
    with torch.no_grad():
        energies = -net(torch.from_numpy(arrays["samples"])).numpy()
    theirs = arrays["energies"]
    difference = np.abs(energies - theirs)
    # Energies cross zero, where the rounding of f32 is no small part of them: the judge is the largest of them.
    relative = difference.max() / np.abs(theirs).max()
    print(f"{len(theirs)} energies from {theirs.min():.6f} to {theirs.max():.6f}")
    print(f"largest difference {difference.max():.2e}, {relative:.2e} of the largest energy")
    print(f"largest difference relative to its own energy {(difference / np.maximum(np.abs(theirs), 1e-12)).max():.2e}")
    if relative > 1e-5:
        sys.exit("the energies differ by more than 1e-5")


if __name__ == "__main__":
    main()

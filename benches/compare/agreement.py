#!/usr/bin/env python3
"""Whether `pytorch.py` and `with_jax.py` compute what our benchmarks do: energies and gradients from the same weights at the
same input."""

import argparse
import importlib.util
import math
import sys

import numpy
import pytorch
import torch
import with_jax
from safetensors.torch import load_file
from torch import nn

# Of the largest magnitude in an array; sums of 784 f32 products differ by about 1e-6.
TOLERANCE = 1e-4

NETWORKS = {
    "mlp_swish": lambda: pytorch.Mlp(784, [512, 512], pytorch.swish),
    "conv_net_swish": lambda: pytorch.ConvNet(pytorch.swish),
    "mlp_leaky_relu": lambda: pytorch.Mlp(784, [512, 512], pytorch.leaky_relu),
    "cifar_net_leaky_relu": lambda: pytorch.CifarNet(pytorch.leaky_relu),
    "resnet_leaky_relu": lambda: pytorch.ResNet(pytorch.leaky_relu),
    "conv_net_leaky_relu": lambda: pytorch.ConvNet(pytorch.leaky_relu),
}

# Our names of the layers, first to last.
LAYERS = {
    "mlp": ["layers.0", "layers.1", "layers.2"],
    "conv_net": [*(f"convolutions.{i}" for i in range(4)), "hidden", "output"],
    "resnet": [
        "stem",
        *(f"transitions.{i}" for i in range(2)),
        *(f"blocks.{i}.{part}" for i in range(3) for part in ["first", "second"]),
        "output",
    ],
    "cifar_net": [*(f"convolutions.{i}" for i in range(4)), "hidden", "output"],
}


HAS_JAX = importlib.util.find_spec("jax") is not None

# Configurations that may have a unit within rounding of the kink of a leaky ReLU. Either slope is right there, but the
# gradient of the whole configuration depends on it; among a million units, one such is likely.
AT_KINK = 4


def difference(name, part, ours, theirs):
    """The largest difference, relative to the largest magnitude; NaN where one isn't finite."""
    if ours.shape != theirs.shape:
        sys.exit(f"{name}, {part}: ours has the shape {list(ours.shape)}, theirs {list(theirs.shape)}")
    if not (ours.isfinite().all() and theirs.isfinite().all()):
        return math.nan
    differences = (ours - theirs).abs().flatten(1) if ours.dim() > 1 else (ours - theirs).abs()[:, None]
    worst = differences.amax(1).sort(descending=True).values
    index = AT_KINK if part.endswith("gradient") and name.endswith("leaky_relu") else 0
    return (worst[index] / theirs.abs().max()).item()


def with_weights(network, name, arrays):
    """The network with our weights; PyTorch keeps those of fully connected layers transposed."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    names = next(names for kind, names in LAYERS.items() if name.startswith(kind))
    state = {}
    for layer, ours in zip(layers, names, strict=True):
        weight, bias = (arrays.pop(f"{name}/weights/{ours}.{part}") for part in ["weight", "bias"])
        state[layer] = (weight.T if isinstance(layer, nn.Linear) else weight, bias)
    with torch.no_grad():
        for layer, (weight, bias) in state.items():
            layer.weight.copy_(weight)
            layer.bias.copy_(bias)
    pytorch.freeze(network)
    return network


def network(name, arrays):
    model = with_weights(NETWORKS[name](), name, arrays)
    x = arrays.pop(f"{name}/input")
    energies, gradient = (arrays.pop(f"{name}/{part}") for part in ["energies", "gradient"])
    yield "energies", energies, -model(x)
    yield "gradient", gradient, pytorch.energy_gradient(model, x.clone())
    if HAS_JAX:
        theirs = jax(model, x)
        yield "JAX's energies", energies, theirs[0]
        yield "JAX's gradient", gradient, theirs[1]


def jax(model, x):
    """Energies and their gradient in JAX, as PyTorch's arrays."""
    energy = with_jax.energy(model)
    x = x.detach().numpy()
    x = with_jax.images(x) if x.ndim == 4 else x
    energies, gradient = (torch.tensor(numpy.asarray(part)) for part in (energy(x), with_jax.gradient(energy)(x)))
    return energies, gradient.permute(0, 3, 1, 2) if gradient.dim() == 4 else gradient


def rbm(name, arrays):
    machine = pytorch.Rbm(784, 500)
    for part in ["weight", "visible_bias", "hidden_bias"]:
        setattr(machine, part, arrays.pop(f"{name}/{part}"))
    data, samples = arrays.pop(f"{name}/data"), arrays.pop(f"{name}/samples")
    fields = machine.field(data), machine.field(samples)
    weight, visible_bias, hidden_bias = machine.gradients(data, samples, *fields)
    theirs = {
        "data_energies": machine.energies(data, fields[0]),
        "sample_energies": machine.energies(samples, fields[1]),
        "weight_gradient": weight,
        "visible_bias_gradient": visible_bias,
        "hidden_bias_gradient": hidden_bias,
    }
    for part, value in theirs.items():
        yield part, arrays.pop(f"{name}/{part}"), value


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", help="what `cargo bench --workspace --bench agreement -- FILE` wrote")
    arrays = load_file(parser.parse_args().file)
    models = {name: network for name in NETWORKS} | {"rbm": rbm}
    failed = False
    for name, parts in models.items():
        differences = {}
        for part, ours, theirs in parts(name, arrays):
            differences[part] = difference(name, part, ours, theirs)
        print(f"{name}: " + ", ".join(f"{part} {value:.1e}" for part, value in differences.items()))
        for part, value in differences.items():
            if not value <= TOLERANCE:
                failed = True
                print(
                    f"{name}, {part}: a difference of {value:.1e} of the largest magnitude, more than {TOLERANCE:.0e}: "
                    "the two sides don't do the same work, and their times can't be compared",
                    file=sys.stderr,
                )
    if arrays:
        sys.exit(f"nothing was compared with {', '.join(sorted(arrays))}")
    sys.exit(failed)


if __name__ == "__main__":
    main()

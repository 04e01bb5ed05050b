#!/usr/bin/env python3
"""The work of our benchmarks in JAX, f32 on the CPU, compiled by XLA (jit): one line each with median and quartiles.

Images lie channels last, which is what XLA's convolutions on the CPU are made for. Weights are those of the modules in
`pytorch.py`, so that both compute the same.
"""

import os

import pytorch
import timing
from pytorch import CHAIN_STEPS, GRADIENT_CLIP, HIGH, LOW, NOISE, STEP_SIZE
from torch import nn


def images(x):
    """Of PyTorch's `[batch, channels, height, width]`: channels last."""
    return x.transpose(0, 2, 3, 1)


def convolve(layer, x):
    from jax import lax

    weight, bias, stride, padding = layer
    pads = [(padding, padding)] * 2
    return lax.conv_general_dilated(x, weight, (stride, stride), pads, dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias


def apply(network, activation, x):
    """f(x) of a list of layers: a matrix with its bias, or a convolution."""
    for index, (kind, layer) in enumerate(network):
        if kind == "convolution":
            x = convolve(layer, x)
        else:
            if x.ndim == 4:
                # The order of PyTorch's flattened maps.
                x = x.transpose(0, 3, 1, 2).reshape(len(x), -1)
            x = x @ layer[0] + layer[1]
        if index + 1 < len(network):
            x = activation(x)
    return x[:, 0]


def apply_resnet(network, activation, x):
    x = convolve(network["stem"], x)
    for stage, (first, second) in enumerate(network["blocks"]):
        if stage > 0:
            x = convolve(network["transitions"][stage - 1], activation(x))
        x = x + convolve(second, activation(convolve(first, activation(x))))
    weight, bias = network["output"]
    return (activation(x).sum((1, 2)) @ weight + bias)[:, 0]


def arrays(layer):
    """A PyTorch layer's weights as they lie here."""
    import jax.numpy as jnp

    weight, bias = (jnp.asarray(part.detach().numpy()) for part in (layer.weight, layer.bias))
    if isinstance(layer, nn.Linear):
        return weight.T, bias
    return weight.transpose(2, 3, 1, 0), bias, layer.stride[0], layer.padding[0]


def energy(module):
    """The energy that a module of `pytorch.py` has, as a function of images or vectors."""
    import jax

    layers = [part for part in module.modules() if isinstance(part, (nn.Linear, nn.Conv2d))]
    is_leaky = any(isinstance(part, nn.LeakyReLU) for part in module.modules())
    activation = (lambda x: jax.nn.leaky_relu(x, 0.05)) if is_leaky else jax.nn.swish
    if isinstance(module, pytorch.ResNet):
        network = {
            "stem": arrays(module.stem),
            "transitions": [arrays(layer) for layer in module.transitions],
            "blocks": [(arrays(block.first), arrays(block.second)) for block in module.blocks],
            "output": arrays(module.output),
        }
        return lambda x: -apply_resnet(network, activation, x)
    network = [("convolution" if isinstance(layer, nn.Conv2d) else "matrix", arrays(layer)) for layer in layers]
    return lambda x: -apply(network, activation, x)


def gradient(energy):
    """dE/dx of each configuration."""
    import jax

    return jax.grad(lambda x: energy(x).sum())


def chains(module, *shape):
    """x <- clamp(x - step * clip(dE/dx) + noise * z), a step as one program: XLA's convolutions in loops are many times slower."""
    import jax
    from jax import random

    slope = gradient(energy(module()))

    @jax.jit
    def step(key, x):
        key, own = random.split(key)
        clipped = slope(x).clip(-GRADIENT_CLIP, GRADIENT_CLIP)
        moved = x + NOISE * random.normal(own, x.shape) - STEP_SIZE * clipped
        return key, moved.clip(LOW, HIGH)

    first = random.key(1)
    start = random.uniform(first, shape, minval=LOW, maxval=HIGH)
    start = images(start) if len(shape) == 4 else start

    def work():
        key, x = first, start
        for _ in range(CHAIN_STEPS):
            key, x = step(key, x)
        x.block_until_ready()

    return work


def convolutions():
    import jax
    from jax import random

    def works(channels, side, maps, kernel, stride, padding):
        def prepare(function):
            key = random.key(1)
            x = random.normal(key, (128, side, side, channels))
            weight = random.normal(key, (kernel, kernel, channels, maps)) * 0.05
            bias = random.normal(key, (maps,))
            compiled = jax.jit(function)
            return lambda: jax.block_until_ready(compiled(x, weight, bias))

        def forward(x, weight, bias):
            return convolve((weight, bias, stride, padding), x)

        def total(*arguments):
            return forward(*arguments).sum()

        name = f"ops/conv2d_{channels}x{side}x{side}_to_{maps}"
        yield name, lambda: prepare(forward)
        yield f"{name}_input_gradient", lambda: prepare(jax.value_and_grad(total))
        yield f"{name}_all_gradients", lambda: prepare(jax.value_and_grad(total, (0, 1, 2)))

    return dict(work for sizes in pytorch.CONVOLUTIONS for work in works(*sizes))


# The modules of `pytorch.py` and the shapes of a batch for them.
NETWORKS = {
    "mlp_swish_128": (lambda: pytorch.Mlp(784, [512, 512], pytorch.swish), (128, 784)),
    "conv_net_swish_128": (lambda: pytorch.ConvNet(pytorch.swish), (128, 1, 28, 28)),
    "mlp_leaky_relu_64": (lambda: pytorch.Mlp(784, [512, 512], pytorch.leaky_relu), (64, 784)),
    "conv_net_leaky_relu_64": (lambda: pytorch.ConvNet(pytorch.leaky_relu), (64, 1, 28, 28)),
    "cifar_net_leaky_relu_128": (lambda: pytorch.CifarNet(pytorch.leaky_relu), (128, 3, 32, 32)),
    "resnet_leaky_relu_128": (lambda: pytorch.ResNet(pytorch.leaky_relu), (128, 3, 32, 32)),
}


def works():
    """Named as the Rust benchmarks are; each value prepares the work and returns it."""
    chain = {
        f"langevin_10_steps/{name}": lambda module=module, shape=shape: chains(module, *shape)
        for name, (module, shape) in NETWORKS.items()
    }
    return chain | convolutions()


def set_threads(threads):
    # XLA takes as many threads as the process may use cores.
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


if __name__ == "__main__":
    timing.main(works(), __doc__, set_threads)

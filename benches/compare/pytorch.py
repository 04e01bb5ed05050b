#!/usr/bin/env python3
"""The work of our benchmarks in PyTorch, f32 on the CPU: one line each with median and quartiles.

Eager mode, unless the environment has PYTORCH_MODE=channels_last (images lie channels last) or PYTORCH_MODE=compiled
(that too, and networks go through torch.compile).
"""

import os

import timing
import torch
from torch import nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

STEP_SIZE = 10.0
NOISE = 0.03
GRADIENT_CLIP = 0.03
LOW, HIGH = -1.0, 1.0
FRESH_FRACTION = 0.05
CHAIN_STEPS = 10


class Mlp(nn.Module):
    """f(x) of an image or vector, one value an example."""

    def __init__(self, inputs, hidden, activation):
        super().__init__()
        widths = [inputs, *hidden]
        layers = [nn.Flatten()]
        for narrow, wide in zip(widths, hidden):
            layers += [nn.Linear(narrow, wide), activation()]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], 1))

    def forward(self, x):
        return self.layers(x).squeeze(1)


class ConvNet(nn.Module):
    """The network of the UvA deep-learning tutorial 8 on 28x28 images."""

    def __init__(self, activation):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 16, 5, stride=2, padding=4),
            activation(),
            nn.Conv2d(16, 32, 3, stride=2, padding=1),
            activation(),
            nn.Conv2d(32, 64, 3, stride=2, padding=1),
            activation(),
            nn.Conv2d(64, 64, 3, stride=2, padding=1),
            activation(),
            nn.Flatten(),
            nn.Linear(256, 64),
            activation(),
            nn.Linear(64, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


class CifarNet(nn.Module):
    """The network of our `cifar10` preset on 32x32 images in colour."""

    def __init__(self, activation):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1),
            activation(),
            nn.Conv2d(64, 128, 4, stride=2, padding=1),
            activation(),
            nn.Conv2d(128, 256, 4, stride=2, padding=1),
            activation(),
            nn.Conv2d(256, 256, 4, stride=2, padding=1),
            activation(),
            nn.Flatten(),
            nn.Linear(4096, 128),
            activation(),
            nn.Linear(128, 1),
        )

    def forward(self, x):
        return self.layers(x).squeeze(1)


class ResidualBlock(nn.Module):
    def __init__(self, width, activation):
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.activation = activation()

    def forward(self, x):
        return x + self.second(self.activation(self.first(self.activation(x))))


class ResNet(nn.Module):
    """Our residual network by default: three stages of a block each, sums over pixels, one output."""

    def __init__(self, activation, channels=3, widths=(32, 64, 128)):
        super().__init__()
        self.stem = nn.Conv2d(channels, widths[0], 3, padding=1)
        self.transitions = nn.ModuleList(
            nn.Conv2d(narrow, wide, 4, stride=2, padding=1) for narrow, wide in zip(widths, widths[1:])
        )
        self.blocks = nn.ModuleList(ResidualBlock(width, activation) for width in widths)
        self.output = nn.Linear(widths[-1], 1)
        self.activation = activation()

    def forward(self, x):
        x = self.blocks[0](self.stem(x))
        for transition, block in zip(self.transitions, list(self.blocks)[1:]):
            x = block(transition(self.activation(x)))
        return self.output(self.activation(x).sum((2, 3))).squeeze(1)


def swish():
    return nn.SiLU()


def leaky_relu():
    return nn.LeakyReLU(0.05)


def uniform(*shape):
    return torch.empty(shape).uniform_(LOW, HIGH)


def energy_gradient(model, x):
    """dE/dx of each configuration, with E = -f."""
    x.requires_grad_(True)
    (gradient,) = torch.autograd.grad(-model(x).sum(), x)
    return gradient


def langevin(model, x, steps):
    """x <- clamp(x - step * clip(dE/dx) + noise * z), with E = -f and parameters that need no gradient."""
    for _ in range(steps):
        gradient = energy_gradient(model, x)
        x = x.detach()
        # In place on the fresh draws and the gradient, which nobody else holds.
        moved = torch.randn_like(x).mul_(NOISE).add_(x)
        x = moved.add_(gradient.clamp_(-GRADIENT_CLIP, GRADIENT_CLIP), alpha=-STEP_SIZE).clamp_(LOW, HIGH)
    return x


def freeze(model):
    """Makes parameters constants, so that a backward pass reaches the input only."""
    model.eval()
    model.requires_grad_(False)


class ReplayBuffer:
    """Chains drawn without replacement, restarted now and then, and written back where they came from."""

    def __init__(self, capacity, *shape):
        self.chains = uniform(capacity, *shape)

    def draw(self, count):
        indices = torch.randperm(len(self.chains))[:count]
        positions = self.chains.index_select(0, indices)
        restart = (torch.rand(count) < FRESH_FRACTION).nonzero().squeeze(1)
        positions[restart] = uniform(len(restart), *positions.shape[1:])
        return indices, positions

    def write_back(self, indices, positions):
        self.chains[indices] = positions


class Trainer:
    """One update as in `benches/training_step.rs`: the same settings in the same order."""

    BATCH = 64
    STEPS = 20
    DATA_NOISE = 0.03
    ALPHA = 0.1
    NORM_LIMIT = 1.0

    def __init__(self, model, capacity, *shape):
        self.model = model
        self.average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.999))
        self.optimizer = torch.optim.Adam(model.parameters(), lr=5e-4, betas=(0.0, 0.999), foreach=True)
        self.buffer = ReplayBuffer(capacity, *shape)
        self.examples = uniform(2048, *shape)
        self.order = torch.randperm(len(self.examples))
        self.position = 0

    def next_batch(self):
        if self.position + self.BATCH > len(self.order):
            self.order = torch.randperm(len(self.examples))
            self.position = 0
        indices = self.order[self.position : self.position + self.BATCH]
        self.position += self.BATCH
        return self.examples.index_select(0, indices)

    def step(self):
        model = self.model
        data = self.next_batch()

        freeze(model)
        indices, start = self.buffer.draw(self.BATCH)
        samples = langevin(model, start, self.STEPS)
        model.requires_grad_(True)
        model.train()

        data = data.add_(torch.randn_like(data), alpha=self.DATA_NOISE).clamp_(LOW, HIGH)
        energies = -model(torch.cat([data, samples]))
        data_energies, sample_energies = energies.split(self.BATCH)
        data_energy, sample_energy = data_energies.mean(), sample_energies.mean()
        squares = data_energies.square().mean() + sample_energies.square().mean()
        loss = data_energy - sample_energy + self.ALPHA * squares

        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), self.NORM_LIMIT, foreach=True)

        with torch.no_grad():
            displacement = (samples - start.detach()).square().mean().sqrt()
            report = torch.stack([loss, data_energy, sample_energy, norm, displacement])
        if not report.isfinite().all():
            raise RuntimeError(f"a step failed: {report.tolist()}")
        self.buffer.write_back(indices, samples)
        self.optimizer.step()
        self.average.update_parameters(model)
        return report.tolist()


# How images lie, and whether networks are compiled.
MODE = os.environ.get("PYTORCH_MODE", "eager")
CHANNELS_LAST = MODE in ("channels_last", "compiled")
COMPILED = MODE == "compiled"


def placed(x):
    """Images as they are to lie in memory; a network with its weights."""
    return x.to(memory_format=torch.channels_last) if CHANNELS_LAST else x


def compiled(model):
    return torch.compile(model) if COMPILED else model


def chains(model, *shape):
    freeze(model)
    model, start = compiled(placed(model)), uniform(*shape)
    start = placed(start) if len(shape) == 4 else start
    return lambda: langevin(model, start.detach(), CHAIN_STEPS)


def replay_buffer():
    buffer = ReplayBuffer(8192, 784)

    def work():
        buffer.write_back(*buffer.draw(128))

    return work


def bernoulli(field):
    """Units that are 1 with probability sigmoid(field)."""
    return torch.bernoulli(torch.sigmoid(field))


class Rbm:
    """Weights [visible, hidden] and biases; gradients by the rule, not by autograd, as one would write it there."""

    BATCH = 128
    RATE = 0.01
    DECAY = 1e-4

    def __init__(self, visible, hidden):
        self.examples = torch.bernoulli(torch.full((2048, visible), 0.1))
        self.weight = torch.randn(visible, hidden) * 0.01
        self.visible_bias = torch.logit(self.examples.mean(0), eps=1e-3)
        self.hidden_bias = torch.zeros(hidden)
        self.chains = torch.bernoulli(torch.full((self.BATCH, visible), 0.5))
        self.order = torch.randperm(len(self.examples))
        self.position = 0

    def next_batch(self):
        if self.position + self.BATCH > len(self.order):
            self.order = torch.randperm(len(self.examples))
            self.position = 0
        indices = self.order[self.position : self.position + self.BATCH]
        self.position += self.BATCH
        return self.examples.index_select(0, indices)

    def field(self, visible):
        return torch.addmm(self.hidden_bias, visible, self.weight)

    def energies(self, visible, field):
        """Free energies."""
        return -(visible @ self.visible_bias + functional.softplus(field).sum(1))

    def gradients(self, data, samples, data_field, sample_field):
        """Of `mean F(data) - mean F(samples)`, with respect to weight, visible and hidden biases."""
        data_hidden, sample_hidden = torch.sigmoid(data_field), torch.sigmoid(sample_field)
        # Down the energy of data, up that of samples.
        weight = (samples.T @ sample_hidden).addmm_(data.T, data_hidden, beta=1, alpha=-1).div_(self.BATCH)
        visible_bias = samples.mean(0) - data.mean(0)
        hidden_bias = sample_hidden.mean(0) - data_hidden.mean(0)
        return weight, visible_bias, hidden_bias

    def step(self):
        """One update of persistent contrastive divergence, one sweep, as in `benches/boltzmann.rs`."""
        data = self.next_batch()
        start = self.chains
        hidden = bernoulli(self.field(start))
        samples = bernoulli(torch.addmm(self.visible_bias, hidden, self.weight.T))

        data_field, sample_field = self.field(data), self.field(samples)
        weight, visible_bias, hidden_bias = self.gradients(data, samples, data_field, sample_field)

        data_energy = self.energies(data, data_field).mean()
        sample_energy = self.energies(samples, sample_field).mean()
        norm = (weight.square().sum() + visible_bias.square().sum() + hidden_bias.square().sum()).sqrt()
        displacement = (samples - start).square().mean().sqrt()
        report = torch.stack([data_energy - sample_energy, data_energy, sample_energy, norm, displacement])
        if not report.isfinite().all():
            raise RuntimeError(f"a step failed: {report.tolist()}")
        self.chains = samples
        self.weight.mul_(1 - self.RATE * self.DECAY).sub_(weight, alpha=self.RATE)
        self.visible_bias.sub_(visible_bias, alpha=self.RATE)
        self.hidden_bias.sub_(hidden_bias, alpha=self.RATE)
        return report.tolist()


def annealed_importance():
    """100 temperatures of 100 chains, hidden units summed out, as in `benches/annealed_importance.rs`."""
    weight = torch.randn(784, 500) * 0.1
    visible_bias = torch.randn(784) - 2.0
    hidden_bias = torch.randn(500)
    betas = [k / 100 for k in range(101)]

    def work():
        visible = torch.bernoulli(torch.full((100, 784), 0.5))
        field = torch.addmm(hidden_bias, visible, weight)
        linear = visible @ visible_bias
        log_weights = torch.zeros(100, dtype=torch.float64)
        for before, beta in zip(betas, betas[1:]):
            hidden = functional.softplus(field * beta) - functional.softplus(field * before)
            log_weights += hidden.sum(1) + (beta - before) * linear
            if beta == 1.0:
                break
            units = bernoulli(field * beta)
            visible = bernoulli(torch.addmm(visible_bias, units, weight.T).mul_(beta))
            field = torch.addmm(hidden_bias, visible, weight)
            linear = visible @ visible_bias
        return float(torch.logsumexp(log_weights, 0))

    return work


def random(*shape):
    return placed(torch.randn(*shape)) if len(shape) == 4 else torch.randn(*shape)


def forward(function, *shape):
    x = random(*shape)
    return lambda: function(x)


def forward_and_gradient(function, *shape):
    """The gradient of the sum of the values, with respect to the input."""
    x = random(*shape).requires_grad_(True)
    return lambda: torch.autograd.grad(function(x).sum(), x)


def coins():
    probabilities = torch.sigmoid(torch.randn(128, 784))
    return lambda: torch.bernoulli(probabilities)


def coins_of_logits():
    logits = torch.randn(128, 784)
    return lambda: bernoulli(logits)


# Channels, side, maps, kernel, stride and padding: the UvA tutorial's, the `cifar10` preset's, a residual network's.
CONVOLUTIONS = [
    (1, 28, 16, 5, 2, 4),
    (16, 16, 32, 3, 2, 1),
    (32, 8, 64, 3, 2, 1),
    (64, 4, 64, 3, 2, 1),
    (3, 32, 64, 3, 1, 1),
    (64, 32, 128, 4, 2, 1),
    (128, 16, 256, 4, 2, 1),
    (256, 8, 256, 4, 2, 1),
    (64, 32, 64, 3, 1, 1),
    (128, 16, 128, 3, 1, 1),
]


def convolutions():
    """Each convolution of 128 images forward, forward and back to the input, and back to all that can be trained."""

    def works(channels, side, maps, kernel, stride, padding):
        shape = (128, channels, side, side)

        def layer(frozen):
            return placed(nn.Conv2d(channels, maps, kernel, stride=stride, padding=padding)).requires_grad_(not frozen)

        def all_gradients():
            convolve, x = layer(False), placed(torch.randn(*shape)).requires_grad_(True)
            return lambda: torch.autograd.grad(convolve(x).sum(), [x, convolve.weight, convolve.bias])

        name = f"ops/conv2d_{channels}x{side}x{side}_to_{maps}"
        yield name, lambda: forward(layer(True), *shape)
        yield f"{name}_input_gradient", lambda: forward_and_gradient(layer(True), *shape)
        yield f"{name}_all_gradients", all_gradients

    return dict(work for sizes in CONVOLUTIONS for work in works(*sizes))


def matrix_product():
    a, b = torch.randn(128, 784), torch.randn(784, 500)
    return lambda: a @ b


# Named as the Rust benchmarks are; each value prepares the work and returns it.
WORKS = {
    "langevin_10_steps/mlp_swish_128": lambda: chains(Mlp(784, [512, 512], swish), 128, 784),
    "langevin_10_steps/conv_net_swish_128": lambda: chains(ConvNet(swish), 128, 1, 28, 28),
    "langevin_10_steps/mlp_leaky_relu_64": lambda: chains(Mlp(784, [512, 512], leaky_relu), 64, 784),
    "langevin_10_steps/conv_net_leaky_relu_64": lambda: chains(ConvNet(leaky_relu), 64, 1, 28, 28),
    "langevin_10_steps/cifar_net_leaky_relu_128": lambda: chains(CifarNet(leaky_relu), 128, 3, 32, 32),
    "langevin_10_steps/resnet_leaky_relu_128": lambda: chains(ResNet(leaky_relu), 128, 3, 32, 32),
    "replay_buffer/draw_and_write_back_128_of_8192": replay_buffer,
    "noise/normal_100352": lambda: lambda: torch.randn(128, 784),
    "training_step/digits_mlp": lambda: Trainer(Mlp(64, [256, 256], leaky_relu), 4096, 1, 8, 8).step,
    "training_step/conv_net_28x28": lambda: Trainer(ConvNet(leaky_relu), 8192, 1, 28, 28).step,
    "boltzmann_update/rbm_784_500_pcd_1": lambda: Rbm(784, 500).step,
    "annealed_importance_100_temperatures/rbm_784_500_hidden_summed": annealed_importance,
    "matrix_product/128x784x500": matrix_product,
    "ops/uniform_100352": lambda: lambda: torch.rand(128, 784),
    "ops/normal_100352": lambda: lambda: torch.randn(128, 784),
    "ops/bernoulli_100352": coins,
    "ops/bernoulli_logits_100352": coins_of_logits,
    "ops/sigmoid_64000": lambda: forward(torch.sigmoid, 128, 500),
    "ops/sigmoid_64000_gradient": lambda: forward_and_gradient(torch.sigmoid, 128, 500),
    "ops/swish_100352": lambda: forward(functional.silu, 128, 784),
    "ops/swish_100352_gradient": lambda: forward_and_gradient(functional.silu, 128, 784),
    **convolutions(),
}


if MODE == "channels_last":
    WORKS = {name: work for name, work in WORKS.items() if name.startswith(("langevin_10_steps/c", "langevin_10_steps/r", "ops/conv2d"))}
elif MODE == "compiled":
    WORKS = {name: work for name, work in WORKS.items() if name.startswith("langevin_10_steps/")}


def prepare(threads):
    torch.set_num_threads(threads)
    torch.manual_seed(1)


if __name__ == "__main__":
    timing.main(WORKS, __doc__, prepare)

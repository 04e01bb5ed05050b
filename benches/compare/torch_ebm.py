#!/usr/bin/env python3
"""The work of our benchmarks that torchebm does too, f32 on the CPU: one line each with median and quartiles."""

import timing
import torch
from torchebm.core import GaussianModel
from torchebm.samplers import HamiltonianMonteCarlo, LangevinDynamics

STEPS = 10


def model():
    torch.manual_seed(1)
    a = torch.randn(50, 50)
    precision = a @ a.T / 50 + torch.eye(50)
    return GaussianModel(torch.zeros(50), torch.linalg.inv(precision))


def langevin():
    sampler = LangevinDynamics(model(), step_size=0.01, noise_scale=1.0)
    start = torch.randn(1000, 50)
    return lambda: sampler.sample(x=start.clone(), n_steps=STEPS)


def hmc():
    sampler = HamiltonianMonteCarlo(model(), step_size=0.1, n_leapfrog_steps=10)
    start = torch.randn(1000, 50)
    return lambda: sampler.sample(x=start.clone(), n_steps=STEPS)


# Named as the Rust benchmarks are; each value prepares the work and returns it.
WORKS = {
    "gaussian_50_1000_chains/langevin_10_steps": langevin,
    "gaussian_50_1000_chains/hmc_10_steps_of_10": hmc,
}


if __name__ == "__main__":
    timing.main(WORKS, __doc__, torch.set_num_threads)

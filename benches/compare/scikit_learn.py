#!/usr/bin/env python3
"""The work of our benchmarks that scikit-learn does too, f32 on the CPU: one line each with median and quartiles."""

import numpy
import timing
from sklearn.neural_network import BernoulliRBM
from threadpoolctl import threadpool_limits

BATCH = 128


def rbm():
    """One update by persistent contrastive divergence with one sweep; it knows no weight decay and reads nothing back."""
    random = numpy.random.default_rng(1)
    examples = (random.random((2048, 784)) < 0.1).astype(numpy.float32)
    machine = BernoulliRBM(n_components=500, learning_rate=0.01, batch_size=BATCH, random_state=1)
    position = 0

    def work():
        nonlocal position
        if position + BATCH > len(examples):
            random.shuffle(examples)
            position = 0
        machine.partial_fit(examples[position : position + BATCH])
        position += BATCH

    return work


# Named as the Rust benchmarks are; each value prepares the work and returns it.
WORKS = {"boltzmann_update/rbm_784_500_pcd_1": rbm}


if __name__ == "__main__":
    timing.main(WORKS, __doc__, lambda threads: threadpool_limits(threads))

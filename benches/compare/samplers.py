#!/usr/bin/env python3
"""Effective draws a gradient of our samplers and of BlackJAX's, on the same targets, judged by the same estimator."""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import arviz
import blackjax
import jax
import jax.numpy as jnp
import numpy
import optax

# As in ../samplers.rs.
CHAINS, WARMUP, DRAWS = 16, 400, 1000
ROOT = pathlib.Path(__file__).resolve().parents[2]


def gaussian():
    std = 10.0 ** (-1 + 2 * numpy.arange(50) / 49)
    scale = jnp.asarray(std)
    return lambda x: -0.5 * jnp.sum(((x - 0.5) / scale) ** 2), 50, 4, (numpy.full(50, 0.5), std**2)


def correlated():
    r = 0.95
    density = lambda x: -(x[0] ** 2 + x[1] ** 2 - 2 * r * x[0] * x[1]) / (2 * (1 - r * r))
    return density, 2, 8, (numpy.zeros(2), numpy.ones(2))


def funnel():
    def density(x):
        v = x[0]
        return -0.5 * (jnp.sum(x[1:] ** 2) * jnp.exp(-v) + 4 * v + v**2)

    return density, 5, 8, (numpy.zeros(5), numpy.array([1.0] + 4 * [numpy.exp(0.5)]))


def student():
    return lambda x: -7.5 * jnp.log1p(jnp.sum(x**2) / 5), 10, 4, (numpy.zeros(10), numpy.full(10, 5 / 3))


def observations():
    """Rows of the design times the sign of their observation, `[200, 5]`."""
    t = numpy.arange(1, 201, dtype=numpy.float64)
    base = numpy.sin(1.7 * t)
    x = [numpy.ones(200), base, base + 0.5 * numpy.cos(2.9 * t), 3 * numpy.cos(0.7 * t), 0.3 * numpy.sin(4.1 * t)]
    x = numpy.stack(x, 1)
    logits = x @ numpy.array([-0.5, 1.0, -1.0, 0.5, 2.0])
    positive = numpy.mod(t * 0.6180339887498949, 1) < 1 / (1 + numpy.exp(-logits))
    return x * numpy.where(positive, 1.0, -1.0)[:, None]


def logistic():
    signed = observations()
    rows = jnp.asarray(signed, jnp.float32)
    density = lambda b: -jnp.sum(jax.nn.softplus(-rows @ b)) - jnp.sum(b**2) / 12.5
    return density, 5, 4, logistic_moments(signed)


def logistic_moments(signed, count=1_000_000):
    """Mean and variance by importance sampling from Laplace's approximation with the tails of a Student t, in f64."""
    mode = numpy.zeros(5)
    for _ in range(50):  # Newton's method
        p = 1 / (1 + numpy.exp(signed @ mode))
        hessian = (signed * (p * (1 - p))[:, None]).T @ signed + numpy.eye(5) / 6.25
        mode = mode + numpy.linalg.solve(hessian, signed.T @ p - mode / 6.25)
    root = numpy.linalg.cholesky(numpy.linalg.inv(hessian))
    random, sums, total = numpy.random.default_rng(1), numpy.zeros((2, 5)), 0.0
    freedom, peak = 7, None
    for _ in range(count // 50_000):
        z = random.standard_normal((50_000, 5)) / numpy.sqrt(random.chisquare(freedom, (50_000, 1)) / freedom)
        x = mode + z @ root.T
        target = -numpy.logaddexp(0, -x @ signed.T).sum(1) - (x**2).sum(1) / 12.5
        log_weight = target + (freedom + 5) / 2 * numpy.log1p((z**2).sum(1) / freedom)
        peak = log_weight.max() if peak is None else peak
        weight = numpy.exp(log_weight - peak)
        total += weight.sum()
        sums += numpy.stack([weight @ x, weight @ (x - mode) ** 2])
    mean, square = sums / total
    return mean, square - (mean - mode) ** 2


TARGETS = {
    "gaussian_50": gaussian,
    "correlated_2": correlated,
    "funnel_5": funnel,
    "logistic_5": logistic,
    "student_10": student,
}
METHODS = {
    "hmc": "HMC, fixed length",
    "hmc_random": "HMC, random length",
    "nuts": "NUTS",
    "chees": "ChEES, no metric",
    "chees_metric": "ChEES, diagonal metric",
}


def blackjax_methods(density, dimensions, steps):
    """Functions of a key that give draws `[chains, draws, values]` and the number of gradients of all chains."""

    def chain(kernel_of, init, key, position_state):
        def step(state, key):
            state, info = kernel_of(key, state)
            return state, (state.position, info.num_integration_steps)

        return jax.lax.scan(step, init(position_state), jax.random.split(key, DRAWS))[1]

    def adapted(algorithm, sampler, **options):
        """Stan's warm-up of each chain by itself, as BlackJAX has it."""
        warmup = blackjax.window_adaptation(algorithm, density, **options)

        def one(key, start):
            first, second, third = jax.random.split(key, 3)
            (state, parameters), _ = warmup.run(first, start, WARMUP)
            kernel, init = sampler(parameters, third)
            return chain(kernel, init, second, state)

        def run(key):
            start, key = jax.random.split(key)
            positions, lengths = jax.vmap(one)(jax.random.split(key, CHAINS), jax.random.normal(start, (CHAINS, dimensions)))
            return positions, lengths.sum()

        return run

    def plain(algorithm):
        return lambda parameters, _: (algorithm(density, **parameters).step, lambda state: state)

    def random_length(parameters, key):
        parameters = {name: parameters[name] for name in ("step_size", "inverse_mass_matrix")}
        length = lambda key: jax.random.randint(key, (), 1, 2 * steps)
        sampler = blackjax.dynamic_hmc(density, **parameters, integration_steps_fn=length)
        return sampler.step, lambda state: sampler.init(state.position, key)

    def chees(metric):
        warmup = blackjax.chees_adaptation(density, CHAINS, mass_matrix_estimation=metric)

        def run(key):
            start, first, second = jax.random.split(key, 3)
            start = jax.random.normal(start, (CHAINS, dimensions))
            adam = optax.adam(0.025, b1=0.0, b2=0.95)
            (state, parameters), _ = warmup.run(first, start, 0.1, adam, WARMUP)
            kernel = jax.vmap(blackjax.dynamic_hmc(density, **parameters).step)
            many = lambda key, state: kernel(jax.random.split(key, CHAINS), state)
            positions, lengths = chain(many, lambda state: state, second, state)
            return jnp.swapaxes(positions, 0, 1), lengths.sum()

        return run

    return {
        "hmc": adapted(blackjax.hmc, plain(blackjax.hmc), num_integration_steps=steps),
        "hmc_random": adapted(blackjax.hmc, random_length, num_integration_steps=steps),
        "nuts": adapted(blackjax.nuts, plain(blackjax.nuts)),
        "chees": chees(None),
        "chees_metric": chees("diagonal"),
    }


def effective(x):
    """ArviZ's effective draws for the mean of `[chains, draws]`."""
    return float(arviz.ess(numpy.ascontiguousarray(x), method="mean"))


def judge(draws, gradients, moments):
    """Draws `[chains, draws, values]`: effective draws a gradient of x and of x^2, the smallest over the values; the largest
    R-hat; and z-scores of means and variances."""
    draws = numpy.asarray(draws, numpy.float64)
    mean, variance = moments
    x, square = [], []
    r_hat, scores = 0.0, []
    for i in range(draws.shape[2]):
        values = draws[:, :, i]
        squares = (values - mean[i]) ** 2
        x.append(effective(values))
        square.append(effective(squares))
        r_hat = max(r_hat, float(arviz.rhat(numpy.ascontiguousarray(values))))
        scores.append((values.mean() - mean[i]) / (values.std() / x[-1] ** 0.5))
        scores.append((squares.mean() - variance[i]) / (squares.std() / square[-1] ** 0.5))
    return min(x) / gradients, min(square) / gradients, r_hat, numpy.abs(scores).max(), gradients / (CHAINS * DRAWS)


def ours(seeds, results, moments):
    with tempfile.TemporaryDirectory() as folder:
        command = ["cargo", "bench", "--quiet", "--workspace", "--bench", "samplers", "--", folder, str(seeds)]
        lines = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        for line in lines.splitlines():
            target, method, seed, gradients = line.split("\t")
            draws = numpy.load(f"{folder}/{target}.{method}.{seed}.npy").swapaxes(0, 1)
            row = judge(draws, int(gradients), moments[target])
            results.setdefault((target, method, "ebm"), []).append(row)


def theirs(target, density, dimensions, steps, seeds, results, moments):
    for method, run in blackjax_methods(density, dimensions, steps).items():
        run = jax.jit(run)
        for seed in range(1, seeds + 1):
            draws, gradients = run(jax.random.PRNGKey(seed))
            row = judge(draws, int(gradients), moments[target])
            results.setdefault((target, method, "BlackJAX"), []).append(row)
            print(target, method, seed, *row, file=sys.stderr)


def cell(values):
    return f"{numpy.mean(values):.3g} ± {numpy.std(values, ddof=1):.1g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8, help="runs of each method, at least 2 (default: 8)")
    seeds = parser.parse_args().seeds
    if seeds < 2:
        parser.error("--seeds must be at least 2, for error bars")
    targets = {name: target() for name, target in TARGETS.items()}
    moments = {name: target[3] for name, target in targets.items()}
    results = {}
    ours(seeds, results, moments)
    for name, (density, dimensions, steps, _) in targets.items():
        theirs(name, density, dimensions, steps, seeds, results, moments)
    print("| target | method | by | gradients a draw | ESS of x a gradient | ESS of x² a gradient | R-hat | \\|z\\| |")
    print("|---|---|---|--:|--:|--:|--:|--:|")
    for target in TARGETS:
        for method, name in METHODS.items():
            for side in ("ebm", "BlackJAX"):
                if rows := results.get((target, method, side)):
                    x, square, r_hat, score, length = numpy.array(rows).T
                    print(
                        f"| `{target}` | {name} | {side} | {length.mean():.1f} | {cell(x)} | {cell(square)} "
                        f"| {r_hat.max():.3f} | {score.max():.1f} |"
                    )
    versions = f"BlackJAX {blackjax.__version__}, JAX {jax.__version__}, ArviZ {arviz.__version__}"
    print(f"\nMeans ± standard deviations over {seeds} runs; R-hat and |z| the largest of all values and runs. {versions}.")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The medians of `compare/run` as a Markdown table, and their ratios as a picture (SVG, written by hand: nothing to install)."""

import argparse
import json
import statistics
import sys
from html import escape
from math import log

PEERS = {
    "torch": "PyTorch",
    "channels_last": "PyTorch, channels last",
    "compiled": "PyTorch, compiled",
    "jax": "JAX",
    "sklearn": "scikit-learn",
    "torchebm": "torchebm",
}
COLOURS = {
    "torch": "#c44e52",
    "channels_last": "#e377c2",
    "compiled": "#8c564b",
    "jax": "#64b5cd",
    "sklearn": "#dd8452",
    "torchebm": "#8172b3",
}

# Floating-point operations of a product 128 x 784 x 500, in GFLOP/s for a time in ms.
PRODUCT = 2 * 128 * 784 * 500 / 1e6


def read(path):
    """`{work: {side: median in ms}}`, in the order of the file."""
    medians = {}
    with open(path) as lines:
        for line in lines:
            work, side, median = line.rstrip("\n").split("\t")
            medians.setdefault(work, {}).setdefault(side, []).append(float(median))
    return {work: {side: statistics.median(times) for side, times in sides.items()} for work, sides in medians.items()}


def table(medians):
    """A line each; the ratio is that to the best peer."""
    yield f"| work | ebm | {' | '.join(PEERS.values())} | best peer / ebm |"
    yield f"|---|{(len(PEERS) + 2) * '--:|'}"
    for work, sides in medians.items():
        row = f"| `{work}` | {sides['ebm']:.3g} ms |"
        for side in PEERS:
            row += f" {sides[side]:.3g} ms |" if side in sides else " |"
        others = [time for side, time in sides.items() if side in PEERS]
        yield row + (f" {min(others) / sides['ebm']:.2f} |" if others else " |")


def share(path):
    """The sentence about the share of the matrix products; the file has update, products and one product in ms, round by round."""
    with open(path) as lines:
        rounds = [[float(time) for time in line.split()] for line in lines]
    part = statistics.median(products / update for update, products, _ in rounds)
    update, products, product = (statistics.median(times) for times in zip(*rounds))
    return (
        f"RBM update: {part:.0%} of the matrix-product rate measured in the same process for the same shapes "
        f"({6 * PRODUCT / update:.0f} of {6 * PRODUCT / products:.0f} GFLOP/s; 128x784x500 alone: {PRODUCT / product:.0f})."
    )


def picture(medians, caption):
    """Horizontal bars of theirs over ours on a logarithmic axis, with a line at 1."""
    bars = [
        (work, side, sides[side] / sides["ebm"]) for work, sides in medians.items() for side in PEERS if side in sides
    ]
    ratios = [ratio for *_, ratio in bars]
    ticks = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100]
    low = max((tick for tick in ticks if tick <= min([*ratios, 0.5])), default=ticks[0])
    high = min((tick for tick in ticks if tick >= max([*ratios, 2])), default=ticks[-1])
    ticks = [tick for tick in ticks if low <= tick <= high]
    left, width, row, top = 470, 560, 20, 64
    height = top + row * len(bars) + 56

    def x(ratio):
        inside = min(max(ratio, low), high)
        return left + width * log(inside / low) / log(high / low)

    bottom = top + row * len(bars)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {left + width + 80} {height}" '
        'font-family="sans-serif" font-size="13" fill="#222">'
    )
    yield f'<rect width="{left + width + 80}" height="{height}" fill="white"/>'
    yield '<text x="12" y="24" font-size="16">Their time over ours: right of the line at 1, ebm is faster</text>'
    legend = left
    for side in [side for side in PEERS if any(side == other for _, other, _ in bars)]:
        yield f'<rect x="{legend}" y="36" width="12" height="12" fill="{COLOURS[side]}"/>'
        yield f'<text x="{legend + 18}" y="47">{PEERS[side]}</text>'
        legend += 40 + 7 * len(PEERS[side])
    for tick in ticks:
        yield f'<line x1="{x(tick):.1f}" y1="{top}" x2="{x(tick):.1f}" y2="{bottom}" stroke="#ddd"/>'
        yield f'<text x="{x(tick):.1f}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
    for index, (work, side, ratio) in enumerate(bars):
        y = top + row * index
        start, end = sorted((x(1), x(ratio)))
        yield f'<text x="{left - 10}" y="{y + 16}" text-anchor="end" font-size="12">{escape(work)}</text>'
        yield f'<rect x="{start:.1f}" y="{y + 4}" width="{max(end - start, 1):.1f}" height="{row - 8}" fill="{COLOURS[side]}"/>'
        yield f'<text x="{end + 6:.1f}" y="{y + 16}" font-size="12">{ratio:.2f}</text>'
    yield f'<line x1="{x(1):.1f}" y1="{top - 4}" x2="{x(1):.1f}" y2="{bottom}" stroke="#222" stroke-width="1.5"/>'
    yield f'<text x="12" y="{height - 10}" font-size="11" fill="#666">{escape(caption)}</text>'
    yield "</svg>"


def document(body, settings):
    """RESULTS.md: what ran where, the picture, and what the runner prints."""
    return "\n".join(
        [
            "# Results",
            "",
            f"What `{settings['command']}` wrote on {settings['date']}: {settings['threads']} threads on {settings['machine']}; the load",
            f"average was {settings['load']} at the start. Medians of {settings['rounds']} process(es) a side: differences of some per cent mean nothing. "
            "What each work is:",
            "[README.md](README.md).",
            "",
            "![Their times over ours, work by work](results.svg)",
            "",
            body,
        ]
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("medians", help="lines of work, side, ms, between tabs")
    parser.add_argument("--share", help="file with the times of the RBM's matrix products")
    parser.add_argument("--agreement", required=True, help="file with the largest differences")
    parser.add_argument("--settings", required=True, help="JSON: command, date, rounds, threads, torch, machine, load, commit")
    parser.add_argument("--picture", help="where to write the ratios as SVG")
    parser.add_argument("--document", help="where to write RESULTS.md")
    options = parser.parse_args()

    medians, settings = read(options.medians), json.loads(options.settings)
    machine = "{machine}, commit {commit}".format(**settings)
    versions = "Medians of {rounds} rounds, {threads} threads, PyTorch {torch}, ".format(**settings) + machine + "."
    parts = ["Ratios are of the best peer's time to ours: above 1, we are faster.", "", *table(medians), "", versions]
    if options.share:
        parts += ["", share(options.share)]
    parts += ["", "Largest differences between ours and theirs, relative to the largest magnitude, same weights and input:", ""]
    with open(options.agreement) as lines:
        parts += [f"- {line.rstrip()}" for line in lines]
    body = "\n".join(parts) + "\n"
    sys.stdout.write(body)
    if options.picture:
        caption = "{date}, {threads} threads, PyTorch {torch}, ".format(**settings) + machine
        with open(options.picture, "w") as file:
            file.write("\n".join(picture(medians, caption)) + "\n")
    if options.document:
        with open(options.document, "w") as file:
            file.write(document(body, settings))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""The work of `pytorch.py` on a GPU: eager, or with models and updates through `torch.compile`."""

import argparse
import gzip
import pathlib
import statistics
import struct
import sys
import time

import pytorch
import timing
import torch

# The updates that `--fashion-mnist` makes, those of our preset; its chains have this noise and clip.
UPDATES = 6000
NOISE = 0.015


def compile_everything(mode):
    """Networks and the RBM's update go through the compiler from now on."""
    for network in (pytorch.Mlp, pytorch.ConvNet):
        plain = network.__init__

        def compiled(self, *arguments, plain=plain):
            plain(self, *arguments)
            self.compile(mode=mode)

        network.__init__ = compiled
    pytorch.Rbm.step = torch.compile(pytorch.Rbm.step, mode=mode)


def synchronised(device, work):
    """What is timed has happened: PyTorch only queues work for a GPU."""

    def both():
        work()
        if device == "cuda":
            torch.cuda.synchronize()

    return both


def images(folder):
    """The training images of a folder of IDX files, in [-1, 1]: [count, 1, height, width]."""
    names = ["train-images-idx3-ubyte", "train-images-idx3-ubyte.gz"]
    path = next((path for path in (pathlib.Path(folder) / name for name in names) if path.exists()), None)
    if path is None:
        sys.exit(f"{folder} has none of {', '.join(names)}")
    data = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    magic, count, height, width = struct.unpack(">4I", data[:16])
    if magic != 2051 or len(data) != 16 + count * height * width:
        sys.exit(f"{path} is not an IDX file of images")
    pixels = torch.frombuffer(bytearray(data[16:]), dtype=torch.uint8).reshape(count, 1, height, width)
    return pixels.to(torch.get_default_device()).float().div_(127.5).sub_(1)


def fashion_mnist(folder, device):
    """Seconds of a whole run of the preset: reading the data, 6,000 updates, no pictures and no checkpoints."""
    pytorch.NOISE = pytorch.GRADIENT_CLIP = NOISE
    start = time.perf_counter()
    trainer = pytorch.Trainer(pytorch.ConvNet(pytorch.leaky_relu), 8192, 1, 28, 28)
    trainer.examples = images(folder)
    trainer.order = torch.randperm(len(trainer.examples))
    for _ in range(UPDATES):
        trainer.step()
    if device == "cuda":
        torch.cuda.synchronize()
    print(f"fashion_mnist_6000_updates seconds {time.perf_counter() - start:.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("works", nargs="*", metavar="WORK", help="names of works; default: all")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"], help="cpu tries the program out")
    parser.add_argument("--compile", metavar="MODE", help="torch.compile with this mode, e.g. default or max-autotune")
    parser.add_argument("--tf32", action="store_true", help="let matrix products round their inputs to TF32")
    parser.add_argument("--seconds", type=float, default=8.0, help="of measurement, at least (default: 8)")
    parser.add_argument("--fashion-mnist", metavar="DIR", help="train on these IDX files instead")
    options = parser.parse_args()

    if options.list:
        print("\n".join(pytorch.WORKS))
        return
    unknown = [name for name in options.works if name not in pytorch.WORKS]
    if unknown:
        parser.error(f"unknown work {unknown[0]}: choose from {', '.join(pytorch.WORKS)}")
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("PyTorch finds no CUDA device: install a build of PyTorch for it, and NVIDIA's driver")
    torch.set_default_device(options.device)
    torch.manual_seed(1)
    torch.backends.cuda.matmul.allow_tf32 = options.tf32
    torch.backends.cudnn.allow_tf32 = options.tf32
    if options.compile:
        compile_everything(options.compile)
    if options.fashion_mnist:
        fashion_mnist(options.fashion_mnist, options.device)
        return
    for name in options.works or pytorch.WORKS:
        work = synchronised(options.device, pytorch.WORKS[name]())
        # A compiler takes its time at the first calls.
        times = timing.measure(work, 5.0, options.seconds, 20)
        low, median, high = statistics.quantiles(times, n=4, method="inclusive")
        print(f"{name:<46} median {median:.4f} ms, quartiles {low:.4f} to {high:.4f} ms", flush=True)


if __name__ == "__main__":
    main()

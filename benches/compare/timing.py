"""What the comparisons share: the command line, and a line with median and quartiles for each work."""

import argparse
import statistics
import time


def measure(work, warm_up, seconds, repetitions):
    """Times in ms, of at least `repetitions` calls and at least `seconds` in all."""
    end = time.perf_counter() + warm_up
    work()
    while time.perf_counter() < end:
        work()
    times = []
    first = time.perf_counter()
    while len(times) < repetitions or time.perf_counter() - first < seconds:
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1e3)
    return times


def main(works, description, set_threads):
    """Times the works that the arguments name; each value of `works` prepares one and returns it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("works", nargs="*", metavar="WORK", help="names of works; default: all")
    parser.add_argument("--list", action="store_true", help="print the names and stop")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--warm-up", type=float, default=2.0, help="seconds (default: 2)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of measurement, at least (default: 8)")
    parser.add_argument("--repetitions", type=int, default=20, help="at least (default: 20)")
    options = parser.parse_args()

    if options.list:
        print("\n".join(works))
        return
    unknown = [name for name in options.works if name not in works]
    if unknown:
        parser.error(f"unknown work {unknown[0]}: choose from {', '.join(works)}")
    if options.threads < 1 or options.repetitions < 2:
        parser.error("--threads must be at least 1 and --repetitions at least 2")

    set_threads(options.threads)
    for name in options.works or works:
        times = measure(works[name](), options.warm_up, options.seconds, options.repetitions)
        low, median, high = statistics.quantiles(times, n=4, method="inclusive")
        print(f"{name:<46} median {median:.4f} ms, quartiles {low:.4f} to {high:.4f} ms", flush=True)

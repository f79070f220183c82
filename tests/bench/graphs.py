#!/usr/bin/env python3
"""Draws how near to the machine's peak products and steps come: the top of each graph is the
peak of one core, fused multiply-adds on registers alone.

    graphs.py BUILD OUT [--networks "squeezenet1_1 resnet50 vgg16"] [--rounds 3]

OUT gets products.svg, steps.svg and steps.md, a table of images per second and core. The
machine must be idle; a run takes some minutes."""
import argparse
import html
import json
import os
import statistics
import subprocess
import sys

NAMES = {"squeezenet1_1": "SqueezeNet 1.1", "resnet50": "ResNet-50", "vgg16": "VGG-16",
         "mobilenet_v1": "MobileNet"}
BATCH = {"vgg16": 8}
KINDS = ["conv 1x1", "conv 3x3", "conv other", "depthwise", "linear"]
INK, GRID, OURS, OTHER = "#222", "#d8d8d8", "#0b62a4", "#b4530a"


def text(x, y, words, anchor="start", size=13, fill=INK):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
            f'fill="{fill}">{html.escape(words)}</text>')


def page(width, height, title, parts):
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
         f'width="{width}" font-family="sans-serif" role="img">',
         f"<title>{html.escape(title)}</title>",
         f'<rect width="{width}" height="{height}" fill="#fff"/>', text(16, 24, title, size=15)]
        + parts + ["</svg>", ""])


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((line.split(":")[1].strip() for line in f if line.startswith("model name")),
                     os.uname().machine)
    return f"One core of {model}, load {os.getloadavg()[0]:.2f}"


def bench_squares(build, *words):
    return subprocess.run([f"{build}/tests/bench/bench_squares", *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def squares(build):
    out = bench_squares(build)
    lines = [line.split(" ", 1) for line in out.splitlines()]
    named = dict(line for line in lines if line[0] != "square")
    sizes = [[float(x) for x in line[1].split()] for line in lines if line[0] == "square"]
    peak = float(named["peak"]) or max(max(s[1:]) for s in sizes)
    return named, peak, sizes


def draw_squares(named, peak, sizes, where):
    left, top, right, bottom = 60, 48, 610, 300
    most = sizes[-1][0]

    def x(n):
        return left + (right - left) * n / most

    def y(rate):
        return bottom - (bottom - top) * rate / peak

    parts = []
    for share in (0, 25, 50, 75, 100):
        at = y(peak * share / 100)
        parts.append(f'<path d="M{left} {at:.1f}H{right}" stroke="{GRID}"/>')
        parts.append(text(left - 6, at + 4, f"{peak * share / 100:.0f}", "end"))
    for n in range(256, int(most) + 1, 256):
        parts.append(text(x(n), bottom + 18, str(n), "middle"))
    for column, colour in ((2, OTHER), (1, OURS)):
        points = " ".join(f"{x(s[0]):.1f},{y(s[column]):.1f}" for s in sizes)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
    parts.append(text(left, bottom + 38, "n, for m = n = k; GFLOP/s, the top is the peak. " + where,
                      size=12))
    parts.append(text(right, top - 26, f"ptrain, {named['exact']}: same bits on every CPU", "end",
                      fill=OURS))
    parts.append(text(right, top - 10, named["blas"], "end", fill=OTHER))
    return page(640, 350, "Matrix products", parts)


def step(build, network):
    command = [f"{build}/ptrain", "bench", "step", "--json", "--threads", "1", "--network",
               network, "--batch", str(BATCH.get(network, 16)), "--steps", "3"]
    out = subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout
    return json.loads(out.splitlines()[-1])


def median_step(build, network, rounds):
    """The round whose time is the median."""
    runs = sorted((step(build, network) for _ in range(rounds)), key=lambda r: r["seconds"])
    return runs[len(runs) // 2]


def bars_of(result):
    kinds = [(k["kind"], k["gflop_per_s"], k["share"]) for k in result["kinds"]
             if k["kind"] in KINDS and k["seconds"] > 0]
    return kinds + [("whole step", result["gflop_per_s"], 1.0)]


def draw_steps(results, peak, where):
    left, right, at, parts = 190, 560, 62, []
    most = max([peak] + [b[1] for r in results for b in bars_of(r)])

    def x(rate):
        return left + (right - left) * rate / most

    for result in results:
        parts.append(text(16, at + 12, NAMES.get(result["network"], result["network"])))
        for kind, rate, share in bars_of(result):
            parts.append(text(left - 8, at + 12, kind, "end", size=12))
            parts.append(f'<rect x="{left}" y="{at}" width="{x(rate) - left:.1f}" height="15" '
                         f'fill="{OURS}" opacity="{1 if kind == "whole step" else 0.6}"/>')
            parts.append(text(right + 8, at + 12,
                              f"{100 * rate / peak:.0f} %, {100 * share:.0f} % of the time",
                              size=12))
            at += 20
        at += 12
    parts.append(f'<path d="M{x(peak):.1f} 50V{at - 8}" stroke="{INK}" stroke-dasharray="4 3"/>')
    parts.append(text(x(peak), 44, f"peak, {peak:.0f} GFLOP/s", "end", size=12))
    parts.append(text(16, at + 10, "Winograd's products count as the convolutions that they "
                      "replace. " + where, size=12))
    return page(760, at + 24, "Training steps", parts)


def table(results, peak, kernels):
    rows = ["| network | batch | images/s and core | GFLOP/s | of the peak | kernels |",
            "|---|---|---|---|---|---|"]
    for r in results:
        rows.append(f"| {NAMES.get(r['network'], r['network'])} | {r['batch']} "
                    f"| {r['images_per_s']:.3g} | {r['gflop_per_s']:.1f} "
                    f"| {100 * r['gflop_per_s'] / peak:.0f} % | {r['kernels']} |")
    return "\n".join(rows) + f"\n\n{kernels}; peak {peak:.1f} GFLOP/s.\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("out")
    parser.add_argument("--networks", default="squeezenet1_1 resnet50 vgg16")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    where = machine()
    print(where, file=sys.stderr)
    named, peak, sizes = squares(args.build)
    results = []
    for network in args.networks.split():
        results.append(median_step(args.build, network, args.rounds))
        peak = max(peak, float(bench_squares(args.build, "peak").split()[1]))
    beside = [s[1] / s[2] for s in sizes]
    summary = (f"squares to {named['blas']}: {statistics.geometric_mean(beside):.2f} "
               f"({min(beside):.2f} to {max(beside):.2f})")
    print(summary, file=sys.stderr)
    for name, content in (("products.svg", draw_squares(named, peak, sizes, where)),
                          ("steps.svg", draw_steps(results, peak, where)),
                          ("steps.md", table(results, peak, where + "; " + summary))):
        with open(os.path.join(args.out, name), "w") as f:
            f.write(content)


if __name__ == "__main__":
    main()

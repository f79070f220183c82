#!/usr/bin/env python3
"""The results of compare.sh as Markdown: table.py results.jsonl"""
import json
import statistics
import sys

NAMES = {"vgg16": "VGG-16", "resnet50": "ResNet-50", "squeezenet1_1": "SqueezeNet 1.1",
         "mobilenet_v1": "MobileNet", "resnet18": "ResNet-18", "resnet34": "ResNet-34",
         "resnet101": "ResNet-101", "resnet152": "ResNet-152",
         "cifar_resnet20": "CIFAR ResNet-20", "cifar_resnet56": "CIFAR ResNet-56"}
# What has to be reached, if anything has, and what is aimed at.
GOALS = {"step:vgg16": (1.5, 2.3), "step:resnet50": (1.1, 1.4),
         "step:squeezenet1_1": (1.1, 1.5), "ddp:resnet50": (1.1, 1.3),
         "ddp:vgg16": (1.2, 1.7), "bf16:vgg16": (None, 1.1), "bf16:resnet50": (None, 1.15),
         "bf16:squeezenet1_1": (None, 1.3)}
KINDS = ("step", "bf16", "ddp")


def load(path):
    machine, lines = {}, {}
    with open(path) as f:
        for line in f:
            r = json.loads(line)
            if "machine" in r:
                machine = r
            else:
                lines.setdefault((r["row"], r["side"]), []).append(r)
    return machine, lines


def median(lines, row, side, key):
    found = lines.get((row, side), [])
    return statistics.median(r[key] for r in found) if found else None


def rss_of(lines, row, side):
    """The most that any round needed."""
    found = lines.get((row, side), [])
    rss = [r.get("peak_rss_bytes") or r["worker"]["peak_rss_bytes"] for r in found]
    return max(rss) if rss else None


def layout_of(lines, row):
    r = lines[(row, "ptrain")][0]
    if r["workers"]:
        return "1 server + %d workers x %d thread, batch %d each" % (
            r["workers"], r["threads"], r["batch"] // r["workers"])
    return "%d threads, batch %d" % (r["threads"], r["batch"])


def speed_rows(lines):
    for row in sorted({row for row, side in lines if row.split(":")[0] in KINDS},
                      key=lambda r: (KINDS.index(r.split(":")[0]), r)):
        ours = median(lines, row, "ptrain", "images_per_s")
        theirs = median(lines, row, "torch", "images_per_s")
        if ours is None or theirs is None:
            continue
        kind, network = row.split(":")
        what = "%s step, %s" % (NAMES[network], layout_of(lines, row))
        ratio = [a["images_per_s"] / b["images_per_s"]
                 for a, b in zip(lines[(row, "ptrain")], lines[(row, "torch")])]
        must, aim = GOALS.get(row, (1, None))
        yield (what + {"ddp": ", DDP", "bf16": ", bf16 and autocast"}.get(kind, ""),
               "%.2f images/s" % ours, "%.2f images/s" % theirs,
               "%.2f (%.2f to %.2f)" % (ours / theirs, min(ratio), max(ratio)),
               "%g x" % must if must else "", "%g x" % aim if aim else "")
        for side, name in (("torch_plain", "malloc as it comes"), ("torch_own", "own head")):
            other = median(lines, row, side, "images_per_s")
            if other is not None:
                yield (what + ", " + name, "", "%.2f images/s" % other,
                       "%.2f" % (ours / other), "", "")


def memory_rows(lines):
    for row, side in sorted(lines):
        kind, network = row.split(":")
        ours, theirs = rss_of(lines, row, "ptrain"), rss_of(lines, row, "torch")
        plain = rss_of(lines, row, "torch_plain") # tuned malloc keeps more
        if side != "ptrain" or kind not in KINDS or not ours or not theirs:
            continue
        yield ("peak memory of a %s worker, %s%s" % (NAMES[network], layout_of(lines, row),
                                                      ", bf16" if kind == "bf16" else ""),
               "%.0f MB" % (ours / 1e6),
               "%.0f MB" % (theirs / 1e6) + (", malloc as it comes %.0f MB" % (plain / 1e6)
                                             if plain else ""),
               "%.2f" % (ours / min(theirs, plain or theirs)), "1.0 x", "0.7 x")


def precision_rows(lines):
    """bf16 beside our fp32, by turns."""
    for row in sorted({row for row, side in lines if side == "fp32"}):
        pairs = list(zip(lines[(row, "ptrain")], lines[(row, "fp32")]))
        speed = [a["images_per_s"] / b["images_per_s"] for a, b in pairs]
        arena = [r["arena_bytes"]["activations"] / 1e6 for r in pairs[0]]
        what = "%s step, %s, bf16 to fp32" % (NAMES[row.split(":")[1]], layout_of(lines, row))
        yield (what, "%.2f and %.2f images/s" % (median(lines, row, "ptrain", "images_per_s"),
                                                 median(lines, row, "fp32", "images_per_s")),
               "", "%.2f (%.2f to %.2f)" % (statistics.median(speed), min(speed), max(speed)),
               "", "1.6 x" if row == "bf16:resnet50" else "")
        yield (what + ", memory of activations", "%.0f and %.0f MB" % tuple(arena), "",
               "%.2f" % (arena[0] / arena[1]), "", "0.6 x")


def other_rows(lines):
    for network in ("vgg16", "resnet50", "squeezenet1_1"):
        row = "shards:" + network
        one, two = (median(lines, row, side, "seconds") for side in ("v8", "v2"))
        if one and two:
            yield ("cost of V = 8 against V = 2, batch 16, 2 workers: " + NAMES[network],
                   "%.0f and %.0f ms" % (one * 1e3, two * 1e3), "",
                   "%+.1f %%" % (100 * (one / two - 1)), "10 %", "3 %")
    share = median(lines, "step:resnet50", "ptrain", "share_outside_products")
    if share is not None:
        yield ("share of step time outside matrix products and the wire (ResNet-50)",
               "%.1f %%" % (100 * share), "", "", "35 %", "20 %")


def print_table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(row) + " |")


def server_rows(lines):
    for (row, side), found in sorted(lines.items()):
        if side != "ptrain" or not row.startswith("ddp:"):
            continue
        server = [statistics.median(r["server"][k] for r in found) * 1e3
                  for k in ("tree_s", "update_s", "copies_s", "all_s")]
        yield ((NAMES[row.split(":")[1]],) + tuple("%.0f" % s for s in server) + (
            "%.0f" % (1e3 * median(lines, row, side, "seconds")),
            "%.2f" % median(lines, row, side, "images_per_s"),
            "%.2f" % median(lines, row, side, "images_per_s_without_server")))


def main():
    machine, lines = load(sys.argv[1])
    print("%(date)s, %(machine)s, %(cores)d cores, PyTorch %(torch)s, commit %(commit)s; "
          "medians of %(rounds)d alternating rounds; load at the start %(load).2f.\n" % machine)
    rows = [*speed_rows(lines), *precision_rows(lines), *memory_rows(lines),
            *other_rows(lines)]
    print_table(("", "ptrain", "PyTorch", "ratio (rounds)", "must", "aim"), rows)
    server = list(server_rows(lines))
    if server:
        print("\nThe server's part of the job (ms of a core for each step):\n")
        print_table(("", "tree", "update", "messages and copies", "all", "step ms",
                     "images/s", "without the server"), server)


if __name__ == "__main__":
    main()

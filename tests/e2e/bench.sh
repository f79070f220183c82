#!/usr/bin/env bash
# `ptrain bench step` says what it measured, consistently; its mistakes are one line.
. "$(dirname "$0")/lib.sh"
python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)

timeout -k 5 60 "$PTRAIN" bench step --network cifar_resnet20 --batch 8 --threads 1 \
    --steps 2 --warmup 1 --json >alone.json 2>alone.err || { fail "bench step"; cat alone.err; }
[ "$(wc -l <alone.json)" = 1 ] && [ ! -s alone.err ] || fail "not one line of JSON alone"
timeout -k 5 60 "$PTRAIN" bench step --network cifar_resnet20 --batch 8 --threads 1 \
    --steps 2 --warmup 1 --workers 2 --json >job.json 2>job.err || { fail "--workers 2"; cat job.err; }
[ "$(wc -l <job.json)" = 1 ] && [ ! -s job.err ] || fail "--workers: not one line of JSON alone"

timeout -k 5 60 "$PTRAIN" bench step --network cifar_resnet20 --batch 8 --threads 1 --steps 1 \
    --warmup 0 --precision bf16 --json >bf16.json 2>bf16.err || { fail "--precision bf16"; cat bf16.err; }

# the network of a file: 6 channels before the head of 5 classes
file=$PT_SOURCE/tests/data/weights/graph_mean.onnx
for workers in 0 2; do
    timeout -k 5 60 "$PTRAIN" bench step --network "$file" --batch 8 --steps 1 --warmup 1 \
        --workers $workers --json >file$workers.json 2>file.err || { fail "a file, $workers workers"; cat file.err; }
done

# The network's work, from He et al., 2015, section 4.2: 32x32x3, then 3 x 6 convolutions
# of 16, 32 and 64 channels (shortcuts have no weights), then 64 -> 10.
"$python" - <<'P' || failures=$((failures + 1))
import json, sys

bad = []
def hold(fact, what):
    if not fact: bad.append(what)
def near(a, b, tolerance=1e-6):
    return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-300)

first = 32 * 32 * 9 * 3 * 16
macs = first
c_in, side = 16, 32
for c, s in ((16, 32), (32, 16), (64, 8)):
    for i in range(6):
        macs += s * s * 9 * c_in * c
        c_in = c
conv, linear = macs, 64 * 10
def gflop(macs, data_macs): return 8 * 2 * (2 * macs + data_macs) * 1e-9 # 8 images
want = gflop(conv, conv - first) + gflop(linear, linear)

a, j = json.load(open("alone.json")), json.load(open("job.json"))
h = json.load(open("bf16.json"))
f = json.load(open("file0.json"))
for k in f["kinds"]:
    if k["kind"] == "linear":
        hold(near(k["gflop"], gflop(6 * 5, 6 * 5)), "a file's network: %r GFLOP of its head" % k["gflop"])
hold(f["gflop"] == json.load(open("file2.json"))["gflop"] > 0, "a file's network: work in a job")
for r, name in ((a, "alone"), (j, "job"), (h, "bf16")):
    hold(r["bench"] == "step" and r["network"] == "cifar_resnet20", name + ": what it is")
    hold(r["precision"] == ("bf16" if r is h else "fp32"), name + ": precision")
    hold((r["batch"], r["threads"], r["shards"], r["steps"]) == (8, 1, 8, 1 if r is h else 2),
         name + ": options")
    hold(near(r["gflop"], want), "%s: %r GFLOP, not %r" % (name, r["gflop"], want))
    hold(r["seconds"] > 0 and near(r["images_per_s"], 8 / r["seconds"]), name + ": images/s")
    hold(near(r["gflop_per_s"], r["gflop"] / r["seconds"]), name + ": GFLOP/s")
hold((a["workers"], j["workers"]) == (0, 2), "workers")

kinds = {k["kind"]: k for k in a["kinds"]}
hold(near(sum(k["share"] for k in a["kinds"]), 1), "shares do not sum to 1")
hold(near(sum(k["seconds"] for k in a["kinds"]), a["seconds"]), "parts do not sum to the step")
hold(near(sum(k["gflop"] for k in a["kinds"]), a["gflop"]), "work of kinds does not sum up")
hold(near(kinds["conv 3x3"]["gflop"], gflop(conv, conv - first)), "work of conv 3x3")
hold(near(kinds["linear"]["gflop"], gflop(linear, linear)), "work of linear")
for name in ("conv 3x3", "linear", "batch norm", "other", "loss", "update"):
    hold(kinds[name]["seconds"] > 0, name + " took no time")
for name in ("conv 1x1", "conv other", "depthwise", "waiting"):
    hold(kinds[name]["seconds"] == 0, name + " took time")
hold(near(a["share_of_peak"], a["gflop_per_s"] / a["peak_gflop_per_s"]), "share of the peak")
hold(all(k["gflop_bf16"] == 0 for k in a["kinds"]) and "peak_bf16_kernel" not in a, "bf16 in fp32")
# With operands in bf16: what Winograd does not take (the first layer; all passes of stride 2; the
# weights' of 8x8 maps, which have few tiles), two of the last layer's three. Each part against
# its own peak.
strided = 16 * 16 * 9 * 16 * 32 + 8 * 8 * 9 * 32 * 64
few_tiles = 5 * 8 * 8 * 9 * 64 * 64
rounded = {"conv 3x3": gflop(first, 0) + gflop(strided, strided) + gflop(few_tiles, 0) / 2,
           "linear": gflop(linear, linear) * 2 / 3}
at_peak = 0
for k in h["kinds"]:
    hold(near(k["gflop_bf16"], rounded.get(k["kind"], 0)), "bf16: %r GFLOP of %s, not %r" % (
        k["gflop_bf16"], k["kind"], rounded.get(k["kind"], 0)))
    own = (k["gflop"] - k["gflop_bf16"]) / h["peak_gflop_per_s"] + k["gflop_bf16"] / h["peak_bf16_gflop_per_s"]
    hold(near(k["share_of_peak"] * k["seconds"], own), "bf16: share of the peak of " + k["kind"])
    at_peak += own
hold(near(h["share_of_peak"] * h["seconds"], at_peak), "bf16: share of the peak")
multiply = kinds["conv 3x3"]["share"] + kinds["linear"]["share"]
hold(near(a["share_outside_products"], 1 - multiply, 1e-5), "share outside products")
arena = sum(a["arena_bytes"].values())
hold(0 < arena < a["peak_rss_bytes"], "arena of %d bytes in %d" % (arena, a["peak_rss_bytes"]))

s, w = j["server"], j["worker"]
hold(min(s["tree_s"], s["update_s"], s["copies_s"]) > 0, "a part of the server took no time")
hold(near(s["tree_s"] + s["update_s"] + s["copies_s"], s["all_s"]), "the server's parts")
hold(j["images_per_s_without_server"] >= j["images_per_s"], "slower without the server")
hold(w["compute_s"] > 0 and w["waiting_s"] >= 0 and w["peak_rss_bytes"] > 0, "the worker")
for what in bad: print("FAILED:", what)
sys.exit(bool(bad))
P

expect() { # pattern argument...: a mistake, which ends with `code`
    local pattern=$1
    shift
    timeout -k 5 60 "$PTRAIN" bench "$@" >mistake.log 2>&1
    local got=$?
    [ $got = "${code:-2}" ] || fail "bench $*: exit code $got, not ${code:-2}"
    [ "$(wc -l <mistake.log)" = 1 ] && grep -qE "^error: .*($pattern)" mistake.log ||
        { fail "bench $*: not one error line with '$pattern'"; cat mistake.log; }
}
expect "step.input is missing"
expect "did you mean 'step'" stpe
expect "unknown network 'nosuch'" step --network nosuch
expect "unknown network 'nosuch'" step --network nosuch --workers 2
code=1 expect "nosuch.onnx: cannot be opened: No such file" step --network nosuch.onnx
expect "did you mean 'resnet50'" step --network resnet5
expect "batch is '0'" step --batch 0
expect "batch is 'many'" step --batch many
expect "--shards is 16, more than the 8 images of the batch" step --batch 8 --shards 16
expect "power of two, not 3" step --shards 3
expect "--workers is 9, more than the 8 shards" step --workers 9
expect "threads is '0'" step --threads 0
expect "unknown option '--quick'" step --quick
expect "missing after '--batch'" step --batch
expect "did you mean 'winograd'" step --method winogad
expect "'x' is one argument too many" step x
finish

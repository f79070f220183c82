#!/usr/bin/env bash
# usage: pictures.sh PTRAIN PICTURES [--networks "squeezenet1_1 resnet50"] [--layout "W T"]
#                    [--batch 32] [--steps 10] [--rounds 5]
#
# Steps of `ptrain train` on JPEG files (a folder of them, packed as they are; resized to 256,
# cropped to 224, mirrored) beside `ptrain bench step` on synthetic images, by turns: the same
# network, batch and job of 1 server and W workers of T threads. A row of a table for each
# network: images/s by the median step, the ratio of pictures to synthetic images (over the
# rounds), and how much of a step the workers waited for input. Never a test.
set -eu
ptrain=$(realpath "$1") pictures=$(realpath "$2")
shift 2
networks="squeezenet1_1 resnet50" layout="1 2" batch=32 steps=10 rounds=5 warmup=2
while [ $# -gt 0 ]; do
    case $1 in
    --networks) networks=$2 ;;
    --layout) layout=$2 ;;
    --batch) batch=$2 ;;
    --steps) steps=$2 ;;
    --rounds) rounds=$2 ;;
    *) sed -n '2,/^set/{/^#/p}' "$0" && exit 2 ;;
    esac
    shift 2
done
read -r workers threads <<<"$layout"
python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

mkdir -p pictures/a pictures/b # without a split to test on
n=0 class=a
find "$pictures" -iname '*.jp*g' | sort | while read -r file; do
    n=$((n + 1))
    [ $class = a ] && class=b || class=a
    cp "$file" pictures/$class/$n.jpg
done
"$ptrain" pack --layout folders pictures data.h5 >pack.log
cat >run.yaml <<Y
shards: 8
data: {path: data.h5, train_split: all, batch: $batch, resize_mode: square, resize: 256, crop: 224, train_crop: random}
pseudo_task: {loss: sml1, gate: always}
optimizer: {lr: 1.0e-4}
engine: {threads: $threads}
stages: [{steps: $((warmup + steps))}]
run: {dir: run}
Y
echo "load $(cut -d' ' -f1 /proc/loadavg), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" >&2

on_pictures() { # network
    "$ptrain" train run.yaml --overwrite --workers "$workers" --set "network.name=$1" >train.log 2>&1 ||
        { tail -3 train.log >&2; exit 1; }
    "$python" - "$warmup" <<'P'
import json, statistics, sys
rows = [json.loads(line) for line in open("run/metrics.jsonl")]
steps = [(r["seconds"], r["input_s"]) for r in rows[int(sys.argv[1]):]]
print(statistics.median(s for s, _ in steps), sum(i for _, i in steps) / sum(s for s, _ in steps))
P
}
synthetic() { # network
    "$ptrain" bench step --json --network "$1" --batch "$batch" --workers "$workers" --threads "$threads" \
        --steps "$steps" --warmup "$warmup" | sed -nE 's/.*"seconds": ([0-9.e-]+),.*/\1/p'
}
for network in $networks; do
    : >rounds.txt
    for ((round = 1; round <= rounds; round++)); do
        echo "$(synthetic "$network") $(on_pictures "$network")" | tee -a rounds.txt >&2
    done
    "$python" - "$network" "$batch" "$workers x $threads" <<'P'
import statistics, sys
network, batch, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
rounds = [[float(x) for x in line.split()] for line in open("rounds.txt")]
synthetic, pictures, waits = ([batch / r[0] for r in rounds], [batch / r[1] for r in rounds],
                              [100 * r[2] for r in rounds])
ratios = [p / s for p, s in zip(pictures, synthetic)]
print("| %s, batch %d, %s | %.3g | %.3g | %.2f (%.2f to %.2f) | %.1f %% (%.1f to %.1f) |" % (
    network, batch, layout, statistics.median(synthetic), statistics.median(pictures),
    statistics.median(ratios), min(ratios), max(ratios),
    statistics.median(waits), min(waits), max(waits)))
P
done

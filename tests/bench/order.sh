#!/usr/bin/env bash
# What equal bits cost. Steps of one process, three programs by turns: ptrain as it is (V = 8
# shards); the same kernels compiled so that the compiler may reorder and contract sums
# (PT_FREE_ORDER: a build for this alone); and that with the batch in one piece (V = 1). Never a
# test. A row for each network: the median over the rounds of exact / free - 1.
#
#   order.sh [--networks "resnet50 squeezenet1_1 vgg16"] [--batch 16] [--rounds 5] [--workdir DIR]
set -u -o pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
networks="resnet50 squeezenet1_1 vgg16" batch=16 rounds=5 workdir=bench-results
while [ $# -gt 0 ]; do
    case $1 in
    --networks) networks=$2 && shift ;;
    --batch) batch=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --workdir) workdir=$2 && shift ;;
    *) sed -n '2,/^set/{/^#/p}' "$0" && exit 2 ;;
    esac
    shift
done
mkdir -p "$workdir" && cd "$workdir" || exit 1
for free in OFF ON; do
    cmake -S "$source" -B build-order-$free -DCMAKE_BUILD_TYPE=Release -DPT_TESTS=OFF \
        -DPT_FREE_ORDER=$free >build.log 2>&1 &&
        cmake --build build-order-$free -j"$(nproc)" --target ptrain >>build.log 2>&1 ||
        { tail -5 build.log; echo "error: the build failed"; exit 1; }
done
echo "load $(cut -d' ' -f1 /proc/loadavg), $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)"

seconds() { # program network shards
    "$1/ptrain" bench step --json --steps 3 --warmup 1 --threads "$(nproc)" --batch "$batch" \
        --network "$2" --shards "$3" | sed -nE 's/.*"images_per_s": ([0-9.]*).*/\1/p' |
        awk -v b="$batch" '{print b / $1}'
}
median() { sort -n | awk '{v[NR] = $1} END {print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2}'; }

for network in $networks; do
    : >order.txt
    for ((round = 1; round <= rounds; round++)); do
        exact=$(seconds build-order-OFF "$network" 8)
        free=$(seconds build-order-ON "$network" 8)
        whole=$(seconds build-order-ON "$network" 1)
        echo "$exact $free $whole" | tee -a order.txt >&2
    done
    flags=$(awk '{print 100 * ($1 / $2 - 1)}' order.txt | median)
    all=$(awk '{print 100 * ($1 / $3 - 1)}' order.txt | median)
    range=$(awk '{x = 100 * ($1 / $3 - 1); if (NR == 1 || x < a) a = x; if (NR == 1 || x > b) b = x}
                 END {printf "%.1f to %.1f", a, b}' order.txt)
    printf '| %s, batch %s | %+.1f %% | %+.1f %% (%s) |\n' "$network" "$batch" "$flags" "$all" "$range"
done

#!/usr/bin/env bash
# Training steps of ptrain and of PyTorch (Debian's python3-torch), alternating, as one
# Markdown table. Never a test: what it prints is of this machine and this hour.
#
#   --rows "NAME..."  of: step:NETWORK, every network of ptrain but resnet_small;
#                     bf16:vgg16 bf16:resnet50 bf16:squeezenet1_1 ddp:resnet50
#                     ddp:vgg16 shards:vgg16 shards:resnet50 shards:squeezenet1_1, or
#                     all of a kind: step bf16 ddp shards (all)
#   --quick           one round of two steps; no rows for information
#   --rounds N        of all rows (3)
#   --threads N       of the steps of one process (2)
#   --workdir DIR     results.jsonl goes there (bench-results); table.py makes the table
#   --ptrain FILE     a program that is built already
set -u -o pipefail
source=$(cd "$(dirname "$0")/../.." && pwd)
. "$source/launch/packages.sh"
all="step:vgg16 step:resnet50 step:squeezenet1_1 step:mobilenet_v1 step:resnet18 step:resnet34
     step:resnet101 step:resnet152 step:cifar_resnet20 step:cifar_resnet56
     bf16:vgg16 bf16:resnet50 bf16:squeezenet1_1 ddp:resnet50 ddp:vgg16 shards:vgg16 shards:resnet50 shards:squeezenet1_1"
rows=$all rounds=3 threads=2 steps=3 warmup=2 workdir=bench-results ptrain= info=yes

die() { echo "error: $*" >&2; exit 2; }
while [ $# -gt 0 ]; do
    case $1 in
    --rows) rows=${2:?} && shift ;;
    --quick) rounds=1 steps=2 warmup=1 info= ;;
    --threads) threads=${2:?} && shift ;;
    --rounds) rounds=${2:?} && shift ;;
    --workdir) workdir=${2:?} && shift ;;
    --ptrain) ptrain=$(realpath "${2:?}") && shift ;;
    *) die "compare.sh: unknown option '$1' (its first lines tell more)" ;;
    esac
    shift
done
chosen=
for r in $rows; do
    found=$(printf '%s\n' $all | grep -x -e "$r" -e "$r:.*") || die "compare.sh: no row '$r'"
    chosen="$chosen $found"
done

pt_need "$pt_build_packages" "$pt_long_test_packages" || exit 1
mkdir -p "$workdir" && cd "$workdir" || exit 1
if [ -z "$ptrain" ]; then
    cmake -S "$source" -B build -DCMAKE_BUILD_TYPE=Release -DPT_TESTS=OFF >build.log 2>&1 &&
        cmake --build build -j"$(nproc)" >>build.log 2>&1 ||
        { echo "error: the build failed ($PWD/build.log)" >&2; exit 1; }
    ptrain=$PWD/build/ptrain
fi

# Without this PyTorch loses a quarter of a step to page faults.
tuned="MALLOC_MMAP_THRESHOLD_=8589934592 MALLOC_TRIM_THRESHOLD_=17179869184
       MALLOC_TOP_PAD_=268435456 GLIBC_TUNABLES=glibc.malloc.hugetlb=1"

keep() { # row side round: the line of JSON on stdin, with its place, to results.jsonl
    local line
    line=$(grep '^{') || { echo "error: no result of $1, $2" >&2; exit 1; }
    echo "{\"row\": \"$1\", \"side\": \"$2\", \"round\": $3, ${line#\{}" | tee -a results.jsonl |
        sed -E 's/.*"row": "([^"]*)", "side": "([^"]*)", "round": ([0-9]*).*"images_per_s": ([0-9.]*).*/\1 \2 round \3: \4 images\/s/' >&2
}
ours() { # row side round option...
    local row=$1 side=$2 round=$3
    shift 3
    "$ptrain" bench step --json --steps $steps --warmup $warmup "$@" | keep "$row" "$side" "$round"
}
theirs() {
    local row=$1 side=$2 round=$3 env=$tuned
    shift 3
    [ "$side" != torch_plain ] || env=
    # shellcheck disable=SC2086
    env $env "$pt_python" "$source/tests/bench/torch_step.py" --steps $steps \
        --warmup $warmup "$@" | keep "$row" "$side" "$round"
}

step() { # row round network batch
    local what=(--network "$3" --batch "$4" --threads "$threads")
    ours "$1" ptrain "$2" "${what[@]}" && theirs "$1" torch "$2" "${what[@]}" || return 1
    [ -n "$info" ] && [ "$2" = 1 ] || return 0
    theirs "$1" torch_plain 1 "${what[@]}" || return 1
    [ "$3" != squeezenet1_1 ] || theirs "$1" torch_own 1 "${what[@]}" --own-head
}
bf16() { # row round network batch: beside our fp32 and PyTorch's autocast
    local what=(--network "$3" --batch "$4" --threads "$threads")
    ours "$1" ptrain "$2" "${what[@]}" --precision bf16 && ours "$1" fp32 "$2" "${what[@]}" &&
        theirs "$1" torch "$2" "${what[@]}" --bf16
}
run() { # row round
    local network=${1#*:}
    local what=(--network "$network" --batch 16 --threads 1)
    case $1 in
    bf16:squeezenet1_1) bf16 "$1" "$2" "$network" 32 ;;
    bf16:*) bf16 "$1" "$2" "$network" 16 ;;
    step:squeezenet1_1 | step:mobilenet_v1) step "$1" "$2" "$network" 32 ;;
    step:resnet1[05]*) step "$1" "$2" "$network" 8 ;;
    step:cifar_*) step "$1" "$2" "$network" 64 ;;
    step:*) step "$1" "$2" "$network" 16 ;;
    ddp:*)
        ours "$1" ptrain "$2" "${what[@]}" --workers 2 &&
            theirs "$1" torch "$2" "${what[@]}" --processes 2
        ;;
    shards:*)
        ours "$1" v8 "$2" "${what[@]}" --workers 2 --shards 8 &&
            ours "$1" v2 "$2" "${what[@]}" --workers 2 --shards 2
        ;;
    esac
}

cpu=$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)
isa=$(grep -o -m1 -w avx512f /proc/cpuinfo | head -1)
torch=$("$pt_python" -c 'import torch; print(torch.__version__)') || exit 1
commit=$(git -C "$source" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
# Others on the cores slow PyTorch's threads, which spin at barriers, four times and more.
load=$(cut -d' ' -f1 /proc/loadavg)
awk -v load="$load" 'BEGIN { exit !(load > 0.3) }' &&
    echo "warn: the load is $load: others use these cores, and no ratio will count" >&2
printf '{"machine": "%s (%s)", "cores": %d, "load": %s, "date": "%s", "torch": "%s", ' \
    "${cpu:-unknown}" "${isa:-no AVX-512}" "$(nproc)" "$load" "$(date -u +%F)" "$torch" >results.jsonl
printf '"commit": "%s", "rounds": %d}\n' "$commit" "$rounds" >>results.jsonl
for round in $(seq "$rounds"); do
    for row in $chosen; do run "$row" "$round" || exit 1; done
done
"$pt_python" "$source/tests/bench/table.py" results.jsonl

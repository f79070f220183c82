#!/usr/bin/env bash
# The same run on 1 + 2 and on 1 + 7 ranks, alternating, on the cores of this machine: what
# it costs to start more workers than cores. Aim: at most 1.3 times. Never a test.
#   tests/bench/oversubscribed.sh PTRAIN [ROUNDS]
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
PTRAIN=$(realpath "${1:?the program}") PT_SOURCE=$source
rounds=${2:-3}
. "$source/tests/e2e/lib.sh"
make_data
seconds() { value "$1" seconds; }
for round in $(seq "$rounds"); do
    for n in 3 8; do
        ranks $n run$n network.name=resnet_small data.resize_mode=square data.resize=112 \
            data.crop=96 data.batch=36 'stages=[{epochs: 12}]' evaluation.every_epochs=0 ||
            { cat run$n.log; exit 1; }
    done
    [ "$(hash_of run3)" = "$(hash_of run8)" ] || { echo "error: other weights" >&2; exit 1; }
    awk -v a="$(seconds run3)" -v b="$(seconds run8)" -v r="$round" \
        'BEGIN { printf "round %d: 1+2 ranks %.2f s, 1+7 ranks %.2f s, ratio %.2f\n", r, a, b, b / a }'
done

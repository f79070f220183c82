#!/usr/bin/env bash
# `ptrain plan`: a job bound by its links takes between the bound and 1.25 times it, for one
# server and for one on each node. The simulator itself compares the bytes of every link
# with the formula, and gives no answer if they differ; here with batch norm as well.
. "$(dirname "$0")/lib.sh"
"$PTRAIN" plan --link 25 >out 2>err && fail "a rate without a unit was taken"
[ "$(grep -c error: err)" = 1 ] || fail "a bad rate: $(cat err)"
if [ ! -x "$(dirname "$PTRAIN")/ptrain-plan" ]; then
    "$PTRAIN" plan >out 2>err
    [ $? = 2 ] && grep -q 'error: .*libsimgrid-dev' err || fail "without SimGrid: $(cat err)"
    echo "skipped: ptrain was built without SimGrid (libsimgrid-dev)"
    exit 77
fi
"$PTRAIN" plan --images-per-second 10 --svg none/plan.svg >out 2>err &&
    fail "a drawing in a folder that is not there was taken"
[ ! -s out ] && grep -q '^error: none/plan.svg: ' err || fail "a bad drawing: $(cat out err)"
"$PTRAIN" plan --network vgg16 --nodes 4 --servers 1,n --link 1Gb/s --batch 2 \
    --images-per-second 200 --svg plan.svg >out 2>err || fail "vgg16: $(cat err)"
cat out
[ ! -s err ] || fail "vgg16 printed $(cat err)"
awk '$1 == 4 { rows++; if ($3 < $6 || $3 > 1.25 * $6) bad = 1 } END { exit bad || rows != 2 }' out ||
    fail "a step is not between the bound and 1.25 times it"
grep -q '^best: 4 servers for 4 nodes' out || fail "the best layout is not 4 servers"
grep -q '</svg>' plan.svg || fail "plan.svg is not whole"
# the network of a file, whose layers are fewer than those of any of ours
"$PTRAIN" plan --network "$PT_SOURCE/tests/data/weights/graph_mean.onnx" --nodes 2 --servers 1,n \
    --images-per-second 1000 >out 2>err || fail "a file: $(cat err)"
awk '$1 == 2 { rows++; if ($3 ~ /~/ || $3 < $6) bad = 1 } END { exit bad || rows != 2 }' out || fail "a file: $(cat out)"
"$PTRAIN" plan --network resnet50 --nodes 6 --servers 2 --images-per-second 100 >out 2>err ||
    fail "resnet50: $(cat err)"
# what takes too long is given up, and as far from its bound as the largest that did not
"$PTRAIN" plan --network vgg16 --nodes 2,512 --servers 1 --images-per-second 30 --limit 1 >out \
    2>err || fail "--limit: $(cat err)"
awk '$1 == 2 { of = $7; if ($3 == "~") bad = 1 } $1 == 512 && $3 $4 ~ /^~/ { good = $NF == of }
    END { exit bad || !good }' out || fail "--limit 1: $(cat out)"
# a server's thread receives, checks and adds what 16 nodes send, and writes the model to 15; of
# few images a node sends little but factors
thread() { # BATCH SECONDS: an expression of the rates i, o, c, a in GB/s and the model's m GB
    "$PTRAIN" plan --network vgg16 --nodes 16 --servers 1 --batch "$1" --images-per-second 10000 \
        --link 400Gb/s >out 2>err || fail "16 nodes: $(cat err)"
    awk '/^a server/ { gsub(",", ""); m = 0.553; c = $5; a = $8; o = $14; i = $18 }
        $1 == 16 { least = '"$2"'; good = $3 > 0.95 * least }
        END { print "16 nodes: at least " least " s"; exit !good }' out ||
        fail "a server's thread does not take its time: $(cat out)"
}
thread 100 'm * (15 * (1 / i + 1 / c + 1 / o) + 16 / a)'
thread 2 'm * 15 / o'
# a server on a fifth node carries the model of a fourth worker; without TCP nothing of a
# link is for its answers; one core computes for four
step_s() { # OPTION...
    "$PTRAIN" plan --network squeezenet1_1 --nodes 4 --servers 1 --batch 2 "$@" 2>err |
        awk '$1 == 4 { print $3 }'
}
near=$(step_s --link 10Mb/s --images-per-second 100)
apart=$(step_s --link 10Mb/s --images-per-second 100 --servers-apart)
awk -v near="$near" -v apart="$apart" 'BEGIN { exit !(near > 0 && 1.2 * near < apart) }' ||
    fail "$near s with the server beside a worker, $apart s apart: $(cat err)"
rdma=$(step_s --link 10Mb/s --images-per-second 100 --rdma)
awk -v near="$near" -v rdma="$rdma" 'BEGIN { exit !(rdma > 0 && near > 1.04 * rdma) }' ||
    fail "$near s over sockets, $rdma s without: $(cat err)"
alone=$(step_s --images-per-second 5) shared=$(step_s --images-per-second 5 --machine 1)
awk -v alone="$alone" -v shared="$shared" 'BEGIN { exit !(alone > 0 && 3.5 * alone < shared) }' ||
    fail "$alone s a node of its own, $shared s on one core: $(cat err)"
finish

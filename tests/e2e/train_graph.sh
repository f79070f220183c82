#!/usr/bin/env bash
# Training the network that an ONNX file describes (network.graph): the same bits on any
# number of workers, killed and resumed or not, also when the file is gone; its models are
# models like others; exported, ptrain's own network trains to the bits that it has by name.
# usage: train_graph.sh             the small networks of tests/data/weights
#        train_graph.sh NETWORK...  torchvision's, exported by PyTorch
. "$(dirname "$0")/lib.sh"
make_data
sed -i 's/^network:.*/network: {dropout: 0.3}/' run.yaml
cp "$PT_SOURCE"/tests/data/weights/graph_*.onnx .

is_refused() { # CODE WORDS command...: one line
    local expected=$1 words=$2
    shift 2
    "$@" >bad.log 2>&1
    code=$?
    [ $code = "$expected" ] && [ "$(grep -c 'error:' bad.log)" = 1 ] && grep -qF "$words" bad.log ||
        { fail "code $code, not $expected with '$words'"; cat bad.log; }
}
refused() { # CODE WORDS set...: by a job
    local sets=()
    for s in "${@:3}"; do sets+=(--set "$s"); done
    is_refused "$1" "$2" timeout -k 5 "$limit" mpirun -q --oversubscribe --bind-to none -n 2 \
        "$PTRAIN" train run.yaml "${sets[@]}"
}
unfit() { is_refused "$1" "$2" "$PTRAIN" config check --train run.yaml --set "$3"; } # CODE WORDS set

same_bits() { # NAME set...: on 1 and 3 workers
    local name=$1
    shift
    ranks 2 "$name" "$@" && ranks 4 other "$@" || { fail "$name: $(tail -1 "$name.log")"; return; }
    [ "$(hash_of other)" = "$(hash_of "$name")" ] || fail "$name: other weights on 3 workers"
}

resumed() { # slow, so that a checkpoint is written; killed before step 6, then resumed without the file: the bits of `kept`
    before=(env LD_PRELOAD="$PT_SHIM" PT_SHIM_DELAY_US=10000 PT_SHIM_RANK=1 PT_SHIM_KILL=1:6)
    ranks 3 cut "${kept[@]}" run.checkpoint_steps=1 && fail "the run that was to be killed ended"
    before=()
    mv graph_kept.onnx away.onnx
    timeout -k 5 "$limit" mpirun -q --oversubscribe --bind-to none -n 4 "$PTRAIN" train run.yaml \
        --set run.dir=cut --set "${kept[0]}" --set "${kept[1]}" >cut.log 2>&1 ||
        { fail "not resumed"; cat cut.log; }
    mv away.onnx graph_kept.onnx
    grep -q 'graph_kept.onnx cannot be opened: cut/start.h5 has the graph of this run' cut.log &&
        grep -q 'resuming after step' cut.log || { fail "not from its own graph"; cat cut.log; }
    [ "$(hash_of cut)" = "$(hash_of kept)" ] || fail "killed and resumed: other weights"
    refused 2 'graph_hash was' network.graph=graph_mean.onnx data.crop=16 run.dir=cut
}

models() { # a run's model in every command
    local pictures=images/target/test
    "$PTRAIN" eval kept data.h5 >eval.log 2>&1 &&
        grep -q "predictions: sha256 $(value kept predictions_hash)" eval.log ||
        { fail "eval: other predictions than the run's"; cat eval.log; }
    "$PTRAIN" predict --tsv --weights kept/model.h5 "$pictures" >model.tsv 2>log || { fail "predict"; cat log; }
    "$PTRAIN" export kept --to onnx -o again.onnx >log 2>&1 || { fail "export"; cat log; }
    "$PTRAIN" predict --tsv --weights again.onnx "$pictures" 2>&1 | cmp - model.tsv ||
        fail "predictions by the export are others, or it warns"
    "$PTRAIN" export kept --to safetensors >log 2>&1 || { fail "export to safetensors"; cat log; }
    "$PTRAIN" soup kept kept --output soup.h5 >log 2>&1 && grep -q "$(hash_of kept)" log ||
        { fail "a soup of one model is another"; cat log; }
    "$PTRAIN" status kept >log 2>&1 && grep -q '^kept: finished' log || fail "status"
    "$PTRAIN" report kept -o report.html >log 2>&1 && grep -q 'graph_kept.onnx on data.h5' report.html ||
        { fail "the report does not name the network"; cat log; }
    "$PTRAIN" inspect kept/model.h5 >log 2>&1 &&
        grep -q '^graph: .* network.graph trains it' log || { fail "inspect"; cat log; }
    # Its network, with its head, for further training.
    ranks 4 further data.crop=16 network.graph=kept/model.h5 network.keep_head=true ||
        { fail "further training"; cat further.log; }
    grep -q 'head kept (9 classes)' further.log || fail "further training: another head"
    refused 1 'holds a network that was read from a file: give network.graph: kept/model.h5' \
        network.name=resnet18 network.weights=kept/model.h5 run.dir=new
}

by_name() { # ptrain's own network through its ONNX file
    ranks 2 first network.name=resnet_small || { fail "by name"; cat first.log; return; }
    "$PTRAIN" export first --to onnx -o small.onnx >log 2>&1 || { fail "export by name"; cat log; }
    ranks 3 named network.name=resnet_small network.weights=small.onnx || { fail "named"; cat named.log; }
    ranks 3 graph network.graph=small.onnx || { fail "by its graph"; cat graph.log; }
    [ "$(hash_of graph)" = "$(hash_of named)" ] || fail "resnet_small has other weights by its graph"
    [ "$(value graph predictions_hash)" = "$(value named predictions_hash)" ] ||
        fail "resnet_small has other predictions by its graph"
}

small() {
    kept=(network.graph=graph_kept.onnx data.crop=16)
    same_bits kept "${kept[@]}"
    resumed
    models
    by_name
    # LwF: the file's own classifier, here a convolution below the mean, beside a new head.
    same_bits mean network.graph=graph_mean.onnx data.crop=24 'regularizers={lwf: {weight: 1}}' \
        'stages=[{steps: 2, frozen: [trunk]}, {steps: 2}]'
    same_bits average network.graph=graph_average.onnx data.crop=16
    # The bias of a depthwise convolution is no batch norm: its mode changes nothing.
    ranks 4 folded network.graph=graph_folded.onnx data.crop=16 || fail "folded: $(tail -1 folded.log)"
    ranks 2 other network.graph=graph_folded.onnx data.crop=16 network.batch_norm=frozen || fail "frozen"
    [ "$(hash_of other)" = "$(hash_of folded)" ] || fail "a bias was normalized"

    sed 's/MaxPool/MinPool/g' graph_kept.onnx >odd.onnx
    unfit 1 ": the engine has no such operator" network.graph=odd.onnx
    unfit 1 "its network is one of ptrain's own" network.graph=first/model.h5
    unfit 1 "files hold weights and no graph" "network.graph=$PT_SOURCE/tests/data/weights/plain.safetensors"
    unfit 1 "network.graph: none.onnx: cannot be opened" network.graph=none.onnx
    unfit 2 "network.graph and network.name are both given" 'network={name: resnet18, graph: small.onnx}'
    refused 2 "the network is for 16 (data.crop)" network.graph=graph_kept.onnx run.dir=new
    refused 2 "its head has 5 classes, the data have 9: it cannot be kept" \
        network.graph=graph_mean.onnx network.keep_head=true run.dir=new
}

large() {
    /usr/bin/python3 -c 'import torch, torchvision, onnx' 2>/dev/null ||
        { echo "skip: no torchvision and onnx for Python"; exit 77; }
    for net in "$@"; do
        /usr/bin/python3 "$PT_SOURCE/tests/oracle/onnx_nets.py" pair "$net" || { fail "onnx_nets.py"; continue; }
        sets=(data.resize_mode=square data.resize=64 data.crop=64 'stages=[{steps: 3}]')
        ranks 3 graph "${sets[@]}" "network.graph=$net.onnx" || { fail "$net.onnx"; cat graph.log; }
        ranks 3 named "${sets[@]}" "network.name=$net" "network.weights=$net.pth" || { fail "$net.pth"; cat named.log; }
        [ "$(hash_of graph)" = "$(hash_of named)" ] || fail "$net: other weights by its graph than by its name"
        echo "$net: $(hash_of graph)"
    done
}

if [ $# = 0 ]; then small; else large "$@"; fi
finish

#!/usr/bin/env bash
# The same bits on several numbers of workers and on 1 and 2 threads, and again; other bits
# for everything that should change them. worker.run_bits has more layouts, in one process;
# here are the program, its input and MPI. $1: sync, shard or frozen.
. "$(dirname "$0")/lib.sh"
make_data
mode=$1
case $mode in # with `sync` workers exchange sums; the others do not
    sync) layouts=(2 3 5 8) ;;
    *) layouts=(3 8) ;;
esac

ranks 2 first "network.batch_norm=$mode" || { cat first.log; fail "the first run"; finish; }
weights=$(hash_of first) predictions=$(value first predictions_hash)
[ ${#weights} = 64 ] && [ ${#predictions} = 64 ] || fail "no hashes in result.json"
grep -q "weight hash      $weights" first.log || fail "the weight hash is not printed"
grep -q "predictions hash $predictions" first.log || fail "the predictions hash is not printed"

for workers in "${layouts[@]}"; do
    ranks $((workers + 1)) other "network.batch_norm=$mode" || fail "$workers workers"
    [ "$(hash_of other)" = "$weights" ] || fail "$workers workers: other weights"
    [ "$(value other predictions_hash)" = "$predictions" ] || fail "$workers workers: other predictions"
done
for workers in 1 3; do
    ranks $((workers + 1)) other "network.batch_norm=$mode" engine.threads=2 || fail "2 threads"
    [ "$(hash_of other)" = "$weights" ] || fail "$workers workers x 2 threads: other weights"
    [ "$(value other predictions_hash)" = "$predictions" ] || fail "2 threads: other predictions"
done
ranks 3 other "network.batch_norm=$mode" || fail "again"
[ "$(hash_of other)" = "$weights" ] || fail "again: other weights"

steps=$(value first steps) with_w=$(value first steps_with_w)
[ "$steps" = 6 ] || fail "$steps steps, not 6: the last batch of an epoch is not short"
[ $((2 * with_w)) -ge "$steps" ] || fail "w > 0 in $with_w of $steps steps only"

start=$(sed -n 's/.*"start_weights_hash": "\(.*\)".*/\1/p' first/identity.json)
[ ${#start} = 64 ] && [ "$start" != "$weights" ] || fail "the weights did not move"
# Methods whose images come in pairs: partners are decoded by another worker's list.
if [ "$mode" = sync ]; then
    methods=('cross_entropy={label_smoothing: 0.1, mixup: 0.5, cutmix: 1}'
        'regularizers={fnp: {weight: 0.001}, confusion: {weight: 1}, bss: {weight: 0.001, k: 2},
            l2_sp: {alpha: 0.1, beta: 0.01}}')
    ranks 2 methods "${methods[@]}" || fail "methods"
    [ "$(hash_of methods)" != "$weights" ] || fail "methods: the same weights as without"
    for workers in 3 8; do
        ranks $((workers + 1)) other "${methods[@]}" || fail "methods, $workers workers"
        [ "$(hash_of other)" = "$(hash_of methods)" ] || fail "methods, $workers workers: other weights"
    done
    # Augmentations: what an image gets depends on the image, not on who decodes it.
    augmented=('data.rand_augment={num_ops: 2}'
        'data.color_jitter={brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1}'
        'data.random_erasing={probability: 0.5, with: noise}')
    ranks 2 augmented "${augmented[@]}" || fail "augmentations: $(tail -1 augmented.log)"
    [ "$(hash_of augmented)" != "$weights" ] || fail "augmentations: the same weights as without"
    ranks 6 other "${augmented[@]}" data.input_threads=3 || fail "augmentations, 5 workers"
    [ "$(hash_of other)" = "$(hash_of augmented)" ] || fail "augmentations, 5 workers: other weights"
    # LwF: the classifier of the first run's model stays beside a new one. AdaRand beside it.
    methods=(network.weights=first/model.h5
        'regularizers={lwf: {weight: 1}, adarand: {weight: 0.5}}'
        'stages=[{steps: 2, frozen: [trunk]}, {steps: 3}]')
    ranks 2 methods "${methods[@]}" || fail "LwF"
    ranks 6 other "${methods[@]}" || fail "LwF, 5 workers"
    [ "$(hash_of other)" = "$(hash_of methods)" ] || fail "LwF, 5 workers: other weights"
    # What the servers decide together, and an order that needs the labels of all images.
    common=(data.sampling=balanced cross_entropy.weights=balanced
        'optimizer={kind: adamw, lr: 0.001, clip_norm: 0.5}')
    ranks 2 common "${common[@]}" || fail "AdamW: $(tail -1 common.log)"
    for servers in 2 3; do
        ranks $((2 * servers + 1)) other "${common[@]}" "server.ranks=$servers" || fail "AdamW, $servers servers"
        [ "$(hash_of other)" = "$(hash_of common)" ] || fail "AdamW, $servers servers: other weights"
    done
    grep -q '"gradient_norm":' common/metrics.jsonl || fail "the norm is not in metrics.jsonl"
    # Joint training: a second data set and a second head.
    "$PTRAIN" pack --layout folders images/source source.h5 >/dev/null || fail "pack the source set"
    joint=('regularizers={joint: {weight: 0.7}}' source.path=source.h5)
    ranks 2 joint "${joint[@]}" || fail "joint: $(tail -1 joint.log)"
    ranks 6 other "${joint[@]}" || fail "joint, 5 workers"
    [ "$(hash_of other)" = "$(hash_of joint)" ] || fail "joint, 5 workers: other weights"
    grep -q '"source_checksum"' joint/identity.json || fail "joint: the source set is not in its identity"
    ranks 2 none 'regularizers={joint: {weight: 1}}' && fail "joint without a source set"
    grep -q 'error: regularizers.joint.weight needs source.path' none.log || fail "joint: $(tail -1 none.log)"
    "$PTRAIN" predict --weights methods/model.h5 images/target/test/*/*.jpg >predicted.log 2>&1 &&
        [ "$(wc -l <predicted.log)" -ge 12 ] || fail "LwF: its model does not predict"
fi

# What changes the bits does so whatever batch norm does: once is enough.
[ "$mode" = frozen ] || { finish; exit; }
differs() { # what set...
    local what=$1
    shift
    ranks 2 other "network.batch_norm=$mode" "$@" || fail "$what"
    [ "$(hash_of other)" != "$weights" ] || fail "$what: the same weights"
}
differs "plain fine-tuning" pseudo_task.loss=none
differs "another seed" seed=4
differs "another V" shards=4
differs "no flips" data.flip=false
differs "no momentum" optimizer.momentum=0
differs "no weight decay" optimizer.weight_decay=0
differs "no change of the rate" schedule.kind=constant
finish

#!/usr/bin/env bash
# A run that is killed -9, whichever process and whenever, goes on with other workers,
# servers and threads to the weights of one that was never disturbed.
#
#   KILLS=20 FIRST=1 kills.sh     seeds FIRST, FIRST+1, ...: each kills one to three times
#
# A seed draws victims (a worker, a server, mpirun, the launcher), moments (a message of
# a rank, counted by the shim; or a time after the start), workers, servers, threads, the
# steps between checkpoints, and hosts: this one, or two that are pretended (e2e/pretend.sh), whose
# workers add up their gradients and send factors. By hand, a thousand kills in an hour:
#
#   PTRAIN=$PWD/build/ptrain PT_SOURCE=$PWD PT_SHIM=$PWD/build/tests/faults/libpt_shim.so \
#       KILLS=820 tests/faults/kills.sh
. "$(dirname "$0")/lib.sh"
make_data
unshare -u true 2>/dev/null && pretend=1 || pretend=0
steps=36 kills=${KILLS:-20} first=${FIRST:-1} done_kills=0 finished=0
# AdaRand and matched targets: what a checkpoint holds beside weights and momentum;
# augmentations: what is drawn for an image, which no checkpoint holds
run=('stages=[{steps: 36}]' data.batch=5 evaluation.every_epochs=1 run.keep_best=true
    data.validation_share=0.25 pseudo_task.target=matched regularizers.adarand.weight=0.5
    'data.rand_augment={num_ops: 1}' 'data.color_jitter={brightness: 0.4, hue: 0.1}'
    'data.random_erasing={probability: 0.5, with: noise}')
# and two moments; the best weights so far, which the run hands on where it ends early; operands
# in bf16
[ "$first" -le 20 ] || run+=(engine.precision=bf16 'optimizer={kind: adamw, lr: 0.001, head_lr: 0.002}'
    'early_stopping={patience: 3, metric: loss}')
ranks 3 undisturbed "${run[@]}" || { cat undisturbed.log; fail "the undisturbed run"; finish; }
wanted=$(hash_of undisturbed) wanted_rows=$(value undisturbed predictions_hash)
wanted_best=$(sha256sum <undisturbed/best.h5)
# what a metrics line says apart from times
numbers() {
    sed 's/,"[a-z]*_s":[^,}]*//g; s/,"seconds":[^,}]*//; s/,"ratio_p.*"cosine"/,"cosine"/' \
        "$1/metrics.jsonl"
}

draw_layout() {
    draw 4; workers=$((drawn + 1))
    draw 3; servers=$((drawn + 1))
    draw 2; threads=$((drawn + 1))
    draw 6; every=$((drawn + 1))
    layout="$servers servers, $workers workers x $threads threads, checkpoint every $every"
    draw 3
    place=(PT_SHIM_NONE=1)
    if [ $drawn != 0 ] && [ "$pretend" = 1 ] && [ $workers -ge $drawn ]; then
        beside=$((drawn - 1)) # workers on the servers' host
        layout="$layout, $beside workers on the servers' host and the others on another"
        printf 'a slots=%d\nb slots=%d\n' $((servers + beside)) $((workers - beside)) >hosts
        place=(OMPI_MCA_plm_rsh_agent="$PT_SOURCE/tests/e2e/pretend.sh" OMPI_MCA_orte_default_hostfile="$work/hosts"
            OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo)
    fi
}

# once NAME: starts the run in NAME in the drawn layout, with `fault` in its environment
once() {
    local sets=()
    for s in "${run[@]}" "server.ranks=$servers" "engine.threads=$threads" "run.checkpoint_steps=$every" "run.dir=$work/$1" server.placement=first; do
        sets+=(--set "$s")
    done
    env "${place[@]}" "${fault[@]}" timeout -k 5 60 "$PTRAIN" train run.yaml --workers "$workers" "${sets[@]}" >>"$1.log" 2>&1
}

# the process that a name means in the run of NAME
pid_of() {
    case $2 in
    mpirun) pgrep -f "^mpirun .*run.dir=$work/$1( |\$)" | head -1 ;;
    launcher) pgrep -f "^$PTRAIN train .*run.dir=$work/$1( |\$)" -o ;;
    esac
}

# a rank dies at its n-th message
kill_rank() { # NAME
    local kinds kind most which
    draw_layout
    draw 2; which=$drawn
    if [ $which = 0 ]; then
        draw $servers; rank=$drawn victim="server $drawn"
        kinds=(4) most=($((700 / servers)))
        [ $rank != 0 ] || kinds=(2 4) most=(36 $((700 / servers)))
    else
        draw $workers; rank=$((servers + drawn)) victim="worker $drawn"
        kinds=(1 3 5) most=(30 500 300)
    fi
    draw ${#kinds[@]}; kind=$drawn
    draw "${most[$kind]}"
    fault=(LD_PRELOAD="$PT_SHIM" PT_SHIM_RANK=$rank "PT_SHIM_KILL=${kinds[$kind]}:$((drawn + 1))")
    once "$1"
}

# mpirun or the launcher dies some time after the start
kill_by_time() { # NAME
    draw 2
    victim=$([ $drawn = 0 ] && echo mpirun || echo launcher)
    draw 1500
    local at=$((drawn + 100)) pid
    fault=(PT_SHIM_NONE=1)
    draw_layout # not in the background, where the draws would be lost
    once "$1" &
    sleep "$((at / 1000)).$(printf %03d $((at % 1000)))"
    pid=$(pid_of "$1" "$victim")
    [ -n "$pid" ] && kill -KILL "$pid"
    wait $!
}

for seed in $(seq "$first" $((first + kills - 1))); do
    name=k$seed state=$((seed * 7919 + 17))
    draw 3
    rounds=$((drawn + 1)) story=
    for _ in $(seq $rounds); do
        draw 3
        if [ $drawn = 0 ]; then kill_by_time $name; else kill_rank $name; fi
        story="$story; $victim of $layout"
        nobody $name
        if [ -e "$name/result.json" ]; then finished=$((finished + 1)); break; fi
        done_kills=$((done_kills + 1))
    done
    fault=(PT_SHIM_NONE=1)
    draw_layout
    once $name || fail "seed $seed ($story): it did not go on: $(tail -1 $name.log)"
    [ "$(hash_of $name)" = "$wanted" ] || fail "seed $seed ($story; then $layout): other weights"
    [ "$(value $name predictions_hash)" = "$wanted_rows" ] || fail "seed $seed: other predictions"
    [ "$(sha256sum <$name/best.h5)" = "$wanted_best" ] || fail "seed $seed: another best model"
    cmp -s <(numbers $name) <(numbers undisturbed) || fail "seed $seed ($story): other metrics"
    [ ! -e $name/checkpoints ] || fail "seed $seed: checkpoints are left"
    rm -rf "$name" "$name.log"
    [ $((seed % 50)) != 0 ] || echo "seed $seed: $done_kills kills, $failures failures"
done
echo "$kills runs, $done_kills kills, $finished had ended before their kill"
[ $done_kills -ge "$kills" ] || [ "$kills" -lt 10 ] || fail "too few kills struck"
finish

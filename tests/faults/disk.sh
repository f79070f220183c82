#!/usr/bin/env bash
# A disk that is full, or read-only, while a run writes: said with the space that is
# needed, training continues, what cannot be written is kept or tried again, and the newest
# checkpoint counts.
. "$(dirname "$0")/lib.sh"
PT_FILE_SHIM=${PT_FILE_SHIM:?the shim}
make_data
mkdir small
mount -t tmpfs -o size=8m tmpfs small 2>/dev/null || { echo "skip: cannot mount a tmpfs here"; exit 77; }
trap 'umount small/run/checkpoints 2>/dev/null; umount "$work/small"; rm -rf "$work"' EXIT
run=('stages=[{epochs: 30}]' run.checkpoint_steps=4 run.watchdog_s=3 evaluation.every_epochs=10 run.keep_best=true)
ranks 3 undisturbed "${run[@]}" || { cat undisturbed.log; fail "the undisturbed run"; finish; }

start() { # NAME [VAR=VALUE...]: in the background on the small disk
    local sets=() s
    for s in "${run[@]}" "run.dir=$work/small/run"; do sets+=(--set "$s"); done
    timeout -k 5 60 mpirun -q --oversubscribe -n 3 env "${@:2}" "$PTRAIN" train run.yaml "${sets[@]}" >"$1.log" 2>&1
    echo $? >"$1.code"
}
saved() { # waits for the first two checkpoints
    for i in $(seq 200); do
        [ "$(ls small/run/checkpoints/*/manifest.json 2>/dev/null | wc -l)" -ge 2 ] && return
        sleep 0.02
    done
    fail "no checkpoints came"
}
fill() { # NAME: leaves 0.1 MB (some metrics still fit) until checkpoints are not written
    local i more quiet=0
    for i in $(seq 400); do
        more=$(($(df --output=avail -B1 small | tail -1) - 100000))
        if [ $more -ge 1 ]; then # a save that fails half-way gives back its own
            head -c $more /dev/zero >>small/ballast 2>/dev/null
            quiet=0
        elif grep -qE "$warned" "$1.log" && [ $((++quiet)) -gt 5 ]; then
            return
        fi
        sleep 0.02
    done
    fail "$1: no save failed"
}
flood() { # FILE...: to the last byte until one of them is there
    while ! ls "$@" >/dev/null 2>&1; do # a file that fails gives back what it had
        cat /dev/zero >>small/ballast 2>/dev/null
        sleep 0.05
    done
}
same() { # NAME: the results of the undisturbed run
    local f
    [ "$(hash_of small/run)" = "$(hash_of undisturbed)" ] || fail "$1: other weights"
    [ "$(value small/run predictions_hash)" = "$(value undisturbed predictions_hash)" ] || fail "$1: other predictions"
    cmp -s small/run/best.h5 undisturbed/best.h5 || fail "$1: another best model"
    [ ! -e small/run/checkpoints ] || fail "$1: checkpoints are left"
    rm -rf small/run small/ballast
}
ends() { # NAME CODE
    [ "$(cat "$1.code")" = "$2" ] || { fail "$1: exit code $(cat "$1.code"), not $2"; cat "$1.log"; }
}
goes_on() { # NAME PATTERN: with room again, from the newest checkpoint, to the same weights
    rm -f small/ballast
    start again
    ends again 0
    grep -qE "^resuming after step $2" again.log || { fail "after $1"; cat again.log; }
    same "after $1"
}
room='needs [0-9.]+ MB, [0-9.]+ MB are free: No space left'
# said of the first that fails; one that had its room when the disk filled fails half-way
warned="warn: no checkpoint was written: .*No space left"

# full for a while: one warning, the run ends as if nothing had been
start while &
saved; fill while
rm small/ballast
wait $!
ends while 0
[ "$(grep -cE "$warned" while.log)" = 1 ] || { fail "while: not one warning"; cat while.log; }
[ "$(wc -l <small/run/metrics.jsonl)" = "$(wc -l <undisturbed/metrics.jsonl)" ] || fail "while: lines of metrics are lost"
same while

# full when it is asked to stop: an error with the space, code 1; then it goes on from before
start stop &
saved; fill stop
kill -USR1 "$(pgrep -f "^$PTRAIN train .*run.dir=$work/small/run( |\$)" | head -1)"
wait $!
ends stop 1
one_line stop "stopped after step [0-9]+, and no checkpoint was written: .*$room"
goes_on stop '[0-9]+ of'

# full to the last byte from the middle to the end: metrics are kept, which is said once;
# the model is tried again until the deadline, and the checkpoint counts
start full &
saved; flood full.code
wait $!
ends full 1
one_line full "(model|best).h5: $room .*\(tried for [3-9] s\)"
[ "$(grep -cE 'warn: .*metrics.jsonl: cannot be written: No space left on device; its lines are kept' full.log)" = 1 ] ||
    { fail "full: metrics not said once"; cat full.log; }
goes_on full '[0-9]+ of'

# the same, and room comes in time: nothing is lost but checkpoints
start late &
job=$!
saved
(for i in $(seq 400); do grep -q 'trying again' late.log && break; sleep 0.05; done; touch now) &
flood now
rm small/ballast
wait $job
ends late 0
grep -qE "warn: .*(model|best).h5: .*No space left on device; trying again for 3 s" late.log || { fail "late: no warning"; cat late.log; }
[ "$(wc -l <small/run/metrics.jsonl)" = "$(wc -l <undisturbed/metrics.jsonl)" ] || fail "late: lines of metrics are lost"
same late

# little room, which is said before the first step: for two checkpoints, not for three, so
# that the older one goes before the new one comes
mount -o remount,size=2300k small
start two
ends two 0
[ "$(grep -cE 'warn: .*/run: model, predictions and checkpoints need 2.. MB, 2.. MB are free: training starts' two.log)" = 1 ] ||
    fail "two: not said"
grep -qE '^checkpoints: [0-9]+ written, the steps' two.log || { fail "two: not all checkpoints"; cat two.log; }
same two
mount -o remount,size=8m small

# no room for the predictions: the model is there, and a checkpoint of the end
start end LD_PRELOAD="$PT_FILE_SHIM" PT_FILE_CALL=fallocate PT_FILE_NAME=/predictions.h5 PT_FILE_DO=28
ends end 1
one_line end "/predictions.h5: $room .*; a checkpoint after the last step was written"
cmp -s small/run/model.h5 undisturbed/model.h5 || fail "end: the model"
goes_on end '90 of 90'

# nor for a second set of weights, in a shorter run
long=("${run[@]}")
run=(run.watchdog_s=1 'average={kind: ema, decay: 0.5}')
start ema LD_PRELOAD="$PT_FILE_SHIM" PT_FILE_CALL=fallocate PT_FILE_NAME=/ema.h5 PT_FILE_DO=28
ends ema 1
one_line ema "/ema.h5: $room .*; a checkpoint after the last step was written"
[ -e small/run/model.h5 ] && [ ! -e small/run/result.json ] || fail "ema: the files"
start again
ends again 0
[ -e small/run/ema.h5 ] && [ -e small/run/result.json ] || fail "after ema: the files"

# nor for those of a run that ended early: the checkpoint is of its own end, and has the best
run+=(pseudo_task.loss=none network.dropout=0 schedule.kind=constant optimizer.lr=0.02
    data.validation_share=0.25 evaluation.every_epochs=1 'stages=[{epochs: 20}]'
    'early_stopping={patience: 2, metric: loss}') # as e2e/early_stopping.sh
rm -rf small/run
ranks 3 early "${run[@]}" || { cat early.log; fail "the undisturbed early one"; }
start cut LD_PRELOAD="$PT_FILE_SHIM" PT_FILE_CALL=fallocate PT_FILE_NAME=/predictions.h5 PT_FILE_DO=28
ends cut 1
one_line cut "/predictions.h5: $room .*; a checkpoint after the last step was written"
start again
ends again 0
grep -qE '^resuming after step 14 of 40' again.log || { fail "after cut"; cat again.log; }
for f in model.h5 ema.h5 predictions.h5; do cmp -s early/$f small/run/$f || fail "after cut: another $f"; done
cmp -s <(grep test_of early/metrics.jsonl) <(grep test_of small/run/metrics.jsonl) || fail "after cut: other tests"
run=("${long[@]}")
rm -rf small/run

# checkpoints cannot be written any more
start readonly &
saved
read_only() { # a checkpoint that is being written keeps the directory busy for a moment
    local i
    mount --bind "$1" "$1" || return
    for i in $(seq 200); do mount -o remount,ro,bind "$1" 2>/dev/null && return; done
    return 1
}
read_only small/run/checkpoints || fail "a read-only directory"
wait $!
ends readonly 0
[ "$(grep -cE 'warn: no checkpoint was written: .*Read-only' readonly.log)" = 1 ] ||
    { fail "readonly: not one warning"; cat readonly.log; }
[ "$(hash_of small/run)" = "$(hash_of undisturbed)" ] || fail "readonly: other weights"
finish

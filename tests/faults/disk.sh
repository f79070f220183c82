#!/usr/bin/env bash
# A disk that is full, or read-only, while a checkpoint is written: said with the space
# that is needed, training goes on, and the checkpoint before it is the one that counts.
. "$(dirname "$0")/lib.sh"
make_data
mkdir small
mount -t tmpfs -o size=8m tmpfs small 2>/dev/null || { echo "skip: cannot mount a tmpfs here"; exit 77; }
trap 'umount small/run/checkpoints 2>/dev/null; umount "$work/small"; rm -rf "$work"' EXIT
run=('stages=[{epochs: 100}]' run.checkpoint_steps=4)
ranks 3 undisturbed "${run[@]}" || { cat undisturbed.log; fail "the undisturbed run"; finish; }

start() { # NAME: in the background on the small disk
    local sets=()
    for s in "${run[@]}" "run.dir=$work/small/run"; do sets+=(--set "$s"); done
    timeout -k 5 60 mpirun -q --oversubscribe -n 3 "$PTRAIN" train run.yaml "${sets[@]}" >"$1.log" 2>&1
    echo $? >"$1.code"
}
saved() { # waits for the first checkpoint
    for i in $(seq 200); do ls small/run/checkpoints/*/manifest.json >/dev/null 2>&1 && return; sleep 0.02; done
    fail "no checkpoint came"
}
fill() { # leaves about 0.9 MB: metrics still fit, a checkpoint does not
    head -c "$(($(df --output=avail -B1 small | tail -1) - 900000))" /dev/zero >small/ballast
}
goes_on() { # NAME: with room again, from the checkpoint before, to the same weights
    rm small/ballast
    start again
    [ "$(cat again.code)" = 0 ] && grep -q '^going on after step' again.log ||
        { fail "after $1"; cat again.log; }
    [ "$(hash_of small/run)" = "$(hash_of undisturbed)" ] || fail "after $1: other weights"
    rm -rf small/run
}
warned='warn: no checkpoint was written: .*part-0.h5: needs [0-9.]+ MB, [0-9.]+ MB are free: No space left'

# full for a while: one warning, the run ends as if nothing had been
start while &
saved; fill
for i in $(seq 100); do grep -qE "$warned" while.log && break; sleep 0.05; done
rm small/ballast
wait $!
[ "$(cat while.code)" = 0 ] || { fail "while: exit code $(cat while.code)"; tail -3 while.log; }
[ "$(grep -cE "$warned" while.log)" = 1 ] || { fail "while: not one warning"; cat while.log; }
[ "$(hash_of small/run)" = "$(hash_of undisturbed)" ] || fail "while: other weights"
rm -rf small/run

# full when it is asked to stop: an error with the space, code 1; then it goes on from before
start stop &
saved; fill
kill -USR1 "$(pgrep -f "^$PTRAIN train .*run.dir=$work/small/run( |\$)" | head -1)"
wait $!
[ "$(cat stop.code)" = 1 ] || { fail "stop: exit code $(cat stop.code), not 1"; cat stop.log; }
one_line stop 'needs [0-9.]+ MB, [0-9.]+ MB are free: No space left'
goes_on stop

# full to the last byte: metrics do not fit either, which is said once; what could not be
# written at the end is an error, and the checkpoint counts
start full &
job=$!
saved
while [ ! -e full.code ]; do # a checkpoint that fails gives back what it had
    cat /dev/zero >>small/ballast 2>/dev/null
    sleep 0.01
done
wait $job
[ "$(cat full.code)" = 1 ] || { fail "full: exit code $(cat full.code), not 1"; cat full.log; }
one_line full 'No space left'
[ "$(grep -cE 'warn: .*metrics.jsonl: cannot be written: No space left on device; its lines are kept' full.log)" = 1 ] ||
    { fail "full: metrics not said once"; cat full.log; }
goes_on full

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
[ "$(cat readonly.code)" = 0 ] || { fail "readonly: exit code $(cat readonly.code)"; cat readonly.log; }
[ "$(grep -cE 'warn: no checkpoint was written: .*Read-only' readonly.log)" = 1 ] ||
    { fail "readonly: not one warning"; cat readonly.log; }
[ "$(hash_of small/run)" = "$(hash_of undisturbed)" ] || fail "readonly: other weights"
finish

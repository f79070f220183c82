#!/usr/bin/env bash
# Signals stop a run at one step on all ranks, with a checkpoint and exit code 75, and the
# same command goes on to the same weights.
. "$(dirname "$0")/lib.sh"
make_data
run=('stages=[{epochs: 6}]')
ranks 3 undisturbed "${run[@]}" || { cat undisturbed.log; fail "the undisturbed run"; finish; }

# start NAME [VAR=VALUE...]: by our launcher, in the background; its pid is $!
start() {
    env "${@:2}" timeout -k 5 60 "$PTRAIN" train run.yaml --workers 2 --set "run.dir=$work/$1" \
        --set "${run[0]}" >"$1.log" 2>&1
    echo $? >"$1.code"
}
slow=(LD_PRELOAD="$PT_SHIM" PT_SHIM_DELAY_US=5000) # 18 steps take seconds on any machine
launcher() { pgrep -f "^$PTRAIN train .*run.dir=$work/$1( |\$)" -o; }

stopped() { # NAME: code 75, no error line, a checkpoint; then it goes on
    [ "$(cat "$1.code")" = 75 ] || { fail "$1: exit code $(cat "$1.code"), not 75"; cat "$1.log"; }
    ! grep -E 'error:|warn:' "$1.log" || fail "$1: it complained"
    grep -qE '^stopped after step [0-9]+ of 18, checkpoint written' "$1.log" || fail "$1: does not say so"
    nobody "$1"
    ranks_again "$1"
}
ranks_again() { # NAME: one worker goes on
    timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" train run.yaml --set "run.dir=$work/$1" \
        --set "${run[0]}" "${@:2}" >"$1.again" 2>&1 || { fail "$1: did not go on"; cat "$1.again"; }
    grep -q '^resuming after step' "$1.again" || fail "$1: began again"
    [ "$(hash_of "$1")" = "$(hash_of undisturbed)" ] || fail "$1: other weights"
}

# signal and who gets it
for what in "USR1 rank 0" "USR1 rank 2" "TERM rank 1" "TERM rank 0" "HUP rank 1" "USR1 launcher" \
    "TERM launcher" "INT launcher"; do
    set -- $what
    name="$1-$2${3-}"
    start "$name" "${slow[@]}" &
    began "$name"
    [ "$2" = rank ] && pid=$(rank_pid "$name" "$3") || pid=$(launcher "$name")
    kill "-$1" "$pid" || fail "$name: nobody to signal"
    wait $!
    stopped "$name"
done

# before the first step, at any time since the start: mpirun itself loses a signal that comes
# before its ranks are there
early() { # SECONDS
    local name=early$1 pid code run=('stages=[{epochs: 40}]')
    start "$name" &
    pid=
    while [ -z "$pid" ]; do pid=$(launcher "$name"); done
    sleep "$1"
    kill -USR1 "$pid"
    wait $!
    code=$(cat "$name.code")
    if [ "$code" = 75 ]; then
        grep -qE '^stopped after step [0-9]+ of 120, checkpoint written' "$name.log" || fail "$name: does not say so"
        ls "$name"/checkpoints/*/manifest.json >/dev/null || fail "$name: no checkpoint"
    elif [ "$code" != 1 ]; then
        fail "$name: exit code $code"
        cat "$name.log"
    else
        one_line "$name" "stopped while it was starting, before the first step: no checkpoint was written"
        [ ! -e "$name/checkpoints" ] || fail "$name: there is a checkpoint"
    fi
}
for seconds in 0.03 0.1 0.2 0.4; do early $seconds; done

# a rank, as soon as its handler is there
listens() { # PID: for SIGUSR1, number 10
    local caught
    caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$1/status" 2>/dev/null)
    [ -n "$caught" ] && ((0x$caught & 0x200))
}
start rank "${slow[@]}" &
for i in $(seq 500); do
    pid=$(rank_pid rank 1)
    [ -n "$pid" ] && listens "$pid" && break
    sleep 0.02
done
kill -USR1 "$pid"
wait $!
stopped rank

# a second SIGINT ends it at once; what was saved before is there
start twice "${slow[@]}" &
began twice
pid=$(launcher twice)
kill -INT "$pid"; kill -INT "$pid"
wait $!
code=$(cat twice.code)
if [ "$code" = 75 ]; then
    stopped twice
else
    [ "$code" = 1 ] || { fail "twice: exit code $code"; cat twice.log; }
    one_line twice "ended at once, without a checkpoint"
    ! grep -q '^stopped' twice.log || { fail "twice: two ends"; cat twice.log; }
    nobody twice
fi

# one that comes when the checkpoint is sealed changes nothing
start sealed "${slow[@]}" &
began sealed
pid=$(launcher sealed)
kill -INT "$pid"
for i in $(seq 2000); do grep -q '^stopped' sealed.log && break; sleep 0.005; done
kill -INT "$pid"
wait $!
stopped sealed

# mpirun's own SIGTERM kills its ranks within about a second: the periodic checkpoint stays.
(timeout -k 5 60 mpirun -q --oversubscribe -n 3 env "${slow[@]}" "$PTRAIN" train run.yaml \
    --set "run.dir=$work/mpirun" --set "${run[0]}" --set run.checkpoint_steps=2 >mpirun.log 2>&1
    echo $? >mpirun.code) &
for i in $(seq 100); do ls mpirun/checkpoints/*/manifest.json >/dev/null 2>&1 && break; sleep 0.1; done
kill -TERM "$(pgrep -f "^mpirun .*run.dir=$work/mpirun( |\$)")"
wait $!
[ "$(cat mpirun.code)" != 0 ] || fail "mpirun: exit code 0"
nobody mpirun
ranks_again mpirun
finish

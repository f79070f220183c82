#!/usr/bin/env bash
# A server rank other than 0 that is stopped, killed or signalled, and a disk that is full
# at the end, are what they are with one server; a stopped run goes on on other servers.
. "$(dirname "$0")/lib.sh"
make_data
long=('stages=[{epochs: 4000}]' run.watchdog_s=3 server.ranks=2)

stops() {
    (under PT_SHIM_RANK=1 PT_SHIM_STOP=4:300 -- 4 stops "${long[@]}"; echo $? >stops.code) &
    began stops
    wait $!
    [ "$(cat stops.code)" = 1 ] || fail "stops: exit code $(cat stops.code), not 1"
    one_line stops 'host [^,]+, step [0-9]+, waiting for .*: rank 1 \(host [^)]+\) .* for 3 s'
    nobody stops
}
killed() {
    LD_PRELOAD=$PT_SHIM PT_SHIM_RANK=1 PT_SHIM_KILL=4:300 timeout -k 5 60 "$PTRAIN" train run.yaml --workers 2 \
        --overwrite --set "run.dir=$work/killed" --set 'stages=[{epochs: 4000}]' --set server.ranks=3 >killed.log 2>&1
    [ $? = 1 ] || fail "killed: the exit code is not 1"
    one_line killed "signal 9"
    nobody killed
}
beside stops
beside killed
together

# stopped by a signal to a server, then on other servers
run=('stages=[{epochs: 6}]')
ranks 3 undisturbed "${run[@]}" || { cat undisturbed.log; fail "the undisturbed run"; finish; }
part() { # NAME SERVERS WORKERS [VAR=VALUE...]: a run, or its rest
    local name=$1 servers=$2 sets=() s
    for s in "${run[@]}" "server.ranks=$2" "run.dir=$work/$1"; do sets+=(--set "$s"); done
    timeout -k 5 60 mpirun -q --oversubscribe -n $(($2 + $3)) env "${@:4}" "$PTRAIN" train run.yaml \
        "${sets[@]}" >"$name.log" 2>&1
    echo $? >"$name.code"
}
stopped() { # NAME SIGNAL RANK SERVERS: asks one rank, which sends no payload
    part "$1" "$4" 2 LD_PRELOAD="$PT_SHIM" PT_SHIM_DELAY_US=5000 &
    began "$1"
    kill "-$2" "$(rank_pid "$1" "$3")" || fail "$1: nobody to signal"
    wait $!
    [ "$(cat "$1.code")" = 75 ] || { fail "$1: exit code $(cat "$1.code"), not 75"; cat "$1.log"; }
    ! grep -E 'error:|warn: [^o]' "$1.log" || fail "$1: it complained"
    grep -qE '^stopped after step [0-9]+ of 18, checkpoint written' "$1.log" || fail "$1: does not say so"
}
goes_on() { # NAME SERVERS WORKERS
    part "$@"
    [ "$(cat "$1.code")" = 0 ] || { fail "$*: did not go on"; cat "$1.log"; }
    grep -q '^resuming after step' "$1.log" || { fail "$*: began again"; cat "$1.log"; }
    [ "$(hash_of "$1")" = "$(hash_of undisturbed)" ] || fail "$*: other weights"
}
stopped_and_on() { # the arguments of stopped, then SERVERS WORKERS of goes_on
    stopped "${@:1:4}"
    goes_on "$1" "${@:5}"
}
beside stopped_and_on three USR1 1 3 1 1
beside stopped_and_on two TERM 1 2 3 1
together
stopped_and_on one USR1 0 1 2 3

# no room for a result: every server keeps its part of the end
PT_FILE_SHIM=${PT_FILE_SHIM:?the shim}
run+=('average={kind: ema, decay: 0.5}' evaluation.train_split=true run.watchdog_s=5)
ranks 3 undisturbed "${run[@]}" || fail "the undisturbed run with a second set"
no_room() { # FILE
    local name=no_${1%.*}
    part "$name" 3 2 LD_PRELOAD="$PT_FILE_SHIM" PT_FILE_CALL=any PT_FILE_NAME="/$1" PT_FILE_DO=28
    [ "$(cat "$name.code")" = 1 ] || fail "$name: exit code $(cat "$name.code"), not 1"
    one_line "$name" "/$1.*No space left .*; a checkpoint after the last step was written"
    [ "$(ls "$name"/checkpoints/*/part*.h5 | wc -l)" = 3 ] || { ls "$name"/checkpoints/*; fail "$name: not three parts"; }
    goes_on "$name" 1 2
}
beside no_room predictions.h5
beside no_room result.json
together
finish

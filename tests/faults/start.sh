#!/usr/bin/env bash
# A rank that stops while the ranks say who they are is named, as it is in a step.
. "$(dirname "$0")/lib.sh"
start() { # NAME VAR=VALUE...
    local name=$1
    shift
    env LD_PRELOAD="$PT_SHIM" "$@" timeout -k 5 40 mpirun -q --oversubscribe --bind-to none \
        -n 3 "$PT_START" 2 >"$name.log" 2>&1
}
start whole || fail "the undisturbed start"
grep -qx '3 ranks, 3 here, the last says here' whole.log || fail "whole: $(cat whole.log)"
start text_stops PT_SHIM_RANK=2 PT_SHIM_STOP=11:2
[ $? = 1 ] || fail "text_stops: the exit code is not 1"
one_line text_stops 'rank 2 \(host [^)]+\) owes a line about itself since 2 s'
finish

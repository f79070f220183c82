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

# Before the ranks know of each other a failure is one line too.
start small_tags PT_SHIM_TAG_UB=32766
[ $? = 1 ] || fail "small_tags: the exit code is not 1"
one_line small_tags 'this MPI has message tags up to 32766, ptrain needs 32767'
start least_tags PT_SHIM_TAG_UB=32767 || fail "least_tags: $(cat least_tags.log)"
for who in ALL 2; do
    start refused_$who PT_SHIM_REFUSE=$who
    [ $? = 1 ] || fail "refused_$who: the exit code is not 1"
    one_line refused_$who 'MPI_Irecv: MPI_ERR_TAG'
done
finish

#!/usr/bin/env bash
# Rank 0 is killed before its n-th system call that touches the run directory, then, in the
# job that goes on, before another one, and then the same command must end the run: to the
# same weights and the same best.h5, and with nothing in the directory that a run in one
# piece does not leave. The same with --overwrite of another run's directory.
#
#   POINTS=8 killed_calls.sh     about so many n, evenly spread; 0: every one
#   JOBS=2                       so many at a time
#
# Environment, from ctest: PT_KILL_CALL, the program of kill_call.c.
. "$(dirname "$0")/../e2e/lib.sh"
PT_KILL_CALL=${PT_KILL_CALL:?the tracer} points=${POINTS:-8} jobs=${JOBS:-2}
make_data
run=(--set 'stages=[{steps: 4}]' --set data.batch=12 --set evaluation.every_epochs=1
    --set run.keep_best=true --set run.checkpoint_steps=1)

# once NAME N arg...: the run in NAME, killed before its N-th call; 0: not at all
once() {
    local name=$1 kill=("$PT_KILL_CALL" "$work/$1" "$2" "$1.count")
    local command=("$PTRAIN" train run.yaml "${run[@]}" --set "run.dir=$work/$1" "${@:3}")
    [ "$2" != - ] || kill=()
    timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n 1 "${kill[@]}" "${command[@]}" \
        : -n 1 "${command[@]}" >>"$name.log" 2>&1
}
listing() { (cd "$1" && find . | sort); }

once whole 0
case $? in
0) ;;
77) echo "skip: this machine does not let us trace a child"; exit 77 ;;
*) cat whole.log; fail "the undisturbed run"; finish ;;
esac
total=$(cat whole.count)
once other - --set seed=4 || { cat other.log; fail "another run"; finish; }

# ended NAME STORY arg...: the same command ends the run
ended() {
    once "$1" - "${@:3}" || { tail -1 "$1.log"; fail "$2: the same command did not end the run"; }
    [ "$(hash_of "$1")" = "$(hash_of whole)" ] || fail "$2: other weights"
    cmp -s "$1/best.h5" whole/best.h5 || fail "$2: another best.h5"
    cmp -s <(listing "$1") <(listing whole) ||
        fail "$2: it left $(diff <(listing "$1") <(listing whole) | grep '^[<>]' | tr '\n' ' ')"
    rm -rf "$1"
}

# killed_twice N: in a fresh directory; the second kill somewhere else
killed_twice() {
    local again=$(($1 * 37 % total + 1))
    once "n$1" "$1" && return # the calls of two threads come in another order
    once "n$1" $again
    ended "n$1" "killed before call $1, then $again, of $total"
}

# killed_overwriting N
killed_overwriting() {
    cp -r other "o$1"
    once "o$1" "$1" --overwrite && return
    ended "o$1" "killed before call $1 with --overwrite" --overwrite
}

# spread WHAT LAST STEP: WHAT for 1, 1 + STEP ... LAST, some at a time; counts failures
spread() {
    local n
    for n in $(seq 1 "$3" "$2"); do
        (failures=0; "$1" "$n"; exit $failures) &
        while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || failures=$((failures + 1)); done
    done
    while [ -n "$(jobs -p)" ]; do wait -n || failures=$((failures + 1)); done
}

step=1 overwrite_step=1
if [ "$points" -gt 0 ]; then
    step=$(((total + points - 1) / points)) overwrite_step=13
fi
spread killed_twice "$total" $step
spread killed_overwriting 26 $overwrite_step
echo "$total calls, every ${step}th"
finish

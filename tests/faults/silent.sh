#!/usr/bin/env bash
# A stopped, hung or killed rank ends the job in time, with one line that names it, and no
# process survives; a rank that comes back in time is not noticed.
. "$(dirname "$0")/lib.sh"
make_data
long=('stages=[{epochs: 4000}]' run.watchdog_s=3)

# timed NAME SECONDS RANKS PATTERN VAR=VALUE...: fails with this line, in time
timed() {
    local name=$1 most=$2 n=$3 pattern=$4 start end at
    shift 4
    (under "$@" -- "$n" "$name" "${long[@]}"; echo $? >"$name.code") &
    began "$name"
    start=$(date +%s%N)
    wait $!
    end=$(date +%s%N)
    at=$(((end - start) / 1000000))
    [ "$(cat "$name.code")" = 1 ] || fail "$name: exit code $(cat "$name.code"), not 1"
    [ $at -lt $((most * 1000)) ] || fail "$name: ended after $at ms"
    echo "$name: $at ms from the first step; $(grep error: "$name.log")"
    one_line "$name" "$pattern"
    nobody "$name"
}

# batch norm across workers: all wait, but only one is the debtor
beside timed worker_stops 10 4 'host [^,]+, step (20|21), waiting for .*: rank 2 \(host [^)]+\) .* for 3 s' \
    PT_SHIM_RANK=2 PT_SHIM_STOP=1:20
beside timed worker_hangs 10 4 'host [^,]+, step [0-9]+, waiting for .*: rank 3 \(host [^)]+\) .* for 3 s' \
    PT_SHIM_RANK=3 PT_SHIM_HANG=3:300
together
# among more workers than send their sums to each other directly, in the middle of one; a
# message that is lost leaves everyone alive and waiting
beside timed exchange_stops 10 6 'host [^,]+, step [0-9]+, waiting for .*: rank 4 \(host [^)]+\) .* for 3 s' \
    PT_SHIM_RANK=4 PT_SHIM_STOP=5:600
beside timed push_lost 10 4 \
    'host [^,]+, step [0-9]+, waiting for gradients: rank 1 \(host [^)]+\) has owed gradients of key [0-9]+ for 3 s' \
    PT_SHIM_RANK=1 PT_SHIM_DROP=3:300
together
beside timed server_stops 15 3 'rank 0 \(host [^)]+\) .* for 8 s' PT_SHIM_STOP=2:40
beside timed server_hangs 10 3 'step 20, .*no progress for 3 s' PT_SHIM_HANG=2:40
together
grep -q '^rank 1: error' server_stops.log || fail "server_stops: rank 1 did not speak"
grep -q '^rank 0: error' server_hangs.log || fail "server_hangs: rank 0 did not speak"

# A rank that is killed: Open MPI ends the job, our own launcher says so.
killed() {
    LD_PRELOAD=$PT_SHIM PT_SHIM_RANK=1 PT_SHIM_KILL=1:20 timeout -k 5 60 "$PTRAIN" train run.yaml \
        --workers 2 --overwrite --set "run.dir=$work/killed" --set 'stages=[{epochs: 4000}]' >killed.log 2>&1
    [ $? = 1 ] || fail "killed: the exit code is not 1"
    one_line killed "signal 9"
    nobody killed
}
undisturbed() { ranks 3 still 'stages=[{epochs: 60}]' || fail "the undisturbed run"; }
beside killed
beside undisturbed

# Back before the deadline: nothing is said and no bit changes.
(under -- 3 back 'stages=[{epochs: 60}]' run.watchdog_s=6; echo $? >back.code) &
began back
pid=$(rank_pid back 1)
kill -STOP "$pid" && sleep 3 && kill -CONT "$pid" || fail "back: rank 1 was gone already"
wait $!
together
[ "$(cat back.code)" = 0 ] || fail "back: exit code $(cat back.code)"
! grep -E 'error:|warn:' back.log || fail "back: it was noticed"
[ "$(hash_of back)" = "$(hash_of still)" ] || fail "back: other weights"
finish

#!/usr/bin/env bash
# A stopped, hung or killed rank ends the job in time, with one line that names it, and no
# process survives; a rank that comes back in time is not noticed.
. "$(dirname "$0")/lib.sh"
make_data
long=('stages=[{epochs: 4000}]' run.watchdog_s=3)

timed() { # NAME seconds ranks VAR=VALUE...: fails after the end of the fault's deadline
    local name=$1 most=$2 n=$3 start end at
    shift 3
    (under "$@" -- "$n" "$name" "${long[@]}"; echo $? >"$name.code") &
    began "$name"
    start=$(date +%s%N)
    wait $!
    end=$(date +%s%N)
    at=$(((end - start) / 1000000))
    [ "$(cat "$name.code")" = 1 ] || fail "$name: exit code $(cat "$name.code"), not 1"
    [ $at -lt $((most * 1000)) ] || fail "$name: ended after $at ms"
    echo "$name: $at ms from the first step; $(grep error: "$name.log")"
    nobody "$name"
}

# batch norm across workers: all wait, but only one is the debtor; a message that is lost
# leaves everyone alive and waiting
timed worker_stops 10 4 PT_SHIM_RANK=2 PT_SHIM_STOP=1:20
one_line worker_stops 'host [^,]+, step (20|21), waiting for .*: rank 2 \(host [^)]+\) .* for 3 s'
timed worker_hangs 10 4 PT_SHIM_RANK=3 PT_SHIM_HANG=3:300
one_line worker_hangs 'host [^,]+, step [0-9]+, waiting for .*: rank 3 \(host [^)]+\) .* for 3 s'
# among more workers than send their sums to each other directly, in the middle of one
timed exchange_stops 10 6 PT_SHIM_RANK=4 PT_SHIM_STOP=5:600
one_line exchange_stops 'host [^,]+, step [0-9]+, waiting for .*: rank 4 \(host [^)]+\) .* for 3 s'
timed push_lost 10 4 PT_SHIM_RANK=1 PT_SHIM_DROP=3:300
one_line push_lost 'host [^,]+, step [0-9]+, waiting for gradients: rank 1 \(host [^)]+\) has owed gradients of key [0-9]+ for 3 s'
timed server_stops 15 3 PT_SHIM_STOP=2:40
one_line server_stops 'rank 0 \(host [^)]+\) .* for 8 s'
grep -q '^rank 1: error' server_stops.log || fail "server_stops: rank 1 did not speak"
timed server_hangs 10 3 PT_SHIM_HANG=2:40
one_line server_hangs 'step 20, .*no progress for 3 s'
grep -q '^rank 0: error' server_hangs.log || fail "server_hangs: rank 0 did not speak"

# A rank that is killed: Open MPI ends the job, our own launcher says so.
LD_PRELOAD=$PT_SHIM PT_SHIM_RANK=1 PT_SHIM_KILL=1:20 timeout -k 5 60 "$PTRAIN" train run.yaml \
    --workers 2 --overwrite --set "run.dir=$work/killed" --set 'stages=[{epochs: 4000}]' >killed.log 2>&1
[ $? = 1 ] || fail "killed: the exit code is not 1"
one_line killed "signal 9"
nobody killed

# Back before the deadline: nothing is said and no bit changes.
ranks 3 still 'stages=[{epochs: 60}]' || fail "the undisturbed run"
(under -- 3 back 'stages=[{epochs: 60}]' run.watchdog_s=6; echo $? >back.code) &
began back
pid=$(rank_pid back 1)
kill -STOP "$pid" && sleep 3 && kill -CONT "$pid" || fail "back: rank 1 was gone already"
wait $!
[ "$(cat back.code)" = 0 ] || fail "back: exit code $(cat back.code)"
! grep -E 'error:|warn:' back.log || fail "back: it was noticed"
[ "$(hash_of back)" = "$(hash_of still)" ] || fail "back: other weights"
finish

#!/usr/bin/env bash
# Where no launcher acts (here mpirun is stopped, and MPI_Abort does not return), a job
# with a stopped rank still ends: one rank speaks, and every live one ends itself.
. "$(dirname "$0")/lib.sh"
make_data
(under PT_SHIM_DEAF=1 -- 4 lost 'stages=[{epochs: 4000}]' run.watchdog_s=3) &
began lost
pids=() daemon=$(pgrep -f "^mpirun .*run.dir=$work/lost( |\$)")
for r in 0 1 2 3; do pids+=("$(rank_pid lost $r)"); done
kill -STOP "$daemon" "${pids[2]}"
start=$SECONDS left=x
while [ -n "$left" ] && [ $((SECONDS - start)) -lt 30 ]; do
    left=
    for r in 0 1 3; do
        state=$(awk '/^State/ {print $2}' "/proc/${pids[$r]}/status" 2>/dev/null)
        [ -z "$state" ] || [ "$state" = Z ] || left="$left $r"
    done
    sleep 0.5
done
echo "the live ranks had ended after $((SECONDS - start)) s"
[ -z "$left" ] || fail "still there: rank$left"
kill -CONT "$daemon"
wait $!
one_line lost 'waiting for .*: rank 2 \(host [^)]+\) .* for 3 s'
nobody lost
finish

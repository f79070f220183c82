#!/usr/bin/env bash
# Two hosts with no way to each other, as behind a firewall: the job ends before its first
# collective, with one line that names both; ptrain doctor as well.
. "$(dirname "$0")/lib.sh"
make_data
hosts_up 3 && hosts_part h1 h2 || { fail "no hosts"; finish; }
across h0,h1,h2 3 parted &
job=$!
hosts_mpirun 3 h0,h1,h2 "$PTRAIN" doctor >doctor.log 2>&1
codes=$?
wait $job
codes="$codes $?"
[ "$codes" = "1 1" ] || fail "exit codes $codes, not 1 1"
for log in doctor.log parted.log; do
    [ "$(grep -c 'error: ' $log)" = 1 ] &&
        grep -q 'rank 1 (host h1) and rank 2 (host h2) cannot reach each other: no answer in 60 s' $log ||
        fail "$log: $(cat $log)"
done
finish

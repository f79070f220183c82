#!/usr/bin/env bash
# A server that waits uses under 5 % of a core.
. "$(dirname "$0")/lib.sh"
make_data
mpirun -q --oversubscribe --bind-to none -n 2 "$PTRAIN" train run.yaml --set run.dir=run \
    --set 'stages=[{epochs: 4000}]' --set pseudo_task.loss=none >run.log 2>&1 &
job=$!
server=
for _ in $(seq 100); do
    sleep 0.1
    [ -s run/metrics.jsonl ] || continue
    for p in $(pgrep -f "run.dir=run"); do
        tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=0 && server=$p
        tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null | grep -qx OMPI_COMM_WORLD_RANK=1 && worker=$p
    done
    [ -n "$server" ] && break
done
[ -n "$server" ] || { fail "the server was not found"; cat run.log; kill $job; finish; }

# The worker stands still, so the server only waits.
kill -STOP "$worker"
sleep 0.5
ticks() { awk '{print $14 + $15}' "/proc/$server/stat"; }
a=$(ticks)
sleep 4
b=$(ticks)
kill -CONT "$worker"
kill $job
wait $job 2>/dev/null
used=$(((b - a) * 100 / (4 * $(getconf CLK_TCK))))
echo "the waiting server used $used % of a core"
[ $used -lt 5 ] || fail "$used %"
finish

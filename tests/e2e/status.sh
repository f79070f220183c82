#!/usr/bin/env bash
# `ptrain status` and `ptrain tail`: before, while and after a run, from another process.
. "$(dirname "$0")/lib.sh"
make_data
says() { # words; the command's output is in `out`
    grep -qE "$1" out || { fail "not said: $1"; cat out; }
}

ranks 2 run stages.0.epochs=400 run.checkpoint_steps=5 &
job=$!
for ((i = 0; i < 300; i++)); do
    [ -s run/metrics.jsonl ] && [ "$(wc -l <run/metrics.jsonl)" -gt 12 ] && break
    sleep 0.1
done
"$PTRAIN" status run >out 2>&1 || fail "status of a running one"
says '^run: running, epoch [0-9.]+ of 400 \([0-9]+ %\), step [0-9]+, ce [0-9.]+; [0-9.]+ images/s, [0-9 d]*[0-9]+:[0-9:]+ to go; last step 0:00:0[0-9] ago$'
timeout 60 "$PTRAIN" tail run --lines 3 --follow >followed 2>&1 &
tail=$!
sleep 1
kill -USR1 "$(pgrep -P "$(pgrep -P $job -x timeout)" -x mpirun)"
wait $job
wait $tail || fail "tail --follow does not end with the job"
"$PTRAIN" status run >out 2>&1
says '^run: stopped, epoch .*; checkpoint after step [0-9]+; last step'
[ "$(wc -l <followed)" -gt 4 ] || { fail "tail --follow"; cat followed; }
tail -1 followed | grep -q '^run: stopped' || { fail "the end of tail"; tail -1 followed; }
awk '/^step/ { if (n && $2 != n + 1) bad = 1; n = $2 } END { exit bad }' followed ||
    { fail "tail leaves steps out"; cat followed; }

ranks 2 done stages.0.epochs=2 run.log_every=1 optimizer.lr=0.0125 || fail "the run"
"$PTRAIN" status run done >out 2>&1 || fail "status of two"
says '^done: finished, epoch 2.00 of 2 \(100 %\), step 6, ce [0-9.]+; test after step 6: [0-9.]+ %; [0-9.]+ images/s$'
# The numbers of the run's own lines; of the first step the epoch is not known.
numbers() { sed -nE 's|^step ([2-9])(/6)?  (epoch .* lr [0-9.]+).*|\1 \3|p' "$1"; }
"$PTRAIN" tail done >lines
[ "$(numbers lines)" = "$(numbers done.log)" ] && [ "$(numbers lines | wc -l)" = 5 ] ||
    { fail "tail says otherwise than the run"; cat lines done.log; }
grep -q 'lr 0.00125 ' done.log || fail "a rate that is not what it was"
"$PTRAIN" tail done --lines 2 >out 2>&1
[ "$(wc -l <out)" = 2 ] || { fail "the last two lines"; cat out; }
says '^step 6  epoch '
says '^test after step 6: accuracy '
touch -d '+1 hour' run/metrics.jsonl # another node's clock
"$PTRAIN" status run >out 2>&1
says '; last step 0:00:00 ago$'
"$PTRAIN" status images done >out 2>&1
[ $? = 1 ] && says '^error: images: holds no run' && says '^done: finished' || fail "one that is none"
finish

#!/usr/bin/env bash
# A table in one job: its ranks divide into groups, the runs have the hashes of runs alone; stopped,
# resumed; a run that fails; ranks that do not suffice.
. "$(dirname "$0")/lib.sh"
make_data
cat >table.yaml <<'Y'
dir: runs
config: [run.yaml]
seeds: [3-4]
rows:
  - {name: l2}
  - {name: plain, set: [pseudo_task.loss=none]}
Y
# in_job N LOG ARGUMENT...: the table with N ranks
in_job() {
    local n=$1 log=$2
    shift 2
    timeout -k 5 200 mpirun -q --oversubscribe --bind-to none -n "$n" "$PTRAIN" sweep table.yaml --in-job "$@" >"$log" 2>&1
}

# Two groups of two and three ranks, two runs each; one asks to stop in the middle.
long='stages=[{epochs: 300}]'
in_job 5 stop.log --jobs 2 --set "$long" &
pid=$!
for i in $(seq 300); do [ -s runs/l2/seed-3/metrics.jsonl ] && [ -s runs/l2/seed-4/metrics.jsonl ] && break; sleep 0.1; done
kill -USR1 "$(pgrep -P $pid -x mpirun || pgrep -f "^mpirun .* $PTRAIN sweep table.yaml --in-job --jobs 2" | head -1)"
wait $pid; code=$?
[ $code = 75 ] || fail "stopped: exit code $code, not 75: $(cat stop.log)"
[ -d runs/l2/seed-3/checkpoints ] && [ -d runs/l2/seed-4/checkpoints ] && [ ! -e runs/plain/seed-3/checkpoints ] ||
    fail "stopped: $(ls -d runs/*/*/checkpoints)"
grep -q '^l2/seed-3: stopped$' stop.log || fail "stopped: $(cat stop.log)"
rm -r runs

in_job 5 first.log --jobs 2 --set engine.threads=auto || fail "the table: $(cat first.log)"
[ "$(nproc)" = 1 ] || grep -q '^threads .*: 1 worker .*CPUs are allowed' runs/l2/seed-4.log ||
    fail "groups share cores: $(grep ^threads runs/l2/seed-?.log)"
[ "$(grep -c ' % in ' first.log)" = 4 ] && grep -q '^4 of 4 runs are done$' first.log || fail "the table: $(cat first.log)"
grep -q '^weight hash' runs/l2/seed-3.log && ! grep -q '^weight hash' first.log || fail "logs are not beside their runs"
for seed in 3 4; do
    ranks 3 hand$seed seed=$seed || fail "by hand"
    [ "$(hash_of hand$seed)" = "$(hash_of runs/l2/seed-$seed)" ] || fail "l2, seed $seed: other weights than alone"
    ranks 2 hand$seed seed=$seed pseudo_task.loss=none || fail "by hand"
    [ "$(hash_of hand$seed)" = "$(hash_of runs/plain/seed-$seed)" ] || fail "plain, seed $seed: other weights"
done

# One run is missing: one group, of all ranks.
rm -r runs/plain/seed-4
in_job 5 more.log || fail "one more: $(cat more.log)"
[ "$(grep -c ' % in ' more.log)" = 1 ] || fail "one more: $(cat more.log)"
[ "$(hash_of hand4)" = "$(hash_of runs/plain/seed-4)" ] || fail "four workers: other weights"

# A run that fails is named, and the others are done.
rm -r runs/l2/seed-3 runs/plain/seed-3
mkdir runs/l2/seed-3 && touch runs/l2/seed-3/mine
in_job 4 bad.log --jobs 2
[ $? = 1 ] && grep -q '^.*error: 1 of 4 runs failed' bad.log && grep -q 'not: l2/seed-3$' bad.log ||
    fail "a run that fails: $(cat bad.log)"
[ -e runs/plain/seed-3/result.json ] || fail "the other run was not trained: $(cat bad.log)"

in_job 3 few.log --jobs 2
[ $? = 2 ] && grep -q 'error: 3 ranks for 2 runs at a time: .* 4 ranks at least' few.log || fail "few: $(cat few.log)"
"$PTRAIN" sweep table.yaml --in-job >alone.log 2>&1
[ $? = 2 ] && grep -q '^error: --in-job divides the ranks of a job' alone.log || fail "alone: $(cat alone.log)"
finish

#!/usr/bin/env bash
# A table of runs: the same hashes as by hand, stopped and gone on with, faults before
# anything starts, a run that fails, several at once, and the tasks of the Slurm script.
. "$(dirname "$0")/lib.sh"
PT_SHIM=${PT_SHIM:?the shim}
make_data
cat >table.yaml <<'Y'
dir: runs
config: [run.yaml]
set: [engine.workers=2]
seeds: [3-4]
rows:
  - {name: l2}
  - {name: plain, set: [pseudo_task.loss=none]}
Y
sweep() { timeout -k 5 200 "$PTRAIN" sweep "$@"; }
# slowly ARGUMENT...: a sweep whose runs take seconds on any machine, to be stopped
slowly() { LD_PRELOAD=$PT_SHIM PT_SHIM_DELAY_US=5000 exec "$PTRAIN" sweep "$@"; }

sweep table.yaml --list >list.log 2>&1 || fail "list"
[ "$(grep -c '^new ' list.log)" = 4 ] && grep -q 'runs/plain/seed-4$' list.log || fail "list: $(cat list.log)"
sweep table.yaml --dry-run --jobs 2 --workers 1 >list.log 2>&1 || fail "dry run"
grep -qx ' *ptrain train runs/plain/seed-4.yaml --workers 1' list.log || fail "dry run: $(cat list.log)"
[ ! -e runs ] || fail "list made directories"

# Stopped in the second run; the same table goes on.
long='stages=[{epochs: 6}]'
slowly table.yaml --set "$long" >first.log 2>&1 &
pid=$!
for i in $(seq 300); do [ -s runs/l2/seed-4/metrics.jsonl ] && break; sleep 0.1; done
kill -TERM $pid; wait $pid; code=$?
[ $code = 75 ] || fail "stopped: exit code $code, not 75"
grep -q '^\[1/4\] l2/seed-3: ' first.log || fail "stopped: no line for the first run"
grep -q 'stopped in l2/seed-4; run the same command again to resume' first.log || fail "stopped: $(cat first.log)"
[ -d runs/l2/seed-4/checkpoints ] || fail "stopped: no checkpoint"
sweep table.yaml --set "$long" --list >list.log
grep -q '^done .*l2/seed-3 ' list.log && grep -q '^unfinished .*l2/seed-4$' list.log || fail "states: $(cat list.log)"
sweep table.yaml --set "$long" >second.log 2>&1 || fail "the rest: $(cat second.log)"
grep -q '^resuming after step' runs/l2/seed-4.log || fail "the stopped run began again"
[ "$(grep -c '^\[./4\]' second.log)" = 3 ] || fail "not three runs in the second go"
for seed in 3 4; do
    ranks 3 hand$seed "$long" seed=$seed || fail "by hand"
    [ "$(hash_of hand$seed)" = "$(hash_of runs/l2/seed-$seed)" ] || fail "l2, seed $seed: other weights than by hand"
    ranks 2 hand$seed "$long" seed=$seed pseudo_task.loss=none || fail "by hand"
    [ "$(hash_of hand$seed)" = "$(hash_of runs/plain/seed-$seed)" ] || fail "plain, seed $seed: other weights"
done
sweep table.yaml --set "$long" >third.log 2>&1 || fail "nothing to do"
grep -q '^4 of 4 runs are done already' third.log && ! grep -q '^\[' third.log || fail "done runs ran again"
# hint LOG: does the command that a sweep ends with show its table?
hint() {
    local report
    report=$(sed -n 's/.*compare them: ptrain //p' "$1")
    [ -n "$report" ] && eval "\"\$PTRAIN\" $report" >report.log 2>&1 && grep -q '^plain' report.log ||
        fail "'$report': $(cat report.log)"
}
hint third.log
mv data.h5 was.h5
"$PTRAIN" sweep table.yaml --set "$long" --list >gone.log 2>&1 && [ "$(grep -c '^done' gone.log)" = 4 ] ||
    fail "done runs without their data: $(cat gone.log)"
rm -r images/target/train/"$(ls images/target/train | head -1)"/0000.jpg
"$PTRAIN" pack --layout folders images/target data.h5 >/dev/null
"$PTRAIN" sweep table.yaml --set "$long" --list >repacked.log 2>&1; code=$?
[ $code = 2 ] && [ "$(grep -c 'was trained on different data from what data.h5 holds now' repacked.log)" = 4 ] ||
    fail "runs of other data count, code $code: $(cat repacked.log)"
mv was.h5 data.h5
printf 'dir: deep\nconfig: [run.yaml]\nset: [engine.workers=2]\nseeds: [3]\naxes:\n' >deep.yaml
printf -- '  - of: [{name: %s}]\n' data network >>deep.yaml
echo '  - of: [{name: plain, set: [pseudo_task.loss=none]}, {name: l2}]' >>deep.yaml

# Two at once: the bits of one after another, with a part of the cores each. Stopped, both leave a
# checkpoint.
slowly deep.yaml --set "$long" --jobs 2 >deep.log 2>&1 &
pid=$!
for i in $(seq 300); do
    [ -s deep/data/network/plain/seed-3/metrics.jsonl ] && [ -s deep/data/network/l2/seed-3/metrics.jsonl ] && break
    sleep 0.1
done
kill -INT $pid; wait $pid; code=$?
[ $code = 75 ] || fail "two at once, stopped: exit code $code, not 75"
for row in plain l2; do
    [ -d deep/data/network/$row/seed-3/checkpoints ] || fail "two at once, stopped: no checkpoint of $row"
done
sweep deep.yaml --set "$long" --set engine.threads=auto --jobs 2 >deep.log 2>&1 || fail "two at once: $(cat deep.log)"
[ "$(nproc)" = 1 ] || grep -q '^threads .*CPUs are allowed' deep/data/network/l2/seed-3.log ||
    fail "two at once: $(grep ^threads deep/data/network/l2/seed-3.log)"
[ "$(hash_of deep/data/network/l2/seed-3)" = "$(hash_of runs/l2/seed-3)" ] &&
    [ "$(hash_of deep/data/network/plain/seed-3)" = "$(hash_of runs/plain/seed-3)" ] || fail "two at once: other weights"
hint deep.log

sweep deep.yaml --set "$long" --set pseudo_task.ratio=5 --only '*/l2' >alone.log 2>&1
[ $? = 2 ] && grep -q 'belongs to another run (pseudo_task.ratio was 4, is 5)' alone.log ||
    fail "a finished run with another configuration: $(cat alone.log)"

# A run that somebody stops ends the sweep too.
sed 's/dir: deep/dir: alone/' deep.yaml >alone.yaml
slowly alone.yaml --set "$long" >alone.log 2>&1 &
pid=$!
for i in $(seq 300); do [ -s alone/data/network/plain/seed-3/metrics.jsonl ] && break; sleep 0.1; done
kill -TERM "$(pgrep -P $pid)"; wait $pid; code=$?
[ $code = 75 ] && [ ! -e alone/data/network/l2 ] || fail "a run stopped by itself: exit code $code: $(cat alone.log)"
timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" sweep alone.yaml --set "$long" >alone.log 2>&1
[ $? = 2 ] && grep -q "a sweep starts its runs' ranks itself" alone.log || fail "under mpirun: $(cat alone.log)"

# What is in the directories is of other runs: said for each row before anything runs.
sweep table.yaml >other.log 2>&1
[ $? = 2 ] && grep -q 'error: runs/l2/seed-3: belongs to another run (stages.0.epochs was 6, is 2)' other.log ||
    fail "another table's directories: $(cat other.log)"
sed 's/plain, set: \[pseudo_task.loss=none/plain, set: [pseudo_task.los=none/' table.yaml >bad.yaml
sweep bad.yaml >bad.log 2>&1
[ $? = 2 ] && grep -q "^bad.yaml:7:25: error: unknown key 'los' in pseudo_task; did you mean 'loss'? (plain/seed-3 and 1 more run)" bad.log || fail "bad key: $(cat bad.log)"
printf 'rows: [{name: a b}]\nseed: [1]\n' >bad.yaml
sweep bad.yaml >bad.log 2>&1
[ $? = 2 ] && grep -q "bad.yaml:2:1: error: unknown key 'seed'; did you mean 'seeds'" bad.log || fail "bad table: $(cat bad.log)"
printf 'rows: [{name: a b}]\nseeds: [1]\n' >bad.yaml
sweep bad.yaml >bad.log 2>&1
[ $? = 2 ] && [ "$(grep -c error: bad.log)" = 3 ] || fail "bad table: $(cat bad.log)"

# One row fails (no such file), the other runs; --only takes a row.
sed 's/plain, set: \[pseudo_task.loss=none/plain, set: [data.path=none.h5/; s/dir: runs/dir: some/' table.yaml >some.yaml
sweep some.yaml --only '*/seed-3' >some.log 2>&1
[ $? = 1 ] && grep -q 'warn: plain/seed-3 failed (some/plain/seed-3.log): .*none.h5' some.log &&
    [ -s some/l2/seed-3/result.json ] && grep -q '^1 of 2 runs failed' some.log &&
    grep -q '^  plain/seed-3 (some/plain/seed-3.log): .*none.h5' some.log || fail "a failing run: $(cat some.log)"
sweep some.yaml --only nothing >some.log 2>&1
[ $? = 2 ] && grep -q "no run is called 'nothing'" some.log || fail "only nothing"
sweep some.yaml --only plain --only bad >some.log 2>&1
[ $? = 2 ] && grep -q -- '--only may be given once' some.log || fail "--only twice: $(cat some.log)"

# The array job: a task runs what its number says, and is queued again after a stop.
printf 'slurm: {ntasks: 3, at_once: 2, options: [--time=01:00:00]}\n' >>table.yaml
sed -i 's/dir: runs/dir: cluster/' table.yaml
sweep table.yaml --slurm job.sh >slurm.log 2>&1 || fail "slurm: $(cat slurm.log)"
bash -n job.sh && grep -qxF "#SBATCH --output=\"$work/cluster/slurm-%A_%a.log\"" job.sh && grep -qx '#SBATCH --array=0-3%2' job.sh && grep -qx '#SBATCH --time=01:00:00' job.sh || fail "job.sh: $(cat job.sh)"
! command -v shellcheck >/dev/null || shellcheck job.sh || fail "shellcheck"
./job.sh >byhand.log 2>&1 && fail "a script by hand ran"
grep -q 'start this with sbatch' byhand.log || fail "by hand: $(cat byhand.log)"
unfit() { # PATTERN key: of the table, with what no #SBATCH line can hold; nothing is written
    sed "s|^$2: .*|$2: $3|" table.yaml >unfit.yaml
    sweep unfit.yaml --slurm unfit.sh >unfit.log 2>&1
    [ $? = 2 ] && [ "$(grep -c error: unfit.log)" = 1 ] && grep -q "unfit.yaml:.*error: $1" unfit.log &&
        [ ! -e unfit.sh ] && [ ! -e unfit ] || fail "unfit $2: $(cat unfit.log)"
}
unfit 'dir has a ", which' dir "'unfit\"x'"
unfit 'dir has a \\, which' dir "'unfit\\\\x'"
unfit 'dir has a control character (0x0a)' dir '"unfit\\nx"'
unfit 'slurm.options.0 has a control character (0x0a)' slurm '{options: ["--time=1\\ntouch x"]}'
mkdir bin
cat >bin/srun <<'S'
#!/bin/bash
while [[ $1 == --* ]]; do shift; done
[ -z "${FAKE_STOP:-}" ] || exit 75
exec timeout -k 5 100 mpirun -q --oversubscribe --bind-to none -n 3 "$@"
S
printf '#!/bin/bash\necho "$@" >requeued\n' >bin/scontrol
chmod +x bin/*
PATH=$work/bin:$PATH SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3 ./job.sh >task.log 2>&1 || fail "task: $(cat task.log)"
[ -s cluster/plain/seed-4/result.json ] && [ ! -e requeued ] || fail "task 3 is not plain/seed-4"
PATH=$work/bin:$PATH FAKE_STOP=1 SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=1 ./job.sh
[ $? = 75 ] && [ "$(cat requeued)" = "requeue 7_1" ] || fail "a stopped task was not queued again"
sweep table.yaml --slurm job.sh | grep -q '3 of 4 runs' || fail "the done run is in the array"
PATH=$work/none "$PTRAIN" sweep table.yaml --slurm job.sh --submit >submit.log 2>&1
[ $? = 1 ] && grep -q 'error: sbatch cannot be started' submit.log || fail "no sbatch: $(cat submit.log)"
printf '#!/bin/bash\necho "$@" >submitted\nexit 3\n' >bin/sbatch
chmod +x bin/sbatch
PATH=$work/bin:$PATH sweep table.yaml --slurm job.sh --submit >submit.log 2>&1
[ $? = 3 ] && [ "$(cat submitted)" = job.sh ] || fail "submit: $(cat submit.log)"
sweep table.yaml --submit >submit.log 2>&1
[ $? = 2 ] || fail "--submit without --slurm"
finish

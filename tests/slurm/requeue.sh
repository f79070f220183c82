#!/usr/bin/env bash
# A stopped job is queued again by its own script and resumes to the bits of a run in one
# piece: asked by scancel, as Slurm asks before a time limit, by scontrol requeue, and as a
# task of an array.
. "$(dirname "$0")/cluster.sh"
make_data
slurm_up 2
sed -i 's/epochs: 2/epochs: 200/; s/batch_norm: sync/batch_norm: shard/' run.yaml # 600 steps
submit() { # NAME option...: a batch job of two nodes; its number is in $job
    local name=$1
    shift
    sed "s/dir: run/dir: $name/" run.yaml >"$name.yaml"
    slurm "$PTRAIN" submit "$name.yaml" --nodes 2 "$@" >"$name.out" 2>&1 || fail "submit $name: $(cat "$name.out")"
    job=$(sed -n 's/^Submitted batch job //p' "$name.out")
    log=$name-$job.log
}
whole() { # NAME: its job went on where it stopped, to the end
    slurm_wait
    grep -q 'checkpoint written; run the same command again to resume' "$log" || fail "$1: no checkpoint"
    grep -q '^resuming after step' "$log" || fail "$1: did not resume"
    [ "$(grep -c '^results in ' "$log")" = 1 ] && [ "$(hash_of "$1")" = "$(hash_of one)" ] ||
        fail "$1: other weights: $(tail -30 "$log")"
}
ranks 4 one || { cat one.log; fail "one host"; finish; }

submit asked
slurm_until "$log" '^step 20/'
slurm scancel --signal=USR1 "$job"
slurm_until "$log" '^resuming after step'
slurm scontrol show job "$job" | grep -q 'Restarts=1' || fail "asked: not restarted: $(slurm scontrol show job "$job")"
whole asked
grep -q 'task [01]: Exited with exit code 75\|tasks [0-9,-]*: Exited with exit code 75' "$log" || fail "asked: no code 75: $(cat "$log")"

submit below --mpirun
slurm_until "$log" '^step 20/'
slurm scancel --batch --signal=USR1 "$job"
whole below

# SIGTERM, as at a preemption or from an operator.
submit queued
slurm_until "$log" '^step 20/'
slurm scontrol requeue "$job"
whole queued

# Two seeds as an array, and a table of two rows.
seeds=3,4
sed 's/dir: run/dir: many/' run.yaml >many.yaml
slurm "$PTRAIN" submit many.yaml --seeds $seeds >many.out || fail "submit $seeds: $(cat many.out)"
job=$(sed -n 's/^Submitted batch job //p' many.out)
cat >table.yaml <<'Y'
dir: runs
config: [run.yaml]
seeds: [3]
rows:
  - {name: as_is}
  - {name: plain, set: [pseudo_task.loss=none]}
slurm: {ntasks: 3, at_once: 1}
Y
slurm "$PTRAIN" sweep table.yaml --slurm job.sh --submit >sweep.out 2>&1 || fail "sweep: $(cat sweep.out)"
table=$(sed -n 's/^Submitted batch job //p' sweep.out)
slurm_until "runs/slurm-${table}_0.log" '^step 20/'
slurm scancel --signal=USR1 "${table}_0"
slurm_wait
[ "$(hash_of many/seed-3)" = "$(hash_of one)" ] && [ -s many/seed-4/result.json ] &&
    [ "$(hash_of many/seed-4)" != "$(hash_of one)" ] || fail "seeds: $(tail -5 many-"$job"_*.log)"
grep -q '^resuming after step' "runs/slurm-${table}_0.log" || fail "the stopped task did not resume"
[ "$(hash_of runs/as_is/seed-3)" = "$(hash_of one)" ] || fail "the table's first row: other weights"
"$PTRAIN" sweep table.yaml --list >list.log
[ "$(grep -c '^done ' list.log)" = 2 ] || fail "the table is not done: $(cat list.log)"

# The time limit: a minute, in which Slurm sends the signal 40 s before the end or sooner.
sed -i 's/epochs: 200/epochs: 1000000/' run.yaml
submit limit --option=--time=1 --option=--signal=USR1@40
slurm_until "$log" 'checkpoint written; run the same command again to resume'
slurm_until "$log" '^resuming after step'
slurm scancel "$job"
slurm_wait
[ $failures = 0 ] || slurm_logs
finish

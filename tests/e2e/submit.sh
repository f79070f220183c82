#!/usr/bin/env bash
# `ptrain submit`: the examples of launch/slurm are what it prints, the scripts are sound, go
# to sbatch and qsub on standard input, and a stopped run is queued again. The schedulers are
# fakes here; tests/slurm has a real one.
. "$(dirname "$0")/lib.sh"
cat >my.yaml <<'Y'
data: {path: data.h5}
network: {name: resnet_small}
run: {dir: runs/mine}
Y
example() { # FILE option...: what launch/slurm/FILE holds
    local file=$1
    shift
    "$PTRAIN" submit my.yaml --nodes 4 --threads 16 --time 4:00:00 --program ptrain --print "$@" >"$file" ||
        fail "$file: $*"
    diff "$PT_SOURCE/launch/slurm/$file" "$file" || fail "launch/slurm/$file is not what 'submit $*' prints"
    bash -n "$file" || fail "$file: syntax"
    ! command -v shellcheck >/dev/null || shellcheck "$file" || fail "$file: shellcheck"
}
example train.sbatch
example seeds.sbatch --seeds 1-5
example train.pbs --pbs
"$PTRAIN" submit my.yaml --print --mpirun --set "run.dir=it's here" --seeds 1,3 --option=--mem=8G \
    --partition cpu --account me >mpirun.sbatch || fail "mpirun"
! command -v shellcheck >/dev/null || shellcheck mpirun.sbatch || fail "mpirun: shellcheck"
for line in '#SBATCH --mem=8G' '#SBATCH --partition=cpu' '#SBATCH --account=me' \
    '#SBATCH --signal=B:USR1@120' '#SBATCH --array=1,3'; do
    grep -qxF -- "$line" mpirun.sbatch || fail "mpirun: no line '$line'"
done

# What cannot be is one line, before anything is submitted.
refused() { # PATTERN option...
    local pattern=$1
    shift
    "$PTRAIN" submit my.yaml "$@" >refused.log 2>&1
    [ $? = 2 ] && [ "$(wc -l <refused.log)" = 1 ] && grep -qE "error: .*($pattern)" refused.log ||
        fail "submit $*: $(cat refused.log)"
}
refused '20 servers and 20 workers for 8 virtual shards: use at most 8 workers, or set shards: 32 ' --nodes 20
refused 'a run needs 1 server and at least 1 worker' --ranks-per-node 1
refused "--time is '4h', must be H:MM:SS" --time 4h
refused '--time is 0:04:59: at least 0:05:00' --time 0:04:59
refused "--seeds is '1-5x', must be numbers and ranges" --seeds 1-5x
refused "--set 'seed=4' would have no effect: --seeds gives it" --seeds 1-5 --set seed=4
refused "--seeds is '1,3', must be a range for PBS" --pbs --seeds 1,3
refused "--time is '1-00:00:00'" --pbs --time 1-00:00:00
refused "--partition 'a b' has a ' '" --partition 'a b'
refused '--option has a control character \(0x0a\)' --option $'--mem=1\n#SBATCH --x'
refused "unknown key 'pth' in data; did you mean 'path'" --set data.pth=x
timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" submit my.yaml >refused.log 2>&1
[ $? = 2 ] && [ "$(grep -c 'run it without mpirun' refused.log)" = 1 ] || fail "under mpirun: $(cat refused.log)"
PATH=$work/none "$PTRAIN" submit my.yaml >refused.log 2>&1
[ $? = 1 ] && grep -q 'error: sbatch cannot be started: .*submit from a node that has Slurm' refused.log ||
    fail "no sbatch: $(cat refused.log)"

# The script reaches sbatch and qsub, and their exit code the caller.
mkdir bin
for p in sbatch qsub; do printf '#!/bin/bash\necho "$@" >args\ncat >given\nexit 3\n' >bin/$p; done
cat >bin/srun <<'S'
#!/bin/bash
echo "$SRUN_CPUS_PER_TASK $*" >started
exit "$CODE"
S
printf '#!/bin/bash\necho "$@" >requeued\n' >bin/scontrol
chmod +x bin/*
export PATH=$work/bin:$PATH
"$PTRAIN" submit my.yaml --nodes 4 --threads 16 --time 4:00:00 --program ptrain
[ $? = 3 ] && [ -z "$(cat args)" ] && cmp -s given train.sbatch || fail "sbatch did not get the script"
"$PTRAIN" submit my.yaml --pbs --seeds 1-5
[ $? = 3 ] && [ "$(cat args)" = "-J 1-5" ] && grep -q '^task=' given || fail "qsub did not get the array"

# Code 75, and nothing else, queues the job again; the task of an array alone.
run() { # CODE SCRIPT VAR=VALUE...
    rm -f started requeued
    env CODE="$1" "${@:3}" bash "$2"
    [ $? = "$1" ] || fail "$2: the exit code is not $1"
}
run 75 train.sbatch SLURM_JOB_ID=7 SLURM_CPUS_PER_TASK=8
[ "$(cat requeued)" = "requeue 7" ] || fail "stopped, not queued again"
grep -q '^8 --mpi=pmix .*ptrain train my.yaml --set engine.threads=16$' started || fail "srun: $(cat started)"
run 1 train.sbatch SLURM_JOB_ID=7
[ ! -e requeued ] || fail "a failed run was queued again"
run 75 seeds.sbatch SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=3
[ "$(cat requeued)" = "requeue 7_3" ] || fail "a stopped task was not queued again"
grep -q 'seed=3 --set run.dir=runs/mine/seed-3$' started || fail "task 3: $(cat started)"
bash seeds.sbatch 2>&1 | grep -q 'start this with sbatch' || fail "an array job ran by hand"

# mpirun below the script: the signal that the script gets reaches it, and its code the script.
cat >bin/mpirun <<'S'
#!/bin/bash
trap 'exit 75' USR1
touch running
while :; do sleep 0.1; done
S
chmod +x bin/mpirun
SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=1 timeout -k 5 60 bash mpirun.sbatch &
for i in $(seq 100); do [ -e running ] && break; sleep 0.1; done
sleep 0.2
kill -USR1 "$(pgrep -P $!)"
wait $!
[ $? = 75 ] && [ "$(cat requeued)" = "requeue 7_1" ] || fail "mpirun: the signal or the code was lost"
printf '#!/bin/bash\necho "$@" >started\nexit 75\n' >bin/mpirun
touch nodes
printf '#!/bin/bash\necho "$@" >resubmitted\n' >bin/qsub
run 75 train.pbs PBS_O_WORKDIR=. PBS_NODEFILE=nodes
grep -q '^--hostfile nodes .*-n 8 ptrain train' started && [ "$(cat resubmitted)" = train.pbs ] || fail "PBS: $(cat started)"
finish

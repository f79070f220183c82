#!/usr/bin/env bash
# A sweep as a real Slurm array job, of one node that this script starts: every task trains
# under srun, one that gets the signal writes a checkpoint, is queued again and ends with the
# bits of a run in one piece. Takes over two minutes: Slurm holds a job back that long.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "skip: a Slurm node of one's own needs root"; exit 77; }
for p in munged slurmctld slurmd sbatch; do
    command -v $p >/dev/null || { echo "skip: $p is not here"; exit 77; }
done
make_data

# ---- the node -----------------------------------------------------------------------------

node=$work/node host=$(hostname -s)
export SLURM_CONF=$node/slurm.conf
mkdir -p "$node"/{munge,spool,state,pmix} && chmod 755 "$work" "$node" "$node/munge"
head -c 1024 /dev/urandom >"$node/munge/key" && chmod 400 "$node/munge/key"
stop_node() {
    for pid in slurmd slurmctld munge/pid; do
        [ -s "$node/$pid" ] && kill "$(cat "$node/$pid")" 2>/dev/null
    done
    sleep 1
    rm -rf "$work"
}
trap stop_node EXIT
cat >"$SLURM_CONF" <<Y
ClusterName=one
SlurmctldHost=$host(127.0.0.1)
SlurmUser=root
SlurmdUser=root
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
AuthInfo=socket=$node/munge/sock
CredType=cred/munge
MpiDefault=pmix
StateSaveLocation=$node/state
SlurmdSpoolDir=$node/spool
SlurmdPidFile=$node/slurmd
SlurmctldPidFile=$node/slurmctld
SlurmdLogFile=$node/slurmd.log
SlurmctldLogFile=$node/slurmctld.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
NodeName=$host NodeAddr=127.0.0.1 CPUs=6 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=$host Default=YES State=UP
Y
cgroup=cgroup/v1
[ -e /sys/fs/cgroup/cgroup.controllers ] && cgroup=cgroup/v2
printf 'CgroupPlugin=%s\nCgroupAutomount=yes\nConstrainCores=no\n' $cgroup >"$node/cgroup.conf"
echo "PMIxCliTmpDirBase=$node/pmix" >"$node/mpi.conf"
munged --force --key-file="$node/munge/key" --socket="$node/munge/sock" \
    --pid-file="$node/munge/pid" --log-file="$node/munge/log" --seed-file="$node/munge/seed" &&
    slurmctld -c && slurmd
for i in $(seq 100); do sinfo -h -o %T 2>/dev/null | grep -q idle && break; sleep 0.2; done
sinfo -h -o %T 2>/dev/null | grep -q idle || {
    echo "skip: no Slurm node can be started here"
    tail -3 "$node"/*.log
    exit 77
}

# ---- a sweep on it ------------------------------------------------------------------------

cat >table.yaml <<'Y'
dir: runs
config: [run.yaml]
set: ["stages=[{epochs: 600}]"]
seeds: [1]
rows:
  - {name: plain, set: [pseudo_task.loss=none]}
  - {name: sml1, set: [pseudo_task.loss=sml1]}
slurm: {ntasks: 3, at_once: 2, options: [--time=00:20:00]}
Y
"$PTRAIN" sweep table.yaml --slurm job.sh --submit >submit.log 2>&1 ||
    { fail "submit"; cat submit.log; finish; }
job=$(sed -n 's/^Submitted batch job //p' submit.log)
log=runs/slurm-${job}_0.log
for i in $(seq 300); do grep -q '^step 100/' "$log" 2>/dev/null && break; sleep 0.2; done
scancel --signal=USR1 "${job}_0"
for i in $(seq 1200); do [ -z "$(squeue -h)" ] && break; sleep 0.2; done
grep -q 'checkpoint written; run the same command again to resume' "$log" || fail "no checkpoint"
[ "$(grep -c '^results in ' "$log")" = 1 ] || fail "the task did not end well"
"$PTRAIN" sweep table.yaml --list >list.log
[ "$(grep -c '^done ' list.log)" = 2 ] || fail "not both done: $(cat list.log)"
timeout -k 5 120 "$PTRAIN" train runs/plain/seed-1.yaml --workers 1 --set run.dir=whole \
    >whole.log 2>&1 || { fail "in one piece"; cat whole.log; }
[ "$(hash_of runs/plain/seed-1)" = "$(hash_of whole)" ] || fail "other bits after requeueing"
[ $failures = 0 ] || cat "$log" "$node"/slurm*.log
finish

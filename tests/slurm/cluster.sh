# Sourced by the tests on Slurm: hosts in namespaces (tests/multihost/hosts.sh) with munge,
# slurmctld on h0 and slurmd on each. Skips, and says why, where that cannot be.
#
#   slurm_up 3           hosts h0 to h2 with four cores each, as far as Slurm is concerned
#   slurm COMMAND...     runs it on h0: srun, sbatch, ...
#   slurm_wait           until no job is left, at most two minutes
#   slurm_until FILE PATTERN        until a line of the file matches, at most a minute
#   slurm_logs           what the daemons said
. "$(dirname "${BASH_SOURCE[0]}")/../multihost/lib.sh"
for p in munged slurmctld slurmd sbatch; do
    command -v $p >/dev/null || { echo "skip: $p is not installed"; exit 77; }
done

slurm_up() { # N
    local i last=$(($1 - 1))
    hosts_up "$1" || { echo "skip: no hosts in namespaces here"; exit 77; }
    slurm_at=$hosts_dir/slurm
    mkdir -p "$slurm_at/munge" && chmod 755 "$slurm_at" "$slurm_at/munge"
    head -c 1024 /dev/urandom >"$slurm_at/munge/key" && chmod 400 "$slurm_at/munge/key"
    slurm_conf "$last"
    hosts_on h0 munged --force --key-file="$slurm_at/munge/key" \
        --socket="$slurm_at/munge/sock" --pid-file=/run/munge.pid \
        --log-file="$slurm_at/munge/log" --seed-file=/run/munge.seed &&
        hosts_on h0 mkdir /run/state && slurm slurmctld -c &&
        for ((i = 0; i <= last; i++)); do
            hosts_on "h$i" mkdir /run/slurmd && hosts_on "h$i" slurmd -f "$slurm_at/slurm.conf" -N "h$i" || break
        done
    for i in $(seq 100); do
        [ "$(slurm sinfo -h -N -t idle -o %N 2>/dev/null | wc -l)" = "$1" ] && return
        sleep 0.2
    done
    echo "skip: Slurm does not start here"
    slurm_logs
    exit 77
}

# What is a node's own is in /run. cred_expire: how long a job that is queued again is held
# back; two minutes by default.
slurm_conf() { # the last host's number
    local cgroup=cgroup/v1
    [ -e /sys/fs/cgroup/cgroup.controllers ] && cgroup=cgroup/v2
    cat >"$slurm_at/slurm.conf" <<Y
ClusterName=hosts
SlurmctldHost=h0
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$slurm_at/munge/sock,cred_expire=5
CredType=cred/munge
MpiDefault=none
StateSaveLocation=/run/state
SlurmdSpoolDir=/run/slurmd
SlurmdPidFile=/run/slurmd.pid
SlurmctldPidFile=/run/slurmctld.pid
SlurmdLogFile=$slurm_at/slurmd.%n.log
SlurmctldLogFile=$slurm_at/slurmctld.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
KillWait=5
NodeName=h[0-$1] CPUs=4 RealMemory=1000 State=UNKNOWN
PartitionName=main Nodes=h[0-$1] Default=YES State=UP
Y
    printf 'CgroupPlugin=%s\nCgroupAutomount=yes\nConstrainCores=no\n' $cgroup >"$slurm_at/cgroup.conf"
    echo PMIxCliTmpDirBase=/run >"$slurm_at/mpi.conf"
}

# mpirun in a job: its daemons are ranks of a step, and this is root.
slurm() { # COMMAND...
    hosts_on h0 env SLURM_CONF="$slurm_at/slurm.conf" OMPI_ALLOW_RUN_AS_ROOT=1 \
        OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_btl_tcp_if_include=eth0 \
        OMPI_MCA_oob_tcp_if_include=eth0 timeout -k 5 120 "$@"
}

slurm_wait() {
    local i
    for i in $(seq 600); do
        [ -z "$(slurm squeue -h)" ] && return
        sleep 0.2
    done
    fail "jobs are left: $(slurm squeue)"
}

slurm_until() { # FILE PATTERN
    local i
    for i in $(seq 300); do
        grep -q "$2" "$1" 2>/dev/null && return
        sleep 0.2
    done
    fail "$1: no line '$2'"
}

slurm_logs() { tail -n 5 "$slurm_at"/*.log "$slurm_at/munge/log"; }

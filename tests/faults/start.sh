#!/usr/bin/env bash
# A rank that stops while the ranks say who they are is named, as it is in a step.
. "$(dirname "$0")/lib.sh"
start() { # NAME VAR=VALUE...
    local name=$1
    shift
    env LD_PRELOAD="$PT_SHIM" "$@" timeout -k 5 40 mpirun -q --oversubscribe --bind-to none \
        -n 3 "$PT_START" 2 >"$name.log" 2>&1
}
start whole || fail "the undisturbed start"
grep -qx '3 ranks, 3 here, the last says here' whole.log || fail "whole: $(cat whole.log)"
start text_stops PT_SHIM_RANK=2 PT_SHIM_STOP=13:2
[ $? = 1 ] || fail "text_stops: the exit code is not 1"
one_line text_stops 'rank 2 \(host [^)]+\) has owed its start-up report for 2 s'

# Before the ranks know of each other a failure is one line too.
start small_tags PT_SHIM_TAG_UB=32766
[ $? = 1 ] || fail "small_tags: the exit code is not 1"
one_line small_tags 'this MPI allows message tags up to 32766, but ptrain needs 32767'
start least_tags PT_SHIM_TAG_UB=32767 || fail "least_tags: $(cat least_tags.log)"
for who in ALL 2; do
    start refused_$who PT_SHIM_REFUSE=$who
    [ $? = 1 ] || fail "refused_$who: the exit code is not 1"
    one_line refused_$who 'MPI_Irecv: MPI_ERR_TAG'
done

# Ranks that cannot see each other: one line from the first.
alone() { # NAME VAR=VALUE...
    local name=$1
    shift
    env "$@" timeout -k 5 40 "$PT_START" 2 >"$name.log" 2>&1
    [ $? = 2 ] || fail "$name: the exit code is not 2"
}
alone slurm_0 SLURM_STEP_ID=0 SLURM_NTASKS=3 SLURM_PROCID=0
one_line slurm_0 'srun has started ptrain without PMIx, .*SLURM_NTASKS is 3.: add --mpi=pmix to srun'
alone mpich_0 PMI_SIZE=3 PMI_RANK=0
one_line mpich_0 'built with .*: start it with the mpirun of that MPI'
alone slurm_1 SLURM_STEP_ID=0 SLURM_NTASKS=3 SLURM_PROCID=1
alone mpich_1 PMI_SIZE=3 PMI_RANK=1
[ ! -s slurm_1.log ] && [ ! -s mpich_1.log ] || fail "the second process speaks too"
finish

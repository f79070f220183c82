#!/usr/bin/env bash
# Slurm on three hosts: srun and mpirun give the bits of one host; an srun whose ranks cannot
# meet is one line; a killed rank ends the step.
. "$(dirname "$0")/cluster.sh"
make_data
slurm_up 3
train() { slurm srun "$@" "$PTRAIN" train run.yaml; }

ranks 4 one || { cat one.log; fail "one host"; finish; }
slurm srun --mpi=pmix -N 3 --ntasks-per-node=2 "$PTRAIN" train run.yaml --set run.dir=srun >srun.log 2>&1 ||
    fail "srun: $(cat srun.log)"
[ "$(hash_of srun)" = "$(hash_of one)" ] || fail "srun on three hosts: other weights"
slurm "$PTRAIN" submit run.yaml --nodes 3 --mpirun --set run.dir=batch >batch.log 2>&1 || fail "submit: $(cat batch.log)"
slurm_wait
[ "$(hash_of batch)" = "$(hash_of one)" ] || fail "mpirun in a batch job: other weights: $(cat run-*.log)"

slurm srun --mpi=pmix -N 3 --ntasks-per-node=2 "$PTRAIN" doctor >doctor.log 2>&1 || fail "doctor: $(cat doctor.log)"
grep -q '^ok    world      6 ranks on 3 hosts see each other' doctor.log && grep -q 'links      3 pairs of hosts: ' doctor.log &&
    grep -q '^ok    directory  . is the same directory on all hosts' doctor.log || fail "doctor: $(cat doctor.log)"

# Open MPI has no use for these: one line, of one rank.
for pmi in none pmi2; do
    train --mpi=$pmi -N 2 -n 2 >$pmi.log 2>&1
    [ $? = 2 ] && [ "$(grep -vc '^srun: ' $pmi.log)" = 1 ] &&
        grep -q 'error: .*without PMIx.*SLURM_NTASKS is 2): add --mpi=pmix to srun' $pmi.log ||
        fail "srun --mpi=$pmi: $(cat $pmi.log)"
done

# The last host's only rank is killed.
sed -i 's/epochs: 2/epochs: 6000/; s/dir: run/dir: killed/' run.yaml
train --mpi=pmix -N 2 -n 3 --wait=2 --output=killed.out >killed.log 2>&1 &
step=$!
slurm_until killed.out '^step 10/'
victim=$(hosts_switch pgrep -f "^$PTRAIN train run.yaml")
for pid in $victim; do
    hosts_switch sh -c "tr '\\0' '\\n' </proc/$pid/environ" 2>/dev/null | grep -qx SLURM_PROCID=2 && hosts_switch kill -9 "$pid"
done
wait $step && fail "a killed rank: srun succeeds"
grep -q 'task 2: Killed' killed.log && [ -z "$(hosts_switch pgrep -f "^$PTRAIN train")" ] ||
    fail "a killed rank: $(cat killed.log)"
[ $failures = 0 ] || slurm_logs
finish

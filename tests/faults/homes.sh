#!/usr/bin/env bash
# On hosts that are pretended (e2e/pretend.sh) workers add up their host's gradients, each for
# some of the keys, and send factors of the last layer's: one that is killed or silent, a server that
# is killed as it adds, a bit that flips on the way. One line each time, and the run goes on.
. "$(dirname "$0")/lib.sh"
unshare -u true 2>/dev/null || { echo "skip: unshare -u is not permitted here"; exit 77; }
make_data
export OMPI_MCA_plm_rsh_agent=$PT_SOURCE/tests/e2e/pretend.sh OMPI_MCA_orte_default_hostfile=$work/hosts
export OMPI_MCA_btl_tcp_if_include=lo OMPI_MCA_oob_tcp_if_include=lo
# Three images: a worker's factors of the last layer are fewer bytes than its 256 values.
run=('stages=[{steps: 60}]' data.batch=3 run.watchdog_s=3 run.checkpoint_steps=5)

on() { # SERVERS WORKERS: on host a, and on host b
    servers=$1 workers=$2
    printf 'a slots=%d\nb slots=%d\n' "$1" "$2" >hosts
}
part() { # NAME [VAR=VALUE...]: a run, or its rest; its exit code
    local name=$1 sets=() s
    shift
    for s in "${run[@]}" "server.ranks=$servers" "run.dir=$work/$name"; do sets+=(--set "$s"); done
    env LD_PRELOAD="$PT_SHIM" "$@" timeout -k 5 60 "$PTRAIN" train run.yaml --workers "$workers" "${sets[@]}" >"$name.log" 2>&1
}
faulty() { # NAME PATTERN VAR=VALUE...: ends with 1 and one line
    local name=$1 pattern=$2 code
    shift 2
    part "$name" "$@"
    code=$?
    [ $code = 1 ] || fail "$*: exit code $code, not 1"
    one_line "$name" "$pattern"
    nobody "$name"
}

on 1 1
part undisturbed || { cat undisturbed.log; fail "the undisturbed run"; finish; }

# In turn, each from the checkpoint that the one before has left.
on 1 3
faulty chain 'signal 9' PT_SHIM_RANK=2 PT_SHIM_TO=0 PT_SHIM_KILL=3:150
faulty chain 'signal 9' PT_SHIM_RANK=0 PT_SHIM_KILL=4:147 # of 29 keys a step the second: the factors' sum
grep -q '^resuming after step' chain.log || fail "a killed home: began again"
on 2 2
faulty chain 'host [^,]+, step [0-9]+, waiting for .*: rank 3 \(host b\) .* for 3 s' \
    PT_SHIM_RANK=3 PT_SHIM_TO=0 PT_SHIM_STOP=3:50
grep -q '^resuming after step' chain.log || fail "a killed server: began again"
on 1 1
part chain || { cat chain.log; fail "a silent home: did not go on"; }
[ "$(hash_of chain)" = "$(hash_of undisturbed)" ] || fail "other weights"

# In the sum of a host, in factors, and in the place of new weights that a home lends.
on 1 3
beside faulty sum 'gradients from rank 2 arrived damaged' PT_SHIM_RANK=2 PT_SHIM_TO=0 PT_SHIM_FLIP=3:30
beside faulty factors 'gradient factors from rank 3 arrived damaged' PT_SHIM_RANK=3 PT_SHIM_FLIP=17:3
beside faulty place 'weights from rank 2 arrived damaged' PT_SHIM_RANK=2 PT_SHIM_TO=1 PT_SHIM_FLIP=4:9
together
finish

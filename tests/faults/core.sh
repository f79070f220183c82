#!/usr/bin/env bash
# A run of engine.gemm: blas goes on on another type of CPU only when told to.
. "$(dirname "$0")/lib.sh"
make_data
run=('stages=[{epochs: 10}]' engine.gemm=blas run.checkpoint_steps=1)
on() { # CORE extra...: the run as if on that CPU
    local core=$1 sets=()
    shift
    for s in "${run[@]}"; do sets+=(--set "$s"); done
    OPENBLAS_CORETYPE=$core timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" train run.yaml \
        --set "run.dir=$work/run" "${sets[@]}" "$@" >on.log 2>&1
    echo $? >on.code
}
on Nehalem &
for i in $(seq 100); do ls run/checkpoints/*/manifest.json >/dev/null 2>&1 && break; sleep 0.05; done
kill -USR1 "$(rank_pid run 0)"
wait $!
[ "$(cat on.code)" = 75 ] || { fail "the first core: exit code $(cat on.code)"; cat on.log; }
grep -q Nehalem run/identity.json || { echo "skip: OpenBLAS does not take OPENBLAS_CORETYPE here"; exit 77; }
on Sandybridge
[ "$(cat on.code)" = 2 ] && [ "$(grep -c error: on.log)" = 1 ] &&
    grep -qE 'error: .*was computed by .*Nehalem, this is .*Sandybridge: the bits .* --allow-other-core' on.log ||
    { fail "another core: exit code $(cat on.code)"; cat on.log; }
on Sandybridge --allow-other-core
[ "$(cat on.code)" = 0 ] && [ "$(grep -cE 'warn: going on with other kernels .*the bits of the weights will differ' on.log)" = 1 ] ||
    { fail "--allow-other-core: exit code $(cat on.code)"; cat on.log; }
finish

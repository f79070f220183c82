#!/usr/bin/env bash
# A run of engine.gemm: blas resumes on another type of CPU, with one line that says so.
. "$(dirname "$0")/lib.sh"
make_data
run=('stages=[{epochs: 10}]' engine.gemm=blas run.checkpoint_steps=1)
on() { # CORE: the run as if on that CPU
    local sets=()
    for s in "${run[@]}"; do sets+=(--set "$s"); done
    OPENBLAS_CORETYPE=$1 timeout -k 5 60 mpirun -q --oversubscribe -n 2 "$PTRAIN" train run.yaml \
        --set "run.dir=$work/run" "${sets[@]}" >on.log 2>&1
    echo $? >on.code
}
on Nehalem &
for i in $(seq 100); do ls run/checkpoints/*/manifest.json >/dev/null 2>&1 && break; sleep 0.05; done
kill -USR1 "$(rank_pid run 0)"
wait $!
[ "$(cat on.code)" = 75 ] && [ "$(grep -c 'kernels .*bits not promised' on.log)" = 1 ] ||
    { fail "the first core: exit code $(cat on.code)"; cat on.log; }
grep -q 'Nehalem.*bits not promised' run/identity.json ||
    { echo "skip: OpenBLAS does not take OPENBLAS_CORETYPE here"; exit 77; }
on Sandybridge
[ "$(cat on.code)" = 0 ] && [ "$(grep -c warn: on.log)" = 1 ] &&
    grep -qE "warn: .* was computed by '.*Nehalem.*' and is resumed by '.*Sandybridge.*'" on.log ||
    { fail "another core: exit code $(cat on.code)"; cat on.log; }
finish

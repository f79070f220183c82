#!/usr/bin/env bash
# ptrain built with MPICH: the tests of the job, a run with the bits of the other build, a
# failure as one line. A build of its own in PT_BUILD.
. "$(dirname "$0")/../e2e/lib.sh"
for tool in mpicc.mpich mpiexec.mpich; do
    command -v $tool >/dev/null || { echo "skip: $tool is not installed"; exit 77; }
done
build=${PT_BUILD:?where to build}
cmake -S "$PT_SOURCE" -B "$build" -DMPI_C_COMPILER=mpicc.mpich -DPT_WERROR=ON \
    -DMPIEXEC_EXECUTABLE="$(command -v mpiexec.mpich)" >build.log 2>&1 &&
    cmake --build "$build" --target ptrain mpi.job -j"$(nproc)" >>build.log 2>&1 ||
    { tail -20 build.log; fail "the build"; finish; }
[ "$(ldd "$build/ptrain" | grep -c libmpich)" = 1 ] || fail "the build has another MPI"
ctest --test-dir "$build" -R '^mpi\.job' --output-on-failure >mpi.log 2>&1 || { cat mpi.log; fail "mpi.job"; }
[ "$(grep -c ' Passed ' mpi.log)" = 3 ] || fail "mpi.job ran at other sizes than 1, 2, 4"

mpich() { # N NAME set...: as `ranks`, with the other MPI
    local n=$1 name=$2 sets=() s
    shift 2
    for s in "$@"; do sets+=(--set "$s"); done
    timeout -k 5 "$limit" mpiexec.mpich -n "$n" "$build/ptrain" train run.yaml \
        --set "run.dir=$name" "${sets[@]}" >"$name.log" 2>&1
}
make_data
ranks 3 open || { cat open.log; fail "with the first MPI"; }
mpich 3 mpich || { cat mpich.log; fail "with MPICH"; }
[ "$(hash_of mpich)" = "$(hash_of open)" ] || fail "MPICH: other weights"
mpich 4 mpich_3 optimizer.lr=1e9
[ $? = 1 ] || fail "a failure in a step: the exit code is not 1"
[ "$(grep -c 'error:' mpich_3.log)" = 1 ] || { fail "a failure is not one line"; cat mpich_3.log; }

# Alone it starts the mpiexec of its own MPI, whatever `mpirun` is.
timeout -k 5 "$limit" "$build/ptrain" train run.yaml --workers 2 --set run.dir=alone >alone.log 2>&1 ||
    { cat alone.log; fail "ptrain train without mpiexec"; }
[ "$(hash_of alone)" = "$(hash_of open)" ] || fail "ptrain train without mpiexec: other weights"

# A launcher of the other MPI is named, once.
timeout -k 5 "$limit" mpiexec.mpich -n 3 "$PTRAIN" train run.yaml >wrong.log 2>&1
[ $? = 2 ] && [ "$(grep -c 'error: .*cannot see each other' wrong.log)" = 1 ] ||
    { fail "MPICH's mpiexec with another MPI's ptrain"; cat wrong.log; }
finish

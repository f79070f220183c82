#!/usr/bin/env bash
# Installs what the tests need, builds, runs the core tests. `--all` adds the long ones,
# `--quick` runs one test of each promise (README.md). The last line counts: N passed, N failed.
set -u
cd "$(dirname "$0")/.." || exit 1
. launch/packages.sh
pt_need "$pt_build_packages" "$pt_test_packages" || exit 1

labels='unit|mpi|e2e|faults|multihost|docs'
case ${1:-} in
'') ;;
--quick) labels=quick ;;
--all)
    labels="$labels|slurm|long"
    pt_need "$pt_long_test_packages" || exit 1
    ;;
*)
    echo "error: $1: expected --quick, --all or nothing" >&2
    exit 2
    ;;
esac

# Ranks share this machine's cores; Open MPI refuses root without being told twice.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none

build=build-test
mkdir -p $build
echo "building into $build/"
cmake -S . -B $build -DCMAKE_BUILD_TYPE=Release -DPT_TESTS=ON -DPT_WERROR=ON \
    >$build/build.log 2>&1 &&
    cmake --build $build -j"$(nproc)" >>$build/build.log 2>&1 || {
    tail -40 $build/build.log
    echo "error: the build failed ($build/build.log)" >&2
    echo "0 passed, 1 failed"
    exit 1
}

# Slots are half cores: schedule.cmake says how many a test takes.
ctest --test-dir $build -L "^($labels)\$" -j$(($(nproc) * 2)) --output-on-failure \
    --output-junit junit.xml 2>&1 | tee $build/ctest.log
status=${PIPESTATUS[0]}

# What was skipped says why in its own output.
grep -h '^skip: ' $build/Testing/Temporary/LastTest.log 2>/dev/null | sort | uniq -c

passed=$(grep -c '   Passed ' $build/ctest.log)
failed=$(grep -cE '\*\*\*(Failed|Timeout|Exception|Not Run)' $build/ctest.log)
echo "$passed passed, $failed failed"
[ "$status" = 0 ] && [ "$failed" = 0 ]

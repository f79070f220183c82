#!/usr/bin/env bash
# usage: sanitize.sh [address|thread|valgrind|all]
# The tests under checkers, each in its own build below PT_BUILD (build-sanitize/):
# - address: unit, MPI and end-to-end tests under ASan, UBSan and the leak check; jobs on hosts
#   that are pretended (e2e/pretend.sh), whose workers are homes of keys and send factors.
# - thread: what runs threads without MPI under TSan; MPI's libraries are not instrumented.
# - valgrind: a training run of 1 server and 2 workers under memcheck. Leaks are left to
#   ASan: memcheck cannot name the plugins that Open MPI has unloaded by then.
# Prints one line a suite; a finding's text is in the log that the line names. Exit code 1
# where there are findings.
set -u
here=$(cd "$(dirname "$0")" && pwd)
PT_SOURCE=$(cd "$here/../.." && pwd)
base=${PT_BUILD:-$PT_SOURCE/build-sanitize}
what=${1:-all}
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_hwloc_base_binding_policy=none
jobs=${PT_JOBS:-$(nproc)}
findings=0

# build NAME sanitizers target...: builds below $base/NAME, or ends the script
build() {
    local name=$1
    dir=$base/$name
    mkdir -p "$dir"
    cmake -S "$PT_SOURCE" -B "$dir" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DPT_TESTS=ON \
        -DPT_WERROR=ON -DPT_SANITIZE="$2" >"$dir/build.log" 2>&1 &&
        cmake --build "$dir" -j"$jobs" --target "${@:3}" >>"$dir/build.log" 2>&1 || {
        tail -20 "$dir/build.log"
        echo "error: $name: the build failed ($dir/build.log)" >&2
        exit 1
    }
}

# suite NAME selection...: tests of the build in $dir, one line
suite() {
    local name=$1 log=$dir/${1// /-}.log start=$SECONDS passed failed
    shift
    ctest --test-dir "$dir" -j$((2 * jobs)) --output-on-failure "$@" >"$log" 2>&1
    local status=$?
    passed=$(grep -c '   Passed ' "$log")
    failed=$(grep -cE '\*\*\*(Failed|Timeout|Exception|Not Run)' "$log")
    echo "$name: $passed passed, $failed failed, $((SECONDS - start)) s ($log)"
    [ $status = 0 ] && [ "$passed" -gt 0 ] || findings=$((findings + 1))
}

address() {
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
    export UBSAN_OPTIONS=print_stacktrace=1
    export LSAN_OPTIONS=suppressions=$here/lsan.supp:print_suppressions=0
    build address address,undefined all
    suite "address unit" -L '^unit$'
    LSAN_OPTIONS+=:fast_unwind_on_malloc=0 # to recognize Open MPI; 10 times slower
    suite "address mpi" -L '^mpi$'
    suite "address e2e" -R '^e2e\.(run_dir|errors|edges|bench|predict)$'
    hosts
}

# Layouts of servers and hosts, sums and factors in both formats: no finding, one hash.
hosts() {
    local log=$dir/hosts.log start=$SECONDS status
    export PTRAIN=$dir/ptrain PT_SOURCE
    (
        . "$here/../e2e/lib.sh"
        make_data
        limit=600
        export OMPI_MCA_plm_rsh_agent=$PT_SOURCE/tests/e2e/pretend.sh OMPI_MCA_btl_tcp_if_include=lo \
            OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_orte_default_hostfile=$work/hosts
        for wire in fp32 bf16; do
            for layout in '1 1 1' '1 1 3' '2 3 4' '3 3 5'; do # servers, ranks on host a and on b
                set -- $layout
                printf 'a slots=%d\nb slots=%d\n' "$2" "$3" >hosts
                ranks $(($2 + $3)) run "server.ranks=$1" server.wire=$wire data.batch=3 \
                    'stages=[{steps: 4}]' run.gradient_ratio_every=1 run.trace=trace.json
                echo "$wire, $layout: exit code $?, $(hash_of run)"
                cat run.log
            done
        done
    ) >"$log" 2>&1
    ! grep -qE 'Sanitizer|runtime error' "$log" && [ "$(grep -c ': exit code 0, ' "$log")" = 8 ] &&
        [ "$(sed -n 's/.*: exit code 0, //p' "$log" | sort -u | wc -l)" = 2 ]
    status=$?
    echo "address hosts: exit code $status, $((SECONDS - start)) s ($log)"
    [ $status = 0 ] || findings=$((findings + 1))
}

thread() {
    export TSAN_OPTIONS=second_deadlock_stack=1
    build thread thread tests_of_threads
    suite "thread" -L '^threads$'
}

memcheck() {
    local log=$base/valgrind/valgrind.log start=$SECONDS status
    build valgrind '' ptrain
    export PTRAIN=$dir/ptrain PT_SOURCE
    (
        . "$here/../e2e/lib.sh"
        make_data
        limit=1500
        before=(valgrind -q --error-exitcode=9 --num-callers=30
            --suppressions="$(openmpi_supp)" --suppressions="$here/valgrind.supp"
            --log-file="$work/valgrind.%q{OMPI_COMM_WORLD_RANK}")
        ranks 3 run 'stages=[{steps: 2}]' pseudo_task.gate_epoch=0.3 # w > 0 in step 1
        status=$?
        cat run.log valgrind.*
        [ $status = 0 ] && [ -s run/result.json ]
    ) >"$log" 2>&1
    status=$?
    echo "valgrind: exit code $status, $((SECONDS - start)) s ($log)"
    [ $status = 0 ] || findings=$((findings + 1))
}

openmpi_supp() {
    local f

    for f in /usr/share/openmpi/openmpi-valgrind.supp \
        "$(dirname "$(command -v mpirun)")/../share/openmpi/openmpi-valgrind.supp"; do
        [ -f "$f" ] && { echo "$f"; return; }
    done
    echo /dev/null
}

case $what in
address | thread) $what ;;
valgrind) memcheck ;;
all) address; thread; memcheck ;;
*)
    echo "error: $what: one of address, thread, valgrind, all" >&2
    exit 2
    ;;
esac
[ $findings = 0 ]

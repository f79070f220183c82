#!/usr/bin/env bash
# CFLAGS that let sums change their order (-ffast-math) change no instruction: a source of the engine
# compiles to the same code. Without our own flags behind them it does not.
set -u
work=$(mktemp -d "${TMPDIR:-/tmp}/ptrain-cross.XXXXXX")
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }
compiled() { # CFLAGS: the instructions
    CFLAGS=$1 cmake -G "Unix Makefiles" -S "$PT_SOURCE" -B "$work/$1" -DCMAKE_BUILD_TYPE=Release \
        -DPT_TESTS=OFF >"$work/log" 2>&1 && make -C "$work/$1/worker" engine/layers/pointwise.o >>"$work/log" 2>&1 ||
        { cat "$work/log"; fail "a build with CFLAGS=$1"; }
    objdump -d "$work/$1/worker/CMakeFiles/pt_worker.dir/engine/layers/pointwise.c.o" | tail -n +4 >"$work/$1.code"
}
compiled -O3
compiled -ffast-math
[ -s "$work/-O3.code" ] && cmp "$work/-O3.code" "$work/-ffast-math.code" || fail "-ffast-math makes other instructions"
echo "the same instructions, $(wc -l <"$work/-O3.code") lines of them"

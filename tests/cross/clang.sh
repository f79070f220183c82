#!/usr/bin/env bash
# clang compiles the kernels without a warning, and keeps a tile's sums in registers: the six
# rows of two vectors are written out (a loop over them took four times as long).
set -u
command -v clang >/dev/null && command -v objdump >/dev/null || { echo "skip: no clang"; exit 77; }
[ "$(uname -m)" = x86_64 ] || { echo "skip: the kernel is one for x86-64"; exit 77; }
work=$(mktemp -d "${TMPDIR:-/tmp}/ptrain-cross.XXXXXX")
trap 'rm -rf "$work"' EXIT
cmake -G "Unix Makefiles" -S "$PT_SOURCE" -B "$work" -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Release \
    -DPT_WERROR=ON -DPT_TESTS=OFF >"$work/log" 2>&1 &&
    make -C "$work/common" gemm/gemm_avx2.o >>"$work/log" 2>&1 &&
    make -C "$work/worker" engine/layers/pointwise.o engine/layers/pool2d.o >>"$work/log" 2>&1 ||
    { cat "$work/log"; echo "FAILED: a build with clang"; exit 1; }
products=$(objdump --disassemble=row_6_1 "$work/common/CMakeFiles/pt_common.dir/gemm/gemm_avx2.c.o" | grep -c vfmadd)
[ "$products" -ge 12 ] || { echo "FAILED: $products multiply-adds in the tile of 6 rows, not 12"; exit 1; }
echo "$products multiply-adds in the tile of 6 rows"

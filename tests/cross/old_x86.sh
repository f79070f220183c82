#!/usr/bin/env bash
# The program runs on an x86-64-v2 CPU (under qemu: no AVX, no FMA), and a small training run
# there, and on one with AVX2 alone, ends in the same bits as on this machine. From ctest:
# PTRAIN and SMALL_RUN, this machine's programs.
set -u
if [ "$(uname -m)" != x86_64 ]; then
    echo "skip: not an x86-64"
    exit 77
fi
for need in qemu-x86_64 gcc; do
    command -v $need >/dev/null || {
        echo "skip: no $need here"
        exit 77
    }
done
work=$(mktemp -d "${TMPDIR:-/tmp}/ptrain-old.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }
old() { qemu-x86_64 -cpu Nehalem "$@"; }

# Would we notice? An instruction of AVX2 must end a program.
cat >avx2.c <<'C'
#include <immintrin.h>
int main(int argc, char **argv)
{
    __m256i v = _mm256_set1_epi32(argc);
    volatile __m256i w = _mm256_add_epi32(v, v);
    return ((int *)&w)[7] != 2;
}
C
gcc -O1 -mavx2 avx2.c -o avx2 || fail "the program that needs AVX2"
(old ./avx2) >/dev/null 2>&1 && fail "this emulator runs AVX2 on an old CPU"

old "$PTRAIN" --version || fail "ptrain --version"
old "$PTRAIN" demo-data images --seed 1 --source-per-class 1 --source-test-per-class 1 \
    --target-per-class 1 --target-test-per-class 1 >/dev/null || fail "ptrain demo-data"
old "$PTRAIN" pack --layout folders images/target data.h5 >/dev/null || fail "ptrain pack"

"$SMALL_RUN" all >here.txt || fail "the small run on this machine"
for cpu in Nehalem Haswell; do
    qemu-x86_64 -cpu $cpu "$SMALL_RUN" -f all >$cpu.txt 2>$cpu.err || fail "the small run on $cpu"
    # What qemu cannot emulate of a CPU it says.
    grep -v 'TCG doesn.t support requested feature' $cpu.err
    diff here.txt $cpu.txt || fail "other bits on $cpu"
done
[ -s here.txt ] || fail "nothing was run"
[ $failures = 0 ] && cat here.txt

#!/usr/bin/env bash
# The whole program compiles for aarch64, without warnings, and a small training run there
# (under qemu) ends in the same bits as on this machine. From ctest: PT_SOURCE the checkout,
# PT_BUILD a directory to work in, SMALL_RUN this machine's program.
set -u
for need in aarch64-linux-gnu-gcc qemu-aarch64 apt-get dpkg-deb; do
    command -v $need >/dev/null || {
        echo "skip: no $need here"
        exit 77
    }
done
sysroot=$PT_BUILD/sysroot
mkdir -p "$PT_BUILD"
"$PT_SOURCE/tests/cross/sysroot.sh" "$PT_BUILD" >"$PT_BUILD/sysroot.log" 2>&1 || {
    tail -3 "$PT_BUILD/sysroot.log"
    echo "skip: Debian's arm64 libraries cannot be fetched"
    exit 77
}

{
    cmake -S "$PT_SOURCE" -B "$PT_BUILD/build" -DCMAKE_BUILD_TYPE=Release -DPT_TESTS=ON -DPT_WERROR=ON \
        -DCMAKE_TOOLCHAIN_FILE="$PT_SOURCE/tests/cross/aarch64.cmake" \
        -DPT_SYSROOT="$sysroot" &&
        cmake --build "$PT_BUILD/build" -j"$(nproc)"
} >"$PT_BUILD/build.log" 2>&1 || {
    tail -40 "$PT_BUILD/build.log"
    echo "FAILED: the build for aarch64"
    exit 1
}

arm() { qemu-aarch64 -L "$sysroot" "$PT_BUILD/build/$1" "${@:2}"; }
failures=0
fail() { echo "FAILED: $*"; failures=$((failures + 1)); }

arm ptrain --version || fail "ptrain --version"
"$SMALL_RUN" >"$PT_BUILD/here.txt" || fail "the small run on this machine"
arm tests/cross/small_run >"$PT_BUILD/there.txt" || fail "the small run on aarch64"
if diff "$PT_BUILD/here.txt" "$PT_BUILD/there.txt" && [ -s "$PT_BUILD/here.txt" ]; then
    echo "the same bits on both:"
    cat "$PT_BUILD/here.txt"
else
    fail "other bits on aarch64"
fi

# Those that an emulator runs within seconds.
quick='common\.(rng|gemm_bf16|pmath|shards|keys|moments|graph|tensor|digest|config|weights_readers)'
quick="$quick|server\..*|worker\.(batch_norm|pool2d|pointwise|kernel_goldens|layer_slopes)"
quick="$quick|worker\.(pool|jpeg|picture|resize|augment)|launch\.(matlab|layouts|folders|report)"
ctest --test-dir "$PT_BUILD/build" -L unit -R "^($quick)\$" >"$PT_BUILD/ctest.log" 2>&1 &&
    grep 'tests passed' "$PT_BUILD/ctest.log" || {
    tail -20 "$PT_BUILD/ctest.log"
    fail "unit tests on aarch64"
}
[ $failures = 0 ]

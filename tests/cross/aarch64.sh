#!/usr/bin/env bash
# The whole program compiles for aarch64, without warnings, and a small training run there
# (under qemu) ends in the same bits as on this machine; so does a run of the program in bf16
# that is killed there and goes on here. From ctest: PT_SOURCE the checkout, PT_BUILD a
# directory to work in, PTRAIN and SMALL_RUN this machine's programs.
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
long=(-f bf16_depthwise bf16_pools)
{ "$SMALL_RUN" && "$SMALL_RUN" "${long[@]}"; } >"$PT_BUILD/here.txt" || fail "the small run on this machine"
{ arm tests/cross/small_run && arm tests/cross/small_run "${long[@]}"; } >"$PT_BUILD/there.txt" ||
    fail "the small run on aarch64"
if diff "$PT_BUILD/here.txt" "$PT_BUILD/there.txt" && [ -s "$PT_BUILD/here.txt" ]; then
    echo "the same bits on both:"
    cat "$PT_BUILD/here.txt"
else
    fail "other bits on aarch64"
fi

# As ranks of this machine's mpirun. What two ranks of a host lend each other qemu cannot read.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMPI_MCA_btl_vader_single_copy_mechanism=none
run=$PT_BUILD/run
rm -rf "$run"
mkdir "$run" && cd "$run" || exit 1
"$PTRAIN" demo-data images --seed 1 --source-per-class 1 --source-test-per-class 1 \
    --target-per-class 2 --target-test-per-class 1 >/dev/null &&
    "$PTRAIN" pack --layout folders images/target data.h5 >/dev/null || fail "the data"
cat >run.yaml <<'Y'
seed: 3
shards: 4
data: {path: data.h5, batch: 5, resize_mode: no_resize, crop: 16, train_crop: random}
network: {name: resnet_small, dropout: 0.3}
pseudo_task: {loss: l2}
engine: {precision: bf16}
stages: [{steps: 3}]
run: {checkpoint_steps: 1, dir: here}
Y
job() { # ranks NAME program...
    local n=$1 name=$2
    shift 2
    timeout -k 5 300 mpirun -q --oversubscribe --bind-to none -n "$n" "$@" train run.yaml \
        --set "run.dir=$name" >"$name.log" 2>&1
}
value() { sed -n "s/^ *\"$2\": \"\(.*\)\",\{0,1\}\$/\1/p" "$1/result.json"; }
job 2 here "$PTRAIN" || { cat here.log; fail "the run on this machine"; }
tests=$PT_BUILD/build/tests
QEMU_LD_PREFIX=$sysroot PT_EMULATOR=$(command -v qemu-aarch64) PT_SHIM_RANK=1 PT_SHIM_KILL=1:3 \
    QEMU_SET_ENV=LD_PRELOAD=$tests/cross/libemulated.so:$tests/faults/libpt_shim.so \
    job 3 there qemu-aarch64 "$PT_BUILD/build/ptrain" && fail "nothing was killed on aarch64"
grep -q '^kernels .*exact bf16.*(portable)' there.log || { cat there.log; fail "the run on aarch64"; }
mv there.log killed.log
job 4 there "$PTRAIN" || { cat there.log; fail "the run that was killed on aarch64"; }
grep -q '^resuming after step [12] of 3' there.log || { cat there.log; fail "it began anew"; }
for what in weight_hash predictions_hash; do
    [ -n "$(value here $what)" ] && [ "$(value here $what)" = "$(value there $what)" ] ||
        fail "$what of a run in bf16: $(value here $what) here, $(value there $what) begun on aarch64"
done

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

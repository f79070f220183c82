#!/usr/bin/env bash
# engine.precision: bf16: one hash for any layout, killed and resumed or not, another than in
# fp32; it is part of what a run is; its tests are those that `ptrain eval` makes of the model.
. "$(dirname "$0")/lib.sh"
make_data
bf16=(engine.precision=bf16 engine.winograd=false)

ranks 2 first "${bf16[@]}" || { cat first.log; fail "the first run"; finish; }
grep -q '^kernels .*exact bf16' first.log || fail "the kernels are not named: $(grep kernels first.log)"
for layout in '9 1' '4 3' '3 4'; do # ranks, threads
    read -r n threads <<<"$layout"
    ranks "$n" other "${bf16[@]}" "engine.threads=$threads" || fail "$n ranks"
    [ "$(hash_of other)" = "$(hash_of first)" ] || fail "$n ranks, $threads threads: other weights"
done

# A worker is killed in step 6, steps being slow, so that there is a checkpoint; three go on.
before=(env LD_PRELOAD="$PT_SHIM" PT_SHIM_DELAY_US=10000 PT_SHIM_RANK=1 PT_SHIM_KILL=1:6)
ranks 3 killed "${bf16[@]}" run.checkpoint_steps=1 && fail "the worker was not killed"
before=()
goes_on() { # ranks NAME set...: with the rest of that run
    local n=$1 name=$2
    shift 2
    timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n "$n" "$PTRAIN" train run.yaml \
        --set "run.dir=$name" "${@/#/--set=}" >resumed.log 2>&1
}
goes_on 4 killed "${bf16[@]}" run.checkpoint_steps=1 engine.threads=2 ||
    fail "it did not go on: $(tail -1 resumed.log)"
grep -q '^resuming after step' resumed.log || fail "it began anew: $(head -5 resumed.log)"
[ "$(hash_of killed)" = "$(hash_of first)" ] || fail "killed and resumed: other weights"

ranks 2 fp32 engine.winograd=false || fail "fp32: $(tail -1 fp32.log)"
[ "$(hash_of fp32)" != "$(hash_of first)" ] || fail "fp32: the same weights"

# What one run is, the other is not.
goes_on 2 first engine.winograd=false
[ $? = 2 ] && grep -q 'engine.precision was bf16, is fp32' resumed.log ||
    fail "bf16 goes on in fp32: $(cat resumed.log)"

# Beside Winograd, and tested in fp32 as by every other command.
ranks 2 mixed engine.precision=bf16 || fail "with Winograd: $(tail -1 mixed.log)"
"$PTRAIN" eval mixed data.h5 >eval.log 2>&1 || fail "eval: $(cat eval.log)"
grep -q "sha256 $(value mixed predictions_hash)" eval.log || fail "other predictions: $(cat eval.log)"

ranks 2 blas engine.precision=bf16 engine.gemm=blas
[ $? = 2 ] && [ "$(grep -c 'error:' blas.log)" = 1 ] && grep -q 'engine.gemm is blas' blas.log ||
    fail "bf16 by a library: $(cat blas.log)"
finish

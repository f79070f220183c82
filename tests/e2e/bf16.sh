#!/usr/bin/env bash
# engine.precision: bf16: one hash for any layout, another than in fp32; it is part of what a
# run is; its tests are those that `ptrain eval` makes of the model.
. "$(dirname "$0")/lib.sh"
make_data
bf16=(engine.precision=bf16 engine.winograd=false)

ranks 2 first "${bf16[@]}" || { cat first.log; fail "the first run"; finish; }
grep -q '^kernels .*exact bf16' first.log || fail "the kernels are not named: $(grep kernels first.log)"
for layout in '4 1' '9 1' '3 2'; do
    read -r n threads <<<"$layout"
    ranks "$n" other "${bf16[@]}" "engine.threads=$threads" || fail "$n ranks"
    [ "$(hash_of other)" = "$(hash_of first)" ] || fail "$n ranks, $threads threads: other weights"
done
ranks 2 fp32 engine.winograd=false || fail "fp32: $(tail -1 fp32.log)"
[ "$(hash_of fp32)" != "$(hash_of first)" ] || fail "fp32: the same weights"

# What one run is, the other is not.
timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n 2 "$PTRAIN" train run.yaml \
    --set run.dir=first --set engine.winograd=false >resumed.log 2>&1
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

#!/usr/bin/env bash
# Late and reordered messages change no bit.
. "$(dirname "$0")/lib.sh"
make_data
ranks 4 still || { cat still.log; fail "the undisturbed run"; finish; }
for seed in 1 2 3; do
    under PT_SHIM_SEED=$seed PT_SHIM_SHUFFLE=40 -- 4 late || { cat late.log; fail "shuffle $seed"; }
    [ "$(hash_of late)" = "$(hash_of still)" ] || fail "shuffle $seed: other weights"
    under PT_SHIM_SEED=$seed PT_SHIM_DELAY_US=400 PT_SHIM_SHUFFLE=5 -- 4 late ||
        { cat late.log; fail "delays $seed"; }
    [ "$(hash_of late)" = "$(hash_of still)" ] || fail "delays $seed: other weights"
    [ "$(value late predictions_hash)" = "$(value still predictions_hash)" ] ||
        fail "delays $seed: other predictions"
done
finish

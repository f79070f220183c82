#!/usr/bin/env bash
# Libraries that switch denormals off where they are loaded change no bit. The head's weights
# and what its gradients do to biases stay denormal here.
. "$(dirname "$0")/lib.sh"
make_data
export ASAN_OPTIONS=${ASAN_OPTIONS-}:verify_asan_link_order=0 # of sanitized programs behind the shim
tiny=(optimizer.lr=1 optimizer.head_lr=1e-37 network.head_std=1e-36 network.dropout=0
    pseudo_task.loss=none engine.threads=2 'stages=[{steps: 4}]')
ranks 3 alone "${tiny[@]}" || { cat alone.log; fail "alone"; }
before=(env LD_PRELOAD="${PT_FLOAT_MODE_SHIM:?the shim}")
ranks 3 beside "${tiny[@]}" || { cat beside.log; fail "beside such a library"; }
before=()
[ "$(hash_of beside)" = "$(hash_of alone)" ] || fail "other weights beside such a library"

# in one process: a mean of denormal weights
"$PTRAIN" soup alone beside -o alone.h5 >soup.txt 2>&1 &&
    LD_PRELOAD=$PT_FLOAT_MODE_SHIM "$PTRAIN" soup alone beside -o beside.h5 >>soup.txt 2>&1 || { cat soup.txt; fail "soup"; }
cmp alone.h5 beside.h5 || fail "another mean beside such a library"
finish

#!/usr/bin/env bash
# `ptrain eval` by ranks: what it prints does not depend on their number; a rank that fails
# or dies ends the job with one line, and nothing is printed as if it had not.
. "$(dirname "$0")/lib.sh"
make_data
"$PTRAIN" demo-data many --seed 2 --source-per-class 1 --source-test-per-class 1 \
    --target-per-class 1 --target-test-per-class 20 >/dev/null &&
    "$PTRAIN" pack --layout folders many/target many.h5 >/dev/null || exit 1
ranks 2 run data.path=many.h5 data.batch=4 'stages=[{steps: 2}]' || { cat run.log; fail "the run"; }

# eval N NAME argument... : N ranks (0: no job); what they print in NAME.log
eval_by() {
    local n=$1 name=$2 job=()
    shift 2
    [ "$n" = 0 ] || job=(mpirun -q --oversubscribe --bind-to none -n "$n")
    timeout -k 5 60 "${job[@]}" "$PTRAIN" eval "$@" >"$name.log" 2>&1
}

all=(run many.h5 --views flip --json)
eval_by 0 alone "${all[@]}" || { cat alone.log; fail "one process"; }
grep -q '"images": 180' alone.log || fail "images: $(grep '"images"' alone.log | head -1)"
eval_by 3 by3 "${all[@]}" && cmp alone.log by3.log || { cat by3.log; fail "3 ranks"; }
eval_by 1 one run many/target --views flip --json && cmp alone.log one.log ||
    { cat one.log; fail "one rank, a folder"; }
few=(run data.h5 --split test) # one block: two of three ranks have nothing to look at
eval_by 0 few "${few[@]}" && eval_by 3 few3 "${few[@]}" && cmp few.log few3.log ||
    { cat few3.log; fail "fewer blocks than ranks"; }
text=(run many.h5 --per-class --confusion)
eval_by 0 alone_text "${text[@]}" && eval_by 0 two "${text[@]}" --ranks 2 &&
    cmp alone_text.log two.log || { cat two.log; fail "--ranks 2"; }
grep -q "sha256 $(value run predictions_hash)" two.log || fail "the run's own predictions"

# refused CODE PATTERN NAME: the evaluation before ended so, with one line and no result
refused() {
    [ "$code" = "$1" ] && [ "$(grep -c 'error:' "$3.log")" = 1 ] &&
        grep -qE "error: .*$2" "$3.log" && ! grep -q accuracy "$3.log" ||
        { fail "$3: code $code, expected $1 and '$2'"; cat "$3.log"; }
}
eval_by 2 folder run many/target; code=$?
refused 2 "many/target: is a folder, ranks share a packed data set: make one with ptrain pack" folder
cp many.h5 bad.h5 # the last picture, which is the last rank's
offset=$(LC_ALL=C grep -obUaP '\xff\xd9' bad.h5 | tail -1 | cut -d: -f1)
printf '\x00\x00' | dd of=bad.h5 bs=1 seek="$offset" conv=notrunc status=none
eval_by 3 bad run bad.h5; code=$?
refused 1 "bad.h5: image 188 .*0019.jpg. is damaged: " bad

# Killed as it sends what it has seen.
found=$(awk '/^ *X\(/ { n++ } /X\(FOUND,/ { print n }' "$PT_SOURCE/common/comm/message.h")
env LD_PRELOAD="$PT_SHIM" PT_SHIM_RANK=1 "PT_SHIM_KILL=$found:1" timeout -k 5 60 \
    "$PTRAIN" eval "${all[@]}" --ranks 3 >killed.log 2>&1
code=$?
refused 1 "the job was killed by signal 9" killed
finish

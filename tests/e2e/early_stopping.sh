#!/usr/bin/env bash
# Early stopping: the same end and the same model on any number of workers and servers,
# killed and resumed or not; what is handed on is the model of the best test; refusals.
. "$(dirname "$0")/lib.sh"
make_data
# the validation loss falls until step 10, and has not in the two tests after it
run=(pseudo_task.loss=none network.dropout=0 schedule.kind=constant optimizer.lr=0.02
    data.validation_share=0.25 evaluation.every_epochs=1 evaluation.train_split=true
    average.kind=ema average.decay=0.5)
early=('early_stopping={patience: 2, metric: loss}' 'stages=[{epochs: 20}]')
ranks 2 one "${run[@]}" "${early[@]}" || { cat one.log; fail "one worker"; finish; }
ranks 5 three "${run[@]}" "${early[@]}" server.ranks=2 || { cat three.log; fail "three workers"; finish; }
same() { # A B what: every file that a run hands on
    local f
    for f in model.h5 ema.h5 predictions.h5 train_predictions.h5; do
        cmp -s "$1/$f" "$2/$f" || fail "$3: another $f"
    done
    [ "$(hash_of "$1")" = "$(hash_of "$2")" ] || fail "$3: another weight hash"
}
same one three "two servers and three workers"
grep -q '^ends early, after step 14 of 40: validation loss has not fallen in the last 2 tests; the best was loss [0-9.]*, after step 10$' one.log ||
    { cat one.log; fail "the line"; }
grep -q '^model.h5: the model after step 10, the best by validation: loss [0-9.]*, test accuracy [0-9.]* %$' one.log ||
    { cat one.log; fail "the line of the model"; }
[ "$(value one steps)" = 14 ] && [ "$(value three steps)" = 14 ] || fail "not 14 steps"
[ "$(value one step)" = 9 ] || fail "the model is that of step $(value one step) + 1"
grep -q '"ended_early": true' one/result.json || fail "ended_early"
[ "$(grep -c '^{"test_of":"test"' one/metrics.jsonl)" = 7 ] || fail "not 7 tests"

# A run of ten steps ends with the same model, and says the same of it.
ranks 2 ten "${run[@]}" 'stages=[{steps: 10}]' || fail "ten steps"
same one ten "ten steps"
for key in test_accuracy test_ce validation_ce train_accuracy predictions_hash; do
    [ "$(value one $key)" = "$(value ten $key)" ] || fail "$key is $(value one $key), of ten steps $(value ten $key)"
done

# A terminal's bar is full at the end.
sets=()
for s in "${run[@]}" "${early[@]}" run.dir=watched; do sets+=(--set "$s"); done
TERM=xterm NO_COLOR=1 timeout -k 5 60 /usr/bin/python3 "$PT_SOURCE/tests/e2e/on_terminal.py" 80 \
    "$PTRAIN" train run.yaml --workers 1 "${sets[@]}" >screen || fail "on a terminal"
tr '\r' '\n' <screen | grep -q '^ *100 % .* 14/14' || fail "the bar is not full"

# Killed at some moment, and resumed in another layout.
ended=0
go_on() { # RANKS NAME
    local sets=()
    for s in "${run[@]}" "${early[@]}" "run.dir=$2" run.checkpoint_steps=1 "${@:3}"; do sets+=(--set "$s"); done
    timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n "$1" "$PTRAIN" train run.yaml "${sets[@]}" >>"$2.log" 2>&1
}
for lines in 5 30; do # of 42: 14 steps, and 7 tests of two sets, twice for ema
    go_on 3 killed$lines &
    job=$!
    for ((i = 0; i < 600; i++)); do
        [ "$(cat killed$lines/metrics.jsonl 2>/dev/null | wc -l)" -ge $lines ] && break
        sleep 0.02
    done
    kill -KILL $(pgrep -f "^$PTRAIN train .*run.dir=killed$lines( |\$)")
    wait $job
    [ ! -e killed$lines/result.json ] || ended=$((ended + 1))
    go_on 4 killed$lines server.ranks=2 || { cat killed$lines.log; fail "killed at line $lines: did not go on"; }
    same one killed$lines "killed at line $lines"
    [ "$(value killed$lines steps)" = 14 ] || fail "killed at line $lines: $(value killed$lines steps) steps"
done
[ $ended -lt 2 ] || fail "no kill struck"

# Patience is part of what the run is.
cp -r one other && rm other/result.json
go_on 2 other 'early_stopping={patience: 3, metric: loss}'
[ $? = 2 ] && grep -q 'error: other: belongs to another run (early_stopping.patience was 2, is 3)' other.log ||
    { cat other.log; fail "another patience"; }

# It is complete, and everything says so.
"$PTRAIN" status one | grep -q '^one: finished, epoch 7.00 of 20 (35 %), step 14, ce [0-9.]*, ended early; test after step 10: ' ||
    { "$PTRAIN" status one; fail "status"; }
"$PTRAIN" report one --html one.html >/dev/null 2>&1 && grep -q 'after step 10, ended early after 14' one.html ||
    fail "report"
right=$("$PTRAIN" eval one data.h5 --json 2>/dev/null | sed -n 's/^ "accuracy": \([0-9.]*\).*/\1/p')
[ "$right" = "$(value one test_accuracy)" ] || fail "eval says $right, the run $(value one test_accuracy)"

# Without validation images, or tests during the run: one line, before anything begins.
refused() { # name, what is said, set...
    local name=$1 text=$2
    shift 2
    "$PTRAIN" train run.yaml "${@/#/--set=}" >"$name.log" 2>&1
    [ $? = 2 ] && [ "$(grep -c error: "$name.log")" = 1 ] && grep -q "error: .*early_stopping.patience $text" "$name.log" ||
        { cat "$name.log"; fail "$name"; }
    "$PTRAIN" config check run.yaml "${@/#/--set=}" >"$name.log" 2>&1
    [ $? = 2 ] && grep -q "error: .*early_stopping.patience $text" "$name.log" || { cat "$name.log"; fail "$name: config check"; }
}
refused unjudged 'needs validation images to judge by: set data.validation_share: 0.1' \
    early_stopping.patience=2 evaluation.every_epochs=1
refused untested 'needs tests during the run: set evaluation.every_epochs: 1' \
    early_stopping.patience=2 data.validation_share=0.25
finish

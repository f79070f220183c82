#!/usr/bin/env bash
# A data set without a split to test on: it trains, says once what it lacks, and everything
# that reads a run does without a test accuracy.
. "$(dirname "$0")/lib.sh"
make_data
mkdir only && cp -r images/target/train only/train
"$PTRAIN" pack only only.h5 >pack.log 2>&1 || { cat pack.log; fail "pack"; finish; }
said='warn: only.h5: has no split to test on: there will be no test accuracy'
run=(data.path=only.h5 average.kind=ema 'stages=[{epochs: 3}]')
says() { # file, words
    grep -qE "$2" "$1" || { cat "$1"; fail "not said: $2"; }
}

"$PTRAIN" config check run.yaml --train "${run[@]/#/--set=}" >check.log 2>&1 || fail "config check"
[ "$(grep -c "$said" check.log)" = 1 ] || { cat check.log; fail "config check: not one warning"; }
ranks 2 one "${run[@]}" || { cat one.log; fail "one worker"; finish; }
ranks 4 three "${run[@]}" evaluation.every_epochs=1 || { cat three.log; fail "three workers"; finish; }
[ "$(grep -c "$said" one.log)" = 1 ] && [ "$(grep -c warn: one.log)" = 1 ] || { cat one.log; fail "not one warning"; }
says one.log '^data      36 training images and none to test on$'
cmp -s one/model.h5 three/model.h5 && cmp -s one/ema.h5 three/ema.h5 || fail "another model on three workers"
[ ! -e one/predictions.h5 ] || fail "predictions of nothing"
for key in test_accuracy test_top5 test_ce predictions_hash; do
    [ "$(value one $key)" = null ] || fail "$key is $(value one $key)"
done
sets=()
for s in "${run[@]}" run.dir=one; do sets+=(--set "$s"); done
"$PTRAIN" train run.yaml --workers 1 "${sets[@]}" >again.log 2>&1 || fail "again"
says again.log '^this run is finished: weight hash [0-9a-f]{64}$'

# With validation images, which may also end it; the set that was tested is named.
ranks 2 judged "${run[@]}" data.validation_share=0.25 evaluation.every_epochs=1 \
    early_stopping.patience=1 run.keep_best=true 'stages=[{epochs: 6}]' || { cat judged.log; fail "judged"; }
says judged.log '^data      27 training and 9 validation images and none to test on$'
says judged/result.json '"test_accuracy": null'
says judged/result.json '"validation_accuracy": 0'
"$PTRAIN" status one judged >status.log 2>&1
says status.log '^one: finished, epoch 3.00 of 3 \(100 %\), step 9, ce [0-9.]+; [0-9.]+ images/s$'
says status.log '^judged: finished, .*; validation after step [0-9]+: [0-9.]+ %'

# The report names no gain, and says why.
ranks 2 plain "${run[@]}" pseudo_task.loss=none || fail "plain"
"$PTRAIN" report one plain >report.log 2>&1 || { cat report.log; fail "report"; }
says report.log '^Nothing was tested, as the data have no test split: no gain can be named\.$'
! grep -q nan report.log || { cat report.log; fail "a number of nothing"; }
"$PTRAIN" report --html report.html one plain >html.log 2>&1 && grep -q 'Nothing was tested' report.html &&
    ! grep -q 'Confusion' report.html || { cat html.log; fail "report --html"; }
"$PTRAIN" report --html single.html one >html.log 2>&1 && "$PTRAIN" report --csv one >csv.log 2>&1 ||
    { cat html.log csv.log; fail "a page for one"; }
"$PTRAIN" eval one only.h5 --split train >eval.log 2>&1 || { cat eval.log; fail "eval"; }
cat >table.yaml <<'Y'
dir: swept
config: [run.yaml]
seeds: [1]
rows: [{name: row, set: [data.path=only.h5, 'stages=[{steps: 1}]']}]
Y
"$PTRAIN" sweep table.yaml --workers 1 >sweep.log 2>&1 || { cat sweep.log; fail "sweep"; }
says sweep.log '^\[1/1\] row/seed-1: not tested in '
"$PTRAIN" sweep table.yaml --list >sweep.log 2>&1
says sweep.log '^done .*swept/row/seed-1  not tested$'

# Refused: a best model with nothing to choose by. (A split that was named: edges.sh)
ranks 2 best data.path=only.h5 run.keep_best=true
[ $? = 2 ] && [ "$(grep -c error: best.log)" = 1 ] || { cat best.log; fail "keep_best"; }
says best.log 'error: run.keep_best needs images to choose the best model by, and .*only.h5 has no split'
finish

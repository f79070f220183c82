#!/usr/bin/env bash
# Validation images choose best.h5: the same on any number of workers, and said. So is the
# average of weights, ema.h5.
. "$(dirname "$0")/lib.sh"
make_data
run=(data.validation_share=0.25 run.keep_best=true evaluation.every_epochs=1
    average.kind=ema average.decay=0.5 'stages=[{epochs: 4}]')
ranks 2 one "${run[@]}" || { cat one.log; fail "one worker"; finish; }
ranks 4 three "${run[@]}" || { cat three.log; fail "three workers"; finish; }
[ "$(hash_of one)" = "$(hash_of three)" ] || fail "other weights on three workers"
cmp -s one/best.h5 three/best.h5 || fail "another best.h5 on three workers"
cmp -s one/ema.h5 three/ema.h5 || fail "another ema.h5 on three workers"
grep -q '^data  *27 training, 9 validation and 27 test images' one.log || fail "the line about the data"
! grep -q 'warn:' one.log || fail "a warning with validation images"

# The first step with the most right validation images, and its test accuracy
lines() { sed -n "s/^{\"test_of\":\"$1\",\"step\":\([0-9]*\),\"right\":\([0-9]*\),.*/\2 \1/p" one/metrics.jsonl; }
best=$(lines validation | sort -k1,1nr -k2,2n | head -1 | cut -d' ' -f2)
right=$(lines test | awk -v step="$best" '$2 == step {print $1}')
[ "$(lines validation | wc -l)" = 4 ] && [ "$(lines test | wc -l)" = 4 ] || fail "four tests of both sets"
[ "$(value one step)" = "$best" ] || fail "best is after step $(value one step), not $best"
[ "$(value one selected_on)" = validation ] || fail "selected on $(value one selected_on)"
grep -A4 '"best": {' one/result.json | grep '"test_accuracy"' |
    awk -F: -v right="$right" '{exit !($2 * 27 > right - 0.001 && $2 * 27 < right + 0.001)}' ||
    fail "the test accuracy of best.h5 is not $right of 27"
grep -q '"validation_accuracy"' one/result.json || fail "no validation accuracy"

# Without: one warning, and the result says so.
# An average with no past is the model itself.
ranks 2 test run.keep_best=true average.kind=ema average.decay=0 'stages=[{steps: 1}]' || { cat test.log; fail "without"; }
[ "$(grep -c 'warn: run.keep_best chooses best.h5 by the test split' test.log)" = 1 ] || fail "not one warning"
[ "$(value test selected_on)" = test ] || fail "selected on $(value test selected_on), not test"
cmp -s test/ema.h5 test/model.h5 || fail "ema.h5 of decay 0 is not model.h5"
grep -A5 '"ema": {' test/result.json | grep -q "\"weight_hash\": \"$(hash_of test)\"" || fail "the hash of ema.h5"
[ "$(grep -c '^{"weights":"ema","tested_on":"test"' test/metrics.jsonl)" = 1 ] || fail "the test of ema.h5"
! cmp -s one/ema.h5 one/model.h5 || fail "ema.h5 with a past is model.h5"
finish

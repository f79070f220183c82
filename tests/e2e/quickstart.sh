#!/usr/bin/env bash
# launch/quickstart.sh in a fresh copy of the tree: it ends with the verdict and the table that
# README.md shows, figure by figure, and one worker makes the weights that two made. Long: it
# builds the program and trains ten times.
. "$(dirname "$0")/lib.sh"
tar -C "$PT_SOURCE" --exclude='./build*' --exclude=./.git --exclude=./quickstart-run -cf - . | tar xf - ||
    fail "a copy of the tree"
./launch/quickstart.sh >log 2>&1 || { tail -20 log; fail "the quickstart"; finish; }

# README.md folds the verdict, and leaves out the columns of times, which differ.
sed -n '/^No method is shown/,/^```/p' README.md | sed '$d' >promised
grep -c . promised | grep -qx 6 || { fail "README.md shows another result:"; cat promised; }
verdict=$(sed '/^method/,$d' promised | paste -sd' ')
grep -qxF -- "$verdict" log || { fail "not '$verdict'"; grep '^No method\|shown' log; }
sed -n '/^method/,$p' promised >rows
while read -r row; do
    awk -v row="$row" 'index($0, row) == 1 { seen = 1 } END { exit !seen }' log || fail "not '$row'"
done <rows
[ $failures = 0 ] || sed -n '/^resnet_small on/,/^$/p' log

build/ptrain train configs/quickstart/finetune.yaml --set run.dir=again --workers 1 >again.log 2>&1 ||
    { tail -3 again.log; fail "one worker"; }
[ -n "$(hash_of again)" ] && [ "$(hash_of again)" = "$(hash_of quickstart-run/sml1-1)" ] ||
    fail "one worker: $(hash_of again), two: $(hash_of quickstart-run/sml1-1)"
finish

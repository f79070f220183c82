#!/usr/bin/env bash
# A worker that computes for longer than the deadline, but polls, is not mistaken for a
# silent one: neither in its steps nor while it tests.
. "$(dirname "$0")/lib.sh"
make_data
ranks 2 slow network.name=resnet50 data.resize_mode=square data.resize=112 data.crop=96 \
    data.batch=36 'stages=[{steps: 2}]' run.watchdog_s=0.8 || { cat slow.log; fail "the slow worker was ended"; }
! grep -E 'error:' slow.log || fail "the slow worker was noticed"
longest=$(sed -n 's/.*"seconds":\([0-9.]*\).*/\1/p' slow/metrics.jsonl | sort -n | tail -1)
awk -v s="${longest:-0}" 'BEGIN { exit !(s > 1.2) }' ||
    { echo "skip: a step took ${longest:-no} s, too fast to say anything"; [ $failures = 0 ] && exit 77; }
echo "a step took $longest s at a deadline of 0.8 s"
finish

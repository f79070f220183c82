#!/usr/bin/env bash
# A run while it is watched: a bar on a terminal, lines elsewhere, event files for TensorBoard.
. "$(dirname "$0")/lib.sh"
make_data
on_terminal() { timeout -k 5 "$limit" /usr/bin/python3 "$PT_SOURCE/tests/e2e/on_terminal.py" "$@"; }

# What a terminal of 50 columns gets: no line of the bar reaches its end, and none is left.
TERM=xterm NO_COLOR=1 on_terminal 50 "$PTRAIN" train run.yaml --workers 1 >screen || fail "on a terminal: code $?"
/usr/bin/python3 - screen <<'P' || fail "the screen"
import re, sys
text = open(sys.argv[1], newline="").read()
assert "\033[3" not in text, "a colour"
assert "\001" not in text and not re.search(r"^step \d", text, re.M), "steps beside the bar"
drawn = re.findall(r"\r( *\d+ % \[[^\r\n]*?)\033\[K", text)
done = [int(re.match(r" *(\d+)", bar)[1]) for bar in drawn]
assert done == sorted(done) and done[0] == 16 and done[-1] == 100, done
assert max(map(len, drawn)) <= 49, drawn
assert all(re.search(r"\d+:\d\d left  ce \d", bar) for bar in drawn), drawn
assert re.search(r"\033\[Ktest after step 6: accuracy", text), "not cleared before a line"
assert "results in run" in text and text.endswith("\r\033[K"), text[-100:]
P

# Nothing of it where there is no terminal, or one that cannot; there are lines instead.
lines() { # file
    ! grep -q $'[\001\r\033]' "$1" &&
        grep -qE '^step 1/6  .*  [0-9.]+ images/s  .*  elapsed 0:00:[0-9]+  left 0:[0-9:]+' "$1" &&
        grep -qE '^step 6/6  epoch 2.00  ce [0-9.]+  acc [0-9.]+  w [0-9.]+ .*  left 0:00:00' "$1"
}
"$PTRAIN" train run.yaml --workers 1 --overwrite >file 2>&1 || fail "into a file"
lines file || { fail "in a file"; cat file; }
TERM=dumb on_terminal 80 "$PTRAIN" train run.yaml --workers 1 --overwrite >dumb || fail "on a dumb terminal"
tr -d '\r' <dumb >plain
lines plain || { fail "on a dumb terminal"; cat plain; }

# Event files: the numbers of metrics.jsonl, each once, after a stop and a kill too.
events() { /usr/bin/python3 "$PT_SOURCE/tests/e2e/read_events.py" "$@"; }
ls run/events.* 2>/dev/null && fail "event files that nobody asked for"
goes_on() { # killed at the worker's n-th step of this job, 0: to its end
    LD_PRELOAD=$PT_SHIM PT_SHIM_RANK=1 PT_SHIM_KILL=1:$1 timeout -k 5 "$limit" "$PTRAIN" train run.yaml \
        --workers 1 --set run.dir=tb --set run.tensorboard=true --set run.checkpoint_steps=4 \
        --set evaluation.every_epochs=2 --set 'stages=[{epochs: 12}]' --set average.kind=ema >tb.log 2>&1
}
goes_on 11 && fail "it was not killed"
goes_on 12 && fail "it was not killed again"
goes_on 0 || { fail "the end: code $?"; cat tb.log; }
read -r scalars histograms pictures < <(events tb 3 || fail "the event files")
[ "$scalars" -gt 500 ] && [ "$histograms" -ge 8 ] && [ "$pictures" = 8 ] ||
    fail "$scalars scalars, $histograms histograms, $pictures pictures"
cp tb/events.* . && "$PTRAIN" train run.yaml --workers 1 --overwrite --set run.dir=tb >again.log 2>&1
ls tb/events.* 2>/dev/null && fail "event files of the run that was overwritten"
finish

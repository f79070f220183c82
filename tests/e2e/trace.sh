#!/usr/bin/env bash
# run.trace: a timeline of all ranks that a viewer can read, and that is no part of the run.
. "$(dirname "$0")/lib.sh"
make_data

ranks 3 plain || { cat plain.log; fail "the run"; finish; }
ranks 3 traced run.trace=trace.json run.checkpoint_steps=2 ||
    { cat traced.log; fail "the run with a trace"; finish; }
[ "$(hash_of traced)" = "$(hash_of plain)" ] || fail "a trace changes the weights"
grep -q '^trace in trace.json' traced.log || fail "nobody says where the trace is"

/usr/bin/python3 - <<'P' || fail "the trace"
import json, collections
trace = json.load(open("trace.json"))
error = trace["otherData"]["clock_error_us"] + 1
assert trace["otherData"]["lost_spans"] == 0
spans, messages, open_ = collections.defaultdict(list), [], {}
names = {}
for e in trace["traceEvents"]:
    assert isinstance(e["pid"], int) and (e["ph"] == "M" or e["ts"] >= 0), e
    if e["ph"] == "M":
        if e["name"] == "process_name":
            names[e["pid"]] = e["args"]["name"]
    elif e["ph"] == "X":
        assert e["dur"] >= 0
        spans[e["pid"]].append((e["ts"], e["ts"] + e["dur"], e))
    elif e["ph"] == "b":
        open_[e["id"]] = e
    elif e["ph"] == "e":
        b = open_.pop(e["id"])
        assert b["pid"] == e["pid"] and b["name"] == e["name"] and b["ts"] <= e["ts"]
        messages.append((b["ts"], e["ts"], b))
assert not open_, "messages without an end"
assert sorted(spans) == sorted(names) == [0, 1, 2], "not every rank is there with its name"
assert error == 1, "ranks of one host have different clocks"

# Spans of a rank nest.
for pid, list_ in spans.items():
    ends = []
    for begin, end, e in sorted(list_, key=lambda s: (s[0], -s[1])):
        while ends and ends[-1] <= begin + 0.002:
            ends.pop()
        assert not ends or end <= ends[-1] + 0.002, (pid, e)
        ends.append(end)

kinds = lambda pid: {e["cat"] for _, _, e in spans[pid]}
assert {"aggregate", "update", "wait for payloads", "checkpoint", "test"} <= kinds(0), kinds(0)
for worker in 1, 2:
    assert {"forward", "backward", "gradient of", "wait for weights", "wait for sums",
            "wait for the record", "test"} <= kinds(worker), kinds(worker)

# Cause and effect, on one clock: a gradient is sent before the sum of all is formed, and its
# weights are sent after it.
what = lambda e: (e["args"]["step"], e["args"]["of"])
sums = {what(e): (b, end) for b, end, e in spans[0] if e["cat"] == "aggregate"}
pushes = pulls = 0
for begin, end, e in messages:
    if e["cat"] == "push":
        if what(e) in sums:
            assert begin <= sums[what(e)][0] + error, (e, sums[what(e)])
            pushes += 1
    if e["cat"] == "pull":
        if what(e) in sums:
            assert begin >= sums[what(e)][1] - error
            pulls += 1
assert pushes > 0 and pulls > 0, (pushes, pulls)
P

# A run that stops leaves one too; a file that cannot be written is a warning.
mpirun -q --oversubscribe --bind-to none -n 3 "$PTRAIN" train run.yaml --set run.dir=stopped \
    --set run.trace=stopped.json --set 'stages=[{steps: 100000}]' >stopped.log 2>&1 &
job=$!
for _ in $(seq 300); do grep -q '^step 10/' stopped.log && break; sleep 0.1; done
kill -USR1 $job
wait $job
[ $? = 75 ] || { fail "the stop"; cat stopped.log; }
/usr/bin/python3 -c 'import json; json.load(open("stopped.json"))' || fail "the trace of a run that stopped"
ranks 3 nowhere run.trace=/nowhere/trace.json || { fail "a trace that cannot be written"; cat nowhere.log; }
grep -q 'warn: run.trace: /nowhere/trace.json cannot be written: No such file' nowhere.log ||
    { fail "no warning of it"; cat nowhere.log; }
finish

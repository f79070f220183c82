#!/usr/bin/env bash
# `ptrain doctor`: alone and as a job, in lines and as JSON; a failed check is exit code 1.
. "$(dirname "$0")/lib.sh"
doctor() { timeout -k 5 60 mpirun -q --oversubscribe --bind-to none -n "$n" "$PTRAIN" doctor "$@"; }
expect() { # CODE FILE PATTERN...
    local code=$1 file=$2 p
    [ "$status" = "$code" ] || fail "$file: exit code $status, not $code"
    for p in "${@:3}"; do grep -qE "$p" "$file" || fail "$file: no line '$p': $(cat "$file")"; done
}
timeout -k 5 60 "$PTRAIN" doctor >alone.log 2>&1
status=$?
expect 0 alone.log '^ok    world      one rank' '^ok    tags ' '^ok    locks      files in \. can be locked'
n=3
doctor >job.log 2>&1
status=$?
expect 0 job.log '^ok    world      3 ranks on 1 host see each other' '^ok    layout     1 server and 2 workers for 8 shards' '^ok    binding '
doctor --threads 256 >threads.log 2>&1
status=$?
expect 0 threads.log '^warn  cores      host .*: 2 workers x 256 threads on [0-9]+ cores?: try .* engine.threads=[0-9]+$'

# From a configuration; the directory cannot be.
printf 'shards: 1\ndata: {path: d.h5}\nnetwork: {name: resnet_small}\nrun: {dir: /proc/runs}\n' >run.yaml
doctor --config run.yaml >bad.log 2>bad.err
status=$?
expect 1 bad.log '^fail  layout     2 workers for 1 virtual shards?' '^fail  directory  no file can be written in /proc'
expect 1 bad.err '^rank 0: error: 2 checks failed$'
[ "$(wc -l <bad.err)" = 1 ] || fail "more than one line: $(cat bad.err)"
doctor --json >job.json 2>&1
status=$?
expect 0 job.json '"check": "world"'
/usr/bin/python3 -c 'import json, sys; json.load(sys.stdin)' <job.json || fail "not JSON"
doctor --set seed=1 >usage.log 2>&1
status=$?
expect 2 usage.log 'error: doctor: --set needs --config'
[ -z "$(find . -name 'ptrain-doctor*')" ] || fail "a file is left"
finish

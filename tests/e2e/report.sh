#!/usr/bin/env bash
# The report of real runs: a page that is one well-formed file without anything from
# elsewhere, in which every text is escaped; names in the place of pictures without data.
. "$(dirname "$0")/lib.sh"
make_data
odd='r<b>&"'"'"'se'
for split in train test; do mv "images/target/$split/$(ls images/target/$split | head -1)" "images/target/$split/$odd"; done
"$PTRAIN" pack --layout folders images/target data.h5 --overwrite >/dev/null || exit 1
for seed in 1 2; do
    ranks 3 plain-$seed 'stages=[{epochs: 12}]' pseudo_task.loss=none seed=$seed || fail "plain"
    ranks 2 l2-$seed 'stages=[{epochs: 12}]' seed=$seed pseudo_task.gate=always || fail "l2"
done
"$PTRAIN" report --html page.html plain-?/ l2-?/ >page.log 2>&1 || fail "page: $(cat page.log)"
[ ! -s page.log ] || fail "the page was made with words: $(cat page.log)"
check() { /usr/bin/python3 "$PT_SOURCE/tests/e2e/report_page.py" "$@"; }
all=(plain-1 plain-2 l2-1 l2-2)
read -r figures images tables cards < <(check page.html "$odd" "${all[@]}" || fail "the page is not well-formed")
[ "$figures" -ge 8 ] || fail "$figures charts: one is of gains, one of scaling, the runs have 1 and 2 workers"
[ "$tables" = 6 ] || fail "$tables tables: not accuracy, cost, settings, runs and two matrices"
[ "$images" = $((3 * cards)) ] && [ "$cards" -ge 1 ] || fail "$images pictures on $cards cards"

# A run alone: its classes and mistakes instead of gains.
"$PTRAIN" report --html one.html l2-1 || fail "one run"
read -r figures images tables cards < <(check one.html "$odd" l2-1 || fail "the page of a run is not well-formed")
[ "$tables" = 5 ] && [ "$images" = "$cards" ] && [ "$cards" -ge 1 ] || fail "one run: $tables tables, $images pictures on $cards cards"
grep -q '<h1>A run: PtR-L2, seed 1</h1>' one.html || fail "one run: its title"

# Each page is the same again; the runs' order does not matter.
"$PTRAIN" report --html again.html l2-2 plain-2 l2-1 plain-1 && cmp -s page.html again.html || fail "another page for the same runs"
mv data.h5 moved.h5
"$PTRAIN" report --html names.html plain-?/ l2-?/ 2>names.log || fail "names: $(cat names.log)"
grep -q 'warn: no pictures for "resnet_small on data.h5": data.h5: ' names.log || fail "names: $(cat names.log)"
check names.html "$odd" "${all[@]}" | grep -q ' 0 6 ' || fail "names: pictures without data"
"$PTRAIN" report --html moved.html --data moved.h5 plain-?/ l2-?/ && cmp -s page.html moved.html || fail "--data"
"$PTRAIN" pack --layout folders images/source other.h5 >/dev/null || exit 1
"$PTRAIN" report --html other.html --data other.h5 plain-?/ l2-?/ 2>other.log || fail "other data"
grep -q 'warn: no pictures for .*: other.h5: holds other data than these runs had (checksum' other.log &&
    cmp -s names.html other.html || fail "pictures of other data: $(cat other.log)"
"$PTRAIN" report --html no/where.html plain-?/ >no.log 2>&1
[ $? = 1 ] && [ "$(grep -c error: no.log)" = 1 ] || fail "a page that cannot be written: $(cat no.log)"
"$PTRAIN" report --csv plain-?/ l2-?/ | /usr/bin/python3 -c '
import csv, sys
rows = list(csv.DictReader(sys.stdin))
assert len(rows) == 4 and {r["method"] for r in rows} == {"plain", "PtR-L2"}, rows
for r in rows:
    assert (r["gain"] == "") == (r["method"] == "plain") and len(r["weight_hash"]) == 64' || fail "csv"

# What is no finished run is left out, and said.
mkdir unfinished && echo '{}' >unfinished/identity.json
"$PTRAIN" report plain-?/ unfinished l2-?/ run.yaml >rest.txt 2>rest.log || fail "the rest: code $?"
"$PTRAIN" report plain-?/ l2-?/ | cmp -s - rest.txt || fail "the rest is another table"
[ "$(cat rest.log)" = "warn: unfinished: this run has not finished (no result.json): left out
warn: run.yaml: not a directory: left out" ] || fail "the rest: $(cat rest.log)"
"$PTRAIN" report unfinished >none.log 2>&1
[ $? = 1 ] && [ "$(cat none.log)" = "error: unfinished: this run has not finished (no result.json)" ] ||
    fail "nothing to report: $(cat none.log)"
finish

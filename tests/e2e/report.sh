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
cat >check.py <<'P'
import html, html.parser, re, sys
text = open(sys.argv[1], encoding="utf-8").read()
VOID = {"meta", "img", "link", "br", "path", "line"}
class Parser(html.parser.HTMLParser):
    stack, seen, images = [], {}, 0
    def handle_starttag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
        for k, v in attrs:
            assert k not in ("onload", "onclick"), k
            if k in ("src", "href"):
                assert v.startswith(("data:image/jpeg;base64,", "#")), v[:60]
        if tag not in VOID:
            self.stack.append(tag)
    def handle_startendtag(self, tag, attrs):
        self.seen[tag] = self.seen.get(tag, 0) + 1
    def handle_endtag(self, tag):
        assert self.stack and self.stack[-1] == tag, (tag, self.stack[-3:])
        self.stack.pop()
p = Parser()
p.feed(text)
p.close()
assert not p.stack, p.stack
assert "://" not in re.sub(r"base64,[A-Za-z0-9+/=]*", "", text), "an address"
assert "script" not in p.seen and "b>&" not in text
odd = html.escape(sys.argv[2]).replace("&#x27;", "&#39;")
assert odd in text and sys.argv[2] not in text, "escapes"
print(*(p.seen.get(t, 0) for t in ("figure", "img", "table", "article")))
P
read -r figures images tables cards < <(/usr/bin/python3 check.py page.html "$odd" || fail "the page is not well-formed")
[ "$figures" -ge 7 ] || fail "$figures charts: scaling is one, the runs have 1 and 2 workers"
[ "$tables" = 3 ] || fail "$tables tables, not one and two matrices"
[ "$images" = $((3 * cards)) ] && [ "$cards" -ge 1 ] || fail "$images pictures on $cards cards"

# Each page is the same again; the runs' order does not matter.
"$PTRAIN" report --html again.html l2-2 plain-2 l2-1 plain-1 && cmp -s page.html again.html || fail "another page for the same runs"
mv data.h5 moved.h5
"$PTRAIN" report --html names.html plain-?/ l2-?/ 2>names.log || fail "names: $(cat names.log)"
grep -q 'warn: no pictures for "resnet_small on data.h5": data.h5: ' names.log || fail "names: $(cat names.log)"
/usr/bin/python3 check.py names.html "$odd" | grep -q ' 0 3 ' || fail "names: pictures without data"
"$PTRAIN" report --html moved.html --data moved.h5 plain-?/ l2-?/ && cmp -s page.html moved.html || fail "--data"
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

#!/usr/bin/env bash
# Files of weights as other programs write them (tests/oracle/foreign_weights.py) give the
# predictions of those programs' networks: the same five likeliest classes, to 1e-4.
# usage: foreign_weights.sh NETWORK:STYLE...
. "$(dirname "$0")/lib.sh"
# Found, not imported: that takes seconds, and the script below does it again.
/usr/bin/python3 -c 'from importlib.util import find_spec as there
assert all(map(there, ("torch", "torchvision", "h5py", "PIL")))' 2>/dev/null ||
    { echo "skip: no torchvision, h5py and Pillow for Python"; exit 77; }
/usr/bin/python3 "$PT_SOURCE/tests/oracle/foreign_weights.py" "$@" || fail "foreign_weights.py"

for what in "$@"; do
    file=${what/:/.}
    "$PTRAIN" inspect "$file" >shown 2>&1 && grep -qx "network: ${what%:*}" shown &&
        grep -qx 'head: 1000 classes' shown || { fail "$what: inspect"; cat shown; }
    timeout -k 5 100 "$PTRAIN" predict --tsv --network "${what%:*}" --weights "$file" \
        a.png b.png >got.tsv || { fail "$what: not read"; continue; }
    paste "$file.tsv" got.tsv | awk -F'\t' -v what="$what" '
        { for (i = 2; i <= 10; i += 2) {
              d = $(i + 1) - $(i + 12)
              if (d < 0) d = -d
              if (d > most) most = d
              same += $i == $(i + 11)
          } }
        END { printf "%s: %d of %d classes, probabilities within %.6f\n", what, same, 5 * NR, most
              exit !(NR == 2 && same == 10 && most <= 1e-4) }' ||
        { fail "$what: other predictions"; cat "$file.tsv" got.tsv; }
done
finish

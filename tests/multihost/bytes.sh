#!/usr/bin/env bash
# Each link carries the bytes that the program names before its first step, and at most 3 %
# more: the headers of TCP and IP, acknowledgements, signs of life.
. "$(dirname "$0")/lib.sh"
make_data
hosts_up 4 && hosts_rate 1gbit || { fail "no hosts"; finish; }

links() { for h in h0 h1 h2 h3; do echo "$(hosts_counters $h)"; done; }

# counted STEPS: a run of one server and 4 workers, the last of which shares the server's
# host; STEPS.links has a line for each host: bytes received, sent, without those of the links'
# measurement, of which a fast moment sends more
counted() {
    links >before
    across h0,h1,h2,h3 5 "$1" "stages=[{steps: $1}]" network.name=mobilenet_v1 data.batch=16 \
        network.batch_norm=frozen || { cat "$1.log"; fail "$1 steps"; finish; }
    links | paste -d' ' - before |
        awk -v test="$(value "$1" link_test_bytes)" '{print $1 - $3 - test, $2 - $4 - test}' >"$1.links"
}
mb() { sed -n "s/^traffic .* \([0-9.]*\) MB $1.*/\1/p" 6.log; }

# A run has a beginning and an end; two runs differ by whole steps.
counted 2
counted 6
paste -d' ' 2.links 6.links | awk -v up="$(mb up)" -v down="$(mb down)" '
    function near(what, bytes, mb) {
        printf "h%d %s %.2f MB a step, named %.2f (%+.2f %%)\n", NR - 1, what, bytes, mb, (bytes / mb - 1) * 100
        if (mb == 0 || bytes < mb || bytes > 1.03 * mb) bad = 1
    }
    { got = ($3 - $1) / 4e6; sent = ($4 - $2) / 4e6 }
    NR == 1 { near("received", got, 3 * up); near("sent", sent, 3 * down) }
    NR > 1 { near("received", got, down); near("sent", sent, up) }
    END { exit bad }' || fail "a link carried other bytes"
finish

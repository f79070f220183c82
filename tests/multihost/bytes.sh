#!/usr/bin/env bash
# Each link carries the bytes that the program names before its first step (and in result.json
# those of each link), and at most 3 % more: the headers of TCP and IP, acknowledgements, signs of
# life. Two workers of a host send and receive as one, and have the weights of a worker on each host.
. "$(dirname "$0")/lib.sh"
make_data
hosts_up 4 && hosts_rate 1gbit || { fail "no hosts"; finish; }

links() { for h in h0 h1 h2 h3; do echo "$(hosts_counters $h)"; done; }

# counted NAME HOSTS RANKS STEPS set...: a run; NAME.links has a line for each host: bytes received,
# sent, without those of the links' measurement, of which a fast moment sends more
counted() {
    links >before
    across "$2" "$3" "$1" "stages=[{steps: $4}]" network.name=mobilenet_v1 data.batch=16 \
        network.batch_norm=frozen server.ranks=1 "${@:5}" || { cat "$1.log"; fail "$1: $4 steps"; finish; }
    links | paste -d' ' - before |
        awk -v test="$(value "$1" link_test_bytes)" '{print $1 - $3 - test, $2 - $4 - test}' >"$1.links"
}
# near UP DOWN OTHERS: what the links of the hosts carried in a step, against UP and DOWN MB of
# a host; h0 has the server, and OTHERS hosts beside it have workers. A run has a beginning and
# an end; two runs differ by whole steps.
near() {
    paste -d' ' two.links six.links | awk -v up="$1" -v down="$2" -v others="$3" '
        function near(what, bytes, mb) {
            printf "h%d %s %.2f MB a step, named %.2f (%+.2f %%)\n", NR - 1, what, bytes, mb, (bytes / mb - 1) * 100
            if (mb == 0 || bytes < mb || bytes > 1.03 * mb) bad = 1
        }
        { got = ($3 - $1) / 4e6; sent = ($4 - $2) / 4e6 }
        NR == 1 { near("received", got, others * up); near("sent", sent, others * down) }
        NR > 1 && NR < others + 2 { near("received", got, down); near("sent", sent, up) }
        END { exit bad }' || fail "a link carried other bytes"
}

# One server and 4 workers, the last of which shares the server's host.
mb() { sed -n "s/^traffic .* \([0-9.]*\) MB $1.*/\1/p" six.log; }
counted two h0,h1,h2,h3 5 2
counted six h0,h1,h2,h3 5 6
up=$(mb up) down=$(mb down) weights=$(hash_of six)
near "$up" "$down" 3

# Two of them on each of two hosts: the other host sends and receives as one worker did.
rm -rf two six
counted two h0,h1 5 2
counted six h0,h1 5 6
near "$up" "$down" 1
[ "$(hash_of six)" = "$weights" ] || fail "two workers a host: other weights"

# A server and a worker on each of the four, and batch norm's sums among the workers.
named() { # NAME: bytes that each link receives and sends in a step
    /usr/bin/python3 -c 'import json, sys
for sent, received in json.load(open(sys.argv[1]))["communication"]["link_bytes"]: print(received, sent)' "$1/result.json"
}
spread=(server.ranks=4 network.batch_norm=sync)
rm -rf two six
counted two h0,h1,h2,h3 8 2 "${spread[@]}"
counted six h0,h1,h2,h3 8 6 "${spread[@]}"
named six | paste -d' ' two.links six.links - | awk '
    function near(what, bytes, named) {
        printf "h%d %s %.2f MB a step, named %.2f (%+.2f %%)\n", NR - 1, what, bytes / 1e6, named / 1e6, (bytes / named - 1) * 100
        if (named == 0 || bytes < named || bytes > 1.03 * named) bad = 1
    }
    { near("received", ($3 - $1) / 4, $5); near("sent", ($4 - $2) / 4, $6) }
    END { exit bad || NR != 4 }' || fail "a link carried other bytes, with a server on each host"
finish

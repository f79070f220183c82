#!/usr/bin/env bash
# Four hosts with a rate on each link give the bits of one host.
. "$(dirname "$0")/lib.sh"
make_data
hosts_up 4 && hosts_rate 1gbit || { fail "no hosts"; finish; }

ranks 4 one || { cat one.log; fail "one host"; finish; }
for n in 4 7 8; do # ranks: one or two a host, and if two then a server on each
    across h0,h1,h2,h3 $n over_$n || { cat over_$n.log; fail "$n ranks on 4 hosts"; }
    [ "$(hash_of over_$n)" = "$(hash_of one)" ] || fail "$n ranks on 4 hosts: other weights"
    [ "$(value over_$n predictions_hash)" = "$(value one predictions_hash)" ] ||
        fail "$n ranks on 4 hosts: other predictions"
done
grep -q '^layout    4 servers + 4 workers;' over_8.log || { grep ^layout over_8.log; fail "not a server on each host"; }
finish

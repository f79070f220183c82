#!/usr/bin/env bash
# More workers than cores: the run says so once and ends with the same bits; one server
# and one worker a core is the normal layout and warns of nothing. Ranks are placed by what
# they may use.
. "$(dirname "$0")/lib.sh"
make_data
two=$(taskset -cp $$ | sed 's/.*: //' | tr ',' '\n' | sed 's/-/ /' |
    while read -r a b; do seq "$a" "${b:-$a}"; done | head -2 | paste -sd,)
n=$(echo "$two" | tr ',' '\n' | wc -l)
taskset -cp "$two" $$ >/dev/null
ranks $((n + 1)) normal engine.threads=auto || { cat normal.log; fail "the normal layout"; }
! grep 'warn:' normal.log || fail "the normal layout warns"
grep -qE "^threads   [^:]+: $n workers? x 1 thread on [12] cores?; 1 server beside them" normal.log ||
    { grep ^threads normal.log; fail "the normal layout: not a thread for each worker"; }
ranks 2 few engine.threads=auto || { cat few.log; fail "one worker"; }
grep -qE "^threads   [^:]+: 1 worker x ([12]) threads? on \\1 cores?(, bound)?;" few.log ||
    { grep ^threads few.log; fail "one worker does not have every core"; }
before=(taskset -c "${two%,*}")
ranks 2 narrow engine.threads=auto || { cat narrow.log; fail "one core"; }
before=()
grep -qE "^threads   [^:]+: 1 worker x 1 thread on 1 core;" narrow.log ||
    { grep ^threads narrow.log; fail "one core: not one thread"; }
for run in few narrow; do
    [ "$(hash_of $run)" = "$(hash_of normal)" ] || fail "$run: other weights"
done
ranks 8 crowd || { cat crowd.log; fail "8 ranks on $n cores"; }
[ "$(grep -c 'warn:' crowd.log)" = 1 ] &&
    grep -q "warn: oversubscribed: 7 workers x 1 thread on host .* share $n cores" crowd.log ||
    { fail "8 ranks on $n cores: not one warning"; grep warn crowd.log; }
[ "$(hash_of crowd)" = "$(hash_of normal)" ] || fail "8 ranks: other weights"
ranks $((n + 1)) threads engine.threads=2 || fail "2 threads a worker"
[ "$(grep -c 'warn: oversubscribed' threads.log)" = 1 ] || fail "2 threads a worker: no warning"
finish

#!/usr/bin/env bash
# One step's exchange of ptrain, MPI and gloo side by side: on this host, and on four hosts
# (../multihost/hosts.sh) with rate-limited links, one worker each; then whole steps of
# ptrain on 1, 2 and 4 of them. Needs root, and an idle machine to mean anything.
#
#   exchange.sh [--rate 1gbit] [--mtu 1500] [--congestion cubic] [--networks "resnet50 vgg16"]
#               [--rounds 3] [--turns 2] [--no-steps]
#
# TCP's congestion control is cubic, Linux's own default, whatever this machine has: with bbr
# traffic both ways takes longer, whoever sends it (RESULTS.md).
# 25.6 M floats are ResNet-50, 138 M are VGG-16. A turn runs everything once; each line is
# the median of its rounds, with the bound (M: the bytes of all parameters, B: the rate)
#     3 M / B      one server, three of the four workers on other hosts
#     1.5 M / B    a server on each host; also that of a ring all-reduce
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/multihost/hosts.sh
hosts_limit=1200
rate=1gbit mtu=1500 congestion=cubic networks="resnet50 vgg16" rounds=3 turns=2 steps=1
while [ $# -gt 0 ]; do
    case $1 in
    --rate) rate=$2 && shift ;;
    --mtu) mtu=$2 && shift ;;
    --congestion) congestion=$2 && shift ;;
    --networks) networks=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --turns) turns=$2 && shift ;;
    --no-steps) steps=0 ;;
    *) sed -n '2,/^set/{/^#/p}' "$0" && exit 2 ;;
    esac
    shift
done
build=${PT_BUILD:-$PWD/build}
export OMPI_MCA_mpi_yield_when_idle=1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
(hosts_need) || exit 1
hosts_up 4 && trap hosts_down EXIT && hosts_rate "$rate" && hosts_mtu "$mtu" &&
    hosts_congestion "$congestion" || exit 1
all=h0,h1,h2,h3
echo "commit $(git rev-parse --short HEAD), $(date +%F), $rate, mtu $mtu, $congestion, load $(cut -d' ' -f1 /proc/loadavg)"

# adds the bound to lines of bench_exchange and exchange_gloo.py
bound() {
    awk -v bits="$(echo "$rate" | sed 's/gbit/e9/; s/mbit/e6/')" '{
        for (i = 1; i < NF; i++) { if ($(i + 1) == "floats:") n = $i; if ($(i + 1) == "s") s = $i }
        best = ($0 ~ /^ptrain 1 / ? 3 : 1.5) * 4 * n * 8 / bits
        print "4 hosts: " $0 ", bound " sprintf("%.3f s, ratio %.2f", best, s / best) }'
}
gloo() { # FLOATS: of the line before
    /usr/bin/python3 -c 'import torch' 2>/dev/null || { echo "gloo: python3-torch is missing"; return; }
    GLOO_SOCKET_IFNAME=lo mpirun -q --oversubscribe --bind-to none -n 4 \
        /usr/bin/python3 tests/bench/exchange_gloo.py 127.0.0.1 "$1" "$rounds" | sed 's/^/1 host: /'
    GLOO_SOCKET_IFNAME=eth0 hosts_mpirun 4 $all \
        /usr/bin/python3 tests/bench/exchange_gloo.py "$(hosts_ip 0)" "$1" "$rounds" | bound
}

for turn in $(seq "$turns"); do
    for network in $networks; do
        for s in 1 4; do # beside 4 servers MPI's own, which know nothing of servers
            run=("$build/tests/bench/bench_exchange" "$network" $s "$rounds")
            [ $s = 4 ] || run+=(ptrain)
            mpirun -q --oversubscribe --bind-to none -n $((s + 4)) "${run[@]}" | sed 's/^/1 host: /'
            hosts_mpirun $((s + 4)) $all "${run[@]}" |
                tee "$hosts_dir/lines" | bound
        done
        gloo "$(sed -n '1s/.* \([0-9]*\) floats:.*/\1/p' "$hosts_dir/lines")"
    done
done

# Whole steps, the same batch on 1, 2 and 4 hosts. They share this machine's cores, so that
# images/s cannot grow beyond what the cores compute; the time waited is what the links cost.
[ $steps = 1 ] || exit 0
for network in $networks; do
    for w in 1 2 4; do
        echo "== $network, 1 server + $w workers, one a host, batch 16"
        hosts_mpirun $((w + 1)) "$(echo $all | cut -d, -f"1-$w")" "$build/ptrain" bench step \
            --network "$network" --batch 16 --workers $w --steps "$rounds" --warmup 1
    done
done

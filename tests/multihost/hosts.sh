# Sourced: hosts h0, h1, ... on this machine, for mpirun and Slurm. Each has a network
# interface, a host name, /run and /dev/shm of its own; files are shared, as over NFS.
#
#   hosts_need           ends the script with 77 and a line `skip: ...` where it cannot be done
#   hosts_up 4           h0 to h3 (10.77.0.10 to .13 on eth0), joined by a switch
#   hosts_rate 1gbit     limits each link, both ways: a rate as for tc, or none
#   hosts_mtu 9000       the largest packet; 1500 until then
#   hosts_congestion cubic           TCP's congestion control between them; until then the
#                        machine's (net.ipv4.tcp_congestion_control)
#   hosts_on h0 COMMAND...           runs it there, in this directory and environment
#   hosts_mpirun N h0,h1 COMMAND...  under Open MPI's mpirun on h0, ranks dealt out by host;
#                        ended after hosts_limit seconds; hosts_mpi holds more options
#   hosts_counters h0    two numbers: the bytes that eth0 has received and sent
#   hosts_cut h2         pulls the cable of h2, silently; hosts_mend h2 puts it back
#   hosts_part h1 h2     packets between these two vanish, as in a firewall
#   hosts_switch COMMAND...          runs it beside the hosts: it sees the processes of all
#   hosts_down           ends every process on the hosts, and the hosts
#
# For other launchers: on any host, `$hosts_dir/agent HOST COMMAND` runs a command (a string
# for the shell) on another, as ssh would; $hosts_dir/hosts is their /etc/hosts. TMPDIR is
# the host's own /run.
#
# Call hosts_up in the main shell of a script: however that ends, by kill -9 as well, the
# kernel then ends the hosts and everything on them. Namespaces have no names, so runs
# cannot collide and nothing is left behind; no packet gets past the switch.

hosts_dir='' hosts_n=0 hosts_init='' hosts_limit=120
# signs of life between mpirun and its daemons, so that those of a host that is cut off end
hosts_mpi=(--mca oob_tcp_keepalive_time 3 --mca oob_tcp_keepalive_intvl 1 --mca oob_tcp_keepalive_probes 3)

hosts_need() {
    local p
    [ "$(id -u)" = 0 ] || { echo "skip: hosts of one's own need root"; exit 77; }
    for p in unshare nsenter setpriv ip tc; do
        command -v $p >/dev/null || { echo "skip: $p is not installed"; exit 77; }
    done
    unshare --net --uts --mount --pid --fork sh -c '
        mount -t proc proc /proc && mount -t tmpfs tmpfs /run && ip link add br0 type bridge &&
        ip link add v0 type veth peer name v1 &&
        tc qdisc add dev v0 root tbf rate 1gbit burst 128kb latency 50ms' >/dev/null 2>&1 ||
        { echo "skip: namespaces, bridges or rate limits (tbf) are not permitted here"; exit 77; }
}

# What the first process of the switch and of each host does: waits, and reaps what is
# left to it.
hosts_wait='while :; do sleep 3600 & wait; done'

hosts_up() { # N
    local i
    hosts_n=$1
    hosts_dir=$(mktemp -d "${TMPDIR:-/tmp}/ptrain-hosts.XXXXXX") && chmod 755 "$hosts_dir" || return 1
    {
        echo 127.0.0.1 localhost
        for ((i = 0; i < hosts_n; i++)); do echo "$(hosts_ip $i) h$i"; done
    } >"$hosts_dir/hosts"
    hosts_agent
    setpriv --pdeathsig KILL unshare --pid --net --mount --fork --kill-child --mount-proc \
        sh -c "ip link add br0 type bridge && ip link set br0 up && touch $hosts_dir/up && $hosts_wait" \
        </dev/null &
    hosts_parent=$!
    disown $hosts_parent
    hosts_await "$hosts_dir/up" || return 1
    hosts_init=$(pgrep -P $hosts_parent)
    for ((i = 0; i < hosts_n; i++)); do hosts_add $i || return 1; done
}

hosts_ip() { echo "10.77.0.$((10 + $1))"; } # number of a host

hosts_await() { # FILE
    local i
    for i in $(seq 400); do
        [ -e "$1" ] && return
        sleep 0.02
    done
    echo "error: the hosts do not start: no $1" >&2
    return 1
}

hosts_agent() {
    cat >"$hosts_dir/agent" <<END
#!/bin/bash
# HOST COMMAND: as ssh
pid=\$(cat "$hosts_dir/\$1.pid") || exit 255
export HOSTS_AT=\$PWD TMPDIR=/run HOSTNAME=\$1
shift
exec nsenter -t "\$pid" --mount --uts --net bash -c 'cd "\$HOSTS_AT"; unset HOSTS_AT; '"\$*"
END
    chmod +x "$hosts_dir/agent"
}

hosts_switch() { # COMMAND...
    nsenter -t "$hosts_init" --pid --mount --net "$@"
}

hosts_add() { # number
    local h=h$1
    nsenter -t "$hosts_init" --pid --mount unshare --net --uts --mount sh -c "
        mount --bind $hosts_dir/hosts /etc/hosts && mount -t tmpfs tmpfs /run &&
        mount -t tmpfs tmpfs /dev/shm && echo $h >/proc/sys/kernel/hostname &&
        ip link set lo up && echo \$\$ >$hosts_dir/$h.new &&
        mv $hosts_dir/$h.new $hosts_dir/$h.pid && $hosts_wait" </dev/null &
    disown $!
    hosts_await "$hosts_dir/$h.pid" || return 1
    hosts_switch ip link add "v$1" type veth peer name eth0 netns "$(cat "$hosts_dir/$h.pid")" &&
        hosts_switch ip link set "v$1" master br0 up &&
        hosts_on "$h" ip addr add "$(hosts_ip "$1")/24" dev eth0 &&
        hosts_on "$h" ip link set eth0 up
}

hosts_on() { # HOST COMMAND...
    local h=$1
    shift
    HOSTS_AT=$PWD nsenter -t "$hosts_init" --pid --mount bash -c 'cd "$HOSTS_AT" && exec "$@"' \
        - "$hosts_dir/agent" "$h" "exec $(printf '%q ' "$@")"
}

hosts_each() { # COMMAND...: on both ends of each link, the word PORT replaced
    local i
    for ((i = 0; i < hosts_n; i++)); do
        hosts_switch "${@/%PORT/v$i}" && hosts_on "h$i" "${@/%PORT/eth0}" || return 1
    done
}

hosts_rate() { # RATE
    if [ "$1" = none ]; then
        hosts_each tc qdisc delete dev PORT root
    else # the burst is two of the kernel's largest packets, a millisecond at 1 Gb/s
        hosts_each tc qdisc replace dev PORT root tbf rate "$1" burst 128kb latency 50ms
    fi
}

hosts_mtu() { # BYTES
    hosts_each ip link set PORT mtu "$1"
}

hosts_congestion() { # NAME; by the route, because a namespace may not choose every one
    local i
    for ((i = 0; i < hosts_n; i++)); do
        hosts_on "h$i" ip route replace 10.77.0.0/24 dev eth0 proto kernel scope link \
            src "$(hosts_ip $i)" congctl "$1" || return 1
    done
}

hosts_mpirun() { # N HOST,HOST,... COMMAND...
    local n=$1 list=$2
    shift 2
    hosts_on "${list%%,*}" env OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 \
        timeout -k 5 $hosts_limit mpirun -q --mca plm_rsh_agent "$hosts_dir/agent" --mca btl_tcp_if_include eth0 \
        --mca oob_tcp_if_include eth0 --oversubscribe --bind-to none --map-by node \
        --host "$list" "${hosts_mpi[@]}" -n "$n" "$@"
}

hosts_counters() { # HOST
    hosts_on "$1" awk '$1 == "eth0:" {print $2, $10}' /proc/net/dev
}

hosts_cut() { hosts_switch ip link set "v${1#h}" down; }
hosts_mend() { hosts_switch ip link set "v${1#h}" up; }

# A network card that does not exist: the switch has nobody to give the packets to.
hosts_part() { # HOST HOST
    local nobody=(lladdr 02:00:00:00:00:01 dev eth0 nud permanent)
    hosts_on "$1" ip neigh replace "$(hosts_ip "${2#h}")" "${nobody[@]}" &&
        hosts_on "$2" ip neigh replace "$(hosts_ip "${1#h}")" "${nobody[@]}"
}

hosts_down() {
    local i
    [ -n "$hosts_init" ] || return 0
    kill -KILL "$hosts_init" "$hosts_parent" 2>/dev/null
    for i in $(seq 100); do
        kill -0 "$hosts_init" 2>/dev/null || break
        sleep 0.05
    done
    rm -rf "${hosts_dir:?}"
    hosts_n=0 hosts_init=''
}

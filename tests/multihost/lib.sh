# Sourced by the tests on several hosts: hosts.sh, and runs across hosts.
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/../e2e/lib.sh"
. "$here/hosts.sh"
hosts_need
trap 'hosts_down; rm -rf "$work"' EXIT

# across HOST,HOST,... N NAME set...: as `ranks`, on hosts
across() {
    local hosts=$1 n=$2 name=$3 sets=() s
    shift 3
    for s in "$@"; do sets+=(--set "$s"); done
    hosts_mpirun "$n" "$hosts" "$PTRAIN" train run.yaml --set "run.dir=$work/$name" "${sets[@]}" \
        >>"$name.log" 2>&1
}

# rank_on HOST NAME: the process of the run in NAME on a host, as the switch numbers it
rank_on() {
    local p
    for p in $(hosts_switch pgrep -f "^$PTRAIN train .*run.dir=$work/$2( |\$)"); do
        [ "$(hosts_switch nsenter -t "$p" --uts hostname)" = "$1" ] && { echo "$p"; return; }
    done
}

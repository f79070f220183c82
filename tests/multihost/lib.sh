# Sourced by the tests on several hosts: hosts.sh, runs across hosts, what is counted on links.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
. "$(dirname "${BASH_SOURCE[0]}")/hosts.sh"
hosts_need
trap 'hosts_down; rm -rf "$work"' EXIT

# across HOSTS N NAME set...: `ranks` on hosts; its exit code is mpirun's
across() {
    local hosts=$1 n=$2 name=$3 sets=() s
    shift 3
    for s in "$@"; do sets+=(--set "$s"); done
    hosts_mpirun "$n" "$hosts" "$PTRAIN" train run.yaml \
        --set "run.dir=$work/$name" "${sets[@]}" >"$name.log" 2>&1
}

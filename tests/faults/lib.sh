# Sourced by the tests of faults: runs under the shim (shim.c says what it can do), pids
# of ranks, what must be true of every end. Environment, from ctest: PT_SHIM the library.
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/lib.sh"
PT_SHIM=${PT_SHIM:?the shim}

export OMPI_MCA_btl_vader_single_copy_mechanism=none
unset OMPI_MCA_odls_base_sigkill_timeout # what ranks do in that time, after SIGTERM, is tested
limit=60

# under VAR=VALUE... -- N NAME set...: `ranks` with faults; the directory has a name that
# no other test's processes have
under() {
    local env=()
    while [ "$1" != -- ]; do env+=("$1"); shift; done
    shift
    local n=$1 name=$2
    shift 2
    before=(env LD_PRELOAD="$PT_SHIM" "${env[@]}")
    ranks "$n" "$work/$name" "$@"
    local code=$?
    before=()
    return $code
}

# rank_pid NAME R: the process of a rank; its run must have begun
rank_pid() {
    local p
    for p in $(pgrep -f "^$PTRAIN train .*run.dir=$work/$1( |\$)"); do
        tr '\0' '\n' <"/proc/$p/environ" 2>/dev/null |
            grep -qx "OMPI_COMM_WORLD_RANK=$2" && { echo "$p"; return; }
    done
}
began() { # NAME
    local i
    for i in $(seq 100); do
        [ -s "$1/metrics.jsonl" ] && return
        sleep 0.1
    done
    fail "$1: did not begin"
}

one_line() { # NAME PATTERN: one line with `error:` and it matches
    [ "$(grep -c 'error:' "$1.log")" = 1 ] && grep -qE "error: .*($2)" "$1.log" ||
        { fail "$1: not one line '$2'"; grep -v '^step' "$1.log"; }
}

# beside COMMAND...: runs it in the background, where others wait for deadlines too;
# together: waits for all of them, and counts their failures
background=()
beside() {
    (trap - EXIT; failures=0; "$@"; exit "$failures") &
    background+=($!)
}
together() {
    local p
    for p in "${background[@]}"; do wait "$p" || failures=$((failures + $?)); done
    background=()
}

# nobody NAME: no process of the run is left (zombies aside), two seconds after its end
nobody() {
    local i p left
    for i in $(seq 20); do
        left=
        for p in $(pgrep -f "run.dir=$work/$1( |\$)"); do
            [ "$(awk '/^State/ {print $2}' "/proc/$p/status" 2>/dev/null)" = Z ] || left="$left $p"
        done
        [ -z "$left" ] && return
        sleep 0.1
    done
    fail "$1: processes are left:$left"
    kill -KILL $left
}

draw() { # n: drawn, a number below n, the next one of the seed in state
    state=$(((state * 1103515245 + 12345) % 2147483648))
    drawn=$((state / 65536 % $1))
}

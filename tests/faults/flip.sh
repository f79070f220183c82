#!/usr/bin/env bash
# One bit that flips on its way ends the run with one line that names both ranks.
. "$(dirname "$0")/lib.sh"
make_data
flip() { # what kind:n sender receiver
    under PT_SHIM_RANK="$3" PT_SHIM_FLIP="$2" -- 3 "$1" run.watchdog_s=20
    [ $? = 1 ] || fail "$1: the exit code is not 1"
    one_line "$1" "arrived damaged"
    grep -qE "^rank $4: error: host [^,]+, step [0-9]+, .*from rank $3 arrived damaged" "$1.log" ||
        { fail "$1: not from rank $3 to rank $4"; grep error: "$1.log"; }
    grep -q "$5 from rank" "$1.log" || { fail "$1: not '$5'"; grep error: "$1.log"; }
    nobody "$1"
    [ ! -e "$1/result.json" ] || fail "$1: left a result"
}
flip push 3:30 1 0 gradients
flip pull 4:30 0 '[12]' weights
flip payload 1:3 2 0 "the step's norms"
flip record 2:5 0 1 "the step record"
flip moments 5:20 1 2 "batch-norm sums"
flip running 6:1 0 1 "running statistics"
flip rows 7:1 1 0 "test outputs"
finish

#!/usr/bin/env bash
# Goodput under faults: a random rank is killed -9 every few seconds and the run resumes in
# a random layout; a run that has ended makes room for the next one. Until so many kills
# have struck, all of them must end with the weights of a run that nobody disturbed.
#
#   campaign.sh [--kills 2000] [--every 15] [--seed 1] [--ranks 5] [--steps 1000] [--dir DIR]
#   campaign.sh --summary [--dir DIR]
#
# The time between kills is drawn from half of EVERY seconds to one and a half; a layout has
# at most RANKS ranks (1 to 3 of them servers), one or two threads each, and a checkpoint
# every 10 steps; a run has STEPS steps. Stopped (by Ctrl-C, a signal, a crash) and started
# again, the campaign goes on: DIR/kills has a line for each kill, DIR/runs for each run
# that has ended. DIR is build/campaign if it is not given. PTRAIN: the program.
set -u
source=$(cd "$(dirname "$0")/../.." && pwd)
wanted=2000 every=15 seed=1 most=5 steps=1000 dir=$source/build/campaign only=
while [ $# -gt 0 ]; do
    case $1 in
    --kills) wanted=$2 && shift ;;
    --every) every=$2 && shift ;;
    --seed) seed=$2 && shift ;;
    --ranks) most=$2 && shift ;;
    --steps) steps=$2 && shift ;;
    --dir) dir=$2 && shift ;;
    --summary) only=1 ;;
    *) sed -n '2,/^set/{/^#/p}' "$0" && exit 2 ;;
    esac
    shift
done
mkdir -p "$dir" && dir=$(cd "$dir" && pwd) || exit 1
PTRAIN=$(realpath "${PTRAIN:-$source/build/ptrain}") PT_SOURCE=$source PT_SHIM=none
. "$source/tests/faults/lib.sh"
rmdir "$work"
work=$dir job=
trap - EXIT
cd "$dir" || exit 1
touch kills runs

# The columns of kills: which rank of a layout died in which run, after how many seconds of
# its job. Of runs: the hash; seconds, seconds kept, lost, steps lost, jobs (result.json's
# goodput); checkpoints of the last job, the seconds that its steps waited for them, its own.
summary() {
    awk '{ n++; role[$3]++; layout[$5 "/" $6 "/" $7] = 1; if ($2 in last) resumes++; last[$2] = 1 }
         END { for (l in layout) layouts++
               printf "%d kills (%d of servers, %d of workers) in %d layouts of servers, workers and threads\n",
                   n, role["server"], role["worker"], layouts }' kills
    awk '{ n++; hash[$1]++; all += $2; kept += $3; lost += $4; steps += $5; jobs += $6; saves += $7; waited += $8; own += $9 }
         END { if (!n) exit
               for (h in hash) { hashes++; one = h }
               printf "%d runs in %d jobs ended with %d hash%s (%s)\n", n, jobs, hashes, hashes == 1 ? "" : "es", one
               printf "goodput %.1f %%: of %.0f s, %.0f s became steps that were kept; %d steps (%.0f s) were done again\n",
                   100 * kept / all, all, kept, steps, lost
               if (saves) printf "jobs that ended a run: %d checkpoints, the steps waited %.2f of %.0f s for them (%.2f %%)\n",
                   saves, waited, own, 100 * waited / own }' runs
    [ ! -s wanted ] || awk -v w="$(cat wanted)" '$1 != w { bad++ } END { exit bad > 0 }' runs ||
        fail "other weights than those of the undisturbed run"
}

draw_layout() {
    draw 3; servers=$((drawn + 1))
    [ $servers -lt "$most" ] || servers=$((most - 1))
    draw $((most - servers)); workers=$((drawn + 1))
    draw 2; threads=$((drawn + 1))
}

start() { # NAME
    "$PTRAIN" train run.yaml --workers $workers --set "stages=[{steps: $steps}]" \
        --set run.checkpoint_steps=10 --set run.checkpoint_s=0 --set server.ranks=$servers \
        --set engine.threads=$threads --set "run.dir=$work/$1" >"$1.log" 2>&1 &
    job=$!
}

stop() { # a signal: the job writes a checkpoint
    [ -z "$job" ] || { kill -TERM "$job" && wait "$job"; }
    summary
    exit 130
}

# The number `key` of an object of result.json
number() { # NAME OBJECT KEY
    sed -n "/\"$2\": {/,/}/s/^ *\"$3\": \([0-9.e+-]*\),\{0,1\}\$/\1/p" "$1/result.json" | head -1
}

ended() { # NAME
    local saved
    saved=$(sed -n 's/.*checkpoints: \([0-9]*\) written, the steps waited \([0-9.]*\) s for them (\([0-9.]*\) %).*/\1 \2 \3/p' "$1.log")
    echo "$(hash_of "$1") $(for k in seconds kept_s lost_s lost_steps jobs; do number "$1" goodput $k; done | tr '\n' ' ')" \
        "$(echo "${saved:-0 0 0}" | awk '{ print $1, $2, ($3 > 0 ? 100 * $2 / $3 : 0) }')" >>runs
    [ "$(tail -1 runs | cut -d' ' -f1)" = "$(cat wanted)" ] || fail "$1: other weights than those of the undisturbed run"
    [ ! -e "$1/checkpoints" ] || fail "$1: checkpoints are left"
    rm -rf "${1:?}" "$1.log"
}

# Kills a rank of the job: *code of the job. A job that is just starting or ending has none.
strike() { # NAME SECONDS
    local rank pid role=worker
    draw $((servers + workers)); rank=$drawn
    pid=$(rank_pid "$1" $rank)
    [ $rank -ge $servers ] || role=server
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || pid=
    [ -n "$pid" ] || kill -KILL "$job" 2>/dev/null || true
    wait "$job"
    code=$?
    [ -z "$pid" ] || [ $code = 0 ] ||
        echo "$((n + 1)) $name $role $rank $servers $workers $threads $2 $code" >>kills
    [ -z "$pid" ] || [ $code = 0 ] || [ "$(grep -c 'error:' "$1.log")" = 1 ] ||
        { fail "kill $((n + 1)): not one line"; cp "$1.log" "failed.$((n + 1)).log"; }
}

one_job() { # NAME
    local ms sleeper
    draw_layout
    draw 1000
    ms=$((every * (500 + drawn)))
    start "$1"
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))" &
    sleeper=$!
    wait -n $job $sleeper
    if kill -0 $job 2>/dev/null; then
        strike "$1" "$((ms / 1000))"
    else
        wait $job
        code=$?
        kill $sleeper 2>/dev/null
        [ $code = 0 ] || { fail "$1 ended by itself with $code: $(tail -1 "$1.log")"; cp "$1.log" "failed.$1.log"; }
    fi
    job=
    nobody "$1"
}

[ -z "$only" ] || { summary; finish; exit; }
[ -s run.yaml ] || make_data
trap stop INT TERM
if [ ! -s wanted ]; then
    state=0 servers=1 workers=1 threads=1
    start undisturbed
    wait $job || { tail -3 undisturbed.log; exit 1; }
    job=
    hash_of undisturbed >wanted
    rm -rf undisturbed undisturbed.log
fi
n=$(wc -l <kills)
state=$(((seed * 7919 + n * 104729 + 17) % 2147483648))
while [ "$n" -lt "$wanted" ] && [ $failures -lt 5 ]; do
    name=run$(($(wc -l <runs) + 1))
    one_job "$name"
    [ $code != 0 ] || ended "$name" # one that was killed after its end is started once more
    n=$(wc -l <kills)
done
summary
finish

#!/usr/bin/env bash
# Each fault is one line containing `error:` from one rank, with the right exit code, and
# leaves no run directory.
. "$(dirname "$0")/lib.sh"
make_data

expect() { # code lines pattern ranks set...
    local code=$1 lines=$2 pattern=$3 n=$4
    shift 4
    rm -rf faulty
    ranks "$n" faulty "$@"
    local got=$?
    [ $got = "$code" ] || { fail "$*: exit code $got, not $code"; cat faulty.log; }
    [ "$(grep -c error: faulty.log)" = "$lines" ] ||
        { fail "$*: not $lines error line(s)"; cat faulty.log; }
    grep -qE "error: .*($pattern)" faulty.log || { fail "$*: no '$pattern'"; cat faulty.log; }
    [ ! -e faulty/result.json ] || fail "$*: left a result"
}

# the configuration: exit 2
cp run.yaml good.yaml
sed 's/momentum/momentun/' good.yaml >run.yaml
expect 2 1 "unknown key 'momentun'.*did you mean 'momentum'" 3
grep -qE '^(rank 0: )?run.yaml:[0-9]+:[0-9]+: error:' faulty.log || fail "no file:line:column"
sed 's/momentum/momentun/; s/crop: 32/crop: two/' good.yaml >run.yaml
expect 2 2 "momentun|two" 3
cp good.yaml run.yaml
expect 2 1 "optimizer.lr|lr" 3 optimizer.lr=-1
expect 2 1 "data.batch must be in .1, 65536., not 100000000" 3 data.batch=100000000
expect 2 1 "did you mean 'resnet50'" 3 network.name=resnet5
mv run.yaml gone.yaml
expect 2 1 "run.yaml" 3
mv gone.yaml run.yaml

# ranks: exit 2
expect 2 1 "too few ranks" 1
expect 2 1 "3 workers for 2 virtual shards: use at most 2 workers, or set shards: 4 .other" 4 shards=2 data.path=nowhere.h5
expect 2 1 "not enough memory" 3 data.batch=65536 data.crop=1024

# a batch of one value per channel, known before the first step; 36 training images: exit 2
expect 2 1 "batch norm conv_dw_12_bn .* in step 2 .a batch of 1 image" 3 \
    network.name=mobilenet_v1 data.batch=35

# data and weights: exit 1
expect 1 1 "data.path: nowhere.h5: cannot be opened.*ptrain pack" 3 data.path=nowhere.h5
expect 1 1 "no.*split.*(train|exist|has)" 3 data.train_split=lerning
expect 1 1 "network.weights: none.h5: cannot be opened.*launch/docs/weights.md" 3 network.weights=none.h5
"$PTRAIN" config check run.yaml --train --set data.path=nowhere.h5 --set network.weights=none.h5 \
    >u.log 2>&1
[ $? = 1 ] && [ "$(grep -c '^error: .*cannot be opened' u.log)" = 2 ] ||
    { fail "config check looks at the files"; cat u.log; }
"$PTRAIN" config check run.yaml --train >u.log 2>&1 && [ ! -s u.log ] ||
    { fail "config check of what is good"; cat u.log; }
head -c 3000 data.h5 >cut.h5
expect 1 1 "cut.h5" 3 data.path=cut.h5
ranks 3 small network.name=resnet_small schedule.warmup_steps=100 ||
    { fail "a run for its model"; cat small.log; }
grep -q 'warn: schedule.warmup_steps is 100, but the run has 6 steps' small.log ||
    { fail "a warm-up as long as the run"; cat small.log; }
expect 1 1 "network.*resnet_small.*cifar_resnet20|cifar_resnet20" 3 \
    network.weights=small/model.h5 network.name=cifar_resnet20
expect 1 9 "per_class" 3 data.per_class=1000

# what was read: one line; one warning for pixels that the weights do not know
"$PTRAIN" train run.yaml --dry-run --workers 1 --set network.weights=small/model.h5 >dry.log 2>&1
grep -qE '^weights: small/model.h5 \(ptrain model\): 45 of 47 tensors, head replaced \(9 -> 9 classes\), preprocessing RGB x/255 mean 0.485 0.456 0.406 std 0.229 0.224 0.225$' dry.log ||
    { fail "no line on the weights"; cat dry.log; }
grep -q warn: dry.log && { fail "a warning about weights that fit"; cat dry.log; }
"$PTRAIN" train run.yaml --dry-run --workers 1 --set network.weights=small/model.h5 \
    --set data.preprocess.order=bgr >dry.log 2>&1
[ "$(grep -c 'warn: small/model.h5 was trained with RGB .*, but data.preprocess is BGR ' dry.log)" = 1 ] ||
    { fail "no warning about other pixels"; cat dry.log; }
"$PTRAIN" train run.yaml --dry-run --workers 1 --set network.weights=small/model.h5 \
    --set data.preprocess.std='[0.458, 0.448, 0.45]' --set data.preprocess.scale=0.00784313725 \
    --set data.preprocess.mean='[0.97, 0.912, 0.812]' >dry.log 2>&1
grep -q warn: dry.log && { fail "a warning about the same pixels, written otherwise"; cat dry.log; }

expect 1 1 "small: is a run's directory: name its model.h5" 3 network.weights=small

# a deeper network's file, under the name of a shallower: not half of it
ranks 3 deep network.name=cifar_resnet56 stages.0.epochs=1 || { fail "a run of 56 layers"; cat deep.log; }
/usr/bin/python3 - <<'P' || fail "no model of the wrong name"
import h5py
with h5py.File("deep/model.h5", "a") as f:
    f.attrs["network"] = "cifar_resnet20"
    f.attrs.pop("record_crc32c", None)
P
expect 1 1 "holds 180 tensors that cifar_resnet20 does not have: layer1.3.bn1.bias, layer1.3.bn1.running_mean, .*, .*, .* \.\.\.; is it" 3 \
    network.weights=deep/model.h5 network.name=cifar_resnet20

# the head of another number of classes: tensor and both shapes, one line a tensor
"$PTRAIN" pack --layout folders images/source source.h5 >/dev/null || fail "pack the source"
expect 1 2 "fc.weight: the file has 9x64, the network needs 12x64|fc.bias: the file has 9, the network needs 12" 3 \
    data.path=source.h5 network.weights=small/model.h5 network.keep_head=true

# as many classes under other names, or in another order: exit 2
cp -r images/target renamed
for split in train test; do mv renamed/$split/"$(ls renamed/$split | head -1)" renamed/$split/zebra; done
"$PTRAIN" pack renamed renamed.h5 >/dev/null || fail "pack with a class renamed"
expect 2 1 "class 0 is 'eight_coarse' in small/model.h5, and 'eight_dots' in renamed.h5" 3 \
    data.path=renamed.h5 network.weights=small/model.h5 network.keep_head=true
"$PTRAIN" eval small renamed.h5 >u.log 2>&1
[ $? = 2 ] && grep -q "error: class 0 is 'eight_coarse'" u.log || { fail "eval with other classes"; cat u.log; }
"$PTRAIN" attention small renamed.h5 none.h5 --node layer1.0.conv1 --ranks 1 >u.log 2>&1
[ $? = 2 ] && grep -q "error: class 0 is 'eight_coarse'" u.log || { fail "attention with other classes"; cat u.log; }

# a label out of range, at packing: exit 1
mkdir list && cp "$(find images/target -name '*.jpg' | sort | head -1)" list/a.jpg
printf 'a.jpg 0\na.jpg 7\n' >list/train.txt
printf 'only\n' >list/classes.txt
"$PTRAIN" pack --layout list list out.h5 >pack.log 2>&1
[ $? = 1 ] || fail "a label out of range: exit code is not 1"
grep -q 'train.txt:2.*error:.*7' pack.log || { fail "a label out of range"; cat pack.log; }
[ ! -e out.h5 ] || fail "pack left half a file"

# usage: exit 2
"$PTRAIN" >u.log 2>&1
[ $? = 2 ] || fail "no command: exit code is not 2"
"$PTRAIN" trian run.yaml >u.log 2>&1
[ $? = 2 ] && grep -q "did you mean 'train'" u.log || fail "a misspelt command"
"$PTRAIN" train >u.log 2>&1
[ $? = 2 ] || fail "train without a file: exit code is not 2"
timeout -k 5 60 mpirun -q --oversubscribe -n 3 "$PTRAIN" train run.yaml --wrokers 2 >u.log 2>&1
[ $? = 2 ] && [ "$(cat u.log)" = "error: train: unknown option '--wrokers'; did you mean '--workers'? \
(see ptrain train --help)" ] || { fail "a misspelt option, once for all ranks"; cat u.log; }

# So it is where the others are faster than the first, whose mpirun they end.
timeout -k 5 60 mpirun -q --oversubscribe -n 3 sh -c \
    '[ $OMPI_COMM_WORLD_RANK != 0 ] || sleep 0.5; exec "$@"' sh "$PTRAIN" train run.yaml --wrokers 2 >u.log 2>&1
[ $? = 2 ] && [ "$(grep -c "error: train: unknown option '--wrokers'" u.log)" = 1 ] ||
    { fail "a misspelt option, said before all end"; cat u.log; }

# Output that cannot be written: code 1 and one line, of every command and its help.
if [ -w /dev/full ]; then
    printf 'dir: runs\nconfig: [run.yaml]\nseeds: [1]\nrows: [{name: a}]\n' >table.yaml
    picture=$(find images/target -name '*.jpg' | sort | head -1)
    for command in --help --version "inspect data.h5" "config schema" "config show run.yaml" \
        "pack --layout folders --overwrite images/target full.h5" "report small" "report --csv small" \
        "sweep --list table.yaml" "sweep --help" "train --help" "bench --help" "bench input --help" \
        "train --dry-run --workers 1 run.yaml" "predict --tsv --weights small/model.h5 $picture"; do
        "$PTRAIN" $command >/dev/full 2>full.log
        [ $? = 1 ] && [ "$(grep -c error: full.log)" = 1 ] && grep -q 'error: .*cannot be written' full.log ||
            { fail "$command >/dev/full"; cat full.log; }
    done
fi
# Of a job, whose result is there all the same.
alone() { # NAME command...: of our launcher
    local name=$1
    shift
    timeout -k 5 60 "$@" "$PTRAIN" train run.yaml --workers 1 --set "run.dir=$name" 2>"$name.err"
}
if [ -w /dev/full ]; then
    alone nowhere env >/dev/full
    [ $? = 1 ] && [ -e nowhere/result.json ] && [ "$(grep -c error: nowhere.err)" = 1 ] ||
        { fail "train >/dev/full"; cat nowhere.err; }
fi
# Standard streams that are closed: files do not take their numbers.
"$PTRAIN" train run.yaml --workers 1 --set run.dir=closed <&- >&- 2>closed.err &
links=
while [ -e "/proc/$!/fd/2" ] && [ "$links" != "/dev/null /dev/null" ]; do
    links="$(readlink "/proc/$!/fd/0") $(readlink "/proc/$!/fd/1")"
done
[ "$links" = "/dev/null /dev/null" ] || fail "closed streams are '$links'"
wait $! || { fail "train without stdin and stdout"; cat closed.err; }
[ ! -e nowhere ] || [ "$(hash_of closed)" = "$(hash_of nowhere)" ] || fail "closed streams: other weights"
"$PTRAIN" inspect data.h5 <&- >&- 2>&- || fail "inspect without streams"

# What mpirun says only in ten lines, or not at all.
alone tmpdir env TMPDIR=/proc/none
[ $? = 1 ] && [ "$(cat tmpdir.err)" = "error: mpirun cannot create its files in /proc/none: No such \
file or directory; set TMPDIR to a directory that can be written to" ] || { fail "TMPDIR"; cat tmpdir.err; }
mkdir bin
for program in mpirun env timeout; do ln -s "$(type -P $program)" bin/; done
alone no_ssh env PATH="$PWD/bin" >/dev/null || { fail "no ssh in PATH"; cat no_ssh.err; }
ln -sf "$(type -P false)" bin/mpirun
printf '#!/bin/sh\necho "[vm:12] what is wrong" >&2\nexit 243\n' >bin/failing && chmod +x bin/failing
ln -sf failing bin/mpirun
alone fails env PATH="$PWD/bin:$PATH" >/dev/null
[ $? = 1 ] && [ "$(cat fails.err)" = "[vm:12] what is wrong
error: mpirun ended with status 243 without reporting why" ] || { fail "mpirun fails"; cat fails.err; }
# A reader that leaves: the run stops with a checkpoint.
timeout -k 5 60 "$PTRAIN" train run.yaml --workers 1 --set run.dir=piped --set 'stages=[{epochs: 4000}]' \
    --set run.log_every=1 2>piped.err | head -1 >/dev/null
[ "${PIPESTATUS[0]}" = 75 ] && ls piped/checkpoints/*/manifest.json >/dev/null &&
    grep -q 'error: standard output was closed by its reader, as head does: stopped, checkpoint' piped.err &&
    [ "$(wc -l <piped.err)" = 1 ] || { fail "train | head"; cat piped.err; }
finish

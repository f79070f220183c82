#!/usr/bin/env bash
# `cmake --install` into an empty directory: the program works from any directory with the
# configurations that came with it, has manual pages, and bash completes its commands.
. "$(dirname "$0")/lib.sh"
cmake --install "$(dirname "$PTRAIN")" --prefix "$work/opt" >install.log 2>&1 ||
    { tail -3 install.log; fail "the installation"; }
mkdir elsewhere && cd elsewhere || exit 1
ptrain=$work/opt/bin/ptrain

cat >my.yaml <<'Y'
base: [ptrain:network/squeezenet1_1, ptrain:method/ptr_sml1.yaml]
data: {path: photos.h5}
stages: [{epochs: 3}]
run: {dir: runs/mine}
Y
"$ptrain" config show my.yaml >shown 2>&1 && grep -q 'name: squeezenet1_1' shown ||
    { fail "a shipped base"; cat shown; }
"$ptrain" config show ptrain:quickstart/pretrain >shown 2>&1 && grep -q resnet_small shown ||
    { fail "a shipped file"; cat shown; }
PTRAIN_CONFIGS=$work/nowhere "$ptrain" config show my.yaml >shown 2>&1 && fail "PTRAIN_CONFIGS"
sed -i s/squeezenet1_1/squeezenet1_2/ my.yaml
"$ptrain" config show my.yaml >shown 2>&1
[ $? = 2 ] && grep -q "my.yaml:1:8: error: ptrain:network/squeezenet1_2: no such configuration in \
$work/opt/.*; did you mean 'ptrain:network/squeezenet1_1'?" shown ||
    { fail "an unknown shipped base"; cat shown; }

for page in ptrain ptrain-train ptrain-config; do
    grep -q '^.SH DESCRIPTION' "$work/opt/share/man/man1/$page.1" || fail "man $page"
done
grep -q 'ptrain\\-train \\- fine' "$work/opt/share/man/man1/ptrain-train.1" || fail "its name"

PATH=$work/opt/bin:$PATH
. "$work/opt/share/bash-completion/completions/ptrain"
completes() { # expected; the words, the last to be completed
    local wanted=$1
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _ptrain 2>/dev/null
    printf '%s\n' "${COMPREPLY[@]}" | grep -qx -- "$wanted" || fail "completing $*: ${COMPREPLY[*]}"
}
completes train ptrain tr
completes --overwrite ptrain train --ov
completes optimizer.lr= ptrain train --set = optimizer.
completes schema ptrain config s
finish

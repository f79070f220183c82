#!/usr/bin/env bash
# Networks that ptrain knows by nothing but their ONNX file: predictions are those of the
# program that wrote it, and of the file that is exported from them again; operators that
# the engine has not are refused by name.
# usage: onnx_networks.sh                    the small networks of tests/data/weights
#        onnx_networks.sh NETWORK[:keep]...  torchvision's (tests/oracle/onnx_nets.py);
#                                            -NETWORK is to be refused
. "$(dirname "$0")/lib.sh"
data=$PT_SOURCE/tests/data/weights

refused() { # CODE FILE WORDS: one line
    local expected=$1
    shift
    "$PTRAIN" predict --tsv --weights "$1" a.png >got.tsv 2>got.log
    code=$?
    [ $code = "$expected" ] && [ "$(grep -c . got.log)" = 1 ] && grep -qF "$2" got.log ||
        { fail "$1: code $code, not '$2'"; cat got.log; }
}

small() {
    cp "$PT_SOURCE/tests/data/picture/$(ls "$PT_SOURCE/tests/data/picture" | grep -m 1 '\.png$')" a.png
    for net in folded kept mean average; do
        "$PTRAIN" predict --tsv --weights "$data/graph_$net.onnx" a.png >"$net.tsv" 2>log &&
            grep -q 'its graph is followed' log || { fail "$net: predict"; cat log; continue; }
        "$PTRAIN" export "$data/graph_$net.onnx" --to onnx -o "$net.onnx" >log 2>&1 &&
            "$PTRAIN" predict --tsv --weights "$net.onnx" a.png 2>log | cmp - "$net.tsv" ||
            { fail "$net: another network after export"; cat log; }
    done
    refused 1 "$data/tiny.onnx" "tiny.onnx: its output 'y' is N x 4 x 6 x 6, must be N x classes"
    refused 2 "$data/plain.safetensors" 'does not name its network: give --network'
}

large() {
    /usr/bin/python3 -c 'import torch, torchvision, onnx, PIL' 2>/dev/null ||
        { echo "skip: no torchvision, onnx and Pillow for Python"; exit 77; }
    /usr/bin/python3 "$PT_SOURCE/tests/oracle/onnx_nets.py" "${@#-}" || fail "onnx_nets.py"
    for what in "$@"; do
        file=${what#-} file=${file/:/_}
        case $what in -*) refused 1 "$file.onnx" ': the engine has '; continue ;; esac
        timeout -k 5 100 "$PTRAIN" predict --tsv --weights "$file.onnx" a.png >got.tsv ||
            { fail "$what: not read"; continue; }
        paste "$file.tsv" got.tsv | awk -F'\t' -v what="$what" '
            { for (i = 2; i <= 10; i += 2) {
                  d = $(i + 1) - $(i + 12)
                  if (d < 0) d = -d
                  if (d > most) most = d
                  same += $i == $(i + 11)
              } }
            END { printf "%s: %d of 5 classes, probabilities within %.6f\n", what, same, most
                  exit !(NR == 1 && same == 5 && most <= 1e-4) }' ||
            { fail "$what: other predictions"; cat "$file.tsv" got.tsv; }
    done
}

if [ $# = 0 ]; then small; else large "$@"; fi
finish

#!/usr/bin/env bash
# `ptrain predict` with pretrained networks of other programs gives the predictions that
# OpenCV and PyTorch gave of real photographs (../shared/data/*_sample).
. "$(dirname "$0")/lib.sh"
data=${PTRAIN_SHARED:-$PT_SOURCE/../shared}/data
[ -d "$data" ] || { echo "skip: ../shared is not here"; exit 77; }

predict() { # network weights images... : lines "file, then class and probability 5 times"
    local network=$1 weights=$2
    shift 2
    timeout -k 5 200 "$PTRAIN" predict --tsv --network "$network" \
        --weights "$data/weights/$weights" "$@"
}

# SqueezeNet: label, top-1, top-5 and their probabilities (8e-6 away at most when last
# seen). A listed class that is not among our five has at most our fifth probability.
images=$data/imagenet_sample
predict squeezenet1_1 squeezenet1.1/SqueezeNet_fp16.onnx "$images"/images/* >squeezenet.tsv ||
    fail "predict with SqueezeNet"
awk -F'\t' '
    NR == FNR {
        sub(".*/", "", $1)
        top[$1] = $2
        fifth[$1] = $11
        for (i = 2; i <= 10; i += 2) p[$1, $i] = $(i + 1)
        next
    }
    FNR > 1 {
        n++
        right += top[$1] == $2
        same += top[$1] == $3
        split($5, class, ",")
        split($6, want, ",")
        for (i = 1; i <= 5; i++) {
            got = want[i] + 0 < fifth[$1] + 0 ? want[i] : fifth[$1]
            if (($1, class[i]) in p) got = p[$1, class[i]]
            d = got > want[i] + 0 ? got - want[i] : want[i] - got
            if (d > most) most = d
        }
    }
    END {
        printf "squeezenet1_1: %d of %d right, %d as listed, probabilities within %.6f\n",
            right, n, same, most
        exit !(n == 100 && right == 68 && same == 100 && most < 1e-3)
    }' squeezenet.tsv "$images/expected_squeezenet.tsv" || fail "SqueezeNet: not as listed"

# The ResNets: top-1 of 200 images, columns 3 and 4 of the list.
images=$data/cifar10_sample
cifar() { # network weights column
    predict "$1" "$2" "$images"/*/*.jpg >"$1.tsv" || fail "predict with $1"
    awk -F'\t' -v column="$3" -v dir="$images/" -v network="$1" '
        NR == FNR { top[substr($1, length(dir) + 1)] = $2; next }
        FNR > 1 { n++; same += top[$1] == $column; right += top[$1] == $2 }
        END {
            printf "%s: %d of %d right, %d as listed\n", network, right, n, same
            exit !(n == 200 && same == n)
        }' "$1.tsv" "$images/expected_resnet.tsv" || fail "$1: not as listed"
}
cifar cifar_resnet20 resnet_cifar10/resnet20-12fca82f.th 3
cifar cifar_resnet56 resnet_cifar10/resnet56-4bfd9763.th 4
finish

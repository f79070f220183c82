#!/usr/bin/env bash
# usage: pack.sh PTRAIN TEST_DATA SHARED
# `ptrain pack` and `ptrain inspect` as a person uses them: exit codes, one line a fault.
set -u
ptrain=$1 data=$2 shared=$3
dir=$(mktemp -d /tmp/ptrain-pack-XXXXXX)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failures=0

no() { echo "FAILED: $*"; sed 's/^/    /' out err; failures=$((failures + 1)); }
# run CODE N_ERRORS N_WARNINGS ARGUMENT...
run() {
    local code=$1 errors=$2 warnings=$3 got
    shift 3
    timeout -k 5 60 "$ptrain" "$@" > out 2> err
    got=$?
    [ "$got" = "$code" ] || no "exit $got, expected $code: $*"
    [ "$(grep -c 'error: ' err)" = "$errors" ] || no "expected $errors errors: $*"
    [ "$(grep -c '^warn: ' err)" = "$warnings" ] || no "expected $warnings warnings: $*"
    [ "$(grep -vc 'error: \|^warn: ' err)" = 0 ] || no "other lines on stderr: $*"
}
says() { grep -qF -- "$1" "${2:-out}" || no "does not say '$1'"; }
absent() { [ ! -e "$1" ] || no "$1 is there"; }
no_rests() { [ -z "$(ls -A . | grep -v '^out$\|^err$' | grep '\.tmp\.')" ] || no "temporary file"; }

# ---- folders: packed, looked at, verified
mkdir -p good/train/{daisy,tulip} good/test/{daisy,tulip}
cp "$data"/jpeg/plain.jpg good/train/daisy/1.jpg
ln -s "$data"/jpeg/gray.jpg good/train/daisy/2.JPG
cp "$data"/jpeg/progressive.jpg good/train/tulip/1.jpeg
cp "$data"/jpeg/cmyk.jpg good/test/daisy/3.jpg
cp "$data"/jpeg/1x1.jpg good/test/tulip/3.jpg
run 0 0 0 pack good a.h5 --source "the tests" --licence "none"
says "a.h5: 5 images of 2 classes (layout folders)"
says "split train: 3 images"
says "split test: 2 images"
checksum=$(sed -n 's/^checksum: //p' out)
run 0 0 0 inspect --verify a.h5
says "checksum: $checksum (verified)"
says "heights 1 to 48, widths 1 to 64"
says "source: the tests"
says "class 1 tulip: test 1, train 1"
run 0 0 0 pack good b.h5 --source "the tests" --licence "none" --layout folders
cmp -s a.h5 b.h5 || no "the same pack twice gives different files"
taskset -c 0 "$ptrain" pack good c.h5 --source "the tests" --licence none > out 2> err
cmp -s a.h5 c.h5 || no "one thread gives another file"

# ---- an existing file
run 2 1 0 pack good a.h5
says "a.h5 already exists" err
run 0 0 0 pack good a.h5 --overwrite

# ---- the command line
run 2 1 0 pack
run 2 1 0 pack good
run 2 1 0 pack good x.h5 more
run 2 1 0 pack good x.h5 --nonsense
says "unknown option '--nonsense'" err
run 2 1 0 pack good x.h5 --source
says "a value is missing after '--source'" err
run 2 1 0 pack good x.h5 --layout pictures
says "unknown layout 'pictures'" err
run 2 1 0 pack good x.h5 --test-every 1
run 2 1 0 pack good x.h5 --test-every 2
run 1 1 0 pack nowhere x.h5
run 1 1 0 pack good no/such/folder/x.h5
run 0 0 0 pack --help
says "Usage: ptrain pack"
run 2 1 0 inspect
run 1 1 0 inspect nowhere.h5
run 1 1 0 inspect "$data/h5file/foreign.h5"
absent x.h5

# ---- one byte is wrong
cp a.h5 bad.h5
at=$(LC_ALL=C grep -obUaP '\xff\xd8\xff' bad.h5 | head -1 | cut -d: -f1)
old=$(od -An -tu1 -j $((at + 200)) -N 1 bad.h5)
printf "\\x$(printf %x $((old ^ 1)))" | dd of=bad.h5 bs=1 seek=$((at + 200)) conv=notrunc 2> /dev/null
run 0 0 0 inspect bad.h5
run 1 1 0 inspect --verify bad.h5
says "image 0 (train/daisy/1.jpg) is damaged: the CRC32C of its bytes is" err

# ---- packed again: the same data; an old file gets checksums
run 0 0 0 pack a.h5 again.h5
cmp -s a.h5 again.h5 || no "packed again it is another file"
run 0 0 0 pack again.h5 again.h5 --overwrite
cmp -s a.h5 again.h5 || no "packed over itself it is another file"
run 1 1 0 pack bad.h5 again2.h5
run 2 1 0 pack a.h5 again2.h5 --source elsewhere
run 2 1 0 pack a.h5 again2.h5 --test-every 2
run 1 1 0 pack "$data/h5file/foreign.h5" again2.h5
absent again2.h5
run 0 0 1 inspect "$data/dataset/tiny.h5"
says "tiny.h5: was packed without checksums of its images" err
checksum=$(sed -n 's/^checksum: \([0-9a-f]*\).*/\1/p' out)
run 0 0 0 pack "$data/dataset/tiny.h5" new.h5
says "checksum: $checksum"
run 0 0 0 inspect --verify new.h5
says "checksum: $checksum (verified)"

# ---- bad images are listed one by one, and left out on demand
mkdir -p mixed/cat
for i in plain png empty truncated bad_code 1x1; do cp "$data"/jpeg/$i.jpg mixed/cat/; done
printf '<html>' > mixed/cat/page.jpg
ln -s /dev/null mixed/cat/device.jpg
: > mixed/cat/Thumbs.db
: > mixed/.DS_Store
run 1 5 0 pack mixed m.h5
says "error: mixed: 1 entry is no picture of a class: mixed/cat/device.jpg (move away what is not meant, or leave it out with --only or --skip-bad)" err
says "mixed/cat/page.jpg: not a JPEG, PNG, WebP, GIF, BMP or TIFF: starts with 3c 68 74 6d" err
says "mixed/cat/empty.jpg: has 0 bytes" err
says "4 of 7 images are bad, nothing was written"
absent m.h5
run 1 5 0 pack mixed m.h5 --only '*.jpg,*/cat/*.png' --layout folders
says "mixed/cat/device.jpg" err
run 2 1 0 pack mixed m.h5 --only jpg
says "--only 'jpg': fits only a file of this name; '*.jpg' fits all that end so" err
run 0 0 1 pack mixed m.h5 --only '[p1]*n*.jpg,1x1.*'
says "m.h5: 3 images of 1 classes"
says "left out by --only: 5 files"
run 0 0 7 pack mixed m.h5 --skip-bad --overwrite
says "m.h5: 3 images of 1 classes"
says "4 of 7 images are bad and were left out" err
run 0 0 0 inspect --verify m.h5
rm mixed/cat/{plain,1x1,png}.jpg
run 1 1 8 pack mixed n.h5 --skip-bad
says "class 'cat' has no good image in split all" err
absent n.h5

# ---- lists
mkdir list
cp "$data"/jpeg/plain.jpg "list/a b.jpg"
printf 'one\ntwo' > list/classes.txt
printf 'a b.jpg 1' > list/train.txt
printf 'a b.jpg 2\ngone.jpg 0\n' > list/test.txt
run 1 2 0 pack list l.h5
says "list/test.txt:1: error: label 2 is not in 0..1" err
says "list/test.txt:2: error: list/gone.jpg: No such file" err
printf 'a b.jpg 1\r\n' > list/test.txt
run 0 0 1 pack list l.h5
says "1 images are in more than one list" err

# ---- a small Flower102
mkdir -p flower/jpg
cp "$data"/matlab/{setid,imagelabels}.mat flower/
for i in 1 2 3 4 5 6; do ln -s "$data"/jpeg/plain.jpg flower/jpg/image_0000$i.jpg; done
run 0 0 7 pack flower f.h5
says "6 images of 102 classes (layout flower102)"
says "split trainval: 3 images"

# ---- splits under other names
names() { # TRAIN TEST MORE...: folders of these names, one class each of two pictures
    rm -rf splits
    mkdir -p splits/"$1"/{a,b} splits/"$2"/{a,b}
    for i in "$1/a/plain" "$1/b/gray" "$2/a/cmyk" "$2/b/17x13"; do
        cp "$data/jpeg/${i##*/}.jpg" "splits/$i.jpg"
    done
}
for pair in "Train Test" "training testing" "TRAIN test" "train validation" "Training dev" "train valid"; do
    names $pair
    run 0 0 0 pack splits s.h5 --overwrite
    says "split train: 2 images"
    case $pair in *est*) says "split test: 2 images" ;; *) says "split val: 2 images" ;; esac
done
names train testing
mkdir -p splits/Test/a && cp "$data"/jpeg/422.jpg splits/Test/a/
run 1 1 0 pack splits s2.h5
says "splits: has both Test and testing, and both are the split test: move one of them away" err
mv splits/Test splits/test
run 1 1 1 pack splits s2.h5 # the plain name counts
says "error: splits: 1 entry is no picture of a class: splits/testing (move" err
says "nothing was written"
absent s2.h5
run 0 0 2 pack splits s2.h5 --skip-bad
says "warn: splits: 1 entry is no picture of a class, left out: splits/testing" err
says "split test: 1 images"
names training jumping # sports
mv splits/training/a/plain.jpg splits/training/1.jpg && rm -r splits/training/{a,b}
mv splits/jumping/a/cmyk.jpg splits/jumping/1.jpg && rm -r splits/jumping/{a,b}
run 0 0 0 pack splits s3.h5
says "s3.h5: 2 images of 2 classes"
names train_set test_set
run 1 2 0 pack splits s4.h5
says "class 'train_set' has no picture, but folders: if it is a split, rename it to train, val or test" err
rm -rf splits && mkdir splits && cp "$data"/jpeg/{plain,gray}.jpg splits/
printf 'one\ntwo\n' > splits/classes.txt
printf 'plain.jpg 0\n' > splits/Training.txt
printf 'gray.jpg 1\n' > splits/testing.txt
run 0 0 0 pack splits s5.h5
says "split train: 1 images"
says "split test: 1 images"
cp splits/Training.txt splits/TRAIN.txt
run 1 1 0 pack splits s6.h5
says "splits: both TRAIN.txt and Training.txt could be the list of the split train: rename the one that is to train.txt" err
mv splits/TRAIN.txt splits/train.txt
run 0 0 1 pack splits s6.h5
says "splits/Training.txt: is beside train.txt and was left out" err

# ---- two spellings of one file
printf './plain.jpg 0\n.//x/../gray.jpg 1\n' > splits/train.txt
printf 'gray.jpg 1\n' > splits/testing.txt
mkdir splits/x && rm splits/Training.txt
run 0 0 1 pack splits s7.h5
says "s7.h5: 2 images of 2 classes"
says "1 images are in more than one list (the first: gray.jpg)" err
printf './plain.jpg 1\n' > splits/testing.txt
run 1 1 0 pack splits s8.h5
says "testing.txt:1: error: plain.jpg has label 1 here and 0 at" err
absent s8.h5
rmdir splits/x && ln -s "$PWD/good/train" splits/x # x/.. is another folder
printf 'x/../../splits/plain.jpg 0\nx/../test/daisy/3.jpg 1\n' > splits/train.txt
printf 'gray.jpg 1\n' > splits/testing.txt
run 0 0 0 pack splits s9.h5
says "s9.h5: 3 images of 2 classes"

# ---- no test split: a share is drawn, the same each time
names train validation
run 0 0 2 pack splits s10.h5 --test-share 0.5 # a class of one picture gives none
says "split val: 2 images"
mkdir share && cp -r good/train/daisy good/train/tulip share/
cp "$data"/picture/pillow_rgb.{png,gif,bmp} "$data"/picture/lossy_rgb.webp share/tulip/
run 0 0 0 pack share s11.h5 --test-share 0.5 --seed 4
says "split train: 3 images"
says "split test: 4 images"
run 0 0 0 pack share s12.h5 --test-share 0.5 --seed 4
cmp -s s11.h5 s12.h5 || no "the same share twice gives different files"
run 2 1 0 pack share s13.h5 --test-share 2
says "--test-share is '2', expected a number in (0, 1)" err
run 2 1 0 pack list s13.h5 --test-share 0.5
absent s13.h5

# ---- equal files
rm -rf twins && mkdir -p twins/{train,test}/{a,b}
cp "$data"/jpeg/plain.jpg twins/train/a/1.jpg
cp "$data"/jpeg/gray.jpg twins/train/b/2.jpg
cp "$data"/jpeg/plain.jpg twins/test/a/3.jpg
cp "$data"/jpeg/422.jpg twins/test/b/4.jpg
run 0 0 1 pack twins t1.h5
says "warn: twins: 1 image of split test is the same file as one of split train (train/a/1.jpg = test/a/3.jpg)" err
cp "$data"/jpeg/gray.jpg twins/test/a/5.jpg
cp "$data"/jpeg/gray.jpg twins/test/a/6.jpg
run 0 0 2 pack twins t2.h5
says "3 images of split test are the same file as one of split train (train/a/1.jpg = test/a/3.jpg, train/b/2.jpg = test/a/5.jpg, train/b/2.jpg = test/a/6.jpg)" err
says "warn: twins: 2 images are under two classes as the same file (train/b/2.jpg = test/a/5.jpg, train/b/2.jpg = test/a/6.jpg)" err
rm -rf twins/test/a/?.jpg twins/train/b && cp "$data"/jpeg/cmyk.jpg twins/test/a/
rm -r twins/test/b
run 0 0 1 pack twins t3.h5
says "warn: twins: there is one class, 'a': nothing to classify" err

# ---- names that are no text
bad=$(printf 'b\xe4r')
mkdir -p names/"$bad" names/fine && cp "$data"/jpeg/plain.jpg names/"$bad"/1.jpg
cp "$data"/jpeg/gray.jpg names/fine/
run 1 1 0 pack names n1.h5
says "class 'b\\xe4r': byte 2, e4, is not UTF-8: rename it" err
mv names/"$bad" "names/$(printf 'new\nline')"
run 1 1 0 pack names n1.h5
says "class 'new\\x0aline': byte 4, 0a, is a control character: rename it" err
mv names/new* names/bär && mv names/bär/1.jpg names/bär/"$bad".jpg
run 1 1 0 pack names n1.h5
says "image 'bär/b\\xe4r.jpg': byte 7, e4, is not UTF-8: rename it" err
mv names/bär/*.jpg names/bär/1.jpg
run 2 1 0 pack names n1.h5 --licence "$bad"
says "--licence is not UTF-8 text" err
absent n1.h5
run 0 0 0 pack names n1.h5 --licence bär
run 0 0 0 inspect n1.h5
says "class 0 bär: all 1"

# ---- every awkward JPEG there is
if [ -d "$shared/data/jpeg_zoo" ]; then
    mkdir -p zoo
    for kind in "$shared"/data/jpeg_zoo/*/; do ln -s "$kind" zoo/; done
    grep -q __asan_init "$ptrain" || ulimit -v 4194304 # ASan reserves terabytes
    timeout -k 5 60 "$ptrain" pack zoo z.h5 > out 2> err
    [ $? = 1 ] || no "the zoo: exit code"
    bad=$(sed -n 's/^\([0-9]*\) of 223 images are bad.*/\1/p' out)
    [ "${bad:-0}" -ge 90 ] && [ "$bad" -le 137 ] || no "the zoo: '$bad' bad images of 223"
    [ "$(grep -c '^error: zoo/' err)" = "$bad" ] || no "the zoo: not one line a file"
    [ "$(grep -vc '^error: zoo/\|^warn: ' err)" = 0 ] || no "the zoo: other lines"
    absent z.h5
    timeout -k 5 60 "$ptrain" pack zoo z.h5 --skip-bad > out 2> err
    [ $? = 0 ] || no "the zoo, --skip-bad: exit code"
    says "z.h5: $((223 - bad)) images of 5 classes"
    timeout -k 5 60 "$ptrain" inspect --verify z.h5 > out 2> err || no "the zoo: verify"
else
    echo "skip: ../shared is not here, the JPEG zoo was not packed"
fi
no_rests
[ "$failures" = 0 ] && echo "pack and inspect do what they should"
exit $((failures > 0))

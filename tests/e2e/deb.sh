#!/usr/bin/env bash
# The .deb on a clean Debian 12 (debootstrap): apt installs it with what it needs, and a new
# user trains, exports and reports there. Long: brings in 400 MB from Debian.
. "$(dirname "$0")/lib.sh"
[ "$(id -u)" = 0 ] || { echo "skip: not root"; exit 77; }
for tool in debootstrap dpkg-shlibdeps file; do
    command -v $tool >/dev/null || { echo "skip: no $tool"; exit 77; }
done
(cd "$(dirname "$PTRAIN")" && cpack -B "$work/package") >cpack.log 2>&1 ||
    { tail -3 cpack.log; fail "cpack"; finish; }
deb=$(ls package/ptrain_*.deb)
root=$work/root
debootstrap --variant=minbase bookworm "$root" >debootstrap.log 2>&1 ||
    { echo "skip: debootstrap cannot reach Debian"; exit 77; }
cp "$deb" "$root/tmp/ptrain.deb"
inside() { chroot "$root" env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin HOME=/root LANG=C.UTF-8 \
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 "$@"; }
mount -t proc proc "$root/proc" && mount --rbind /dev "$root/dev" || fail "proc and dev"
trap 'umount -l "$root/proc" "$root/dev"; rm -rf "$work"' EXIT
inside apt-get -qq update >/dev/null 2>&1
inside apt-get -qq install -y --no-install-recommends /tmp/ptrain.deb >apt.log 2>&1 ||
    { tail -5 apt.log; fail "apt install"; finish; }

cat >"$root/root/try.sh" <<'S'
set -e
cd "$(mktemp -d)"
ptrain --version
ptrain demo-data images --seed 1 --source-per-class 1 --source-test-per-class 1 \
    --target-per-class 4 --target-test-per-class 3
ptrain pack --layout folders images/target photos.h5
cat >my.yaml <<'Y'
base: [ptrain:quickstart/base]
data: {path: photos.h5}
pseudo_task: {loss: sml1, ratio: 10}
optimizer: {lr: 0.05}
stages: [{epochs: 2}]
run: {dir: runs/mine}
Y
ptrain train my.yaml --workers 2
ptrain export runs/mine --to onnx
ptrain report runs/* --html report.html 2>/dev/null || ptrain report runs/*
ls -l mine.onnx
S
inside bash /root/try.sh >try.log 2>&1 || { tail -15 try.log; fail "a new user's commands"; }

# Its modulefile, read by both module systems, which exclude each other.
for modules in environment-modules lmod; do
    inside apt-get -qq install -y --no-install-recommends $modules >apt.log 2>&1 || fail "apt install $modules"
    inside bash -c ". \$(dpkg -L $modules | grep 'init/bash\$') &&
        module use /usr/share/ptrain/modulefiles && module load ptrain && module list" >module.log 2>&1
    grep -q ptrain/ module.log || { fail "module load with $modules"; cat module.log; }
    inside apt-get -qq remove -y $modules >apt.log 2>&1
done
inside apt-get -qq remove -y ptrain >/dev/null 2>&1 || fail "apt remove"
[ ! -e "$root/usr/share/ptrain" ] || fail "what stays: $(find "$root/usr/share/ptrain" | head -3)"
finish

#!/usr/bin/env bash
# The .deb on a clean Debian 12 (debootstrap): apt installs it with what it needs, and a new
# user does the four commands of README.md there. Long: brings in 400 MB from Debian.
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

# A new user has torchvision's ResNet-50, in a file as torch.save writes it (here of random
# weights), and PNG and JPEG pictures in train/ and validation/: four commands of the README.
"$PTRAIN" demo-data images --seed 1 --source-per-class 1 --source-test-per-class 1 \
    --target-per-class 2 --target-test-per-class 1 >/dev/null || fail "demo-data"
/usr/bin/python3 - "$root/root/work" <<'P' || { echo "skip: no PyTorch, or no torchvision"; exit 77; }
import glob, os, sys
import torch, torchvision
from PIL import Image
torch.manual_seed(0)
os.makedirs(sys.argv[1])
torch.save(torchvision.models.resnet50().state_dict(), sys.argv[1] + "/resnet50-0676ba61.pth")
for k, f in enumerate(sorted(glob.glob("images/target/*/*/*.jpg"))):
    split, name = f.split("/")[2:4]
    to = f"{sys.argv[1]}/pictures/{'train' if split == 'train' else 'validation'}/{name}"
    os.makedirs(to, exist_ok=True)
    Image.open(f).save(f"{to}/{k}.{'png' if k % 2 else 'jpg'}")
P
cat >"$root/root/try.sh" <<'S'
set -e
cd /root/work
ptrain --version
ptrain pack pictures pictures.h5
ptrain train ptrain:photos/resnet50 --set network.weights=resnet50-0676ba61.pth \
    --set 'stages=[{epochs: 1}]' --workers 2
ptrain export runs/photos --to onnx
ptrain report --html report.html runs/photos
ls -l photos.onnx report.html
grep -q '"test_accuracy"\|"accuracy"' runs/photos/result.json
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

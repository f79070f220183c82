#!/usr/bin/env bash
# sysroot.sh DIR: Debian's arm64 libraries that ptrain and its tests are built from, unpacked
# below DIR/sysroot. apt works on a state of its own in DIR: nothing is installed and the
# machine's package lists stay as they are. About 120 MB are fetched, once.
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
packages='libopenmpi-dev libopenblas-pthread-dev libprotobuf-c-dev libjpeg62-turbo-dev libpng-dev
libwebp-dev libgif-dev libtiff-dev
libhdf5-dev libfyaml-dev libjansson-dev libssl-dev libzip-dev zlib1g-dev libcmocka-dev libc6-dev'

root=$dir/sysroot lib=$dir/sysroot/usr/lib/aarch64-linux-gnu
[ -e "$dir/complete" ] && exit 0
rm -rf "$root"
mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial" "$root"
: >"$dir/state/status"

apt_arm64() {
    apt-get -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 \
        -o Dir::State="$dir/state" -o Dir::State::status="$dir/state/status" \
        -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root "$@"
}
apt_arm64 update
# shellcheck disable=SC2086
apt_arm64 install -y --download-only --no-install-recommends $packages

for deb in "$dir"/cache/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --exclude './usr/share/*'
done
find "$root/lib" "$root/usr/lib" -type l -lname '/*' | while read -r link; do
    ln -sfn "$root$(readlink "$link")" "$link"
done
for so in "$lib"/openblas-pthread/*.so*; do # what update-alternatives would have done
    ln -sfn "openblas-pthread/$(basename "$so")" "$lib/$(basename "$so")"
done
rm -rf "$dir/cache"
touch "$dir/complete"

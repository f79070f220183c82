# Sourced by quickstart.sh and tests/run.sh: finds what is missing, installs it on Debian
# as root, otherwise names it and stops.

# Debian package, and how its presence is seen on any system.
pt_build_packages='
gcc                     command gcc
make                    command make
cmake                   command cmake
pkg-config              command pkg-config
openmpi-bin             command mpirun
libopenmpi-dev          command mpicc
libopenblas-pthread-dev module openblas
protobuf-compiler       command protoc
protobuf-c-compiler     command protoc-c
libprotobuf-c-dev       module libprotobuf-c
libjpeg62-turbo-dev     module libjpeg
libpng-dev              module libpng
libwebp-dev             module libwebpdemux
libgif-dev              header gif_lib.h
libtiff-dev             module libtiff-4
libhdf5-dev             header hdf5.h
libfyaml-dev            module libfyaml
libjansson-dev          module jansson
libssl-dev              module libcrypto
zlib1g-dev              module zlib
libzip-dev              module libzip
'
pt_test_packages='
libcmocka-dev           module cmocka
python3-h5py            python h5py
clang                   command clang
libclang-rt-dev         fuzzer clang
iproute2                command tc
procps                  command pgrep
'
pt_long_test_packages='
python3-torch           python torch
python3-torchvision     python torchvision
python3-onnx            python onnx
python3-jsonschema      python jsonschema
python3-yaml            python yaml
python3-pil             python PIL
debootstrap             command debootstrap
dpkg-dev                command dpkg-shlibdeps
file                    command file
gcc-aarch64-linux-gnu   command aarch64-linux-gnu-gcc
qemu-user               command qemu-aarch64
libsimgrid-dev          header smpi/smpi.h
valgrind                command valgrind
mpich                   command mpiexec.mpich
libmpich-dev            command mpicc.mpich
slurmctld               command slurmctld
slurmd                  command slurmd
slurm-client            command sbatch
munge                   command munged
shellcheck              command shellcheck
'

pt_python=$([ -x /usr/bin/python3 ] && echo /usr/bin/python3 || echo python3)

pt_present() { # kind name
    case $1 in
    command) command -v "$2" >/dev/null 2>&1 ;;
    module) pkg-config --exists "$2" 2>/dev/null ;;
    fuzzer) # clang links for libFuzzer
        echo 'int LLVMFuzzerTestOneInput(const char *p, unsigned long n) { return 0; }' |
            "$2" -fsanitize=fuzzer -x c - -o /dev/null 2>/dev/null
        ;;
    python) "$pt_python" -c "import $2" 2>/dev/null ;;
    header)
        echo "#include <$2>" | gcc -E -x c - -I/usr/include/hdf5/serial -o /dev/null 2>/dev/null ||
            command -v h5cc >/dev/null 2>&1
        ;;
    esac
}

pt_missing() { # package table on stdin: names of the missing ones
    while read -r package kind name; do
        [ -n "$package" ] || continue
        pt_present "$kind" "$name" || echo "$package"
    done
}

pt_need() { # tables...
    local table missing
    table=$(printf '%s\n' "$@")
    missing=$(echo "$table" | pt_missing | tr '\n' ' ')
    [ -n "${missing// /}" ] || return 0
    if [ ! -f /etc/debian_version ] || [ "$(id -u)" != 0 ]; then
        echo "error: these packages are missing (Debian's names): $missing" >&2
        echo "error: install them, for example with: sudo apt-get install $missing" >&2
        return 1
    fi
    echo "installing: $missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null &&
        # shellcheck disable=SC2086
        apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
        echo "error: apt-get could not install: $missing" >&2
        return 1
    }
    missing=$(echo "$table" | pt_missing | tr '\n' ' ')
    [ -z "${missing// /}" ] || {
        echo "error: still missing after the installation: $missing" >&2
        return 1
    }
}

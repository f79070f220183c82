#!/bin/sh
# mpirun's remote shell, HOST COMMAND...: runs the command here, under that host's name.
host=$1
shift
exec unshare -u sh -c 'hostname "$0"; exec sh -c "$*"' "$host" "$@"

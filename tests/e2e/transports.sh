#!/usr/bin/env bash
# The same job over UCX, Open MPI's choice on InfiniBand and RoCE, here by TCP and shared
# memory: its tags have 23 bits. The same bits as over Open MPI's own transport.
. "$(dirname "$0")/lib.sh"
ompi_info 2>/dev/null | grep -q 'MCA pml: ucx' || { echo "skip: this MPI has no UCX"; exit 77; }
make_data
export OMPI_MCA_pml=ob1
ranks 3 ob1 || { cat ob1.log; fail "over ob1"; finish; }
export OMPI_MCA_pml=ucx OMPI_MCA_pml_ucx_tls=any OMPI_MCA_pml_ucx_devices=any
for tls in tcp,self sm,self; do
    UCX_TLS=$tls UCX_NET_DEVICES=$([ $tls = tcp,self ] && echo lo || echo all) \
        ranks 3 "$tls" || { cat "$tls.log"; fail "over UCX, $tls"; continue; }
    [ "$(hash_of "$tls")" = "$(hash_of ob1)" ] || fail "over UCX, $tls: other weights"
done
finish

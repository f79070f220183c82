#!/usr/bin/env bash
# The same job over transports that Open MPI picks on clusters, each with fewer tags than
# its own: UCX (InfiniBand, RoCE; here TCP and shared memory) and libfabric (here TCP, with
# the fewest tags it offers). The same bits as over Open MPI's own transport.
. "$(dirname "$0")/lib.sh"
has() { ompi_info 2>/dev/null | grep "MCA $1 (" >/dev/null; }
over() { # NAME VAR=VALUE...
    local name=$1
    shift
    (export "$@"; ranks 3 "$name") || { cat "$name.log"; fail "over $name"; return; }
    [ "$(hash_of "$name")" = "$(hash_of ob1)" ] || fail "over $name: other weights"
}
has 'pml: ucx' || has 'mtl: ofi' || { echo "skip: this MPI has neither UCX nor libfabric"; exit 77; }
make_data
OMPI_MCA_pml=ob1 ranks 3 ob1 || { cat ob1.log; fail "over ob1"; finish; }
if has 'pml: ucx'; then
    ucx=(OMPI_MCA_pml=ucx OMPI_MCA_pml_ucx_tls=any OMPI_MCA_pml_ucx_devices=any)
    over ucx_tcp "${ucx[@]}" UCX_TLS=tcp,self UCX_NET_DEVICES=lo
    over ucx_sm "${ucx[@]}" UCX_TLS=sm,self
fi
has 'mtl: ofi' &&
    over ofi OMPI_MCA_pml=cm OMPI_MCA_mtl=ofi OMPI_MCA_mtl_ofi_provider_include=tcp \
        OMPI_MCA_mtl_ofi_tag_mode=ofi_tag_2
finish

#include "common/comm_mpi.h"

#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(MPI_Request) <= sizeof(uintptr_t), "a request fits a word");

pt_status pt_mpi_check(int code, const char *call)
{
    char text[MPI_MAX_ERROR_STRING];
    int n = 0;

    if (code == MPI_SUCCESS) return PT_OK;
    if (MPI_Error_string(code, text, &n) != MPI_SUCCESS) snprintf(text, sizeof text, "?");
    return pt_fail(PT_ERR_COMM, "%s: %s", call, text);
}

static pt_status mpi_send(void *self, int peer, int tag, const void *data, size_t bytes,
                          uintptr_t *native)
{
    MPI_Request r = MPI_REQUEST_NULL;
    pt_status s = pt_mpi_check(
        MPI_Isend(data, (int)bytes, MPI_BYTE, peer, tag, *(MPI_Comm *)self, &r),
        "MPI_Isend");

    *native = 0;
    memcpy(native, &r, sizeof r);
    return s;
}

static pt_status mpi_recv(void *self, int peer, int tag, void *data, size_t bytes,
                          uintptr_t *native)
{
    MPI_Request r = MPI_REQUEST_NULL;
    pt_status s = pt_mpi_check(
        MPI_Irecv(data, (int)bytes, MPI_BYTE, peer, tag, *(MPI_Comm *)self, &r),
        "MPI_Irecv");

    *native = 0;
    memcpy(native, &r, sizeof r);
    return s;
}

static pt_status mpi_test(void *self, uintptr_t *native, bool *done)
{
    MPI_Request r;
    int flag = 0;
    pt_status s;

    memcpy(&r, native, sizeof r);
    s = pt_mpi_check(MPI_Test(&r, &flag, MPI_STATUS_IGNORE), "MPI_Test");
    memcpy(native, &r, sizeof r);
    *done = flag != 0;
    return s;
}

static const pt_comm_ops mpi_ops = {mpi_send, mpi_recv, mpi_test};

pt_status pt_comm_mpi_init(pt_comm *c, MPI_Comm *mpi, double deadline_s)
{
    pt_status s;

    memset(c, 0, sizeof *c);
    c->ops = &mpi_ops;
    c->self = mpi;
    c->deadline_s = deadline_s;
    s = pt_mpi_check(MPI_Comm_rank(*mpi, &c->rank), "MPI_Comm_rank");
    if (s == PT_OK) s = pt_mpi_check(MPI_Comm_size(*mpi, &c->size), "MPI_Comm_size");
    return s;
}

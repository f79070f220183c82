#include "common/comm/comm_mpi.h"

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

static pt_status mpi_send(void *self, pt_channel channel, int peer, int tag,
                          const void *data, size_t bytes, uintptr_t *native)
{
    MPI_Comm on = ((pt_comm_mpi *)self)->channels[channel];
    MPI_Request r = MPI_REQUEST_NULL;
    pt_status s = pt_mpi_check(MPI_Isend(data, (int)bytes, MPI_BYTE, peer, tag, on, &r),
                               "MPI_Isend");

    *native = 0;
    memcpy(native, &r, sizeof r);
    return s;
}

static pt_status mpi_recv(void *self, pt_channel channel, int peer, int tag, void *data,
                          size_t bytes, uintptr_t *native)
{
    MPI_Comm on = ((pt_comm_mpi *)self)->channels[channel];
    MPI_Request r = MPI_REQUEST_NULL;
    pt_status s = pt_mpi_check(MPI_Irecv(data, (int)bytes, MPI_BYTE, peer, tag, on, &r),
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

static const pt_comm_ops mpi_ops = {.send = mpi_send, .recv = mpi_recv, .test = mpi_test};

/* Names for debuggers and tools. */
static const char *const names[PT_CHANNELS] = {"ptrain messages", "ptrain checksums",
                                               "ptrain pulse"};

pt_status pt_comm_mpi_create(MPI_Comm mpi, pt_comm_mpi *m)
{
    pt_status s = pt_mpi_check(MPI_Comm_set_errhandler(mpi, MPI_ERRORS_RETURN),
                               "MPI_Comm_set_errhandler");

    for (int i = 0; i < PT_CHANNELS; i++) m->channels[i] = MPI_COMM_NULL;
    for (int i = 0; i < PT_CHANNELS && s == PT_OK; i++) { /* they inherit the handler */
        s = pt_mpi_check(MPI_Comm_dup(mpi, &m->channels[i]), "MPI_Comm_dup");
        if (s == PT_OK)
            s = pt_mpi_check(MPI_Comm_set_name(m->channels[i], names[i]),
                             "MPI_Comm_set_name");
    }
    return s;
}

void pt_comm_mpi_destroy(pt_comm_mpi *m)
{
    for (int i = 0; i < PT_CHANNELS; i++) MPI_Comm_free(&m->channels[i]);
}

pt_status pt_comm_mpi_largest_tag(int *tag)
{
    int *max = NULL, found = 0;
    pt_status s = pt_mpi_check(
        MPI_Comm_get_attr(MPI_COMM_WORLD, MPI_TAG_UB, &max, &found), "MPI_Comm_get_attr");

    *tag = s == PT_OK && found ? *max : PT_MSG_MAX_TAG;
    return s;
}

pt_status pt_comm_mpi_check_tags(void)
{
    int max;
    pt_status s = pt_comm_mpi_largest_tag(&max);

    if (s != PT_OK || max >= PT_MSG_MAX_TAG) return s;
    return pt_fail(
        PT_ERR_COMM,
        "this MPI allows message tags up to %d, but ptrain needs %d, which the MPI "
        "standard guarantees: choose another transport",
        max, PT_MSG_MAX_TAG);
}

pt_status pt_comm_mpi_init(pt_comm *c, pt_comm_mpi *m, double deadline_s)
{
    MPI_Comm mpi = m->channels[PT_CHANNEL_MESSAGES];
    pt_status s;

    memset(c, 0, sizeof *c);
    c->ops = &mpi_ops;
    c->self = m;
    c->deadline_s = deadline_s;
    s = pt_mpi_check(MPI_Comm_rank(mpi, &c->rank), "MPI_Comm_rank");
    if (s == PT_OK) s = pt_mpi_check(MPI_Comm_size(mpi, &c->size), "MPI_Comm_size");
    return s;
}

/* A job in one process: ranks are threads, messages pass through mailboxes. */
#ifndef PT_TESTS_LOOPBACK_H
#define PT_TESTS_LOOPBACK_H

#include "common/comm/comm.h"

typedef struct pt_loopback pt_loopback;

/* size ranks; shuffle != 0: every message is held back for a number of looks drawn from
 * it, so that arrival order varies. */
pt_loopback *pt_loopback_create(int size, unsigned shuffle);
void pt_loopback_destroy(pt_loopback *l);

/* The comm of one rank, valid while l lives. */
pt_comm *pt_loopback_comm(pt_loopback *l, int rank);

/* Runs body(context, rank) on a thread for each rank and waits for all. */
void pt_loopback_run(pt_loopback *l, void (*body)(void *context, int rank),
                     void *context);

#endif

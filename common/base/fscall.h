/* Which file-system call a thread is in, so that another thread can report where it is
 * stuck: with a dead file server a call never returns, and its thread cannot report
 * anything.
 *
 * A thread adopts a record; from then on the functions that write, sync, rename and
 * remove files (file.h, h5file.h) note their calls in it. A thread without a record notes
 * nothing. */
#ifndef PT_COMMON_BASE_FSCALL_H
#define PT_COMMON_BASE_FSCALL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

enum { PT_FSCALL_PATH = 1024, PT_FSCALL_TEXT = PT_FSCALL_PATH + 160 };

/* Plain value; must outlive the thread that notes its calls in it. */
typedef struct {
    pthread_mutex_t mutex;
    const char *call; /* static text; NULL: none so far */
    char path[PT_FSCALL_PATH];
    bool inside;    /* it has not returned */
    bool library;   /* inside, and with HDF5's lock */
    double since_s; /* of the monotonic clock: when it began, or returned */
} pt_fscall;

void pt_fscall_init(pt_fscall *c);

/* From here on this thread notes its calls in *c; NULL: nowhere. */
void pt_fscall_here(pt_fscall *c);

/* This thread makes `call` (static text, "fsync") on path; it returned. */
void pt_fscall_begin(const char *call, const char *path);
void pt_fscall_end(void);

/* The same, of a call that HDF5 makes: it holds the lock of that library. */
void pt_fscall_begin_library(const char *call, const char *path);

/* Seconds since the thread of *c last began a call or returned from one. Any thread. */
double pt_fscall_quiet_s(pt_fscall *c);

/* Is it inside a call of the library? Any thread. */
bool pt_fscall_in_library(pt_fscall *c);

/* "fsync of runs/a/metrics.jsonl has not returned for 12 s"; "" if it is in no call.
 * Any thread. */
void pt_fscall_describe(pt_fscall *c, char out[PT_FSCALL_TEXT]);

#endif

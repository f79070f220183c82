/* A batch script for Slurm or PBS: what the scheduler is asked for, and the lines of
 * shell that start the job. `ptrain submit` and `ptrain sweep --slurm` write theirs here.
 *
 * A run that is stopped before its time limit writes a checkpoint and ends with code 75;
 * the script then has itself queued again, and the run resumes. */
#ifndef PT_LAUNCH_SUBMIT_BATCH_H
#define PT_LAUNCH_SUBMIT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "common/base/status.h"

/* Seconds before its time limit that a job is asked to stop. */
enum { PT_BATCH_NOTICE_S = 120 };

typedef struct {
    const char *name;    /* of the job */
    const char *about;   /* a comment; NULL: none */
    int nodes, ranks;    /* ranks on each of the nodes; nodes 0: ranks in all, anywhere */
    int cores;           /* of a node, for all its ranks; 0: the scheduler's default */
    const char *time;    /* H:MM:SS; NULL: the partition's or queue's */
    const char *queue;   /* Slurm's partition, PBS's queue; NULL: the default */
    const char *account; /* NULL: the default */
    const char *array;   /* one task for each number, "1-5", "0-3%2"; NULL: no array */
    const char *output;  /* file of the log, as the scheduler writes it; NULL: its own */
    const char *const *options; /* [n_options] further directives, as they are */
    size_t n_options;

    bool mpirun;         /* mpirun starts the ranks, not srun */
    const char *dir;     /* where the job runs; NULL: where it is submitted */
    const char *lines;   /* of shell, before the ranks start; NULL: none */
    const char *command; /* of each rank, in the words of the shell */
} pt_batch;

/* One scheduler's part. */
typedef struct {
    const char *name;    /* "Slurm" */
    const char *submit;  /* the program that takes a script: "sbatch" */
    const char *task;    /* the shell variable with the number of an array's task */
    const char *job_log; /* the name of a log without an array, and of a task's: */
    const char *task_log;
    void (*write)(const pt_batch *b, FILE *out);
} pt_scheduler;

extern const pt_scheduler pt_slurm, pt_pbs;

/* What print(context, out) prints, malloc'd; NULL without memory. */
char *pt_batch_text(void (*print)(const void *context, FILE *out), const void *context);

/* text in single quotes, unless the shell takes it as it is. */
void pt_batch_quote(FILE *out, const char *text);

/* The first character of text that a directive cannot hold: a control character or one
 * of `more`; 0: none. */
unsigned char pt_batch_unfit(const char *text, const char *more);

/* Seconds of [DAYS-]H:MM:SS; 0: none is given. */
int pt_batch_seconds(const char *time);

/* PT_ERR_USAGE names what of b no directive can hold, by its option of `ptrain submit`.
 */
PT_MUST_USE pt_status pt_batch_check(const pt_batch *b);

/* Becomes s->submit with the words of `more` (NULL-terminated, at most 8; NULL: none) and
 * the script as its standard input. Returns only if that fails. */
PT_MUST_USE pt_status pt_batch_submit(const pt_scheduler *s, const char *const *more,
                                      const char *script);

#endif

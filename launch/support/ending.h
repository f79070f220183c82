/* How a job under mpirun ended: its exit code, and the error line if no rank reported
 * why. */
#ifndef PT_LAUNCH_SUPPORT_ENDING_H
#define PT_LAUNCH_SUPPORT_ENDING_H

#include <stdbool.h>

enum { PT_ENDING_TEXT = 512 };

typedef struct {
    int status;    /* of waitpid, of mpirun */
    bool reported; /* a rank printed its line */
    bool stops; /* a signal stops the run with a checkpoint; else it ends the command */
    bool asked, at_once; /* by a signal, by a second ^C */
    bool heard;          /* a rank has printed something */
    bool no_ssh;         /* PATH has none */
    const char *lost;    /* why standard output is not complete; NULL: it is */
    bool reader_gone;    /* and it is a pipe that nobody reads any more */
    const char *own;     /* what mpirun itself printed, perhaps "" */
} pt_ending;

typedef struct {
    int code;                  /* 0, 2, 75; 1 for all the rest */
    char text[PT_ENDING_TEXT]; /* the error line; "": none is needed */
    bool show;                 /* mpirun's own text explains more */
} pt_verdict;

/* Pure except for the environment, which names mpirun's directory of files. */
pt_verdict pt_ending_judge(const pt_ending *e);

#endif

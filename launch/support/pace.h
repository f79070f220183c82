/* How far and how fast a run is: in a record that rank 0 gives to the process that
 * started mpirun, and as a bar in one line of its terminal. Pure, but for pt_pace_asked.
 */
#ifndef PT_LAUNCH_SUPPORT_PACE_H
#define PT_LAUNCH_SUPPORT_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t step, steps; /* done; of the run */
    double elapsed_s, left_s;
    double images_per_s;
    double ce, accuracy, w; /* of the step */
} pt_pace;

/* What rank 0 shows of the steps. Under a launcher of its own it cannot know that there
 * is a terminal, so `ptrain train` without mpirun tells it in the environment of the
 * ranks: between its own processes, no setting. */
#define PT_PACE_VARIABLE "PTRAIN_SHOWS"
typedef enum {
    PT_PACE_LINES,    /* a line now and then */
    PT_PACE_BOTH,     /* and records for a bar: standard output is no terminal */
    PT_PACE_BAR_ALONE /* records only */
} pt_pace_mode;
extern const char *const pt_pace_modes[];
pt_pace_mode pt_pace_asked(void);

enum { PT_PACE_RECORD = 256, PT_PACE_BAR = 512 };

/* A line that begins with a control character; and back: false if it is none. */
void pt_pace_record(const pt_pace *p, char text[PT_PACE_RECORD]);
bool pt_pace_parse(const char *line, pt_pace *out);

/* " 31 % [===>    ]  0:12  1:48 left  512 img/s  ce 0.412  acc 0.938  w 0.031  75/240":
 * as much of it as a terminal of so many columns has room for, from the most important
 * on, and never its last column, which may make it scroll. colour: the bar is green. */
void pt_pace_bar(const pt_pace *p, int columns, bool colour, char text[PT_PACE_BAR]);

#endif

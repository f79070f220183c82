/* Lists of a data set, line by line. */
#ifndef PT_LAUNCH_LIST_TEXT_H
#define PT_LAUNCH_LIST_TEXT_H

#include <stdbool.h>
#include <stdio.h>

#include "launch/layouts/layout.h"

typedef struct {
    const char *path; /* borrowed */
    FILE *file;
    char *text;
    size_t size, line; /* line: of the text handed out last, from 1 */
} pt_list_text;

/* Close it also after a failure. */
PT_MUST_USE pt_status pt_list_text_open(pt_list_text *l, const char *path);
void pt_list_text_close(pt_list_text *l);

/* The next line without its end (LF, CR LF or none), blanks after it and a byte order
 * mark; valid until the next call. false at the end of the file. A line that is not text
 * is a fault. */
bool pt_list_text_next(pt_list_text *l, pt_layout_faults *faults, char **text);

/* Cuts text at its first run of blanks: "7 a b.jpg" into "7" and "a b.jpg". The second is
 * "" where there is no blank. */
char *pt_list_text_cut(char *text);

#endif

/* The summary as a table, for the terminal or for a page in Markdown. */
#ifndef PT_LAUNCH_REPORT_TABLE_H
#define PT_LAUNCH_REPORT_TABLE_H

#include <stdio.h>

#include "launch/report/summary.h"

typedef enum { PT_TABLE_TEXT, PT_TABLE_MARKDOWN, PT_TABLE_LATEX } pt_table_style;

enum { PT_TABLE_CELL = 64 };
typedef enum {
    PT_TABLE_NAME,
    PT_TABLE_RUNS,
    PT_TABLE_TRAIN,
    PT_TABLE_TEST,
    PT_TABLE_GAIN,
    PT_TABLE_HALF_WIDTH,
    PT_TABLE_P,
    PT_TABLE_ERROR_CUT,
    PT_TABLE_GATE,
    PT_TABLE_W,
    PT_TABLE_SPEED,
    PT_TABLE_TIME,
    PT_TABLE_COLUMNS
} pt_table_column;

/* The columns' names. */
extern const char *const pt_table_heads[PT_TABLE_COLUMNS];

/* A method's cells, the first its name (borrowed); text: where the others are. */
typedef struct {
    const char *cells[PT_TABLE_COLUMNS];
    char text[PT_TABLE_COLUMNS][PT_TABLE_CELL];
} pt_table_row;
void pt_table_row_init(const pt_method_runs *m, pt_table_row *out);

/* What the columns mean, NULL-terminated. */
extern const char *const pt_table_legend[];

/* LaTeX: one table per block, with the package booktabs. Each block: its title, one row
 * per method, its notes; at the end what the columns mean. A number that does not exist
 * (the deviation of one run, the gain of a plain row) is "-". PT_ERR_IO where `out`
 * cannot be written. */
PT_MUST_USE pt_status pt_table_print(const pt_summary *s, pt_table_style style,
                                     FILE *out);

#endif

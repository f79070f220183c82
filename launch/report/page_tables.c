#include <math.h>
#include <string.h>

#include "launch/report/answers.h"
#include "launch/report/page_values.h"
#include "launch/report/table.h"
#include "launch/report/verdict.h"

/* A column: its head, what it means, and its cell in a row of the printed table; below 0:
 * one of this page's own. */
typedef struct {
    const char *head, *meaning;
    int cell;
} column;

enum { INTERVAL = -1, JUDGEMENT = -2 };

static const column accuracy[] = {
    {"Runs", "one a seed", PT_TABLE_RUNS},
    {"Test accuracy, %", "mean (deviation over the runs, n - 1)", PT_TABLE_TEST},
    {"Gain, points", "over plain at the same seed: mean (deviation)", PT_TABLE_GAIN},
    {"95 % interval", "of the mean gain, Student's", INTERVAL},
    {"p", "Student's paired t test, two-sided", PT_TABLE_P},
    {"Shown?", "p below 0.05 after Holm's correction", JUDGEMENT},
    {"Error cut, %", "gain / (100 - plain)", PT_TABLE_ERROR_CUT},
};

static const column cost[] = {
    {"Train accuracy, %", "at the end, where it was measured", PT_TABLE_TRAIN},
    {"Gate at", "the step from which PtR took part", PT_TABLE_GATE},
    {"w", "mean weight of PtR's loss from then on", PT_TABLE_W},
    {"Images/s", "of the steps alone", PT_TABLE_SPEED},
    {"Time, s", "of a whole run", PT_TABLE_TIME},
};

static void interval_of(const pt_method_runs *m, char out[PT_TABLE_CELL])
{
    if (m->baseline && isfinite(m->half_width))
        snprintf(out, PT_TABLE_CELL, "%+.2f to %+.2f",
                 pt_rounded(m->gain.mean - m->half_width),
                 pt_rounded(m->gain.mean + m->half_width));
    else
        strcpy(out, "-");
}

static const char *judgement_of(const pt_block *b, const pt_method_runs *m)
{
    static const char *const words[] = {"-", "too few seeds", "not shown", "gain",
                                        "loss"};

    return words[pt_verdict_of(b, m)];
}

/* Of too few seeds no gain is named. */
static bool is_left_open(const pt_block *b, const pt_method_runs *m, int cell)
{
    bool of_gain = cell == PT_TABLE_GAIN || cell == INTERVAL || cell == PT_TABLE_P ||
                   cell == PT_TABLE_ERROR_CUT;

    return of_gain && pt_verdict_of(b, m) == PT_JUDGED_FEW;
}

static json_t *cells_of(const pt_block *b, const pt_method_runs *m, const column *columns,
                        size_t n)
{
    json_t *cells = json_array();
    char interval[PT_TABLE_CELL];
    pt_table_row row;

    pt_table_row_init(m, &row);
    interval_of(m, interval);
    for (size_t i = 0; i < n; i++) {
        int at = columns[i].cell;

        pt_page_append(&cells, pt_page_text(is_left_open(b, m, at) ? "-"
                                            : at == INTERVAL       ? interval
                                            : at == JUDGEMENT      ? judgement_of(b, m)
                                                                   : row.cells[at]));
    }
    return cells;
}

static json_t *table_of(const pt_block *b, const char *caption, const column *columns,
                        size_t n)
{
    json_t *heads = json_array(), *rows = json_array();

    for (size_t i = 0; i < n; i++)
        pt_page_append(&heads, json_pack("{s:s, s:s}", "head", columns[i].head, "meaning",
                                         columns[i].meaning));
    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_method_runs *m = &b->methods[i];

        pt_page_append(&rows, json_pack("{s:o, s:o, s:o}", "key", pt_page_key(m), "name",
                                        pt_page_text(m->name), "cells",
                                        cells_of(b, m, columns, n)));
    }
    return json_pack("{s:o, s:o, s:o}", "caption", pt_page_text(caption), "heads", heads,
                     "rows", rows);
}

/* NULL: none of the block is. */
static const pt_finished_run *first_tested(const pt_block *b)
{
    const pt_finished_run *r = NULL;

    for (size_t i = 0; i < b->n_methods && !r; i++)
        r = pt_method_runs_tested(&b->methods[i]);
    return r;
}

/* "Accuracy on 450 test images: one image is 0.22 points", as the first run was tested.
 */
pt_status pt_page_tables(const pt_block *b, json_t **out)
{
    const pt_finished_run *run = first_tested(b);
    char caption[128] = "Accuracy: no run was tested";
    pt_answers a = {0};
    pt_status s = run ? pt_answers_read(run->dir, &a) : PT_OK;

    if (s != PT_OK) return s;
    if (run)
        snprintf(caption, sizeof caption,
                 "Accuracy on %zu test images: one image is %.2g points", a.n,
                 a.n > 0 ? 100 / (double)a.n : 0);
    *out = json_pack("[o, o]",
                     table_of(b, caption, accuracy, sizeof accuracy / sizeof *accuracy),
                     table_of(b, "Course and cost, means over the runs", cost,
                              sizeof cost / sizeof *cost));
    pt_answers_fini(&a);
    return s;
}

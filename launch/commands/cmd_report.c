#include "launch/commands/cmd_report.h"

#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "launch/report/csv.h"
#include "launch/report/page.h"
#include "launch/report/table.h"

typedef struct {
    const char **dirs; /* [n] */
    size_t n;
    pt_table_style style;
    bool csv;
    const char *html, *data;
} report_args;

static const struct argp_option options[] = {
    {"markdown", 'm', 0, 0, "Print the tables in Markdown", 0},
    {"latex", 'l', 0, 0, "Print the tables in LaTeX (with booktabs)", 0},
    {"csv", 'c', 0, 0,
     "Print a line for each run, comma-separated; texts that begin with = + - @ get an "
     "apostrophe, so that no spreadsheet runs them",
     0},
    {"html", 'o', "FILE", 0, "Write a page with tables, curves, confusion and pictures",
     0},
    {"data", 'd', "FILE", 0, "The packed data set for the page's pictures", 0},
    {0}};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
    report_args *a = state->input;

    switch (key) {
    case 'm':
        a->style = PT_TABLE_MARKDOWN;
        return 0;
    case 'l':
        a->style = PT_TABLE_LATEX;
        return 0;
    case 'c':
        a->csv = true;
        return 0;
    case 'o':
        a->html = arg;
        return 0;
    case 'd':
        a->data = arg;
        return 0;
    case ARGP_KEY_ARG:
        a->dirs[a->n++] = arg;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which runs? Give their directories, for example runs/*");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp argp = {options,
                                 parse_option,
                                 "RUN_DIR...",
                                 "Compares finished runs: accuracies, gains over plain "
                                 "fine-tuning paired by seed, their "
                                 "significance, gate, weight and speed. Runs that differ "
                                 "in more than seed and method get "
                                 "tables of their own. What has not finished, or is no "
                                 "run, is left out with a warning.",
                                 NULL,
                                 NULL,
                                 NULL};

int pt_cmd_report(int argc, char **argv)
{
    report_args a = {.style = PT_TABLE_TEXT};
    pt_finished_run *results = NULL;
    size_t n = 0;
    pt_summary *summary = NULL;
    pt_status s;

    a.dirs = calloc((size_t)argc, sizeof *a.dirs);
    if (!a.dirs) return 1;
    argp_err_exit_status = 2;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    s = pt_finished_runs_read(a.dirs, a.n, &results, &n);
    if (s == PT_OK) s = pt_summary_create(results, n, &summary);
    if (s == PT_OK && a.html)
        s = pt_page_write(summary, a.data, a.html);
    else if (s == PT_OK)
        s = a.csv ? pt_csv_print(summary, stdout)
                  : pt_table_print(summary, a.style, stdout);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_summary_destroy(&summary);
    pt_finished_runs_destroy(&results, n);
    free(a.dirs);
    return pt_status_exit_code(s);
}

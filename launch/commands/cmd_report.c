#include "launch/commands/commands.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "launch/report/csv.h"
#include "launch/report/page.h"
#include "launch/report/table.h"
#include "launch/support/args.h"

typedef struct {
    pt_words dirs;
    bool markdown, latex, csv;
    const char *html, *data;
} report_args;

static bool read_args(int argc, char **argv, report_args *a, int *code)
{
    const pt_arg table[] = {
        PT_ARG_REST("RUN_DIR", &a->dirs),
        PT_ARG_FLAG("markdown", &a->markdown, "Print the tables in Markdown",
                    .letter = 'm'),
        PT_ARG_FLAG("latex", &a->latex, "Print the tables in LaTeX (with booktabs)",
                    .letter = 'l'),
        PT_ARG_FLAG("csv", &a->csv,
                    "Print a line for each run, comma-separated; texts that begin with = "
                    "+ - @ get an apostrophe, so that no spreadsheet runs them",
                    .letter = 'c'),
        PT_ARG_TEXT("html", "FILE", &a->html,
                    "Write a page with tables, curves, confusion and pictures",
                    .letter = 'o'),
        PT_ARG_TEXT("data", "FILE", &a->data,
                    "The packed data set for the page's pictures", .letter = 'd')};
    const pt_args args = {
        .command = "report",
        .about =
            "Compares finished runs: accuracies, gains over plain fine-tuning "
            "paired by seed, their significance, gate, weight and speed. Runs that "
            "differ in more than seed and method get tables of their own. Directories "
            "that are not runs, or not finished, are left out with a warning.",
        .example = "ptrain report runs/flowers/*/*/ --html report.html",
        PT_ARGS_TABLE(table)};

    return pt_args_read(&args, argc, argv, code);
}

int pt_cmd_report(int argc, char **argv)
{
    report_args a = {0};
    pt_table_style style;
    int code;
    pt_finished_run *results = NULL;
    size_t n = 0;
    pt_summary *summary = NULL;
    pt_status s;

    if (!read_args(argc, argv, &a, &code)) return code;
    style = a.latex ? PT_TABLE_LATEX : a.markdown ? PT_TABLE_MARKDOWN : PT_TABLE_TEXT;
    s = pt_finished_runs_read(a.dirs.list, a.dirs.n, &results, &n);
    if (s == PT_OK) s = pt_summary_create(results, n, &summary);
    if (s == PT_OK && a.html)
        s = pt_page_write(summary, a.data, a.html);
    else if (s == PT_OK)
        s = a.csv ? pt_csv_print(summary, stdout)
                  : pt_table_print(summary, style, stdout);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    pt_summary_destroy(&summary);
    pt_finished_runs_destroy(&results, n);
    pt_words_fini(&a.dirs);
    return pt_status_exit_code(s);
}

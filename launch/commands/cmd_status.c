/* ptrain status, ptrain tail: a run from outside. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/commands/commands.h"
#include "launch/status/run_status.h"
#include "launch/support/args.h"
#include "launch/train/run_dir.h"

enum { TEXT = 400, LINES_MAX = 1000000, POLL_MS = 500 };

/* ---- status ------------------------------------------------------------------------ */

static pt_status show(const char *dir)
{
    pt_run_status st;
    char text[TEXT];
    pt_status s = pt_run_status_read(dir, &st);

    if (s != PT_OK) {
        pt_log_error(pt_fail_text());
        return s;
    }
    pt_run_status_text(&st, text, sizeof text);
    printf("%s: %s, %s\n", dir, pt_run_state_names[st.state], text);
    return PT_OK;
}

int pt_cmd_status(int argc, char **argv)
{
    pt_words dirs = {0};
    pt_status s = PT_OK;
    int code;
    const pt_arg table[] = {PT_ARG_REST("RUN", &dirs)};
    const pt_args args = {
        .command = "status",
        .about = "Says how far runs are: a line for each of their directories. A run may "
                 "be running, on any node that shares the file system.",
        .example = "ptrain status runs/*",
        PT_ARGS_TABLE(table)};

    if (!pt_args_read(&args, argc, argv, &code)) return code;
    for (size_t i = 0; i < dirs.n; i++) {
        pt_status one = show(dirs.list[i]);

        if (one != PT_OK) s = one;
    }
    pt_words_fini(&dirs);
    return pt_status_exit_code(s);
}

/* ---- tail -------------------------------------------------------------------------- */

typedef struct {
    const char *dir;
    int lines;
    bool follow;
} tail_args;

/* A line of the file, without its end, for people. */
static void print_line(const char *line)
{
    json_t *o = json_loads(line, 0, NULL);
    char text[TEXT];

    if (o && pt_metrics_line_text(o, text, sizeof text)) printf("%s\n", text);
    json_decref(o);
}

/* Where the last n lines of f begin. */
static long last_lines(FILE *f, int n)
{
    long at;

    if (fseek(f, 0, SEEK_END) != 0) return 0;
    for (at = ftell(f) - 1; at > 0; at--) { /* the last byte ends a line */
        if (fseek(f, at - 1, SEEK_SET) != 0) return 0;
        if (getc(f) == '\n' && --n == 0) return at;
    }
    return 0;
}

/* Prints whole lines from here on; a part of one waits for its rest. */
static void print_lines(FILE *f)
{
    char *line = NULL;
    size_t capacity = 0;
    long at = ftell(f);
    ssize_t n;

    clearerr(f);
    while ((n = getline(&line, &capacity, f)) > 0 && line[n - 1] == '\n') {
        line[n - 1] = '\0';
        print_line(line);
        at = ftell(f);
    }
    fseek(f, at, SEEK_SET);
    free(line);
    fflush(stdout);
}

static pt_status tail(const tail_args *a)
{
    char *path = pt_file_path(a->dir, "metrics.jsonl");
    FILE *f = path ? fopen(path, "r") : NULL;
    pt_run_status st = {.state = PT_RUN_RUNNING};
    pt_status s = PT_OK;

    if (!f) {
        s = pt_fail(PT_ERR_IO, "%s/metrics.jsonl: cannot be opened: %s", a->dir,
                    strerror(errno));
        free(path);
        return s;
    }
    fseek(f, last_lines(f, a->lines), SEEK_SET);
    do { /* the state first: what was written before it is printed */
        if (a->follow) s = pt_run_status_read(a->dir, &st);
        print_lines(f);
        if (a->follow && st.state == PT_RUN_RUNNING) usleep(POLL_MS * 1000);
    } while (s == PT_OK && a->follow && st.state == PT_RUN_RUNNING);
    if (s == PT_OK && a->follow) s = show(a->dir);
    fclose(f);
    free(path);
    return s;
}

int pt_cmd_tail(int argc, char **argv)
{
    tail_args a = {.lines = 10};
    pt_status s;
    int code;
    const pt_arg table[] = {
        PT_ARG_OPERAND("RUN", &a.dir),
        PT_ARG_NUMBER("lines", "N", &a.lines, 1, LINES_MAX,
                      "The last N steps and tests (default: 10)"),
        PT_ARG_FLAG("follow", &a.follow, "Go on until the job ends", .letter = 'f')};
    const pt_args args = {.command = "tail",
                          .about = "Prints the last steps and tests of a run, which may "
                                   "be running, on any node that shares the file system.",
                          .example = "ptrain tail runs/mine --follow",
                          PT_ARGS_TABLE(table)};

    if (!pt_args_read(&args, argc, argv, &code)) return code;
    s = tail(&a);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}

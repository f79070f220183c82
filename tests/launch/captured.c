#include "tests/launch/captured.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

enum { MAX_WORDS = 32 };

typedef struct {
    FILE *stream;
    int file, was;
} redirected;

static redirected redirect(FILE *stream)
{
    redirected r = {stream, memfd_create("captured", 0), dup(fileno(stream))};

    assert_true(r.file >= 0 && r.was >= 0);
    fflush(stream);
    dup2(r.file, fileno(stream));
    return r;
}

static void read_back(redirected *r, char *out, size_t size)
{
    ssize_t n;

    fflush(r->stream);
    dup2(r->was, fileno(r->stream));
    n = pread(r->file, out, size - 1, 0);
    assert_in_range(n, 0, size - 2);
    out[n] = '\0';
    close(r->file);
    close(r->was);
}

void capture(int (*run)(int argc, char **argv), const char *line, captured *c)
{
    static char words[1024]; /* what run keeps points here until the next call */
    char *argv[MAX_WORDS + 1] = {NULL}, *rest = words;
    redirected out, err;
    int argc = 0;

    snprintf(words, sizeof words, "%s", line);
    while (argc < MAX_WORDS && (argv[argc] = strsep(&rest, " ")) != NULL) argc++;
    out = redirect(stdout);
    err = redirect(stderr);
    c->code = run(argc, argv);
    read_back(&out, c->out, sizeof c->out);
    read_back(&err, c->err, sizeof c->err);
}

#include "launch/report/links.h"

#include <ctype.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The directory in which a file is, as an absolute path without links. */
static char *place_of(const char *file)
{
    char *copy = strdup(file), *place = copy ? realpath(dirname(copy), NULL) : NULL;

    free(copy);
    return place;
}

/* How many bytes of both lead to a directory that they share, with its slash. */
static size_t shared(const char *a, const char *b)
{
    size_t last = 0;

    for (size_t i = 0;; i++) {
        bool end = (a[i] == '/' || !a[i]) && (b[i] == '/' || !b[i]);

        if (end) last = i;
        if (a[i] != b[i] || !a[i]) return last;
    }
}

static void print_url(FILE *out, const char *path)
{
    for (; *path; path++) {
        unsigned char c = (unsigned char)*path;

        if (isalnum(c) || strchr("/-._~", c))
            fputc(c, out);
        else
            fprintf(out, "%%%02X", c);
    }
}

static void print_link(FILE *out, const char *from, const char *to)
{
    size_t n = shared(from, to);
    bool any = to[n] != '\0';

    for (const char *at = from + n; *at; at++)
        if (*at == '/' && at[1]) fputs("../", out);
    if (any) {
        print_url(out, to + n + 1);
        fputc('/', out);
    } else if (!from[n]) {
        fputs("./", out);
    }
}

char *pt_link_to(const char *page, const char *dir)
{
    char *from = place_of(page), *to = realpath(dir, NULL), *text = NULL;
    size_t bytes;
    FILE *out = from && to ? open_memstream(&text, &bytes) : NULL;

    if (out) print_link(out, from, to);
    if (out && fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    free(from);
    free(to);
    return text;
}

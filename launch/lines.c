#include "launch/lines.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_LINES = 1 << 20, MAX_BYTES = 1 << 28 };

/* Cuts text [bytes] at its line ends, in place; fills lines if it is not NULL. */
static size_t cut(char *text, size_t bytes, char **lines)
{
    size_t n = 0;

    for (size_t at = 0; at < bytes;) {
        char *line = text + at, *end = memchr(line, '\n', bytes - at);
        size_t len = end ? (size_t)(end - line) : bytes - at;

        at += len + 1;
        if (lines) {
            line[len] = '\0';
            if (len > 0 && line[len - 1] == '\r') line[len - 1] = '\0';
            lines[n] = line;
        }
        n++;
    }
    return n;
}

pt_status pt_lines_read(const char *path, char ***lines, size_t *n)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    char *text = NULL, **all = NULL;
    size_t bytes = 0, count;
    pt_status s = PT_OK;

    *lines = NULL;
    if (!f) return pt_fail(PT_ERR_IO, "%s: %s", path, strerror(errno));
    if (fstat(fileno(f), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > MAX_BYTES)
        s = pt_fail(PT_ERR_IO, "%s: not a text file of at most 256 MB", path);
    if (s == PT_OK) {
        bytes = (size_t)st.st_size;
        text = malloc(bytes + 1);
        if (!text || fread(text, 1, bytes, f) != bytes)
            s = pt_fail(PT_ERR_IO, "%s: cannot be read", path);
    }
    fclose(f);
    count = s == PT_OK ? cut(text, bytes, NULL) : 0;
    if (count > MAX_LINES)
        s = pt_fail(PT_ERR_DATA, "%s: more than %d lines", path, MAX_LINES);
    if (s == PT_OK) { /* the pointers first, then the text, in one block */
        all = malloc((count + 1) * sizeof *all + bytes + 1);
        if (!all) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    }
    if (s == PT_OK) {
        char *copy = (char *)(all + count + 1);

        memcpy(copy, text, bytes);
        copy[bytes] = '\0';
        cut(copy, bytes, all);
        all[count] = NULL;
        *lines = all;
        *n = count;
    }
    free(text);
    return s;
}

#include "launch/support/lines.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

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
    uint8_t *text = NULL;
    char **all = NULL;
    size_t bytes = 0, count;
    pt_status s = pt_file_load_path(path, MAX_BYTES, &text, &bytes);

    *lines = NULL;
    if (s != PT_OK) return s;
    count = cut((char *)text, bytes, NULL);
    if (count > MAX_LINES)
        s = pt_fail(PT_ERR_DATA, "%s: more than %d lines", path, MAX_LINES);
    if (s == PT_OK) { /* the pointers first, then the text, in one block */
        all = malloc((count + 1) * sizeof *all + bytes + 1);
        if (!all) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    }
    if (s == PT_OK) {
        char *copy = (char *)(all + count + 1);

        memcpy(copy, text, bytes + 1);
        cut(copy, bytes, all);
        all[count] = NULL;
        *lines = all;
        *n = count;
    }
    free(text);
    return s;
}

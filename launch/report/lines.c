#include "launch/report/lines.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

enum { MAX_BYTES = 1 << 30 };

static pt_status read_line(const pt_lines_reader *r, const char *path, size_t number,
                           const char *line, size_t n)
{
    json_t *j;
    pt_status s = PT_OK;

    if (r->wants && !r->wants(r->context, line, n)) return PT_OK;
    j = json_loadb(line, n, 0, NULL);
    if (json_is_object(j))
        r->take(r->context, j);
    else
        s = pt_fail(PT_ERR_DATA, "%s:%zu: error: not a JSON object", path, number);
    json_decref(j);
    return s;
}

pt_status pt_lines_each(const char *dir, const pt_lines_reader *r)
{
    char *path = pt_file_path(dir, "metrics.jsonl"), *line, *end;
    uint8_t *text = NULL;
    size_t n, number = 0;
    pt_status s = path ? pt_file_load_path(path, MAX_BYTES, &text, &n)
                       : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    for (line = (char *)text; s == PT_OK && (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        s = read_line(r, path, ++number, line, (size_t)(end - line));
    }
    free(text);
    free(path);
    return s;
}

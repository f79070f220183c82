#include "launch/report/lines.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

enum { MAX_BYTES = 1 << 30 };

pt_status pt_lines_each(const char *dir, void (*take)(void *context, const json_t *line),
                        void *context)
{
    char *path = pt_file_path(dir, "metrics.jsonl"), *line, *end;
    uint8_t *text = NULL;
    size_t n, number = 0;
    pt_status s = path ? pt_file_load_path(path, MAX_BYTES, &text, &n)
                       : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    for (line = (char *)text; s == PT_OK && (end = strchr(line, '\n')); line = end + 1) {
        json_t *j = json_loadb(line, (size_t)(end - line), 0, NULL);

        number++;
        if (json_is_object(j))
            take(context, j);
        else
            s = pt_fail(PT_ERR_DATA, "%s:%zu: error: not a JSON object", path, number);
        json_decref(j);
    }
    free(text);
    free(path);
    return s;
}

#include "launch/metrics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"

enum { MAX_BYTES = 1 << 30 };

json_t *pt_metrics_number(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

static bool stays(const json_t *line, uint64_t first_step, bool test_owed)
{
    const json_t *step = json_object_get(line, "step");
    uint64_t k = (uint64_t)json_integer_value(step);

    if (!json_is_integer(step) || k >= first_step) return false;
    return !(test_owed && k + 1 == first_step && json_object_get(line, "test_of"));
}

/* Moves the lines that stay to the front of text; returns their bytes. */
static size_t sift(char *text, uint64_t first_step, bool test_owed,
                   void (*kept)(void *context, const json_t *line), void *context)
{
    size_t at = 0;

    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        size_t n = (size_t)(end - line) + 1;
        json_t *j = json_loadb(line, n, 0, NULL);

        if (stays(j, first_step, test_owed)) {
            if (kept) kept(context, j);
            memmove(text + at, line, n);
            at += n;
        }
        json_decref(j);
    }
    return at;
}

pt_status pt_metrics_keep(const char *path, uint64_t first_step, bool test_owed,
                          void (*kept)(void *context, const json_t *line), void *context)
{
    uint8_t *text = NULL;
    size_t n = 0;
    pt_status s;

    if (access(path, F_OK) != 0) return PT_OK;
    s = pt_file_load_path(path, MAX_BYTES, &text, &n);
    if (s == PT_OK) n = sift((char *)text, first_step, test_owed, kept, context);
    if (s == PT_OK) s = pt_file_replace(path, (char *)text, n);
    free(text);
    return s;
}

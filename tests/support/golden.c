#include "tests/support/golden.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static float *read_values(FILE *f, size_t n)
{
    float *v = malloc((n + 1) * sizeof *v);

    assert_non_null(v);
    for (size_t i = 0; i < n; i++) assert_int_equal(fscanf(f, "%f", &v[i]), 1);
    return v;
}

float *golden_load(const char *path, const char *name, size_t n)
{
    FILE *f = fopen(path, "r");
    float *found = NULL;
    char word[128];

    if (!f) fail_msg("%s cannot be read", path);
    while (!found && fscanf(f, "%127s", word) == 1) {
        size_t count = 0;

        if (strcmp(word, name) == 0 && fscanf(f, "%zu", &count) == 1) {
            if (count != n) fail_msg("%s holds %zu values, expected %zu", name, count, n);
            found = read_values(f, n);
        } else if (fscanf(f, "%*[^\n]") == EOF) {
            break;
        }
    }
    fclose(f);
    if (!found) fail_msg("%s has no %s", path, name);
    return found;
}

double relative_distance(const float *a, const float *b, size_t n)
{
    double d = 0, norm = 0;

    for (size_t i = 0; i < n; i++) {
        d += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return norm > 0 ? sqrt(d / norm) : sqrt(d);
}

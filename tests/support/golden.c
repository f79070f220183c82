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

/* The file, read up to the count of `name`; NULL where it has none. */
static FILE *open_at(const char *path, const char *name, size_t *count)
{
    FILE *f = fopen(path, "r");
    char word[128];

    if (!f) fail_msg("%s cannot be read", path);
    while (fscanf(f, "%127s", word) == 1) {
        if (strcmp(word, name) == 0 && fscanf(f, "%zu", count) == 1) return f;
        if (fscanf(f, "%*[^\n]") == EOF) break;
    }
    fclose(f);
    return NULL;
}

bool golden_has(const char *path, const char *name)
{
    size_t count;
    FILE *f = open_at(path, name, &count);

    if (f) fclose(f);
    return f != NULL;
}

float *golden_load(const char *path, const char *name, size_t n)
{
    size_t count = 0;
    FILE *f = open_at(path, name, &count);
    float *found;

    if (!f) fail_msg("%s has no %s", path, name);
    if (count != n) fail_msg("%s holds %zu values, expected %zu", name, count, n);
    found = read_values(f, n);
    fclose(f);
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

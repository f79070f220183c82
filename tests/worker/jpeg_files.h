/* Reading small test files. */
#ifndef PT_TESTS_JPEG_FILES_H
#define PT_TESTS_JPEG_FILES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* The whole file, malloc'd (one byte more than it holds), or NULL. */
static inline uint8_t *read_file(const char *dir, const char *name, size_t *bytes)
{
    char path[8192];
    uint8_t *data = NULL;
    long n;
    FILE *f;

    *bytes = 0;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) return NULL;
    f = fopen(path, "rb");
    if (!f) return NULL;
    if (fseek(f, 0, SEEK_END) == 0 && (n = ftell(f)) >= 0 && fseek(f, 0, SEEK_SET) == 0) {
        data = malloc((size_t)n + 1);
        if (data) *bytes = fread(data, 1, (size_t)n, f);
    }
    fclose(f);
    return data;
}

#endif

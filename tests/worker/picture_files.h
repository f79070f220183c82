/* Small picture files: what Pillow makes of them, and what becomes of them where they are
 * cut or changed. */
#ifndef PT_TESTS_PICTURE_FILES_H
#define PT_TESTS_PICTURE_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "tests/worker/jpeg_files.h"
#include "worker/input/picture.h"

/* A line of golden.tsv. */
typedef struct {
    char name[64];
    long long height, width, sum[3], weighted;
} golden;

/* All n lines of DIR/golden.tsv. */
static inline void read_golden(const char *dir, golden *g, int n)
{
    char line[512];
    int found = 0;
    FILE *f;

    snprintf(line, sizeof line, "%s/golden.tsv", dir);
    f = fopen(line, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        golden one;

        if (sscanf(line, "%63s %lld %lld %lld %lld %lld %lld", one.name, &one.height,
                   &one.width, one.sum, one.sum + 1, one.sum + 2, &one.weighted) != 7)
            continue; /* the two lines of the heading */
        assert_true(found < n);
        g[found++] = one;
    }
    fclose(f);
    assert_int_equal(found, n);
}

/* "" or what is different. */
static inline void compare(const golden *g, const pt_image *im, char text[256])
{
    long long s[3] = {0, 0, 0}, w = 0;

    text[0] = '\0';
    if (im->height != g->height || im->width != g->width) {
        snprintf(text, 256, "%.63s: %d x %d, Pillow has %lld x %lld", g->name, im->width,
                 im->height, g->width, g->height);
        return;
    }
    for (long long i = 0; i < 3 * g->height * g->width; i++) {
        s[i % 3] += im->pixels[i];
        w += (i % 251 + 1) * im->pixels[i];
    }
    if (memcmp(s, g->sum, sizeof s) != 0 || w != g->weighted)
        snprintf(
            text, 256, "%.63s: sums %lld %lld %lld %lld, Pillow has %lld %lld %lld %lld",
            g->name, s[0], s[1], s[2], w, g->sum[0], g->sum[1], g->sum[2], g->weighted);
}

static inline pt_status decode_picture(const char *dir, const char *name, pt_image *im,
                                       char *warning)
{
    size_t bytes;
    uint8_t *file = read_file(dir, name, &bytes);
    pt_status s;

    if (!file) fail_msg("%s/%s cannot be read", dir, name);
    s = pt_picture_decode(file, bytes, im, warning);
    free(file);
    return s;
}

/* Every file of golden.tsv has the pixels that it has in Pillow. */
static inline void expect_golden(const char *dir, const golden *g, int n)
{
    char text[256];
    int different = 0;

    for (int i = 0; i < n; i++) {
        pt_image im;

        if (decode_picture(dir, g[i].name, &im, NULL) != PT_OK)
            fail_msg("%s: %s", g[i].name, pt_fail_text());
        compare(&g[i], &im, text);
        if (text[0]) print_message("%s\n", text);
        different += text[0] != '\0';
        pt_image_fini(&im);
    }
    assert_int_equal(different, 0);
}

/* Without its last bytes the file is refused; `spare` of them need not be there. */
static inline void refuse_every_cut(const char *dir, const char *name, size_t spare)
{
    size_t bytes;
    uint8_t *file = read_file(dir, name, &bytes);
    pt_image im;

    assert_non_null(file);
    for (size_t n = 0; n < bytes - spare; n++) {
        uint8_t *part = malloc(n + !n); /* so that a read past the end is seen */

        assert_non_null(part);
        memcpy(part, file, n);
        if (pt_picture_decode(part, n, &im, NULL) != PT_ERR_DATA)
            fail_msg("%s was read from its first %zu bytes", name, n);
        assert_null(im.pixels);
        free(part);
    }
    free(file);
}

static inline void survive_changed_bytes(const char *dir, const char *name)
{
    size_t bytes;
    uint8_t *file = read_file(dir, name, &bytes);
    char warnings[PT_PICTURE_WARNING];
    int height, width;
    pt_image im;

    assert_non_null(file);
    for (size_t i = 0; i < bytes; i++) {
        uint8_t kept = file[i];

        file[i] = (uint8_t)(kept ^ (1u << i % 8));
        if (pt_picture_size(file, bytes, &height, &width) == PT_OK &&
            (long)height * width < 1000000) {
            pt_status s = pt_picture_decode(file, bytes, &im, warnings);

            assert_true(s == PT_OK || s == PT_ERR_DATA);
            pt_image_fini(&im);
        }
        file[i] = kept;
    }
    free(file);
}

#endif

/* A folder of its own for each test of a layout, and what is expected of what is read. */
#ifndef PT_TESTS_LAYOUT_FILES_H
#define PT_TESTS_LAYOUT_FILES_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "launch/layouts/layout.h"

/* Every test has a new folder `root`. */
static char root[64];

static inline int make_root(void **state)
{
    strcpy(root, "/tmp/ptrain-layouts-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static inline int remove_one(const char *path, const struct stat *st, int type,
                             struct FTW *ftw)
{
    return remove(path);
}

static inline int remove_root(void **state)
{
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *at(const char *name)
{
    static char path[4][512];
    static int k;
    char *p = path[k++ % 4];

    snprintf(p, 512, "%s/%s", root, name);
    return p;
}

/* A file with its folders. */
static inline void put(const char *name, const char *text)
{
    char path[512];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", root, name);
    for (char *p = path + strlen(root) + 1; (p = strchr(p, '/')); p++) {
        *p = '\0';
        mkdir(path, 0777);
        *p = '/';
    }
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline void link_data(const char *name, const char *data)
{
    char target[512];

    snprintf(target, sizeof target, PT_TEST_DATA "/%s", data);
    put(name, "");
    unlink(at(name));
    assert_int_equal(symlink(target, at(name)), 0);
}

static inline pt_status read_with(const char *kind, const pt_layout_options *o,
                                  pt_layout *l)
{
    return pt_layout_read(kind, root, o, l);
}

static inline pt_layout read_ok(const char *kind, const pt_layout_options *o)
{
    const pt_layout_options none = {0};
    pt_layout l;

    if (read_with(kind, o ? o : &none, &l) != PT_OK) fail_msg("%s", pt_fail_text());
    return l;
}

static inline void expect_fault(const char *kind, pt_status status, const char *text)
{
    const pt_layout_options none = {0};
    pt_layout l;
    char expected[4096];

    snprintf(expected, sizeof expected, text, root, root, root, root, root, root);
    assert_int_equal(read_with(kind, &none, &l), status);
    assert_string_equal(pt_fail_text(), expected);
    assert_null(l.images);
}

static inline void expect_image(const pt_layout *l, size_t i, const char *name, int label)
{
    assert_true(i < l->n_images);
    assert_string_equal(l->images[i].name, name);
    assert_string_equal(l->images[i].path, at(name));
    assert_int_equal(l->images[i].label, label);
}

static inline void expect_split(const pt_layout *l, int k, const char *name, size_t n,
                                const uint32_t *images)
{
    assert_true(k < l->n_splits);
    assert_string_equal(l->splits[k].name, name);
    assert_int_equal(l->splits[k].n, n);
    assert_memory_equal(l->splits[k].images, images, n * sizeof *images);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_root, remove_root)

#endif

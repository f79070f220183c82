#include "tests/faults/fuzz/fuzz.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <hdf5.h>

#include "common/weights/model.h"
#include "common/weights/weights.h"

enum { VALUES_MAX = 1 << 24 };

/* libFuzzer keeps the input of a process that aborts, not of one that exits. */
static void abort_of_check(const char *text)
{
    fprintf(stderr, "PT_CHECK: %s\n", text);
    abort();
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    pt_check_set_handler(abort_of_check);
    return 0;
}

const char *pt_fuzz_file(const char *name, const uint8_t *bytes, size_t n)
{
    int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t at = 0;

    while (fd >= 0 && at < n) {
        ssize_t done = write(fd, bytes + at, n - at);
        if (done <= 0) break;
        at += (size_t)done;
    }
    PT_CHECK(fd >= 0 && at == n && close(fd) == 0, "%s cannot be written", name);
    return name;
}

const char *pt_fuzz_own_name(void)
{
    static char name[32];

    snprintf(name, sizeof name, "input.%ld", (long)getpid());
    return name;
}

static void read_table(const pt_table *t)
{
    for (size_t i = 0; i < t->n; i++) {
        const pt_table_entry *e = &t->entries[i];
        pt_status failed = PT_OK;
        float *values;

        pt_table_check(t, e, &failed);
        if (failed != PT_OK || e->count > VALUES_MAX) continue;
        values = malloc(e->count * sizeof *values + 1);
        if (values && pt_table_read(t, e, values) != PT_OK) failed = PT_ERR_DATA;
        free(values);
    }
}

static void inspect(const char *path)
{
    pt_graph *g = NULL;
    char **names = NULL;
    pt_weights_info info;
    size_t n;

    if (pt_weights_inspect(path, NULL, &info) != PT_OK) return;
    if (info.format != PT_FORMAT_MODEL) return;
    if (pt_graph_create(info.network, &info.options, &g) != PT_OK)
        PT_CHECK(!g, "a graph that failed is there");
    if (pt_model_class_names(path, &names, &n) != PT_OK)
        PT_CHECK(!names, "names that failed are there");
    pt_graph_destroy(&g);
    free(names);
}

void pt_fuzz_weights(pt_status (*reader)(const char *path, pt_table **out),
                     const char *path)
{
    pt_table *t = NULL;

    if (reader(path, &t) == PT_OK)
        read_table(t);
    else
        PT_CHECK(!t, "a table that failed is there");
    pt_table_destroy(&t);
    inspect(path);
}

void pt_fuzz_nothing_open(void)
{
    static const H5I_type_t kinds[] = {H5I_DATATYPE, H5I_DATASPACE, H5I_GENPROP_LST};
    static hsize_t before[3];
    static bool begun;

    PT_CHECK(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) == 0, "%zd open objects",
             H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL));
    for (int i = 0; i < 3; i++) {
        hsize_t n = 0;

        H5Inmembers(kinds[i], &n);
        PT_CHECK(!begun || n == before[i], "%llu, not %llu open objects of kind %d",
                 (unsigned long long)n, (unsigned long long)before[i], (int)kinds[i]);
        before[i] = n;
    }
    begun = true;
}

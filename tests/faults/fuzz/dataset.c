/* Packed data sets: the index, then every image. */
#include "common/data/dataset.h"

#include <stdlib.h>

#include "tests/faults/fuzz/fuzz.h"

static void read_images(const pt_dataset *d)
{
    for (size_t i = 0; i < pt_dataset_images(d); i++) {
        size_t bytes = pt_dataset_bytes(d, i);
        char *file = malloc(bytes + 1);
        pt_status s = file ? pt_dataset_read(d, i, file) : PT_ERR_NOMEM;

        PT_CHECK(s == PT_OK, "image %zu of an open data set: %s", i, pt_fail_text());
        PT_CHECK(pt_dataset_class_name(d, pt_dataset_label(d, i)), "no class");
        PT_CHECK(pt_dataset_name(d, i), "no name");
        free(file);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    const char *path = pt_fuzz_file(pt_fuzz_own_name(), bytes, n);
    const uint32_t *images;
    pt_dataset *d = NULL;
    size_t k;

    if (pt_dataset_open(path, &d) != PT_OK) {
        PT_CHECK(!d, "a data set that failed is there");
        pt_fuzz_nothing_open();
        return 0;
    }
    read_images(d);
    for (size_t i = 0; i < pt_dataset_splits(d); i++)
        PT_CHECK(pt_dataset_split(d, pt_dataset_split_name(d, i), &images, &k) == PT_OK,
                 "a split cannot be found by its name");
    if (pt_dataset_verify(d) != PT_OK) k = 0;
    pt_dataset_destroy(&d);
    pt_fuzz_nothing_open();
    return 0;
}

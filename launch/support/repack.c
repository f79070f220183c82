#include "launch/support/repack.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "launch/support/probe.h"

void pt_repack_advise(const char *path, const pt_dataset *d)
{
    if (!pt_dataset_has_sums(d))
        pt_log_warn("%s: was packed without checksums of its images, so damage to them "
                    "would go unnoticed; `ptrain pack %s NEW.h5` adds them",
                    path, path);
}

/* images, splits: [as many as d has] */
static pt_status write_copy(const char *output, const pt_dataset *d,
                            pt_pack_image *images, pt_pack_split *splits)
{
    size_t n = pt_dataset_images(d), n_splits = pt_dataset_splits(d);
    pt_status s = PT_OK;

    for (size_t i = 0; i < n; i++) {
        images[i] = (pt_pack_image){.from = d,
                                    .from_image = i,
                                    .name = pt_dataset_name(d, i),
                                    .label = pt_dataset_label(d, i),
                                    .bytes = pt_dataset_bytes(d, i)};
        pt_dataset_size(d, i, &images[i].height, &images[i].width);
    }
    for (size_t k = 0; k < n_splits && s == PT_OK; k++) {
        splits[k].name = pt_dataset_split_name(d, k);
        s = pt_dataset_split(d, splits[k].name, &splits[k].images, &splits[k].n);
    }
    if (s != PT_OK) return s;
    return pt_dataset_write(output,
                            &(pt_pack){.images = images,
                                       .n_images = n,
                                       .classes = pt_dataset_class_names(d),
                                       .n_classes = pt_dataset_classes(d),
                                       .splits = splits,
                                       .n_splits = n_splits,
                                       .source = pt_dataset_source(d),
                                       .licence = pt_dataset_licence(d),
                                       .pairs = pt_dataset_pairs(d)},
                            NULL);
}

pt_status pt_repack(const char *input, const char *output)
{
    pt_pack_image *images = NULL;
    pt_pack_split *splits = NULL;
    pt_dataset *d = NULL;
    pt_status s = pt_probe_dataset(input);

    if (s == PT_OK) s = pt_dataset_open(input, &d);
    if (s == PT_OK) s = pt_dataset_verify(d);
    if (s != PT_OK) goto done;
    images = calloc(pt_dataset_images(d), sizeof *images);
    splits = calloc(pt_dataset_splits(d) + 1, sizeof *splits);
    s = images && splits ? write_copy(output, d, images, splits)
                         : pt_fail(PT_ERR_NOMEM, "%s: no memory for the index", output);
    if (s == PT_OK) {
        pt_log_info("%s: %zu images of %d classes, as in %s", output,
                    pt_dataset_images(d), pt_dataset_classes(d), input);
        pt_log_info("checksum: %s", pt_dataset_checksum(d));
    }
done:
    free(images);
    free(splits);
    pt_dataset_destroy(&d);
    return s;
}

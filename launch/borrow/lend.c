#include "launch/borrow/lend.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/file.h"

/* images [source->n] and order [source->n], filled from the front; how many. */
static size_t collect(const pt_image_set *source, const pt_neighbour *lists,
                      size_t n_entries, pt_pack_image *images, uint32_t *order)
{
    size_t n = 0;

    memset(order, 0, source->n * sizeof *order); /* first: which are wanted */
    for (size_t i = 0; i < n_entries; i++) order[lists[i].image] = 1;
    for (size_t i = 0; i < source->n; i++) {
        size_t image = source->images[i];

        if (!order[i]) continue;
        images[n] = (pt_pack_image){.from = source->data,
                                    .from_image = image,
                                    .name = pt_dataset_name(source->data, image),
                                    .label = pt_dataset_label(source->data, image),
                                    .bytes = pt_dataset_bytes(source->data, image)};
        pt_dataset_size(source->data, image, &images[n].height, &images[n].width);
        order[n] = (uint32_t)n;
        n++;
    }
    return n;
}

/* begin [target->n + 1] and image [entries] of the lists, by numbers of the new set. */
static void make_pairs(const pt_image_set *target, const pt_image_set *source,
                       const size_t *k, const pt_neighbour *lists, uint32_t *place,
                       uint64_t *begin, uint32_t *image)
{
    uint32_t n = 0;

    memset(place, 0, source->n * sizeof *place); /* first: which are wanted */
    begin[0] = 0;
    for (size_t t = 0; t < target->n; t++) begin[t + 1] = begin[t] + k[t];
    for (size_t i = 0; i < begin[target->n]; i++) place[lists[i].image] = 1;
    for (size_t i = 0; i < source->n; i++)
        if (place[i]) place[i] = n++;
    for (size_t i = 0; i < begin[target->n]; i++) image[i] = place[lists[i].image];
}

pt_status pt_lend_write(const char *path, const pt_image_set *target,
                        const pt_image_set *source, const size_t *k,
                        const pt_neighbour *lists, size_t *n)
{
    size_t n_entries = 0;
    pt_pack_image *images = pt_calloc(source->n, sizeof *images);
    uint32_t *order = pt_calloc(source->n, sizeof *order), *pair;
    uint64_t *begin = pt_calloc(target->n + 1, sizeof *begin);
    pt_status s = PT_OK;

    for (size_t t = 0; t < target->n; t++) n_entries += k[t];
    pair = pt_calloc(n_entries, sizeof *pair);
    if (!images || !order || !pair || !begin) {
        s = pt_fail(PT_ERR_NOMEM, "no memory for the index of %s", path);
    } else {
        const pt_dataset *d = source->data;
        pt_pack_split split = {.name = "train", .images = order};
        pt_pairs pairs = {.of = pt_dataset_checksum(target->data),
                          .target = target->images,
                          .n = target->n,
                          .begin = begin,
                          .image = pair};
        pt_pack pack = {.images = images,
                        .classes = pt_dataset_class_names(d),
                        .n_classes = pt_dataset_classes(d),
                        .splits = &split,
                        .n_splits = 1,
                        .source = pt_dataset_source(d),
                        .licence = pt_dataset_licence(d),
                        .pairs = &pairs};

        make_pairs(target, source, k, lists, order, begin, pair);
        *n = split.n = pack.n_images = collect(source, lists, n_entries, images, order);
        s = pt_dataset_write(path, &pack, NULL);
    }
    free(images);
    free(order);
    free(pair);
    free(begin);
    return s;
}

pt_status pt_lend_list(const char *path, const pt_image_set *target,
                       const pt_image_set *source, const size_t *k,
                       const pt_neighbour *lists)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    pt_status s = PT_OK;

    if (!f) return pt_fail(PT_ERR_NOMEM, "no memory for %s", path);
    for (size_t t = 0; t < target->n; lists += k[t], t++)
        for (size_t i = 0; i < k[t]; i++)
            fprintf(f, "%s\t%s\t%.9g\n", pt_dataset_name(target->data, target->images[t]),
                    pt_dataset_name(source->data, source->images[lists[i].image]),
                    lists[i].distance);
    if (fclose(f) != 0)
        s = pt_fail(PT_ERR_NOMEM, "no memory for %s: %s", path, strerror(errno));
    if (s == PT_OK) s = pt_file_replace(path, text, bytes);
    free(text);
    return s;
}

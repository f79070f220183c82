#include "launch/borrow/packed_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"

/* What a borrowed set is made of. */
typedef struct {
    pt_pack_image *images; /* [n] of [source->n] */
    uint32_t *order;       /* [n]: 0, 1, ..., the split */
    size_t n;
    uint32_t *number; /* [source->n]: of an image in the new set */
    uint64_t *begin;  /* [target->n + 1] */
    uint32_t *pair;   /* [begin[target->n]] */
} parts;

static void add_image(parts *p, const pt_dataset *d, size_t image)
{
    pt_pack_image *im = &p->images[p->n];

    *im = (pt_pack_image){.from = d,
                          .from_image = image,
                          .name = pt_dataset_name(d, image),
                          .label = pt_dataset_label(d, image),
                          .bytes = pt_dataset_bytes(d, image)};
    pt_dataset_size(d, image, &im->height, &im->width);
    p->order[p->n] = (uint32_t)p->n;
    p->n++;
}

/* begin is filled. The images that are in any list, and the lists by their new numbers.
 */
static void fill(parts *p, const pt_image_set *target, const pt_image_set *source,
                 const pt_neighbour *lists)
{
    uint64_t n_entries = p->begin[target->n];

    for (uint64_t i = 0; i < n_entries; i++) p->number[lists[i].image] = 1; /* wanted */
    for (size_t i = 0; i < source->n; i++) {
        if (!p->number[i]) continue;
        p->number[i] = (uint32_t)p->n;
        add_image(p, source->data, source->images[i]);
    }
    for (uint64_t i = 0; i < n_entries; i++) p->pair[i] = p->number[lists[i].image];
}

static pt_status allocate(parts *p, const pt_image_set *target,
                          const pt_image_set *source, const size_t *k)
{
    p->images = pt_calloc(source->n, sizeof *p->images);
    p->order = pt_calloc(source->n, sizeof *p->order);
    p->number = pt_calloc(source->n, sizeof *p->number);
    p->begin = pt_calloc(target->n + 1, sizeof *p->begin);
    for (size_t t = 0; p->begin && t < target->n; t++)
        p->begin[t + 1] = p->begin[t] + k[t];
    if (p->begin) p->pair = pt_calloc(p->begin[target->n], sizeof *p->pair);
    return p->images && p->order && p->number && p->pair
               ? PT_OK
               : pt_fail(PT_ERR_NOMEM, "no memory for the index of the borrowed images");
}

pt_status pt_packed_set_write(const char *path, const pt_image_set *target,
                              const pt_image_set *source, const size_t *k,
                              const pt_neighbour *lists, size_t *n)
{
    const pt_dataset *d = source->data;
    parts p = {0};
    pt_status s = allocate(&p, target, source, k);

    if (s == PT_OK) {
        fill(&p, target, source, lists);
        *n = p.n;

        pt_pack_split split = {"train", p.order, p.n};
        pt_pairs pairs = {.of = pt_dataset_checksum(target->data),
                          .target = target->images,
                          .n = target->n,
                          .begin = p.begin,
                          .image = p.pair};

        s = pt_dataset_write(path,
                             &(pt_pack){.images = p.images,
                                        .n_images = p.n,
                                        .classes = pt_dataset_class_names(d),
                                        .n_classes = pt_dataset_classes(d),
                                        .splits = &split,
                                        .n_splits = 1,
                                        .source = pt_dataset_source(d),
                                        .licence = pt_dataset_licence(d),
                                        .pairs = &pairs},
                             NULL);
    }
    free(p.images);
    free(p.order);
    free(p.number);
    free(p.begin);
    free(p.pair);
    return s;
}

pt_status pt_packed_set_list(const char *path, const pt_image_set *target,
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

#include "common/data/dataset_private.h"

#include <stdlib.h>
#include <string.h>

#define GROUP "pairs"

static const char *const parts[] = {GROUP "/target", GROUP "/begin", GROUP "/image"};

pt_status pt_pairs_read(const pt_h5file *f, pt_pairs_data *out)
{
    size_t n_begin = 0, n_image = 0;
    pt_status s = PT_OK;

    *out = (pt_pairs_data){0};
    if (pt_h5file_kind(f, GROUP) != PT_H5_GROUP) return PT_OK;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (pt_h5file_kind(f, parts[i]) != PT_H5_DATASET)
            pt_fail_more(&s, PT_ERR_DATA, "%s: has no data set '%s'", pt_h5file_path(f),
                         parts[i]);
    if (s == PT_OK) s = pt_h5file_attr_string(f, GROUP, "of", &out->of);
    if (s == PT_OK)
        s = pt_h5file_read_u32(f, parts[0], PT_DATASET_MAX_IMAGES, &out->target,
                               &out->view.n);
    if (s == PT_OK)
        s = pt_h5file_read_u64(f, parts[1], PT_DATASET_MAX_IMAGES, &out->begin, &n_begin);
    if (s == PT_OK)
        s = pt_h5file_read_u32(f, parts[2], PT_DATASET_MAX_IMAGES, &out->image, &n_image);
    if (s != PT_OK) return s;
    if (n_begin != out->view.n + 1 || out->begin[0] != 0 ||
        out->begin[out->view.n] != n_image)
        return pt_fail(PT_ERR_DATA, "%s: 'pairs' has %zu targets, %zu bounds, %zu images",
                       pt_h5file_path(f), out->view.n, n_begin, n_image);
    out->view.of = out->of;
    out->view.target = out->target;
    out->view.begin = out->begin;
    out->view.image = out->image;
    return PT_OK;
}

void pt_pairs_check(const pt_pairs *p, size_t n_images, const char *path, pt_status *s)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->begin[i] >= p->begin[i + 1] || p->begin[i + 1] > p->begin[p->n]) {
            pt_fail_more(s, PT_ERR_DATA, "%s: target %zu of 'pairs' has no images", path,
                         i);
            return;
        }
        for (uint64_t k = p->begin[i]; k < p->begin[i + 1]; k++)
            if (p->image[k] >= n_images) {
                pt_fail_more(s, PT_ERR_DATA, "%s: 'pairs' names image %u of %zu", path,
                             p->image[k], n_images);
                return;
            }
    }
}

void pt_pairs_digest(pt_digest *digest, const pt_pairs *p)
{
    if (!p) return;
    pt_digest_add(digest, p->of, strlen(p->of) + 1);
    pt_digest_add(digest, p->target, p->n * sizeof *p->target);
    pt_digest_add(digest, p->begin, (p->n + 1) * sizeof *p->begin);
    pt_digest_add(digest, p->image, p->begin[p->n] * sizeof *p->image);
}

pt_status pt_pairs_write(pt_h5file *f, const pt_pairs *p)
{
    uint64_t n = p->n, n1 = p->n + 1;
    pt_status s = pt_h5file_write_u32(f, parts[0], 1, &n, p->target);

    if (s == PT_OK) s = pt_h5file_write_u64(f, parts[1], 1, &n1, p->begin);
    if (s == PT_OK) s = pt_h5file_write_u32(f, parts[2], 1, &p->begin[p->n], p->image);
    return s == PT_OK ? pt_h5file_set_string(f, GROUP, "of", p->of) : s;
}

void pt_pairs_fini(pt_pairs_data *p)
{
    free(p->of);
    free(p->target);
    free(p->begin);
    free(p->image);
    *p = (pt_pairs_data){0};
}

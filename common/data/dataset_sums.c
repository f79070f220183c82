#include <inttypes.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/data/dataset_private.h"

/* Where the parts of an index go, one after another. */
typedef struct {
    uint32_t crc;
    pt_digest *digest; /* NULL: the CRC alone */
} sink;

static void add(sink *to, const void *data, size_t n)
{
    if (to->digest)
        pt_digest_add(to->digest, data, n);
    else
        to->crc = pt_crc32c(to->crc, data, n);
}

static void add_text(sink *to, const char *text)
{
    add(to, text, strlen(text) + 1);
}

static void add_count(sink *to, size_t n)
{
    uint64_t count = n;

    add(to, &count, sizeof count);
}

static void add_split(sink *to, const pt_pack_split *s)
{
    add_text(to, s->name);
    add_count(to, s->n);
    add(to, s->images, s->n * sizeof *s->images);
}

static void add_pairs(sink *to, const pt_pairs *p)
{
    add_text(to, p->of);
    add_count(to, p->n);
    add(to, p->target, p->n * sizeof *p->target);
    add(to, p->begin, (p->n + 1) * sizeof *p->begin);
    add(to, p->image, p->begin[p->n] * sizeof *p->image);
}

static void add_index(sink *to, const pt_dataset_index *x)
{
    add_count(to, x->n);
    add_count(to, x->n_classes);
    add_count(to, x->n_splits);
    add(to, x->offset, (x->n + 1) * sizeof *x->offset);
    add(to, x->label, x->n * sizeof *x->label);
    add(to, x->height, x->n * sizeof *x->height);
    add(to, x->width, x->n * sizeof *x->width);
    if (x->crc) add(to, x->crc, x->n * sizeof *x->crc);
    for (size_t i = 0; i < x->n; i++) add_text(to, x->names[i]);
    for (size_t i = 0; i < x->n_classes; i++) add_text(to, x->classes[i]);
    for (size_t i = 0; i < x->n_splits; i++) add_split(to, &x->splits[i]);
    if (x->pairs) add_pairs(to, x->pairs);
    add_text(to, x->source);
    add_text(to, x->licence);
    add_text(to, x->checksum);
}

uint32_t pt_dataset_index_crc(const pt_dataset_index *x)
{
    sink to = {0};

    add_index(&to, x);
    return to.crc;
}

pt_status pt_dataset_check_index(const pt_dataset *d)
{
    uint32_t crc;

    if (!d->index.crc) return PT_OK;
    crc = pt_dataset_index_crc(&d->index);
    if ((int64_t)crc == d->index_crc) return PT_OK;
    return pt_fail(PT_ERR_DATA,
                   "%s: its index is damaged: the CRC32C is %08" PRIx32
                   ", expected %08" PRIx64,
                   d->path, crc, (uint64_t)d->index_crc);
}

bool pt_dataset_check_image(const pt_dataset *d, size_t image, const void *bytes,
                            pt_status *s)
{
    uint32_t crc;

    if (!d->index.crc) return false;
    crc = pt_crc32c(0, bytes,
                    (size_t)(d->index.offset[image + 1] - d->index.offset[image]));
    if (crc == d->index.crc[image]) return false;
    pt_fail_more(s, PT_ERR_DATA,
                 "%s: image %zu (%s) is damaged: the CRC32C of its bytes is %08" PRIx32
                 ", expected %08" PRIx32,
                 d->path, image, d->index.names[image], crc, d->index.crc[image]);
    return true;
}

pt_status pt_dataset_digest(const pt_dataset *d, char hex[PT_DIGEST_HEX])
{
    sink to = {0};
    pt_status s = pt_digest_create(&to.digest);

    if (s != PT_OK) return s;
    add_index(&to, &d->index);
    pt_digest_finish(&to.digest, hex);
    return PT_OK;
}

bool pt_dataset_has_sums(const pt_dataset *d)
{
    return d->index.crc != NULL;
}

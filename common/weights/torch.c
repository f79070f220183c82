#include "common/weights/torch.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/weights/torch_tensors.h"

enum {
    PICKLES_MAX = 64 << 20,
    /* bytes of a file that may be pickles */ PROTOCOL = 1001
};

/* 0x1950a86a20f9469cfc6c as protocol 2 writes it. */
const unsigned char pt_torch_magic[PT_TORCH_MAGIC] = {0x80, 0x02, 0x8a, 0x0a, 0x6c,
                                                      0xfc, 0x9c, 0x46, 0xf9, 0x20,
                                                      0x6a, 0xa8, 0x50, 0x19, '.'};

typedef struct {
    pt_torch torch;
    pt_file *file;
    size_t n_bytes, at; /* of torch.bytes: the part of the file that holds the pickles */
    pt_pickle *keys;
} legacy_file;

static void legacy_fini(void *source)
{
    legacy_file *f = source;

    pt_torch_fini(&f->torch);
    pt_pickle_destroy(&f->keys);
    pt_file_destroy(&f->file);
}

static pt_status legacy_read(const pt_torch *t, const pt_torch_storage *s, uint64_t at,
                             void *to, size_t n)
{
    return pt_file_read(((const legacy_file *)t)->file, s->place + at, to, n);
}

/* Finds the values of each storage behind the pickles. */
static pt_status place_storages(legacy_file *f)
{
    const pt_pickle_value *keys = pt_pickle_root(f->keys);
    uint64_t at = f->at;

    if (keys->kind != PT_PICKLE_LIST)
        return pt_fail(PT_ERR_DATA, "%s: the list of storages is %s", f->file->path,
                       pt_pickle_kind_text(keys->kind));
    for (size_t i = 0; i < keys->n; i++) {
        const pt_pickle_value *key = keys->items[i];
        pt_torch_storage *s = key->kind == PT_PICKLE_TEXT
                                  ? pt_torch_find(&f->torch, key->text, key->n)
                                  : NULL;
        uint8_t count[8];
        uint64_t n = 0;
        pt_status status = pt_file_read(f->file, at, count, sizeof count);

        if (status != PT_OK) return status;
        if (!s || s->placed)
            return pt_fail(PT_ERR_DATA, "%s: storage %zu is %s", f->file->path, i,
                           s ? "listed twice" : "of no tensor");
        for (int b = 0; b < 8; b++) n |= (uint64_t)count[b] << 8 * b;
        s->place = at += 8;
        s->placed = true;
        if (n != s->count)
            return pt_fail(PT_ERR_DATA,
                           "%s: storage %zu has %llu values, but its tensors expect %llu",
                           f->file->path, i, (unsigned long long)n,
                           (unsigned long long)s->count);
        if (n > (f->file->size - at) / pt_torch_value_bytes(s))
            return pt_fail(PT_ERR_DATA,
                           "%s: ends at byte %llu, inside the %llu values of storage %zu",
                           f->file->path, (unsigned long long)f->file->size,
                           (unsigned long long)n, i);
        at += n * pt_torch_value_bytes(s);
    }
    return PT_OK;
}

static pt_status read_pickles(legacy_file *f)
{
    const char *path = f->file->path;
    pt_pickle *p = NULL;
    pt_status s;

    f->n_bytes = f->file->size < PICKLES_MAX ? (size_t)f->file->size : PICKLES_MAX;
    f->torch.bytes = malloc(f->n_bytes + 1);
    if (!f->torch.bytes)
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for its pickles", path);
    s = pt_file_read(f->file, 0, f->torch.bytes, f->n_bytes);
    if (s != PT_OK) return s;
    if (f->n_bytes < PT_TORCH_MAGIC ||
        memcmp(f->torch.bytes, pt_torch_magic, PT_TORCH_MAGIC) != 0)
        return pt_fail(PT_ERR_DATA, "%s: is not a PyTorch file in the legacy format",
                       path);
    f->at = PT_TORCH_MAGIC;
    s = pt_pickle_read(path, f->torch.bytes, f->n_bytes, &f->at, pt_torch_globals, &p);
    if (s == PT_OK && (pt_pickle_root(p)->kind != PT_PICKLE_INT ||
                       pt_pickle_root(p)->integer != PROTOCOL))
        s = pt_fail(PT_ERR_DATA, "%s: its protocol is not %d", path, PROTOCOL);
    pt_pickle_destroy(&p);
    if (s != PT_OK) return s;
    s = pt_pickle_read(path, f->torch.bytes, f->n_bytes, &f->at, pt_torch_globals, &p);
    if (s == PT_OK && pt_pickle_root(p)->kind == PT_PICKLE_DICT) {
        const pt_pickle_value *v = pt_pickle_lookup(pt_pickle_root(p), "little_endian");

        if (v && v->kind == PT_PICKLE_BOOL && !v->integer)
            s = pt_fail(PT_ERR_DATA, "%s: big-endian files are not supported", path);
    }
    pt_pickle_destroy(&p);
    if (s != PT_OK) return s;
    s = pt_pickle_read(path, f->torch.bytes, f->n_bytes, &f->at, pt_torch_globals,
                       &f->torch.object);
    if (s != PT_OK) return s;
    return pt_pickle_read(path, f->torch.bytes, f->n_bytes, &f->at, pt_torch_globals,
                          &f->keys);
}

static pt_status legacy_fill(pt_table *t, void *source)
{
    legacy_file *f = source;
    pt_status s = pt_file_open(t->path, &f->file);

    f->torch.read = legacy_read;
    if (s == PT_OK) s = read_pickles(f);
    if (s == PT_OK) s = pt_torch_collect(&f->torch, t->path);
    if (s == PT_OK) s = place_storages(f);
    if (s == PT_OK) s = pt_torch_add_tensors(&f->torch, t);
    if (s != PT_OK) return s;
    pt_torch_forget_pickles(&f->torch);
    pt_pickle_destroy(&f->keys);
    return PT_OK;
}

pt_status pt_torch_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(legacy_file),
                                     .fill = legacy_fill,
                                     .read_part = pt_torch_read_part,
                                     .fini = legacy_fini};

    return pt_table_open(path, &ops, out);
}

#include "common/weights/torch_zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/weights/archive.h"
#include "common/weights/torch_tensors.h"

enum { PICKLE_MAX = 64 << 20, DIRECTORY_MAX = 256, KEY_MAX = 64 };

typedef struct {
    pt_torch torch;
    pt_archive *archive;
    char directory[DIRECTORY_MAX]; /* with the slash at its end */
} torch_zip_file;

static void zip_fini(void *source)
{
    torch_zip_file *f = source;

    pt_torch_fini(&f->torch);
    pt_archive_destroy(&f->archive);
}

static pt_status zip_read(const pt_torch *t, const pt_torch_storage *s, uint64_t at,
                          void *to, size_t n)
{
    return pt_archive_read(((const torch_zip_file *)t)->archive, (size_t)s->place, at, to,
                           n);
}

/* ---- which zip file it is ---------------------------------------------------------- */

static bool ends(const char *name, const char *with)
{
    size_t n = strlen(name), k = strlen(with);

    return n >= k && strcmp(name + n - k, with) == 0;
}

/* The first entry whose name ends so, or NULL. */
static const char *find_ending(const pt_archive *a, const char *with)
{
    for (size_t i = 0; i < pt_archive_entries(a); i++)
        if (ends(pt_archive_name(a, i), with)) return pt_archive_name(a, i);
    return NULL;
}

static pt_status not_torch(const pt_archive *a, const char *path)
{
    if (find_ending(a, "model.weights.h5"))
        return pt_fail(PT_ERR_DATA,
                       "%s: is a .keras archive; in Python: "
                       "keras.models.load_model(FILE).save_weights(\"weights.h5\")",
                       path);
    if (find_ending(a, ".npy"))
        return pt_fail(PT_ERR_DATA,
                       "%s: is a NumPy archive (.npz); in Python: "
                       "safetensors.numpy.save_file(dict(numpy.load(FILE)), "
                       "\"weights.safetensors\")",
                       path);
    return pt_fail(PT_ERR_DATA,
                   "%s: is a zip file without a data.pkl: not weights of PyTorch", path);
}

/* The directory of everything: that of data.pkl. */
static pt_status find_directory(torch_zip_file *f, const char *path)
{
    const char *pickle = find_ending(f->archive, "data.pkl");
    size_t n;

    if (!pickle) return not_torch(f->archive, path);
    if (find_ending(f->archive, "/constants.pkl"))
        return pt_fail(PT_ERR_DATA,
                       "%s: is a TorchScript program; its weights alone, in Python: "
                       "torch.save(torch.jit.load(FILE).state_dict(), \"weights.pth\")",
                       path);
    n = strlen(pickle) - strlen("data.pkl");
    if (n >= DIRECTORY_MAX || (n > 0 && pickle[n - 1] != '/'))
        return not_torch(f->archive, path);
    memcpy(f->directory, pickle, n);
    return PT_OK;
}

/* The entry of that name in the directory. */
static bool find_entry(const torch_zip_file *f, const char *name, size_t n, size_t *i)
{
    char whole[DIRECTORY_MAX + KEY_MAX + 16];

    if (n > KEY_MAX || memchr(name, '\0', n)) return false;
    snprintf(whole, sizeof whole, "%s%.*s", f->directory, (int)n, name);
    return pt_archive_find(f->archive, whole, i);
}

/* ---- what is in it ----------------------------------------------------------------- */

static pt_status check_order(const torch_zip_file *f, const char *path)
{
    static const char little[] = "little";
    char order[sizeof little - 1];
    size_t i;
    pt_status s;

    if (!find_entry(f, "byteorder", strlen("byteorder"), &i)) return PT_OK; /* older */
    s = pt_archive_read(f->archive, i, 0, order, 3);
    if (s == PT_OK && memcmp(order, little, 3) != 0)
        s = pt_fail(PT_ERR_DATA, "%s: big-endian files are not supported", path);
    return s;
}

static pt_status read_object(torch_zip_file *f, const char *path)
{
    uint64_t size = 0;
    size_t i, at = 0;
    pt_status s;

    if (!find_entry(f, "data.pkl", strlen("data.pkl"), &i))
        return not_torch(f->archive, path);
    s = pt_archive_size(f->archive, i, &size);
    if (s != PT_OK) return s;
    if (size > PICKLE_MAX)
        return pt_fail(PT_ERR_DATA, "%s: its data.pkl has %llu bytes, the limit is %d",
                       path, (unsigned long long)size, PICKLE_MAX);
    f->torch.bytes = malloc((size_t)size + 1);
    if (!f->torch.bytes) return pt_fail(PT_ERR_NOMEM, "%s: no memory for it", path);
    s = pt_archive_read(f->archive, i, 0, f->torch.bytes, (size_t)size);
    if (s != PT_OK) return s;
    return pt_pickle_read(path, f->torch.bytes, (size_t)size, &at, pt_torch_globals,
                          &f->torch.object);
}

/* Finds the entry of each storage. */
static pt_status place_storages(torch_zip_file *f, const char *path)
{
    for (size_t k = 0; k < f->torch.n_storages; k++) {
        pt_torch_storage *s = &f->torch.storages[k];
        char name[KEY_MAX];
        uint64_t size, wanted;
        size_t i;
        int n = snprintf(name, sizeof name, "data/%.*s",
                         (int)(s->n_key < KEY_MAX ? s->n_key : KEY_MAX), s->key);
        pt_status status;

        if (n >= KEY_MAX || !find_entry(f, name, (size_t)n, &i)) continue;
        status = pt_archive_size(f->archive, i, &size);
        if (status != PT_OK) return status;
        if (__builtin_mul_overflow(s->count, pt_torch_value_bytes(s), &wanted) ||
            size < wanted)
            return pt_fail(
                PT_ERR_DATA, "%s: its entry %s has %llu bytes, too few for %llu values",
                path, name, (unsigned long long)size, (unsigned long long)s->count);
        s->place = i;
        s->placed = true;
    }
    return PT_OK;
}

static pt_status zip_fill(pt_table *t, void *source)
{
    torch_zip_file *f = source;
    pt_status s = pt_archive_open(t->path, &f->archive);

    f->torch.read = zip_read;
    if (s == PT_OK) s = find_directory(f, t->path);
    if (s == PT_OK) s = check_order(f, t->path);
    if (s == PT_OK) s = read_object(f, t->path);
    if (s == PT_OK) s = pt_torch_collect(&f->torch, t->path);
    if (s == PT_OK) s = place_storages(f, t->path);
    if (s == PT_OK) s = pt_torch_add_tensors(&f->torch, t);
    if (s == PT_OK) pt_torch_forget_pickles(&f->torch);
    return s;
}

pt_status pt_torch_zip_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(torch_zip_file),
                                     .fill = zip_fill,
                                     .read_part = pt_torch_read_part,
                                     .fini = zip_fini};

    return pt_table_open(path, &ops, out);
}

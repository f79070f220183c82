#include "common/weights/archive.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

struct pt_archive {
    zip_t *zip;
    char *path;
};

void pt_archive_destroy(pt_archive **a)
{
    if (!a || !*a) return;
    if ((*a)->zip) zip_discard((*a)->zip);
    free((*a)->path);
    free(*a);
    *a = NULL;
}

pt_status pt_archive_open(const char *path, pt_archive **out)
{
    pt_archive *a = calloc(1, sizeof *a);
    int code = 0;
    pt_status s = PT_OK;

    *out = NULL;
    if (a) a->path = strdup(path);
    if (!a || !a->path) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    if (s == PT_OK) a->zip = zip_open(path, ZIP_RDONLY, &code);
    if (s == PT_OK && !a->zip) {
        zip_error_t why;

        zip_error_init_with_code(&why, code);
        s = pt_fail(code == ZIP_ER_OPEN || code == ZIP_ER_NOENT ? PT_ERR_IO : PT_ERR_DATA,
                    "%s: its zip directory cannot be read (%s): is the file complete?",
                    path, zip_error_strerror(&why));
        zip_error_fini(&why);
    }
    if (s != PT_OK) pt_archive_destroy(&a);
    *out = a;
    return s;
}

size_t pt_archive_entries(const pt_archive *a)
{
    zip_int64_t n = zip_get_num_entries(a->zip, 0);

    return n > 0 ? (size_t)n : 0;
}

const char *pt_archive_name(const pt_archive *a, size_t i)
{
    const char *name = zip_get_name(a->zip, i, ZIP_FL_ENC_RAW);

    return name ? name : "";
}

bool pt_archive_find(const pt_archive *a, const char *name, size_t *i)
{
    zip_int64_t at = zip_name_locate(a->zip, name, ZIP_FL_ENC_RAW);

    if (at >= 0) *i = (size_t)at;
    return at >= 0;
}

static pt_status broken(const pt_archive *a, size_t i, const char *why)
{
    return pt_fail(PT_ERR_DATA, "%s: its entry %.80s %s", a->path, pt_archive_name(a, i),
                   why);
}

pt_status pt_archive_size(const pt_archive *a, size_t i, uint64_t *size)
{
    zip_stat_t st;

    if (zip_stat_index(a->zip, i, 0, &st) != 0 || !(st.valid & ZIP_STAT_SIZE))
        return broken(a, i, "has no size");
    if (st.valid & ZIP_STAT_COMP_METHOD && st.comp_method != ZIP_CM_STORE)
        return broken(a, i, "is compressed; PyTorch stores entries as they are");
    if (st.valid & ZIP_STAT_ENCRYPTION_METHOD && st.encryption_method != ZIP_EM_NONE)
        return broken(a, i, "is encrypted");
    *size = st.size;
    return PT_OK;
}

/* Reads n bytes, and where they are the last of the entry looks at what follows: there
 * the library compares the checksum. */
static bool read_all(zip_file_t *f, void *to, size_t n, bool last)
{
    char *at = to, more;

    while (n > 0) {
        zip_int64_t some = zip_fread(f, at, n);

        if (some <= 0) return false;
        at += some;
        n -= (size_t)some;
    }
    return !last || zip_fread(f, &more, 1) == 0;
}

pt_status pt_archive_read(const pt_archive *a, size_t i, uint64_t at, void *to, size_t n)
{
    uint64_t size;
    zip_file_t *f;
    bool ok;
    pt_status s = pt_archive_size(a, i, &size);

    if (s != PT_OK) return s;
    if (at > size || n > size - at)
        return pt_fail(
            PT_ERR_DATA,
            "%s: its entry %.80s has %llu bytes, bytes %llu to %llu are needed", a->path,
            pt_archive_name(a, i), (unsigned long long)size, (unsigned long long)at,
            (unsigned long long)(at + n));
    f = zip_fopen_index(a->zip, i, 0);
    if (!f) return broken(a, i, "cannot be opened");
    ok = (at == 0 || zip_fseek(f, (zip_int64_t)at, SEEK_SET) == 0) &&
         read_all(f, to, n, at == 0 && n == size);
    zip_fclose(f);
    return ok ? PT_OK : broken(a, i, "is cut short or damaged");
}

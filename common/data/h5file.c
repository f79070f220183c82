#include "common/data/h5file_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/fscall.h"
#include "common/base/log.h"

enum { MAX_MEMBERS = 1 << 20 };

/* The library's own shutdown closes what is still open, and crashes if a full disk has
 * prevented that before. So it is turned off before the library's first call. */
void pt_h5_quiet(void)
{
    H5dont_atexit(); /* refused once the library has begun */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

typedef struct {
    char text[512];
    bool no_memory;
} reason;

static herr_t take_first(unsigned n, const H5E_error2_t *e, void *context)
{
    reason *r = context;

    if (r->text[0] || !e->desc) return 0;
    snprintf(r->text, sizeof r->text, "%s", e->desc);
    r->no_memory = e->min_num == H5E_NOSPACE || e->min_num == H5E_CANTALLOC;
    return 0;
}

/* The innermost message of this thread's stack. */
static void innermost(reason *r)
{
    *r = (reason){0};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, r);
    if (!r->text[0])
        snprintf(r->text, sizeof r->text, "the HDF5 library gives no reason");
    for (char *p = r->text; *p; p++)
        if (*p == '\n') *p = ' ';
}

pt_status pt_h5_fail(const pt_h5file *f, pt_status s, const char *what,
                     const char *object)
{
    static const int full[] = {ENOSPC, EDQUOT, EFBIG};
    char number[32];
    reason why;

    innermost(&why);
    H5Eclear2(H5E_DEFAULT);
    for (size_t i = 0; i < sizeof full / sizeof *full; i++) {
        snprintf(number, sizeof number, "errno = %d,", full[i]);
        if (strstr(why.text, number)) /* the library's text is long, and names a memory */
            return pt_fail(s, "%s: cannot be written: %s", f->path, strerror(full[i]));
    }
    return pt_fail(why.no_memory ? PT_ERR_NOMEM : s, "%s: %s '%s': %s", f->path, what,
                   object, why.text);
}

bool pt_h5file_safe_for_threads(void)
{
    hbool_t safe = 0;

    pt_h5_quiet();
    return H5is_library_threadsafe(&safe) >= 0 && safe;
}

/* ---- opening ---------------------------------------------------------------------- */

static herr_t refuse_link(const char *parent_file, const char *parent_group,
                          const char *child_file, const char *child_object,
                          unsigned *flags, hid_t fapl, void *context)
{
    return -1;
}

static pt_status file_new(const char *path, pt_h5file **out)
{
    pt_h5file *f = calloc(1, sizeof *f);

    *out = NULL;
    if (!f) return pt_fail(PT_ERR_NOMEM, "%s: no memory", path);
    f->id = f->links = H5I_INVALID_HID;
    f->path = strdup(path);
    pt_h5_quiet();
    if (H5open() >= 0) H5PLset_loading_state(0);
    f->links = H5Pcreate(H5P_LINK_ACCESS);
    if (!f->path || f->links < 0 || H5Pset_elink_cb(f->links, refuse_link, NULL) < 0) {
        pt_h5file_destroy(&f);
        return pt_fail(PT_ERR_NOMEM, "%s: the HDF5 library cannot be initialised", path);
    }
    *out = f;
    return PT_OK;
}

/* Reports, in the system's words, why a file cannot be read, before the library tries. */
static pt_status look_at(pt_h5file *f)
{
    struct stat st;
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", f->path, strerror(errno));
    if (fstat(fd, &st) != 0) {
        close(fd);
        return pt_fail(PT_ERR_IO, "%s: %s", f->path, strerror(errno));
    }
    close(fd);
    if (!S_ISREG(st.st_mode)) return pt_fail(PT_ERR_DATA, "%s: not a file", f->path);
    f->bytes = (uint64_t)st.st_size;
    return PT_OK;
}

static hid_t open_without_locks(const char *path)
{
    static atomic_flag reported = ATOMIC_FLAG_INIT;
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS), id = H5I_INVALID_HID;

#if H5_VERSION_GE(1, 10, 7)
    if (fapl >= 0 && H5Pset_file_locking(fapl, 0, 1) >= 0)
        id = H5Fopen(path, H5F_ACC_RDONLY, fapl);
#endif
    if (fapl >= 0) H5Pclose(fapl);
    if (id >= 0 && !atomic_flag_test_and_set(&reported))
        pt_log_warn("%s: the file system does not support locks; reading without one",
                    path);
    return id;
}

pt_status pt_h5file_open(const char *path, pt_h5file **out)
{
    char held[32];
    reason why;
    pt_h5file *f = NULL;
    pt_status s = file_new(path, &f);

    *out = NULL;
    if (s == PT_OK) s = look_at(f);
    if (s != PT_OK) goto done;
    f->id = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (f->id >= 0) goto done;
    innermost(&why);
    snprintf(held, sizeof held, "errno = %d,", EWOULDBLOCK);
    if (!strstr(why.text, "lock file")) { /* a superblock is no lock */
        s = pt_h5_fail(f, PT_ERR_DATA, "cannot be opened as", "HDF5");
    } else if (strstr(why.text, held)) {
        s = pt_fail(PT_ERR_IO, "%s: another program is writing it (locked)", path);
    } else {
        f->id = open_without_locks(path);
        if (f->id < 0) s = pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", path, why.text);
    }
done:
    if (s == PT_OK) {
        *out = f;
        f = NULL;
    }
    pt_h5file_destroy(&f);
    return s;
}

pt_status pt_h5file_create(const char *path, pt_h5file **out)
{
    pt_h5file *f = NULL;
    pt_status s = file_new(path, &f);
    int fd;

    *out = NULL;
    if (s != PT_OK) return s;
    s = pt_file_temporary(path, &f->temporary, &fd);
    if (s != PT_OK) goto done;
    close(fd);
    pt_fscall_begin_library("open", path);
    f->id = H5Fcreate(f->temporary, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    pt_fscall_end();
    if (f->id < 0) s = pt_h5_fail(f, PT_ERR_IO, "cannot be created as", "HDF5");
    if (s == PT_OK) {
        *out = f;
        f = NULL;
    }
done:
    pt_h5file_destroy(&f);
    return s;
}

static pt_status sync_file(const pt_h5file *f)
{
    int fd = open(f->temporary, O_RDONLY | O_CLOEXEC);
    pt_status s = PT_OK;

    if (fd < 0) return pt_fail(PT_ERR_IO, "%s: %s", f->temporary, strerror(errno));
    pt_fscall_begin("fsync", f->path);
    if (fsync(fd) != 0 && errno != EINVAL)
        s = pt_fail(PT_ERR_IO, "%s: cannot be written to disk: %s", f->path,
                    strerror(errno));
    pt_fscall_end();
    close(fd);
    return s;
}

pt_status pt_h5file_commit(pt_h5file **pf)
{
    pt_h5file *f = *pf;
    pt_status s = PT_OK;
    herr_t e;

    pt_h5_quiet();
    if (!f->temporary) {
        s = pt_fail(PT_ERR_BUG, "%s: was not opened for writing", f->path);
        goto done;
    }
    if (H5Fget_obj_count(f->id, H5F_OBJ_ALL) > 1) {
        s = pt_fail(PT_ERR_BUG, "%s: objects are still open", f->path);
        goto done;
    }
    pt_fscall_begin_library("write", f->path);
    e = H5Fflush(f->id, H5F_SCOPE_LOCAL);
    if (e >= 0) {
        e = H5Fclose(f->id);
        f->id = H5I_INVALID_HID;
    }
    pt_fscall_end();
    if (e < 0) s = pt_h5_fail(f, PT_ERR_IO, "cannot be written as", "HDF5");
    if (s == PT_OK) s = sync_file(f);
    if (s != PT_OK) goto done;
    pt_fscall_begin("rename", f->path);
    e = rename(f->temporary, f->path);
    pt_fscall_end();
    if (e != 0) {
        s = pt_fail(PT_ERR_IO, "%s: cannot be renamed to its final name: %s", f->path,
                    strerror(errno));
        goto done;
    }
    free(f->temporary);
    f->temporary = NULL;
    s = pt_file_sync_parent(f->path);
done:
    pt_h5file_destroy(pf);
    return s;
}

/* A file that will not be finished. Where the disk is full the library cannot close it,
 * and what it then still believes to be open it would find again in the next file that
 * gets the same inode. So it stays open, empty and without a name, until the process
 * ends. */
static void abandon(const pt_h5file *f)
{
    bool closes = H5Fget_obj_count(f->id, H5F_OBJ_ALL) == 1 &&
                  H5Fflush(f->id, H5F_SCOPE_LOCAL) >= 0;

    if (closes)
        H5Fclose(f->id);
    else if (truncate(f->temporary, 0) != 0)
        pt_log_warn("%s: its space stays in use until the program ends: %s", f->temporary,
                    strerror(errno));
    H5Eclear2(H5E_DEFAULT);
}

void pt_h5file_destroy(pt_h5file **pf)
{
    pt_h5file *f = pf ? *pf : NULL;

    if (!f) return;
    pt_h5_quiet();
    if (f->id >= 0 && f->temporary)
        abandon(f);
    else if (f->id >= 0)
        H5Fclose(f->id);
    if (f->links >= 0) H5Pclose(f->links);
    if (f->temporary) unlink(f->temporary);
    free(f->temporary);
    free(f->path);
    free(f);
    *pf = NULL;
}

const char *pt_h5file_path(const pt_h5file *f)
{
    return f->path;
}

uint64_t pt_h5file_bytes(const pt_h5file *f)
{
    return f->bytes;
}

const char *pt_h5file_current_path(const pt_h5file *f)
{
    return f->temporary ? f->temporary : f->path;
}

/* ---- looking around --------------------------------------------------------------- */

pt_status pt_h5_open_object(const pt_h5file *f, const char *path, hid_t *out)
{
    *out = H5I_INVALID_HID;
    if (H5Lexists(f->id, path, f->links) <= 0) {
        H5Eclear2(H5E_DEFAULT);
        return pt_fail(PT_ERR_DATA, "%s: has no '%s'", f->path, path);
    }
    *out = H5Oopen(f->id, path, f->links);
    if (*out < 0) return pt_h5_fail(f, PT_ERR_DATA, "cannot open", path);
    return PT_OK;
}

pt_h5_kind pt_h5file_kind(const pt_h5file *f, const char *path)
{
    pt_h5_kind kind = PT_H5_NONE;
    hid_t id = H5I_INVALID_HID;

    pt_h5_quiet();
    if (H5Lexists(f->id, path, f->links) > 0) id = H5Oopen(f->id, path, f->links);
    if (id >= 0) {
        H5I_type_t t = H5Iget_type(id);
        kind = t == H5I_GROUP     ? PT_H5_GROUP
               : t == H5I_DATASET ? PT_H5_DATASET
                                  : PT_H5_NONE;
        H5Oclose(id);
    }
    H5Eclear2(H5E_DEFAULT);
    return kind;
}

typedef struct {
    size_t n, bytes; /* counted first */
    char **names;    /* then filled, text behind the pointers */
    char *text;
} listing;

static herr_t list_one(hid_t group, const char *name, const H5L_info_t *info,
                       void *context)
{
    listing *l = context;
    size_t len = strlen(name) + 1;

    if (!l->names) {
        l->bytes += len;
        return ++l->n > MAX_MEMBERS ? -1 : 0;
    }
    if (l->n == 0) return -1;
    *l->names++ = l->text;
    memcpy(l->text, name, len);
    l->text += len;
    l->n--;
    return 0;
}

/* The order by name is strcmp's. */
static herr_t list_members(hid_t group, listing *l)
{
    hsize_t at = 0;

    return H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &at, list_one, l);
}

pt_status pt_h5file_list(const pt_h5file *f, const char *group, char ***names, size_t *n)
{
    listing l = {0}, fill;
    char **block = NULL;
    hid_t id;
    pt_status s;

    *names = NULL;
    pt_h5_quiet();
    s = pt_h5_open_object(f, group, &id);
    if (s != PT_OK) return s;
    if (H5Iget_type(id) != H5I_GROUP) {
        s = pt_fail(PT_ERR_DATA, "%s: '%s' is not a group", f->path, group);
        goto done;
    }
    if (list_members(id, &l) < 0) {
        s = l.n > MAX_MEMBERS ? pt_fail(PT_ERR_DATA, "%s: '%s' has more than %d members",
                                        f->path, group, MAX_MEMBERS)
                              : pt_h5_fail(f, PT_ERR_DATA, "cannot list", group);
        goto done;
    }
    block = malloc((l.n + 1) * sizeof *block + l.bytes);
    if (!block) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu names", f->path, l.n);
        goto done;
    }
    fill = (listing){.n = l.n, .names = block, .text = (char *)(block + l.n + 1)};
    if (list_members(id, &fill) < 0) {
        s = pt_h5_fail(f, PT_ERR_DATA, "cannot list", group);
        goto done;
    }
    block[l.n] = NULL;
    if (n) *n = l.n;
    *names = block;
    block = NULL;
done:
    free(block);
    H5Oclose(id);
    return s;
}

bool pt_h5file_has_attr(const pt_h5file *f, const char *object, const char *name)
{
    bool has;

    pt_h5_quiet();
    has = pt_h5file_kind(f, object) != PT_H5_NONE &&
          H5Aexists_by_name(f->id, object, name, f->links) > 0;
    H5Eclear2(H5E_DEFAULT);
    return has;
}

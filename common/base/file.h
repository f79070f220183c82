/* Files: read at an offset or whole, every length checked; replaced in one move.
 * Directories. */
#ifndef PT_COMMON_BASE_FILE_H
#define PT_COMMON_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/status.h"

typedef struct {
    int fd;
    uint64_t size; /* bytes, when it was opened */
    char *path;
} pt_file;

/* Regular files only. PT_ERR_IO when it cannot be opened. On failure *out is NULL. */
PT_MUST_USE pt_status pt_file_open(const char *path, pt_file **out);

/* Frees *s and sets it to NULL. NULL and &NULL are allowed. */
void pt_file_destroy(pt_file **s);

/* Bytes [at, at + n). PT_ERR_DATA if the range is not inside the file. */
PT_MUST_USE pt_status pt_file_read(const pt_file *s, uint64_t at, void *to, size_t n);

/* The whole file, malloc'd, with a zero after it that *n does not count. PT_ERR_DATA if
 * it is larger than `max` bytes. */
PT_MUST_USE pt_status pt_file_load(const pt_file *s, size_t max, uint8_t **bytes,
                                   size_t *n);

/* Opens, loads, closes. */
PT_MUST_USE pt_status pt_file_load_path(const char *path, size_t max, uint8_t **bytes,
                                        size_t *n);

/* Makes a new, empty file beside path, for what is to become path once it is complete:
 * named path and ".tmp." and 16 random hexadecimal digits, never one that is there, nor
 * behind a link. PT_ERR_IO where path is there and no regular file. *name is malloc'd,
 * *fd open for writing; the caller closes, and renames or unlinks. No other function
 * creates temporary files. */
PT_MUST_USE pt_status pt_file_temporary(const char *path, char **name, int *fd);

/* Ends a temporary file that is closed: s PT_OK and it becomes path, the directory
 * synced; else it is removed, and s returned. */
PT_MUST_USE pt_status pt_file_take_name(const char *temporary, const char *path,
                                        pt_status s);

/* Could `name` be a temporary file of this or an older version that was to become `of`
 * (both without directories)? */
bool pt_file_is_temporary(const char *name, const char *of);

/* Puts text [n bytes] at path in one move: temporary name beside it, fsync, rename, fsync
 * of the directory. path holds the old or the new text, never a part. */
PT_MUST_USE pt_status pt_file_replace(const char *path, const char *text, size_t n);

/* fsync of the directory that holds path. */
PT_MUST_USE pt_status pt_file_sync_parent(const char *path);

/* Free bytes, available to us, on the file system of path's directory; false: unknown. */
bool pt_file_free_bytes(const char *path, uint64_t *bytes);

/* Whether a file of `bytes` fits beside path: the space is reserved and released again.
 * PT_ERR_IO with the bytes needed and free. If the file system cannot reserve space, its
 * count of free bytes decides. */
PT_MUST_USE pt_status pt_file_check_space(const char *path, uint64_t bytes);

/* dir/name, malloc'd; NULL without memory. */
char *pt_file_path(const char *dir, const char *name);

/* Makes a directory that survives a crash, unless something of this name exists. */
PT_MUST_USE pt_status pt_file_make_dir(const char *path);

/* Makes every missing directory above path (mkdir -p of its parent). */
PT_MUST_USE pt_status pt_file_make_parents(const char *path);

#endif

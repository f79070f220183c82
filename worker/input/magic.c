#include "worker/input/magic.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    size_t at;
    const char *bytes;
    size_t n;
    const char *name;
    pt_picture_format format;
} magic;

static const magic known[] = {
    {0, "\xff\xd8\xff", 3, "a JPEG", PT_PICTURE_JPEG},
    {0, "\x89PNG", 4, "a PNG", PT_PICTURE_PNG},
    {8, "WEBP", 4, "a WebP", PT_PICTURE_WEBP},
    {0, "GIF8", 4, "a GIF", PT_PICTURE_GIF},
    {0, "BM", 2, "a BMP", PT_PICTURE_BMP},
    {0, "II*\0", 4, "a TIFF", PT_PICTURE_TIFF},
    {0, "MM\0*", 4, "a TIFF", PT_PICTURE_TIFF},
    {0, "\0\0\0\x0cjP  ", 8, "a JPEG 2000", PT_PICTURE_UNKNOWN},
    {0, "\xff\x4f\xff\x51", 4, "a JPEG 2000", PT_PICTURE_UNKNOWN},
    {0, "\0\0\0\x0cJXL ", 8, "a JPEG XL", PT_PICTURE_UNKNOWN},
    {0, "\xff\x0a", 2, "a JPEG XL", PT_PICTURE_UNKNOWN},
    {4, "ftypavif", 8, "an AVIF", PT_PICTURE_UNKNOWN},
    {4, "ftypheic", 8, "a HEIC", PT_PICTURE_UNKNOWN},
    {4, "ftypmif1", 8, "a HEIF", PT_PICTURE_UNKNOWN},
};

static const magic *find(const void *file, size_t bytes)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const magic *m = &known[i];

        if (bytes >= m->at + m->n &&
            memcmp((const uint8_t *)file + m->at, m->bytes, m->n) == 0)
            return m;
    }
    return NULL;
}

pt_picture_format pt_magic_format(const void *file, size_t bytes)
{
    const magic *m = find(file, bytes);

    return m ? m->format : PT_PICTURE_UNKNOWN;
}

pt_status pt_magic_refuse(const char *what, const void *file, size_t bytes)
{
    const magic *m = find(file, bytes);
    const uint8_t *b = file;
    char hex[3 * 4 + 1] = "";

    if (bytes == 0) return pt_fail(PT_ERR_DATA, "not %s: the file is empty", what);
    for (size_t i = 0; i < 4 && i < bytes; i++) snprintf(hex + 3 * i, 4, " %02x", b[i]);
    return pt_fail(PT_ERR_DATA, "not %s: starts with%s%s%s%s", what, hex, m ? " (" : "",
                   m ? m->name : "", m ? ")" : "");
}

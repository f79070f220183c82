#include "common/weights/prefix.h"

#include <stdbool.h>
#include <string.h>

size_t pt_prefix_bytes(const char *name, size_t n)
{
    static const char *const wraps[] = {"module.", "_orig_mod.", "model.", "net.",
                                        "resnet."};
    const size_t n_wraps = sizeof wraps / sizeof *wraps;
    size_t at = 0, i = 0;

    while (i < n_wraps) {
        size_t some = strlen(wraps[i]);
        bool wrapped = n - at > some && memcmp(name + at, wraps[i], some) == 0;

        at += wrapped ? some : 0;
        i = wrapped ? 0 : i + 1;
    }
    return at;
}

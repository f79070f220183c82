#include "common/base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t pt_utf8_bytes(const char *text, size_t n)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t bytes = s[0] < 0x80   ? 1
                   : s[0] < 0xc2 ? 0
                   : s[0] < 0xe0 ? 2
                   : s[0] < 0xf0 ? 3
                   : s[0] < 0xf5 ? 4
                                 : 0;

    if (bytes > n) return 0;
    for (size_t i = 1; i < bytes; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    if (bytes > 2) { /* too long, a surrogate, or above U+10FFFF */
        if (s[0] == 0xe0 && s[1] < 0xa0) return 0;
        if (s[0] == 0xed && s[1] > 0x9f) return 0;
        if (s[0] == 0xf0 && s[1] < 0x90) return 0;
        if (s[0] == 0xf4 && s[1] > 0x8f) return 0;
    }
    return bytes;
}

/* Bytes of the character at the text's beginning that a name may have, or 0. */
static size_t name_bytes(const char *text)
{
    unsigned char c = (unsigned char)text[0];

    return c < 0x20 || c == 0x7f ? 0 : pt_utf8_bytes(text, strnlen(text, 4));
}

bool pt_utf8_is(const char *text)
{
    for (size_t bytes; *text; text += bytes)
        if ((bytes = pt_utf8_bytes(text, strnlen(text, 4))) == 0) return false;
    return true;
}

long pt_utf8_name_fault(const char *text)
{
    const char *at = text;

    for (size_t bytes; *at; at += bytes)
        if ((bytes = name_bytes(at)) == 0) return at - text;
    return -1;
}

char *pt_utf8_escape(const char *text)
{
    char *out = malloc(4 * strlen(text) + 1), *to = out; /* "\\xHH" for a byte */

    for (size_t bytes; out && *text; text += bytes) {
        bytes = name_bytes(text);
        if (bytes == 0) {
            to += sprintf(to, "\\x%02x", (unsigned)(unsigned char)*text);
            bytes = 1;
        } else {
            memcpy(to, text, bytes);
            to += bytes;
        }
    }
    if (out) *to = '\0';
    return out;
}

#include "launch/report/html.h"

#include <string.h>

#include "common/base/utf8.h"

/* The entity for a character, or NULL. */
static const char *entity(char c)
{
    switch (c) {
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '&':
        return "&amp;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

void pt_html_print(FILE *out, const char *text)
{
    while (*text) {
        size_t n = pt_utf8_bytes(text, strnlen(text, 4));

        if (n == 0)
            fputs("&#xfffd;", out);
        else if (entity(*text))
            fputs(entity(*text), out);
        else
            fwrite(text, 1, n, out);
        text += n > 0 ? n : 1;
    }
}

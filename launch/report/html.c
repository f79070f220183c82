#include "launch/report/html.h"

#include <string.h>

#include "common/base/utf8.h"

void pt_html_print(FILE *out, const char *text)
{
    static const char marks[] = "<>&\"'";
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};

    while (*text) {
        size_t n = pt_utf8_bytes(text, strnlen(text, 4));
        const char *mark = strchr(marks, *text);

        if (n == 0)
            fputs("&#xfffd;", out);
        else if (mark)
            fputs(entities[mark - marks], out);
        else
            fwrite(text, 1, n, out);
        text += n > 0 ? n : 1;
    }
}

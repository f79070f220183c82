#include "launch/layouts/list_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LINE = 1 << 16 };

pt_status pt_list_text_open(pt_list_text *l, const char *path)
{
    *l = (pt_list_text){.path = path, .file = fopen(path, "r")};
    if (!l->file)
        return pt_fail(PT_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    return PT_OK;
}

void pt_list_text_close(pt_list_text *l)
{
    if (l->file) fclose(l->file);
    free(l->text);
}

bool pt_list_text_next(pt_list_text *l, pt_layout_faults *faults, char **text)
{
    ssize_t n;

    while ((n = getline(&l->text, &l->size, l->file)) >= 0) {
        l->line++;
        if (n > MAX_LINE || memchr(l->text, '\0', (size_t)n)) {
            pt_layout_fault(faults, "%s:%zu: error: is not a line of text", l->path,
                            l->line);
            continue;
        }
        while (n > 0 && strchr("\r\n\t ", l->text[n - 1])) l->text[--n] = '\0';
        *text = l->text;
        if (l->line == 1 && strncmp(l->text, "\xef\xbb\xbf", 3) == 0) *text += 3;
        return true;
    }
    if (ferror(l->file)) pt_layout_fault(faults, "%s: cannot be read", l->path);
    return false;
}

char *pt_list_text_cut(char *text)
{
    char *end = text + strcspn(text, " \t"), *rest = end + strspn(end, " \t");

    *end = '\0';
    return rest;
}

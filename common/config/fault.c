#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/config/parts.h"

struct pt_fault {
    pt_mark at;
    size_t order; /* in which it was found */
    char text[320];
};

void pt_faults_add(pt_faults *f, pt_mark at, const char *fmt, ...)
{
    struct pt_fault *grown, *x;
    va_list ap;

    if (f->n == PT_CONFIG_MAX_FAULTS) {
        f->n_more++;
        return;
    }
    grown = realloc(f->list, (f->n + 1) * sizeof *grown);
    if (!grown) {
        f->failed = true;
        return;
    }
    f->list = grown;
    x = &grown[f->n];
    x->at = at;
    x->order = f->n++;
    va_start(ap, fmt);
    vsnprintf(x->text, sizeof x->text, fmt, ap);
    va_end(ap);
    for (char *c = x->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) *c = '?';
}

static int by_place(const void *a, const void *b)
{
    const struct pt_fault *x = a, *y = b;

    if (x->at.source != y->at.source) return x->at.source < y->at.source ? -1 : 1;
    if (x->at.line != y->at.line) return x->at.line < y->at.line ? -1 : 1;
    if (x->at.column != y->at.column) return x->at.column < y->at.column ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

pt_status pt_faults_report(pt_faults *f)
{
    pt_status s = PT_OK;

    if (f->failed) return pt_fail(PT_ERR_NOMEM, "no memory to list the faults");
    if (f->n > 0) qsort(f->list, f->n, sizeof *f->list, by_place);
    for (size_t i = 0; i < f->n; i++) {
        const struct pt_fault *x = &f->list[i];
        const char *where = x->at.where;

        if (!where)
            pt_fail_more(&s, PT_ERR_CONFIG, "%s", x->text);
        else if (x->at.line == 0)
            pt_fail_more(&s, PT_ERR_CONFIG, "%.255s: error: %s", where, x->text);
        else
            pt_fail_more(&s, PT_ERR_CONFIG, "%.255s:%d:%d: error: %s", where, x->at.line,
                         x->at.column, x->text);
    }
    if (f->n_more > 0) pt_fail_more(&s, PT_ERR_CONFIG, "%zu more faults", f->n_more);
    return s;
}

void pt_faults_fini(pt_faults *f)
{
    free(f->list);
    *f = (pt_faults){0};
}

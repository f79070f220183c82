#include "launch/sweep/faults.h"

#include <stdlib.h>
#include <string.h>

/* pt_fail's text holds 64 KiB. */
enum { MAX_BYTES = 48 << 10 };

struct pt_sweep_fault {
    char *text;
    const char *run; /* the first that has it, or NULL */
    const char *last;
    size_t n; /* runs */
};

static struct pt_sweep_fault *find(pt_sweep_faults *f, const char *text, size_t n)
{
    for (size_t i = 0; i < f->n; i++)
        if (strncmp(f->list[i].text, text, n) == 0 && !f->list[i].text[n])
            return &f->list[i];
    return NULL;
}

static struct pt_sweep_fault *add(pt_sweep_faults *f, const char *text, size_t n)
{
    struct pt_sweep_fault *list = pt_grow(f->list, f->n, &f->capacity, sizeof *list);

    if (!list) return NULL;
    f->list = list;
    f->list[f->n] = (struct pt_sweep_fault){.text = strndup(text, n)};
    return f->list[f->n].text ? &f->list[f->n++] : NULL;
}

void pt_sweep_faults_add(pt_sweep_faults *f, pt_status s, const char *run)
{
    const char *text = pt_fail_text();

    if (f->status == PT_OK) f->status = s;
    while (*text) {
        size_t n = strcspn(text, "\n");
        struct pt_sweep_fault *x = find(f, text, n);

        if (!x) x = add(f, text, n);
        if (!x) {
            f->failed = PT_ERR_NOMEM;
            return;
        }
        if (!x->run) x->run = run;
        if (run && x->last != run) x->n++;
        x->last = run;
        text += n + (text[n] == '\n');
    }
}

static void report(pt_status *s, pt_status what, const struct pt_sweep_fault *x)
{
    if (!x->run)
        pt_fail_more(s, what, "%s", x->text);
    else if (x->n == 1)
        pt_fail_more(s, what, "%s (%s)", x->text, x->run);
    else
        pt_fail_more(s, what, "%s (%s and %zu more run%s)", x->text, x->run, x->n - 1,
                     x->n == 2 ? "" : "s");
}

pt_status pt_sweep_faults_end(pt_sweep_faults *f)
{
    pt_status s = PT_OK;
    size_t bytes = 0, reported = 0;

    for (; reported < f->n && bytes < MAX_BYTES; reported++) {
        bytes += strlen(f->list[reported].text) + 64;
        report(&s, f->status, &f->list[reported]);
    }
    if (reported < f->n) pt_fail_more(&s, f->status, "%zu more faults", f->n - reported);
    if (f->failed != PT_OK) s = pt_fail(f->failed, "no memory to list the faults");
    for (size_t i = 0; i < f->n; i++) free(f->list[i].text);
    free(f->list);
    *f = (pt_sweep_faults){.status = PT_OK};
    return s;
}

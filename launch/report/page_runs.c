#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/report/links.h"
#include "launch/report/page_values.h"
#include "launch/report/provenance.h"

/* All runs of a block, method by method, with where they come from. */
typedef struct {
    const pt_block *block;
    const char *page;
    size_t n;
    const pt_method_runs **methods; /* [n]: of each run */
    const pt_finished_run **runs;   /* [n] */
    pt_provenance *from;            /* [n] */
} all_runs;

static void release(all_runs *a)
{
    for (size_t i = 0; a->from && i < a->n; i++) pt_provenance_fini(&a->from[i]);
    free(a->methods);
    free(a->runs);
    free(a->from);
}

static pt_status collect(const pt_block *b, all_runs *a)
{
    size_t n = 0;
    pt_status s = PT_OK;

    for (size_t i = 0; i < b->n_methods; i++) n += b->methods[i].n_runs;
    a->methods = pt_calloc(n, sizeof *a->methods);
    a->runs = pt_calloc(n, sizeof *a->runs);
    a->from = pt_calloc(n, sizeof *a->from);
    if (!a->methods || !a->runs || !a->from)
        return pt_fail(PT_ERR_NOMEM, "no memory for %zu runs", n);
    for (size_t i = 0; i < b->n_methods; i++)
        for (size_t r = 0; r < b->methods[i].n_runs && s == PT_OK; r++) {
            a->methods[a->n] = &b->methods[i];
            a->runs[a->n] = b->methods[i].runs[r];
            s = pt_provenance_read(a->runs[a->n], &a->from[a->n]);
            a->n++;
        }
    return s;
}

/* ---- facts ------------------------------------------------------------------------ */

/* Do all runs tell the same? */
static bool is_common(const all_runs *a, int fact)
{
    for (size_t i = 1; i < a->n; i++)
        if (strcmp(a->from[i].of[fact], a->from[0].of[fact]) != 0) return false;
    return true;
}

static json_t *facts_of(const all_runs *a)
{
    json_t *facts = json_array();

    for (int k = 0; k < PT_FACTS; k++)
        if (is_common(a, k) && *a->from[0].of[k])
            pt_page_append(&facts, json_pack("{s:s, s:o}", "name", pt_fact_names[k],
                                             "value", pt_page_text(a->from[0].of[k])));
    return facts;
}

/* ---- the list of runs ------------------------------------------------------------- */

static json_t *heads_of(const all_runs *a)
{
    json_t *heads = json_array();

    for (int k = 0; k < PT_FACTS; k++)
        if (!is_common(a, k)) pt_page_append(&heads, pt_page_text(pt_fact_names[k]));
    return heads;
}

static json_t *number(const char *format, double x) __attribute__((format(printf, 1, 0)));

static json_t *number(const char *format, double x)
{
    char text[32];

    if (isnan(x)) return pt_page_text("-");
    snprintf(text, sizeof text, format, x);
    return pt_page_text(text);
}

static json_t *run_row(const all_runs *a, size_t i)
{
    const pt_finished_run *r = a->runs[i];
    char *link = pt_link_to(a->page, r->dir), hash[13];
    json_t *cells = json_array();

    snprintf(hash, sizeof hash, "%.12s", r->weight_hash);
    for (int k = 0; k < PT_FACTS; k++)
        if (!is_common(a, k))
            pt_page_append(&cells,
                           pt_page_text(*a->from[i].of[k] ? a->from[i].of[k] : "-"));
    return json_pack("{s:o, s:I, s:o, s:o, s:o, s:o, s:o}", "method",
                     pt_page_text(a->methods[i]->name), "seed", (json_int_t)r->seed,
                     "test", number("%.2f", r->test), "cells", cells, "hash",
                     pt_page_text(hash), "link", pt_page_take(link ? link : strdup("#")),
                     "dir", pt_page_text(r->dir));
}

static json_t *run_rows(const all_runs *a)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < a->n; i++) pt_page_append(&rows, run_row(a, i));
    return rows;
}

/* ---- settings --------------------------------------------------------------------- */

/* Does a key tell methods of the block apart? */
static bool differs(const pt_block *b, const char *key)
{
    const pt_settings *first = &b->methods[0].runs[0]->settings;
    const char *one = pt_settings_get(first, key);

    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_settings *s = &b->methods[i].runs[0]->settings;
        const char *other = pt_settings_get(s, key);
        pt_setting_role role = pt_settings_role(s, key);

        if (role != pt_settings_role(first, key)) return true;
        if (role == PT_ROLE_NONE) continue;
        if (!one != !other || (one && strcmp(one, other) != 0)) return true;
    }
    return false;
}

/* A method's value of a key, "-" where it has no effect. */
static json_t *value_of(const pt_settings *s, const char *key)
{
    const char *value = pt_settings_get(s, key);
    bool acts = value && pt_settings_role(s, key) != PT_ROLE_NONE;

    return pt_page_text(acts ? value : "-");
}

static json_t *differing_row(const pt_block *b, const char *key)
{
    json_t *cells = json_array();

    for (size_t i = 0; i < b->n_methods; i++)
        pt_page_append(&cells, value_of(&b->methods[i].runs[0]->settings, key));
    return json_pack("{s:o, s:o}", "key", pt_page_text(key), "cells", cells);
}

/* Does a method before this one have the key? */
static bool had_before(const pt_block *b, size_t method, const char *key)
{
    for (size_t i = 0; i < method; i++)
        if (pt_settings_get(&b->methods[i].runs[0]->settings, key)) return true;
    return false;
}

static json_t *differing(const pt_block *b)
{
    json_t *rows = json_array(), *names = json_array();

    for (size_t i = 0; i < b->n_methods; i++)
        pt_page_append(&names, pt_page_text(b->methods[i].name));
    for (size_t i = 0; i < b->n_methods; i++) {
        const pt_settings *s = &b->methods[i].runs[0]->settings;

        for (size_t k = 0; k < s->n; k++)
            if (!had_before(b, i, s->list[k].key) && differs(b, s->list[k].key))
                pt_page_append(&rows, differing_row(b, s->list[k].key));
    }
    if (json_array_size(rows) > 0)
        return json_pack("{s:o, s:o}", "names", names, "rows", rows);
    json_decref(rows);
    json_decref(names);
    return json_null();
}

/* "key: value" of the settings in which the methods agree. */
static json_t *common_settings(const pt_block *b)
{
    const pt_settings *first = &b->methods[0].runs[0]->settings;
    json_t *list = json_array();

    for (size_t k = 0; k < first->n; k++) {
        const pt_setting *x = &first->list[k];

        if (differs(b, x->key) || pt_settings_role(first, x->key) == PT_ROLE_NONE)
            continue;
        pt_page_append(&list, json_pack("{s:o, s:o}", "key", pt_page_text(x->key),
                                        "value", pt_page_text(x->value)));
    }
    return list;
}

pt_status pt_page_runs(const pt_block *b, const char *page, json_t **out)
{
    all_runs a = {.block = b, .page = page};
    pt_status s = collect(b, &a);

    if (s == PT_OK)
        *out = json_pack("{s:o, s:o, s:o, s:o, s:o}", "facts", facts_of(&a), "heads",
                         heads_of(&a), "rows", run_rows(&a), "differing", differing(b),
                         "settings", common_settings(b));
    release(&a);
    return s;
}

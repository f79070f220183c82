#include "launch/report/page.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/report/dots.h"
#include "launch/report/page_values.h"
#include "launch/report/svg.h"
#include "launch/report/template.h"

static const char page_html[] =
#include "launch/report/page.html.inc"
    ;
static const char page_css[] =
#include "launch/report/page.css.inc"
    ;
static const char page_js[] =
#include "launch/report/page.js.inc"
    ;

/* ---- values ----------------------------------------------------------------------- */

json_t *pt_page_text(const char *text)
{
    return json_string_nocheck(text);
}

json_t *pt_page_take(char *text)
{
    json_t *j = text ? pt_page_text(text) : NULL;

    free(text);
    return j;
}

json_t *pt_page_texts(const char *const *texts, size_t n)
{
    json_t *list = json_array();

    for (size_t i = 0; i < n; i++) pt_page_append(&list, pt_page_text(texts[i]));
    return list;
}

void pt_page_append(json_t **array, json_t *item)
{
    if (json_array_append_new(*array, item) == 0) return;
    json_decref(*array);
    *array = NULL;
}

json_t *pt_page_key(const pt_method_runs *m)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);

    if (out) pt_svg_key(out, m->style);
    if (out && fclose(out) == 0) return pt_page_take(text);
    free(text);
    return NULL;
}

/* ---- a block ---------------------------------------------------------------------- */

static json_t *notes_of(const pt_block *b)
{
    if (b->n_notes == 0) return json_null();
    return json_pack("{s:o}", "list",
                     pt_page_texts((const char *const *)b->notes, b->n_notes));
}

/* PT_ERR_DATA if it is not what the runs were trained and tested on. */
static pt_status same_data(const pt_settings *s, const char *path, const pt_dataset *d)
{
    const char *was = pt_settings_get(s, "data_checksum"), *is = pt_dataset_checksum(d);

    if (!was || strncmp(was, is, PT_SHORT_SUM) == 0) return PT_OK;
    return pt_fail(PT_ERR_DATA,
                   "%s: holds other data than these runs had (checksum "
                   "%.*s..., was %s...)",
                   path, PT_SHORT_SUM, is, was);
}

/* The data set of a block's runs, or NULL with a warning. */
static pt_dataset *open_data(const pt_block *b, const char *given)
{
    const pt_settings *of = &b->methods[0].runs[0]->settings;
    const char *path = given ? given : pt_settings_get(of, "data.path");
    pt_dataset *d = NULL;
    pt_status s = path ? pt_dataset_open(path, &d)
                       : pt_fail(PT_ERR_DATA, "the runs name no data set");

    if (s == PT_OK) s = same_data(of, path, d);
    if (s == PT_OK) return d;
    pt_log_warn("no pictures for \"%s\": %s (--data FILE says where the data set is)",
                b->title, pt_fail_text());
    pt_dataset_destroy(&d);
    return NULL;
}

/* The parts for which files of the runs are read. */
typedef struct {
    json_t *tables, *course, *training, *single, *confused, *changes, *runs;
} parts;

static pt_status read_parts(const pt_block *b, const pt_dataset *d, const char *page,
                            parts *p)
{
    pt_status s = pt_page_tables(b, &p->tables);

    if (s == PT_OK) s = pt_page_course(b, &p->course);
    if (s == PT_OK) s = pt_page_training(b, &p->training);
    if (s == PT_OK) s = pt_page_single(b, d, &p->single);
    if (s == PT_OK) s = pt_page_confusion(b, &p->confused);
    if (s == PT_OK) s = pt_page_changes(b, d, &p->changes);
    if (s == PT_OK) s = pt_page_runs(b, page, &p->runs);
    return s;
}

static pt_status block_value(const pt_block *b, size_t number, const char *data,
                             const char *page, json_t **out)
{
    pt_dataset *d = open_data(b, data);
    parts p = {NULL};
    pt_status s = read_parts(b, d, page, &p);

    *out = json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "number", (json_int_t)number, "title", pt_page_text(b->title),
                     "verdict", pt_page_text(b->verdict), "dots",
                     pt_page_take(pt_svg_dots(b)), "tables", p.tables, "notes",
                     notes_of(b), "course", p.course, "training", p.training, "scaling",
                     pt_page_scaling(b), "single", p.single, "confusion", p.confused,
                     "changes", p.changes, "what_was_run", p.runs);
    pt_dataset_destroy(&d);
    return s;
}

/* ---- the page --------------------------------------------------------------------- */

/* Links to the blocks with their verdicts, where there is more than one. */
static json_t *contents_of(const pt_summary *s)
{
    json_t *links;

    if (s->n_blocks < 2) return json_null();
    links = json_array();
    for (size_t i = 0; i < s->n_blocks; i++)
        pt_page_append(&links, json_pack("{s:I, s:o, s:o}", "number", (json_int_t)i,
                                         "title", pt_page_text(s->blocks[i].title),
                                         "verdict", pt_page_text(s->blocks[i].verdict)));
    return json_pack("{s:o}", "links", links);
}

static size_t count_runs(const pt_summary *s)
{
    size_t runs = 0;

    for (size_t b = 0; b < s->n_blocks; b++)
        for (size_t m = 0; m < s->blocks[b].n_methods; m++)
            runs += s->blocks[b].methods[m].n_runs;
    return runs;
}

/* "15 runs compared", or "A run: PtR-L2, seed 3". */
static char *title_of(const pt_summary *s)
{
    const pt_method_runs *first = &s->blocks[0].methods[0];
    size_t runs = count_runs(s);
    char *title = NULL;
    int n = runs > 1 ? asprintf(&title, "%zu runs compared", runs)
                     : asprintf(&title, "A run: %s, seed %" PRIu64, first->name,
                                first->runs[0]->seed);

    return n < 0 ? NULL : title;
}

/* *out is NULL without memory. */
static pt_status page_value(const pt_summary *s, const char *data, const char *page,
                            json_t **out)
{
    json_t *blocks = json_array();
    pt_status st = PT_OK;

    for (size_t i = 0; i < s->n_blocks && st == PT_OK; i++) {
        json_t *block = NULL;

        st = block_value(&s->blocks[i], i, data, page, &block);
        pt_page_append(&blocks, block);
    }
    *out = json_pack("{s:o, s:s, s:s, s:o, s:o}", "title", pt_page_take(title_of(s)),
                     "style", page_css, "script", page_js, "contents", contents_of(s),
                     "blocks", blocks);
    return st;
}

pt_status pt_page_write(const pt_summary *s, const char *data, const char *path)
{
    char *text = NULL;
    size_t bytes = 0;
    json_t *values;
    FILE *out;
    pt_status st = page_value(s, data, path, &values);

    if (st == PT_OK && !values) st = pt_fail(PT_ERR_NOMEM, "no memory for a page");
    out = open_memstream(&text, &bytes);
    if (st == PT_OK && out) st = pt_template_print(out, page_html, values);
    if ((!out || fclose(out) != 0) && st == PT_OK)
        st = pt_fail(PT_ERR_NOMEM, "no memory for a page");
    if (st == PT_OK) st = pt_file_replace(path, text, bytes);
    json_decref(values);
    free(text);
    return st;
}

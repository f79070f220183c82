#include "launch/report/page.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/report/page_values.h"
#include "launch/report/table.h"
#include "launch/report/template.h"

static const char page_html[] =
#include "launch/report/page.html.inc"
    ;
static const char page_css[] =
#include "launch/report/page.css.inc"
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

/* ---- a block ---------------------------------------------------------------------- */

/* A row of the table: its cells are all but the name. */
static json_t *method_row(const pt_block *b, const pt_method_runs *m)
{
    pt_table_row row;

    pt_table_row_init(m, &row);
    return json_pack("{s:i, s:o, s:o}", "style", pt_page_style_of(b, m), "name",
                     pt_page_text(m->name), "cells",
                     pt_page_texts(row.cells + 1, PT_TABLE_COLUMNS - 1));
}

static json_t *method_rows(const pt_block *b)
{
    json_t *rows = json_array();

    for (size_t i = 0; i < b->n_methods; i++)
        pt_page_append(&rows, method_row(b, &b->methods[i]));
    return rows;
}

static json_t *notes_of(const pt_block *b)
{
    if (b->n_notes == 0) return json_null();
    return json_pack("{s:o}", "list",
                     pt_page_texts((const char *const *)b->notes, b->n_notes));
}

/* The data set of a block's runs, or NULL with a warning. */
static pt_dataset *open_data(const pt_block *b, const char *given)
{
    const char *path = pt_settings_get(&b->methods[0].runs[0]->settings, "data.path");
    pt_dataset *d = NULL;

    if (given) path = given;
    if (path && pt_dataset_open(path, &d) == PT_OK) return d;
    pt_log_warn("no pictures for \"%s\": %s (--data FILE says where the data set is)",
                b->title, pt_fail_text());
    return NULL;
}

static pt_status block_value(const pt_block *b, size_t number, const char *data,
                             json_t **out)
{
    pt_dataset *d = open_data(b, data);
    json_t *training = NULL, *confusion = NULL, *changes = NULL;
    pt_status s = pt_page_training(b, &training);

    if (s == PT_OK) s = pt_page_confusion(b, &confusion);
    if (s == PT_OK) s = pt_page_changes(b, d, &changes);
    *out =
        json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "number",
                  (json_int_t)number, "title", pt_page_text(b->title), "verdict",
                  pt_page_text(b->verdict), "heads",
                  pt_page_texts(pt_table_heads, PT_TABLE_COLUMNS), "methods",
                  method_rows(b), "notes", notes_of(b), "training", training, "scaling",
                  pt_page_scaling(b), "confusion", confusion, "changes", changes);
    pt_dataset_destroy(&d);
    return s;
}

/* ---- the page --------------------------------------------------------------------- */

/* Links to the blocks, where there is more than one. */
static json_t *contents_of(const pt_summary *s)
{
    json_t *links;

    if (s->n_blocks < 2) return json_null();
    links = json_array();
    for (size_t i = 0; i < s->n_blocks; i++)
        pt_page_append(&links, json_pack("{s:I, s:o}", "number", (json_int_t)i, "title",
                                         pt_page_text(s->blocks[i].title)));
    return json_pack("{s:o}", "links", links);
}

static json_int_t count_runs(const pt_summary *s)
{
    size_t runs = 0;

    for (size_t b = 0; b < s->n_blocks; b++)
        for (size_t m = 0; m < s->blocks[b].n_methods; m++)
            runs += s->blocks[b].methods[m].n_runs;
    return (json_int_t)runs;
}

/* *out is NULL without memory. */
static pt_status page_value(const pt_summary *s, const char *data, json_t **out)
{
    json_t *blocks = json_array();
    size_t legend = 0;
    pt_status st = PT_OK;

    for (size_t i = 0; i < s->n_blocks && st == PT_OK; i++) {
        json_t *block = NULL;

        st = block_value(&s->blocks[i], i, data, &block);
        pt_page_append(&blocks, block);
    }
    while (pt_table_legend[legend]) legend++;
    *out = json_pack("{s:I, s:s, s:o, s:o, s:o}", "runs", count_runs(s), "style",
                     page_css, "contents", contents_of(s), "blocks", blocks, "legend",
                     pt_page_texts(pt_table_legend, legend));
    return st;
}

pt_status pt_page_write(const pt_summary *s, const char *data, const char *path)
{
    char *text = NULL;
    size_t bytes = 0;
    json_t *values;
    FILE *out;
    pt_status st = page_value(s, data, &values);

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

#include "launch/report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/log.h"
#include "launch/report/page_parts.h"
#include "launch/report/svg.h"
#include "launch/report/table.h"

static void print_row(FILE *out, const pt_block *b, const pt_method *m)
{
    char row[PT_TABLE_COLUMNS][PT_TABLE_CELL];
    int style = pt_page_style_of(b, m);

    pt_table_row(m, row);
    fprintf(out,
            "<tr><td><svg class=\"key\" viewBox=\"0 0 34 12\" aria-hidden=\"true\"><path "
            "class=\"line s%d\" d=\"M0 6H34\"/></svg>",
            style);
    pt_html_text(out, m->name);
    fprintf(out, "</td>");
    for (int c = 1; c < PT_TABLE_COLUMNS; c++) {
        fprintf(out, "<td>");
        pt_html_text(out, row[c]);
        fprintf(out, "</td>");
    }
    if (m->baseline && isfinite(m->p_t))
        fprintf(out, "<td>%.3g</td></tr>\n", m->p_t);
    else
        fprintf(out, "<td>-</td></tr>\n");
}

static void print_table(FILE *out, const pt_block *b)
{
    fprintf(out, "<div class=\"scroll\" tabindex=\"0\"><table><thead><tr>");
    for (int c = 0; c < PT_TABLE_COLUMNS; c++) {
        fprintf(out, "<th scope=\"col\">");
        pt_html_text(out, pt_table_heads[c]);
        fprintf(out, "</th>");
    }
    fprintf(out, "<th scope=\"col\">p of t</th></tr></thead><tbody>\n");
    for (size_t i = 0; i < b->n_methods; i++) print_row(out, b, &b->methods[i]);
    fprintf(out, "</tbody></table></div>\n");
    if (b->n_notes == 0) return;
    fprintf(out, "<ul class=\"soft\">\n");
    for (size_t i = 0; i < b->n_notes; i++) {
        fprintf(out, "<li>");
        pt_html_text(out, b->notes[i]);
        fprintf(out, "</li>\n");
    }
    fprintf(out, "</ul>\n");
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

static pt_status print_block(FILE *out, const pt_block *b, size_t number,
                             const char *data)
{
    pt_dataset *d = open_data(b, data);
    pt_status s;

    fprintf(out, "<section><h2 id=\"b%zu\">", number);
    pt_html_text(out, b->title);
    fprintf(out, "</h2>\n");
    print_table(out, b);
    s = pt_page_curves(out, b);
    pt_page_scaling(out, b);
    if (s == PT_OK) s = pt_page_confusion(out, b);
    if (s == PT_OK) s = pt_page_changes(out, b, d);
    fprintf(out, "</section>\n");
    pt_dataset_destroy(&d);
    return s;
}

static void print_head(FILE *out, const pt_summary *s)
{
    size_t runs = 0;

    for (size_t b = 0; b < s->n_blocks; b++)
        for (size_t m = 0; m < s->blocks[b].n_methods; m++)
            runs += s->blocks[b].methods[m].n_runs;
    fprintf(out,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<meta "
            "name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<meta "
            "name=\"color-scheme\" content=\"light dark\">\n<title>ptrain: %zu runs "
            "compared</title>\n<style>%s</style></head>\n<body>\n<h1>%zu runs "
            "compared</h1>\n",
            runs, pt_page_style, runs);
    if (s->n_blocks > 1) {
        fprintf(out, "<nav>\n");
        for (size_t b = 0; b < s->n_blocks; b++) {
            fprintf(out, "<a href=\"#b%zu\">", b);
            pt_html_text(out, s->blocks[b].title);
            fprintf(out, "</a>\n");
        }
        fprintf(out, "</nav>\n");
    }
}

static pt_status print_page(FILE *out, const pt_summary *s, const char *data)
{
    pt_status st = PT_OK;

    print_head(out, s);
    for (size_t b = 0; b < s->n_blocks && st == PT_OK; b++)
        st = print_block(out, &s->blocks[b], b, data);
    fprintf(out, "<footer class=\"soft\"><ul>\n");
    for (int i = 0; pt_table_legend[i]; i++) {
        fprintf(out, "<li>");
        pt_html_text(out, pt_table_legend[i]);
        fprintf(out, "</li>\n");
    }
    fprintf(out, "<li>p of t: Student's paired t test, two-sided.</li></ul></footer>\n"
                 "</body></html>\n");
    return st;
}

pt_status pt_page_write(const pt_summary *s, const char *data, const char *path)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    pt_status st;

    if (!out) return pt_fail(PT_ERR_NOMEM, "no memory for a page");
    st = print_page(out, s, data);
    if (fclose(out) != 0 && st == PT_OK)
        st = pt_fail(PT_ERR_NOMEM, "no memory for a page");
    if (st == PT_OK) st = pt_file_replace(path, text, bytes);
    free(text);
    return st;
}

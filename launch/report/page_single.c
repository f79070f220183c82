#include <stdio.h>
#include <stdlib.h>

#include "launch/report/mistakes.h"
#include "launch/report/page_values.h"
#include "launch/report/pictures.h"

enum { MOST = 12 };

typedef struct {
    int class;
    size_t right, of;
} class_score;

/* The least accurate first; classes without images last. */
static int by_accuracy(const void *pa, const void *pb)
{
    const class_score *a = pa, *b = pb;
    size_t x = a->right * b->of, y = b->right * a->of;

    if ((a->of == 0) != (b->of == 0)) return a->of == 0 ? 1 : -1;
    if (x != y) return x < y ? -1 : 1;
    return a->class - b->class;
}

static json_t *class_row(const pt_answers *a, const class_score *c)
{
    char share[16] = "-", width[16] = "0";

    if (c->of > 0) {
        snprintf(share, sizeof share, "%.1f", 100 * (double)c->right / (double)c->of);
        snprintf(width, sizeof width, "%.0f", 100 * (double)c->right / (double)c->of);
    }
    return json_pack("{s:o, s:I, s:I, s:s, s:s}", "class",
                     pt_page_text(a->classes[c->class]), "right", (json_int_t)c->right,
                     "of", (json_int_t)c->of, "share", share, "width", width);
}

static json_t *per_class(const pt_answers *a)
{
    class_score *c = pt_calloc((size_t)a->n_classes, sizeof *c);
    json_t *rows = c ? json_array() : NULL;

    for (int k = 0; c && k < a->n_classes; k++) c[k].class = k;
    for (size_t i = 0; c && i < a->n; i++) {
        c[a->label[i]].of++;
        c[a->label[i]].right += a->answer[i] == a->label[i];
    }
    if (c) qsort(c, (size_t)a->n_classes, sizeof *c, by_accuracy);
    for (int k = 0; c && k < a->n_classes; k++)
        pt_page_append(&rows, class_row(a, &c[k]));
    free(c);
    return rows;
}

static json_t *card_of(const pt_answers *a, const pt_mistake *x, const pt_dataset *data)
{
    const char *name = a->names[x->at], *truth = a->classes[a->label[x->at]];
    char sure[16], chance[16];

    snprintf(sure, sizeof sure, "%.1f", 100 * x->sure);
    snprintf(chance, sizeof chance, "%.1f", 100 * x->truth);
    return json_pack(
        "{s:o, s:o, s:o, s:s, s:o, s:s}", "picture",
        data ? pt_page_take(pt_picture(data, a->image[x->at], truth)) : pt_page_text(""),
        "image", pt_page_text(name), "answer", pt_page_text(a->classes[a->answer[x->at]]),
        "sure", sure, "truth", pt_page_text(truth), "chance", chance);
}

static json_t *cards_of(const pt_answers *a, const pt_mistake *list, size_t n,
                        const pt_dataset *data)
{
    json_t *cards = json_array();

    for (size_t i = 0; i < n; i++) pt_page_append(&cards, card_of(a, &list[i], data));
    return cards;
}

/* Null where the block has more than one run, or none that was tested. */
pt_status pt_page_single(const pt_block *b, const pt_dataset *data, json_t **out)
{
    const pt_method_runs *m = &b->methods[0];
    pt_mistake *list = NULL;
    size_t n = 0, right = 0;
    pt_answers a = {0};
    pt_status s;

    *out = json_null();
    if (b->n_methods > 1 || m->n_runs > 1 || !pt_method_runs_tested(m)) return PT_OK;
    s = pt_answers_read(m->runs[0]->dir, &a);
    if (s == PT_OK) s = pt_mistakes_read(m->runs[0]->dir, &a, MOST, &list, &n);
    for (size_t i = 0; s == PT_OK && i < a.n; i++) right += a.answer[i] == a.label[i];
    if (s == PT_OK)
        *out = json_pack("{s:I, s:I, s:o, s:o, s:o}", "right", (json_int_t)right,
                         "images", (json_int_t)a.n, "classes", per_class(&a),
                         "without_data", data ? json_null() : json_true(), "cards",
                         cards_of(&a, list, n, data));
    free(list);
    pt_answers_fini(&a);
    return s;
}

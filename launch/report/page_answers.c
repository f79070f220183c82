#include <stdlib.h>

#include "launch/report/answers.h"
#include "launch/report/page_values.h"
#include "launch/report/pictures.h"

enum { MAX_CHANGES = 6, MAX_PAIRS = 8, MAX_CLASSES = 40 };

/* ---- confusion -------------------------------------------------------------------- */

/* Row `class` of counts: a cell for each answer, the more shaded the more often given. */
static json_t *matrix_row(const pt_answers *a, const uint32_t *counts, int class)
{
    const uint32_t *n = counts + (size_t) class * (size_t)a->n_classes;
    json_t *cells = json_array();
    uint32_t all = 0;

    for (int k = 0; k < a->n_classes; k++) all += n[k];
    for (int k = 0; k < a->n_classes; k++) {
        char share[16], count[16] = "";

        snprintf(share, sizeof share, "%.2f", all ? 0.75 * n[k] / all : 0);
        if (n[k] > 0) snprintf(count, sizeof count, "%u", n[k]);
        pt_page_append(&cells,
                       json_pack("{s:s, s:s, s:s}", "class", k == class ? "right" : "",
                                 "share", share, "count", count));
    }
    return json_pack("{s:o, s:o}", "class", pt_page_text(a->classes[class]), "cells",
                     cells);
}

static json_t *matrix_of(const char *name, const pt_answers *a, const uint32_t *counts)
{
    json_t *rows = json_array();

    for (int i = 0; i < a->n_classes; i++)
        pt_page_append(&rows, matrix_row(a, counts, i));
    return json_pack("{s:o, s:o, s:o}", "name", pt_page_text(name), "heads",
                     pt_page_texts((const char *const *)a->classes, (size_t)a->n_classes),
                     "rows", rows);
}

/* Of the pairs of classes that were confused, the one after `last`: larger counts come
 * first, then smaller places. last SIZE_MAX: the first; result SIZE_MAX: none left. */
static size_t next_pair(const uint32_t *n, size_t c, size_t last)
{
    size_t best = SIZE_MAX;

    for (size_t at = 0; at < c * c; at++) {
        bool later =
            last == SIZE_MAX || n[at] < n[last] || (n[at] == n[last] && at > last);

        if (at / c != at % c && n[at] > 0 && later &&
            (best == SIZE_MAX || n[at] > n[best]))
            best = at;
    }
    return best;
}

static json_t *pairs_of(const pt_answers *a, const uint32_t *counts)
{
    size_t c = (size_t)a->n_classes, at = next_pair(counts, c, SIZE_MAX);
    json_t *list;

    if (at == SIZE_MAX) return json_null();
    list = json_array();
    for (int i = 0; i < MAX_PAIRS && at != SIZE_MAX; i++) {
        pt_page_append(&list,
                       json_pack("{s:s, s:o, s:o, s:I}", "separator", i > 0 ? "; " : "",
                                 "class", pt_page_text(a->classes[at / c]), "answer",
                                 pt_page_text(a->classes[at % c]), "count",
                                 (json_int_t)counts[at]));
        at = next_pair(counts, c, at);
    }
    return json_pack("{s:o}", "list", list);
}

/* Of one method, which was tested. */
static pt_status confusion_of(const pt_method_runs *m, bool open, json_t **out)
{
    pt_answers a = {0};
    uint32_t *counts = NULL;
    pt_status s = pt_answers_confusion(m, &a, &counts);
    bool fits = a.n_classes <= MAX_CLASSES;

    if (s != PT_OK) return s;
    *out = json_pack("{s:s, s:o, s:o, s:o, s:o}", "open", open ? " open" : "", "name",
                     pt_page_text(m->name), "pairs", pairs_of(&a, counts), "matrix",
                     fits ? matrix_of(m->name, &a, counts) : json_null(), "too_large",
                     fits ? json_null() : json_integer(a.n_classes));
    pt_answers_fini(&a);
    free(counts);
    return PT_OK;
}

/* Null where no method was tested. */
pt_status pt_page_confusion(const pt_block *b, json_t **out)
{
    json_t *methods = json_array();
    pt_status s = PT_OK;

    for (size_t i = 0; i < b->n_methods && s == PT_OK; i++) {
        json_t *method = NULL;

        if (!pt_method_runs_tested(&b->methods[i])) continue;
        s = confusion_of(&b->methods[i], json_array_size(methods) == 0, &method);
        if (s == PT_OK) pt_page_append(&methods, method);
    }
    *out = json_array_size(methods) > 0 ? json_pack("{s:O}", "methods", methods)
                                        : json_null();
    json_decref(methods);
    return s;
}

/* ---- what changed ----------------------------------------------------------------- */

/* The test images on which a method and its baseline differ. */
typedef struct {
    const pt_method_runs *method;
    const pt_dataset *data; /* NULL: no pictures */
    pt_answers answers;
    pt_change *list; /* [n], most in favour of the method first */
    size_t n;
} changes;

/* A class that is the truth or an answer, with a picture; image < 0: without. */
static json_t *answer_of(const changes *c, const char *whose, int class, long image)
{
    const char *name = c->answers.classes[class];
    bool shown = c->data && image >= 0;

    return json_pack("{s:o, s:s, s:o}", "picture",
                     shown ? pt_page_take(pt_picture(c->data, (size_t)image, name))
                           : pt_page_text(""),
                     "whose", whose, "class", pt_page_text(name));
}

/* The same with a training picture of the class. */
static json_t *example_of(const changes *c, const char *whose, int class)
{
    const pt_finished_run *run = c->method->runs[0];
    const char *split = pt_settings_get(&run->settings, "data.train_split");
    long image =
        c->data ? pt_picture_of_class(c->data, split ? split : "train", class) : -1;

    return answer_of(c, whose, class, image);
}

static bool is_better(const pt_change *c)
{
    return c->for_ > c->against;
}

static json_t *card_of(const changes *c, const pt_change *x)
{
    const pt_answers *a = &c->answers;
    const char *name = c->method->name;
    bool better = is_better(x);
    json_t *answers = json_array();

    pt_page_append(&answers,
                   answer_of(c, "true class", a->label[x->at], a->image[x->at]));
    pt_page_append(&answers, example_of(c, "plain predicted", x->plain));
    pt_page_append(&answers, example_of(c, "the method predicted", x->ours));
    return json_pack(
        "{s:o, s:o, s:i, s:I, s:o, s:i, s:o}", "image", pt_page_text(a->names[x->at]),
        "winner", pt_page_text(better ? name : "plain"), "wins",
        better ? x->for_ : x->against, "pairs", (json_int_t)c->method->gain.n, "loser",
        pt_page_text(better ? "plain" : name), "losses", better ? x->against : x->for_,
        "answers", answers);
}

/* Those in favour of the method, from the front of the list, or the others, from its end.
 */
static json_t *direction_of(const changes *c, bool better)
{
    json_t *cards = json_array();
    size_t n = 0;

    for (size_t i = 0; i < c->n; i++) n += is_better(&c->list[i]) == better;
    for (size_t i = 0; i < n && i < MAX_CHANGES; i++)
        pt_page_append(&cards, card_of(c, &c->list[better ? i : c->n - 1 - i]));
    return json_pack("{s:s, s:I, s:o}", "right", better ? "right" : "wrong", "images",
                     (json_int_t)n, "cards", cards);
}

static pt_status changes_of(const pt_method_runs *m, const pt_dataset *data, bool open,
                            json_t **out)
{
    changes c = {.method = m, .data = data};
    pt_status s = pt_answers_changes(m, &c.answers, &c.list, &c.n);

    if (s != PT_OK) return s;
    *out = json_pack("{s:s, s:o, s:[o, o]}", "open", open ? " open" : "", "name",
                     pt_page_text(m->name), "directions", direction_of(&c, true),
                     direction_of(&c, false));
    pt_answers_fini(&c.answers);
    free(c.list);
    return PT_OK;
}

pt_status pt_page_changes(const pt_block *b, const pt_dataset *data, json_t **out)
{
    json_t *methods = json_array();
    size_t n = 0;
    pt_status s = PT_OK;

    for (size_t i = 0; i < b->n_methods && s == PT_OK; i++) {
        json_t *method = NULL;

        if (b->methods[i].gain.n == 0) continue;
        s = changes_of(&b->methods[i], data, n++ == 0, &method);
        pt_page_append(&methods, method);
    }
    if (n > 0) {
        *out = json_pack("{s:o, s:o}", "without_data", data ? json_null() : json_true(),
                         "methods", methods);
        return s;
    }
    json_decref(methods);
    *out = json_null();
    return s;
}

#include "launch/report/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "launch/report/curves.h"
#include "launch/report/answers.h"
#include "launch/report/pictures.h"
#include "launch/report/svg.h"

enum {
    MOST_LINES = 16,
    MOST_BANDS = 4,
    MOST_CHANGES = 6,
    MOST_PAIRS = 8,
    MOST_CLASSES = 40
};

int pt_page_style_of(const pt_block *b, const pt_method *m)
{
    return (int)((m - b->methods) % MOST_LINES);
}

/* ---- curves ----------------------------------------------------------------------- */

/* One chart of a quantity over the methods; band: low and high beside the mean. */
static void draw(FILE *out, const pt_block *b, pt_curves *const *c, const char *title,
                 pt_curve mean, pt_curve low, pt_curve high, bool log_y)
{
    pt_line *lines = pt_calloc(b->n_methods, sizeof *lines);
    pt_chart chart = {title, "step", log_y, lines, b->n_methods};
    bool range = low == mean; /* the band is that of the runs */
    bool bands = !range || b->n_methods <= MOST_BANDS;

    for (size_t i = 0; lines && i < b->n_methods; i++)
        lines[i] = (pt_line){b->methods[i].name,
                             pt_page_style_of(b, &b->methods[i]),
                             c[i]->n,
                             c[i]->step,
                             c[i]->mean[mean],
                             !bands  ? NULL
                             : range ? c[i]->low[mean]
                                     : c[i]->mean[low],
                             !bands  ? NULL
                             : range ? c[i]->high[mean]
                                     : c[i]->mean[high]};
    if (lines) pt_svg_chart(out, &chart);
    free(lines);
}

pt_status pt_page_curves(FILE *out, const pt_block *b)
{
    pt_curves **c = pt_calloc(b->n_methods, sizeof *c);
    pt_status s = c ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for curves");

    for (size_t i = 0; i < b->n_methods && s == PT_OK; i++)
        s = pt_curves_read(&b->methods[i], &c[i]);
    if (s == PT_OK) {
        fprintf(out, "<h3>Training</h3>\n<p class=\"soft\">Means over the runs of each "
                     "method, with bands from the least to the most of them where there "
                     "are few methods. Of |g_ce| / (w "
                     "|g_ptr|): the median over the images of a batch, and its 10 and 90 "
                     "percent points.</p>\n<div class=\"charts\">\n");
        draw(out, b, c, "Cross-entropy of the batch", PT_CURVE_CE, PT_CURVE_CE,
             PT_CURVE_CE, true);
        draw(out, b, c, "Accuracy on the batch", PT_CURVE_ACCURACY, PT_CURVE_ACCURACY,
             PT_CURVE_ACCURACY, false);
        draw(out, b, c, "Norm of the representation", PT_CURVE_REP, PT_CURVE_REP,
             PT_CURVE_REP, false);
        draw(out, b, c, "Weight w of the pseudo-task", PT_CURVE_W, PT_CURVE_W, PT_CURVE_W,
             true);
        draw(out, b, c, "|g_ce| / (w |g_ptr|) over the images", PT_CURVE_RATIO_50,
             PT_CURVE_RATIO_10, PT_CURVE_RATIO_90, true);
        draw(out, b, c, "Learning rate", PT_CURVE_LR, PT_CURVE_LR, PT_CURVE_LR, true);
        fprintf(out, "</div>\n");
    }
    for (size_t i = 0; c && i < b->n_methods; i++) free(c[i]);
    free(c);
    return s;
}

/* ---- scaling ---------------------------------------------------------------------- */

static int by_workers(const void *pa, const void *pb)
{
    const pt_result *a = *(const pt_result *const *)pa,
                    *b = *(const pt_result *const *)pb;

    return (a->workers > b->workers) - (a->workers < b->workers);
}

void pt_page_scaling(FILE *out, const pt_block *b)
{
    const pt_result **runs;
    double *x, *y;
    size_t n = 0, room = 0, lines = 0;
    pt_line line = {"images/s", 1, 0, NULL, NULL, NULL, NULL};
    pt_chart chart = {"Images per second against workers", "workers", false, &line, 1};

    for (size_t i = 0; i < b->n_methods; i++) room += b->methods[i].n_runs;
    runs = pt_calloc(room, sizeof *runs);
    x = pt_calloc(2 * room, sizeof *x);
    y = x ? x + room : NULL;
    for (size_t i = 0; runs && x && i < b->n_methods; i++)
        for (size_t r = 0; r < b->methods[i].n_runs; r++)
            if (b->methods[i].runs[r]->workers > 0 &&
                isfinite(b->methods[i].runs[r]->images_per_s))
                runs[n++] = b->methods[i].runs[r];
    if (n > 1) qsort(runs, n, sizeof *runs, by_workers);
    for (size_t i = 0, end; i < n; i = end) { /* means over runs of equal workers */
        double sum = 0;

        for (end = i; end < n && runs[end]->workers == runs[i]->workers; end++)
            sum += runs[end]->images_per_s;
        x[lines] = runs[i]->workers;
        y[lines++] = sum / (double)(end - i);
    }
    line.n = lines;
    line.x = x;
    line.y = y;
    if (lines > 1) {
        fprintf(out, "<h3>Scaling</h3>\n<div class=\"charts\">\n");
        pt_svg_chart(out, &chart);
        fprintf(out, "</div>\n");
    }
    free(runs);
    free(x);
}

/* ---- confusion -------------------------------------------------------------------- */

static void print_matrix(FILE *out, const pt_answers *g, const uint32_t *counts)
{
    size_t c = (size_t)g->n_classes;

    fprintf(out, "<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th "
                 "class=\"row\">true class</th>");
    for (size_t k = 0; k < c; k++) {
        fprintf(out, "<th scope=\"col\"><span>");
        pt_html_text(out, g->classes[k]);
        fprintf(out, "</span></th>");
    }
    fprintf(out, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < c; i++) {
        uint32_t of = 0;

        for (size_t k = 0; k < c; k++) of += counts[i * c + k];
        fprintf(out, "<tr><th class=\"row\" scope=\"row\">");
        pt_html_text(out, g->classes[i]);
        fprintf(out, "</th>");
        for (size_t k = 0; k < c; k++) {
            uint32_t n = counts[i * c + k];

            fprintf(out, "<td%s style=\"background:rgba(var(--heat),%.2f)\">",
                    i == k ? " class=\"right\"" : "", of ? 0.75 * n / of : 0);
            if (n > 0) fprintf(out, "%u", n);
            fprintf(out, "</td>");
        }
        fprintf(out, "</tr>\n");
    }
    fprintf(out, "</tbody></table></div>\n");
}

/* The largest counts off the diagonal. */
static void print_pairs(FILE *out, const pt_answers *g, const uint32_t *counts)
{
    size_t c = (size_t)g->n_classes;
    uint32_t below = UINT32_MAX;
    size_t after = 0;

    fprintf(out, "<p class=\"soft\">Most often confused: ");
    for (int i = 0; i < MOST_PAIRS; i++) {
        size_t best = SIZE_MAX;

        for (size_t at = 0; at < c * c; at++) {
            bool later = counts[at] < below || (counts[at] == below && at > after);

            if (at / c != at % c && later &&
                (best == SIZE_MAX || counts[at] > counts[best]))
                best = at;
        }
        if (best == SIZE_MAX || counts[best] == 0) break;
        below = counts[best];
        after = best;
        fprintf(out, "%s", i ? "; " : "");
        pt_html_text(out, g->classes[best / c]);
        fprintf(out, " as ");
        pt_html_text(out, g->classes[best % c]);
        fprintf(out, " (%u)", counts[best]);
    }
    fprintf(out, ".</p>\n");
}

pt_status pt_page_confusion(FILE *out, const pt_block *b)
{
    pt_status s = PT_OK;

    fprintf(out,
            "<h3>Confusion</h3>\n<p class=\"soft\">Rows: the true class; columns: the "
            "answer; test images of all runs of a method.</p>\n");
    for (size_t i = 0; i < b->n_methods && s == PT_OK; i++) {
        pt_answers g = {0};
        uint32_t *counts = NULL;

        s = pt_answers_confusion(&b->methods[i], &g, &counts);
        if (s != PT_OK) break;
        fprintf(out, "<details%s><summary>", i == 0 ? " open" : "");
        pt_html_text(out, b->methods[i].name);
        fprintf(out, "</summary>\n");
        print_pairs(out, &g, counts);
        if (g.n_classes <= MOST_CLASSES)
            print_matrix(out, &g, counts);
        else
            fprintf(out, "<p class=\"soft\">%d classes: too many for a matrix.</p>\n",
                    g.n_classes);
        fprintf(out, "</details>\n");
        pt_answers_fini(&g);
        free(counts);
    }
    return s;
}

/* ---- what changed ----------------------------------------------------------------- */

typedef struct {
    FILE *out;
    const pt_dataset *data;
    const char *split; /* of the training images */
    const pt_answers *g;
} cards;

/* A picture with what it is; number -1: none. */
static void print_picture(const cards *k, const char *what, int class, long number)
{
    fprintf(k->out, "<div>");
    if (k->data && number >= 0)
        pt_picture(k->out, k->data, (size_t)number, k->g->classes[class]);
    fprintf(k->out, "%s <b>", what);
    pt_html_text(k->out, k->g->classes[class]);
    fprintf(k->out, "</b></div>\n");
}

static long example(const cards *k, int class)
{
    return k->data ? pt_picture_of_class(k->data, k->split, class) : -1;
}

static void print_card(const cards *k, const pt_change *c, const char *name, int paired)
{
    int label = k->g->label[c->at];
    bool better = c->for_ > c->against;

    fprintf(k->out, "<article class=\"card\"><p>");
    pt_html_text(k->out, k->g->names[c->at]);
    fprintf(k->out, ": only %s is right in %d of %d pairs, only %s in %d</p>\n",
            better ? name : "plain", better ? c->for_ : c->against, paired,
            better ? "plain" : name, better ? c->against : c->for_);
    print_picture(k, "true class", label, k->g->image[c->at]);
    print_picture(k, "plain said", c->plain, example(k, c->plain));
    print_picture(k, "the method said", c->ours, example(k, c->ours));
    fprintf(k->out, "</article>\n");
}

/* Up to MOST_CHANGES of list [n] from the front, or from the end. */
static void print_cards(const cards *k, const pt_change *list, size_t n, bool better,
                        const pt_method *m)
{
    int shown = 0;
    size_t all = 0;

    for (size_t i = 0; i < n; i++) all += (list[i].for_ > list[i].against) == better;
    fprintf(k->out, "<h4>%s: %zu test images</h4>\n",
            better ? "More often right than plain" : "More often wrong than plain", all);
    fprintf(k->out, "<div class=\"cards\">\n");
    for (size_t i = 0; i < n && shown < MOST_CHANGES; i++) {
        const pt_change *c = &list[better ? i : n - 1 - i];

        if ((c->for_ > c->against) != better) break;
        print_card(k, c, m->name, (int)m->gain.n);
        shown++;
    }
    fprintf(k->out, "</div>\n");
}

static pt_status changes_of(FILE *out, const pt_method *m, const pt_dataset *data,
                            bool open)
{
    pt_answers g = {0};
    pt_change *list = NULL;
    const char *split = pt_settings_get(&m->runs[0]->settings, "data.train_split");
    size_t n = 0;
    pt_status s = pt_answers_changes(m, &g, &list, &n);
    cards k = {out, data, split ? split : "train", &g};

    if (s != PT_OK) return s;
    fprintf(out, "<details%s><summary>", open ? " open" : "");
    pt_html_text(out, m->name);
    fprintf(out, "</summary>\n");
    print_cards(&k, list, n, true, m);
    print_cards(&k, list, n, false, m);
    fprintf(out, "</details>\n");
    free(list);
    pt_answers_fini(&g);
    return PT_OK;
}

pt_status pt_page_changes(FILE *out, const pt_block *b, const pt_dataset *data)
{
    bool any = false;
    pt_status s = PT_OK;

    for (size_t i = 0; i < b->n_methods; i++) any = any || b->methods[i].gain.n > 0;
    if (!any) return PT_OK;
    fprintf(out,
            "<h3>What changed</h3>\n<p class=\"soft\">Test images on which a method and "
            "plain fine-tuning differ, chosen by how many of the paired runs agree; "
            "both ways. Beside each the answers that they gave most often where they "
            "differ, with a training "
            "picture of that class.%s</p>\n",
            data ? ""
                 : " The data set is not there, so there are names only (give --data).");
    any = false;
    for (size_t i = 0; i < b->n_methods && s == PT_OK; i++) {
        if (b->methods[i].gain.n == 0) continue;
        s = changes_of(out, &b->methods[i], data, !any);
        any = true;
    }
    return s;
}

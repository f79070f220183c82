#include "launch/train/predictions.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/base/file.h"
#include "common/base/utf8.h"
#include "common/data/h5file.h"
#include "launch/train/metrics.h"
#include "launch/train/run_dir.h"
#include "worker/objective/cross_entropy.h"

enum { LIBRARY_BYTES = 1 << 16, TEXT_BYTES = 64 };

int pt_logits_best(const float *logits, int n)
{
    int best = 0;

    for (int k = 1; k < n; k++)
        if (logits[k] > logits[best]) best = k;
    return best;
}

int pt_logits_rank(const float *logits, int n, int label)
{
    int above = 0;

    for (int i = 0; i < n; i++)
        above += logits[i] > logits[label] || (logits[i] == logits[label] && i < label);
    return above;
}

void pt_score_fini(pt_score *s)
{
    free(s->right);
    free(s->of);
    *s = (pt_score){0};
}

pt_status pt_score_rows(const pt_dataset *d, const uint32_t *images, size_t n,
                        const float *logits, pt_score *out)
{
    int c = pt_dataset_classes(d);
    pt_score s = {.n = n, .n_classes = c, .data = d};

    s.right = pt_calloc((size_t)c, sizeof *s.right);
    s.of = pt_calloc((size_t)c, sizeof *s.of);
    if (!s.right || !s.of) {
        pt_score_fini(&s);
        return pt_fail(PT_ERR_NOMEM, "no memory for the scores of %d classes", c);
    }
    for (size_t i = 0; i < n; i++) {
        const float *row = logits + i * (size_t)c;
        int label = pt_dataset_label(d, images[i]), rank = pt_logits_rank(row, c, label);
        double correct;

        s.ce += pt_cross_entropy(row, c, pt_class(label), 0, NULL, &correct);
        s.n_right += rank == 0;
        s.top5 += rank < 5;
        s.right[label] += rank == 0;
        s.of[label]++;
    }
    s.top1 = (double)s.n_right / (n ? (double)n : 1);
    s.top5 /= n ? (double)n : 1;
    s.ce /= n ? (double)n : 1;
    *out = s;
    return PT_OK;
}

json_t *pt_score_number(const pt_score *s, double x)
{
    return s->n > 0 ? pt_metrics_number(x) : json_null();
}

json_t *pt_score_line(json_t *line, uint64_t step, const pt_score *s)
{
    json_t *test = json_pack("{s:I, s:I, s:I, s:o, s:o, s:o}", "step", (json_int_t)step,
                             "right", (json_int_t)s->n_right, "of", (json_int_t)s->n,
                             "accuracy", pt_metrics_number(s->top1), "top5",
                             pt_metrics_number(s->top5), "ce", pt_metrics_number(s->ce));

    if (json_object_update_new(line, test) == 0) return line;
    json_decref(line);
    return NULL;
}

json_t *pt_score_per_class(const pt_score *s)
{
    json_t *o = json_object();

    for (int k = 0; k < s->n_classes && o; k++) {
        const char *name = pt_dataset_class_name(s->data, k);
        char *escaped = pt_utf8_is(name) ? NULL : pt_utf8_escape(name); /* old files */

        json_object_set_new(o, escaped ? escaped : name,
                            s->of[k] ? json_real((double)s->right[k] / s->of[k])
                                     : json_null());
        free(escaped);
    }
    return o;
}

pt_status pt_predictions_hash(const pt_dataset *d, const uint32_t *images, size_t n,
                              const float *logits, char hash[65])
{
    size_t c = (size_t)pt_dataset_classes(d);
    pt_digest *g = NULL;
    pt_status s = pt_digest_create(&g);

    for (size_t i = 0; i < n && s == PT_OK; i++) {
        int32_t label = pt_dataset_label(d, images[i]);

        pt_digest_add(g, &images[i], sizeof images[i]);
        pt_digest_add(g, &label, sizeof label);
        pt_digest_add(g, logits + i * c, c * sizeof *logits);
    }
    if (s == PT_OK) pt_digest_finish(&g, hash);
    return s;
}

/* label, prediction and name columns; calls write for each. */
static pt_status write_columns(pt_h5file *f, const pt_dataset *d, const uint32_t *images,
                               size_t n, const float *logits)
{
    int c = pt_dataset_classes(d);
    uint64_t rows = n, dims[2] = {n, (uint64_t)c};
    int32_t *label = pt_calloc(n, sizeof *label), *guess = pt_calloc(n, sizeof *guess);
    const char **name = pt_calloc(n, sizeof *name);
    pt_status s = PT_OK;

    if (!label || !guess || !name) s = pt_fail(PT_ERR_NOMEM, "no memory for predictions");
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        label[i] = pt_dataset_label(d, images[i]);
        name[i] = pt_dataset_name(d, images[i]);
        guess[i] = pt_logits_best(logits + i * (size_t)c, c);
    }
    if (s == PT_OK) s = pt_h5file_write_u32(f, "image", 1, &rows, images);
    if (s == PT_OK) s = pt_h5file_write_i32(f, "label", 1, &rows, label);
    if (s == PT_OK) s = pt_h5file_write_i32(f, "prediction", 1, &rows, guess);
    if (s == PT_OK) s = pt_h5file_write_f32(f, "logits", 2, dims, logits);
    if (s == PT_OK) s = pt_h5file_write_strings(f, "name", name, n);
    if (s == PT_OK)
        s = pt_h5file_write_strings(f, "classes", pt_dataset_class_names(d), (size_t)c);
    free(label);
    free(guess);
    free(name);
    return s;
}

/* A text takes its bytes, a reference to them, and its share of the library's heap. */
uint64_t pt_predictions_bytes(const pt_dataset *d, const uint32_t *images, size_t n)
{
    size_t classes = (size_t)pt_dataset_classes(d);
    uint64_t bytes = LIBRARY_BYTES;

    bytes += n * (classes * sizeof(float) + sizeof(uint32_t) + 2 * sizeof(int32_t));
    for (size_t i = 0; i < n; i++)
        bytes += strlen(pt_dataset_name(d, images[i])) + TEXT_BYTES;
    for (size_t k = 0; k < classes; k++)
        bytes += strlen(pt_dataset_class_name(d, (int)k)) + TEXT_BYTES;
    return bytes;
}

pt_status pt_predictions_write(const char *dir, const char *name, const pt_dataset *d,
                               const uint32_t *images, size_t n, const float *logits,
                               char hash[65])
{
    char *path = pt_file_path(dir, name);
    pt_h5file *f = NULL;
    pt_status s = path ? pt_predictions_hash(d, images, n, logits, hash)
                       : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    if (s == PT_OK) s = pt_file_check_space(path, pt_predictions_bytes(d, images, n));
    if (s == PT_OK) s = pt_h5file_create(path, &f);
    if (s == PT_OK) s = write_columns(f, d, images, n, logits);
    if (s == PT_OK) s = pt_h5file_set_string(f, "/", "hash", hash);
    if (s == PT_OK) s = pt_h5file_commit(&f);
    pt_h5file_destroy(&f);
    free(path);
    return s;
}

const char *pt_rows_name(pt_rows_of set)
{
    static const char *const names[PT_ROWS_SETS] = {"test", "train", "validation"};

    return names[set];
}

const uint32_t *pt_rows_images(const pt_setup *u, pt_rows_of set)
{
    if (set == PT_ROWS_VALIDATION) return u->validation.images;
    return set == PT_ROWS_TEST ? u->test : u->run->plan->images;
}

#include "launch/report/mistakes.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "common/data/h5file.h"

enum { MAX_LOGITS = 1 << 28 };

/* Softmax of x [n] at `of`. */
static double probability(const float *x, int n, int of)
{
    double most = x[0], sum = 0;

    for (int k = 1; k < n; k++) /* gcc 12 for AArch64 ends with an error over fmax here */
        if (x[k] > most) most = x[k];
    for (int k = 0; k < n; k++) sum += exp(x[k] - most);
    return exp(x[of] - most) / sum;
}

static int by_certainty(const void *pa, const void *pb)
{
    const pt_mistake *a = pa, *b = pb;

    if (a->sure != b->sure) return a->sure > b->sure ? -1 : 1;
    return a->at < b->at ? -1 : 1;
}

static pt_status read_logits(const char *dir, const pt_answers *a, float **logits)
{
    char *path = pt_file_path(dir, "predictions.h5");
    pt_h5file *f = NULL;
    size_t n = 0;
    pt_status s =
        path ? pt_h5file_open(path, &f) : pt_fail(PT_ERR_NOMEM, "no memory for a path");

    if (s == PT_OK) s = pt_h5file_read_f32(f, "logits", MAX_LOGITS, logits, &n);
    if (s == PT_OK && n != pt_mul(a->n, (size_t)a->n_classes))
        s = pt_fail(PT_ERR_DATA, "%s: has %zu logits for %zu images of %d classes", path,
                    n, a->n, a->n_classes);
    pt_h5file_destroy(&f);
    free(path);
    return s;
}

pt_status pt_mistakes_read(const char *dir, const pt_answers *a, size_t most,
                           pt_mistake **list, size_t *n)
{
    pt_mistake *all = pt_calloc(a->n + 1, sizeof *all);
    float *logits = NULL;
    size_t wrong = 0;
    pt_status s = all ? read_logits(dir, a, &logits)
                      : pt_fail(PT_ERR_NOMEM, "no memory for %zu mistakes", a->n);

    for (size_t i = 0; i < a->n && s == PT_OK; i++) {
        const float *x = logits + i * (size_t)a->n_classes;

        if (a->answer[i] == a->label[i]) continue;
        all[wrong++] = (pt_mistake){i, probability(x, a->n_classes, a->answer[i]),
                                    probability(x, a->n_classes, a->label[i])};
    }
    free(logits);
    if (s != PT_OK) {
        free(all);
        return s;
    }
    qsort(all, wrong, sizeof *all, by_certainty);
    *list = all;
    *n = wrong < most ? wrong : most;
    return PT_OK;
}

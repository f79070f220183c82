#include "launch/borrow/counts.h"

#include <stdlib.h>

#include "common/base/pmath.h"
#include "common/data/h5file.h"
#include "launch/train/predictions.h"

enum { MAX_VALUES = 1 << 28 };

typedef struct {
    uint32_t *image;
    int32_t *label;
    float *logits;
    size_t n, n_classes;
} rows;

int pt_counts_more(const float *logits, int n, int label)
{
    double sum = 0, mean = 0;

    if (pt_logits_rank(logits, n, label) != 0) return 4;
    for (int i = 0; i < n; i++) {
        double p = pt_exp((double)logits[i] - logits[label]);

        sum += p;
        mean += p * ((double)logits[i] - logits[label]);
    }
    return pt_log(sum) - mean / sum > PT_BORROW_UNSURE * pt_log(n) ? 2 : 0;
}

static pt_status read_rows(const char *path, rows *out)
{
    pt_h5file *f = NULL;
    size_t labels = 0, logits = 0;
    pt_status s = pt_h5file_open(path, &f);

    if (s == PT_OK) s = pt_h5file_read_u32(f, "image", MAX_VALUES, &out->image, &out->n);
    if (s == PT_OK) s = pt_h5file_read_i32(f, "label", MAX_VALUES, &out->label, &labels);
    if (s == PT_OK)
        s = pt_h5file_read_f32(f, "logits", MAX_VALUES, &out->logits, &logits);
    pt_h5file_destroy(&f);
    if (s != PT_OK) return s;
    if (out->n > 0) out->n_classes = logits / out->n;
    if (out->n == 0 || labels != out->n || out->n_classes < 2 ||
        out->n_classes * out->n != logits)
        return pt_fail(PT_ERR_DATA, "%s: %zu images, %zu labels, %zu logits", path,
                       out->n, labels, logits);
    for (size_t i = 0; i < out->n; i++)
        if (out->label[i] < 0 || (size_t)out->label[i] >= out->n_classes)
            return pt_fail(PT_ERR_DATA, "%s: row %zu has no class of the file", path, i);
    return PT_OK;
}

/* The file's entry for the image, -1 if it has none. at: where it is likely. */
static int look_up(const rows *r, uint32_t image, size_t at)
{
    for (size_t i = 0; i < r->n; i++) {
        size_t row = (at + i) % r->n;

        if (r->image[row] == image)
            return pt_counts_more(r->logits + row * r->n_classes, (int)r->n_classes,
                                  r->label[row]);
    }
    return -1;
}

pt_status pt_counts_add(const char *file, const uint32_t *images, size_t n, size_t base,
                        size_t *k, pt_hardness *h)
{
    rows r = {0};
    pt_status s = read_rows(file, &r);

    *h = (pt_hardness){0};
    for (size_t i = 0; i < n && s == PT_OK; i++) {
        int by = look_up(&r, images[i], i);

        if (by < 0)
            s = pt_fail(PT_ERR_DATA,
                        "%s holds no prediction of training image %u: is it "
                        "train_predictions.h5 of a run with this data set?",
                        file, images[i]);
        else
            k[i] += (size_t)by * base;
        h->wrong += by == 4;
        h->unsure += by == 2;
        h->easy += by == 0;
    }
    free(r.image);
    free(r.label);
    free(r.logits);
    return s;
}

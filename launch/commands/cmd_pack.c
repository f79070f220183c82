#include "launch/commands/commands.h"

#include <errno.h>
#include <libgen.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "common/base/digest.h"
#include "common/base/log.h"
#include "common/base/utf8.h"
#include "common/data/dataset.h"
#include "launch/layouts/check.h"
#include "launch/layouts/layout.h"
#include "launch/layouts/twins.h"
#include "launch/support/args.h"
#include "launch/support/image_set.h"
#include "launch/support/repack.h"

enum { MAX_COUNT = 1000000 };

typedef struct {
    const char *layout, *input, *output, *source, *licence;
    pt_layout_options files;
    bool skip_bad, overwrite;
} options;

static pt_status check_options(const void *given)
{
    const options *o = given;

    if (o->source && !pt_utf8_is(o->source))
        return pt_fail(PT_ERR_USAGE, "--source is not UTF-8 text");
    if (o->licence && !pt_utf8_is(o->licence))
        return pt_fail(PT_ERR_USAGE, "--licence is not UTF-8 text");
    return PT_OK;
}

static const char about[] =
    "Packs the images of the folder INPUT, with labels and splits, into one file. Every "
    "image is decoded once; if some are bad they are listed and nothing is written, nor "
    "where a class's folder has files that are no pictures. The file has a checksum of "
    "each image, which is checked whenever the image is read. Pictures (JPEG, PNG, WebP, "
    "GIF, BMP, TIFF) are kept as they are stored, and read as Pillow's convert('RGB') "
    "reads them: an orientation in EXIF is not applied, as in torchvision (one of TIFF "
    "is), and alpha is dropped.\n\n"
    "INPUT may also be a packed file: the copy has the same data, and the checksums that "
    "files of older versions lack. Only --overwrite can be combined with that.";

static const char layouts[] =
    "Layouts:\n"
    "  folders     pictures in train/CLASS/, test/CLASS/ (and val), or in CLASS/\n"
    "  list        train.txt, test.txt (and val.txt): lines `path label`,\n"
    "              a number from 0 or a class's name;\n"
    "              classes.txt: one name per line\n"
    "              (both: also training, valid, validation, dev, testing, in small\n"
    "              letters or capitals; the splits are train, val, test)\n"
    "  csv         labels.csv, or train.csv, test.csv (and val.csv), with columns\n"
    "              file,label (and perhaps split); labels: names, or numbers of the\n"
    "              lines of classes.txt from 0 (only with --layout)\n"
    "  flower102   jpg/, imagelabels.mat and setid.mat of Oxford Flower102\n"
    "  cub200      CUB_200_2011/ with its lists\n"
    "  mit67       Images/, TrainImages.txt, TestImages.txt of MIT Indoor 67\n"
    "  stanford40  JPEGImages/, ImageSplits/ of Stanford 40 Actions\n"
    "  caltech256  256_ObjectCategories/: splits train30, train60, test\n"
    "  webface500  a folder per identity, as CASIA-WebFace (only with --layout)";

static const char only[] =
    "Folders: only files that one of these fits, '*.jpg,*.png'; those with a slash are "
    "of "
    "the path in INPUT, 'train/*'. The others are left out, and counted";

static bool read_options(int argc, char **argv, options *o, int *code)
{
    pt_layout_options *f = &o->files;
    const pt_arg table[] = {
        PT_ARG_OPERAND("INPUT", &o->input),
        PT_ARG_OPERAND("OUT.h5", &o->output),
        PT_ARG_TEXT("layout", "LAYOUT", &o->layout,
                    "How INPUT is laid out (default: detected from its contents)"),
        PT_ARG_NUMBER("test-every", "N", &f->test_every, 2, MAX_COUNT,
                      "CLASS/*.jpg: every N-th image of a class is for the test, the "
                      "others are for training (default: one split, `all`)"),
        PT_ARG_TEXT("test-share", "X", &f->test_share,
                    "Folders without a test split: this share of each class is for the "
                    "test, 0.2 for a fifth (rounded; at least one image of a class of "
                    "two or more), drawn at random"),
        PT_ARG_SEED("seed", "SEED", &f->test_seed, "Of --test-share (default: 1)"),
        PT_ARG_NUMBER("train-per-class", "N", &f->train_per_class, 1, MAX_COUNT,
                      "caltech256: one split `train` of N images of each class; "
                      "webface500: N training images of each (default: 80)"),
        PT_ARG_NUMBER("test-per-class", "N", &f->test_per_class, 1, MAX_COUNT,
                      "Of both: the next N images of each class (default: 20)"),
        PT_ARG_SEED("draw", "SEED", &f->draw_seed,
                    "Of both: images drawn at random, not in the order of names",
                    .flag = &f->draw),
        PT_ARG_FLAG("no-clutter", &f->no_clutter, "caltech256: leave class 257 out"),
        PT_ARG_NUMBER(
            "identities", "N", &f->n_classes, 1, MAX_COUNT,
            "webface500: how many of them, those with the most images (default: 500)"),
        PT_ARG_TEXT("train", "FILE", &f->train,
                    "list, csv: read FILE instead of train.txt"),
        PT_ARG_TEXT("val", "FILE", &f->val, "list: instead of val.txt"),
        PT_ARG_TEXT("test", "FILE", &f->test, "list: instead of test.txt"),
        PT_ARG_TEXT("classes", "FILE", &f->classes, "list: instead of classes.txt"),
        PT_ARG_TEXT("source", "TEXT", &o->source,
                    "Where the data come from, kept in the file"),
        PT_ARG_TEXT("licence", "TEXT", &o->licence, "Their licence, kept in the file"),
        PT_ARG_TEXT("license", "TEXT", &o->licence, NULL),
        PT_ARG_TEXT("only", "PATTERNS", &f->only, only),
        PT_ARG_FLAG(
            "skip-bad", &o->skip_bad,
            "Leave out bad images, files that are no pictures of a class, folders "
            "beside the splits, with a warning"),
        PT_ARG_OVERWRITE(&o->overwrite)};
    const pt_args args = {.command = "pack",
                          .about = about,
                          .notes = layouts,
                          .example = "ptrain pack photos photos.h5 --test-share 0.2",
                          PT_ARGS_TABLE(table),
                          .check = check_options,
                          .given = o};

    return pt_args_read(&args, argc, argv, code);
}

/* What can be known before the long work. */
static pt_status check_output(const options *o)
{
    pt_status s = pt_check_output(o->output, o->overwrite, NULL, 0);
    char *copy;

    if (s != PT_OK) return s;
    copy = strdup(o->output);
    if (!copy) return pt_fail(PT_ERR_NOMEM, "%s: no memory", o->output);
    if (access(dirname(copy), W_OK | X_OK) != 0)
        s = pt_fail(PT_ERR_IO, "%s: cannot be created: %s", o->output, strerror(errno));
    free(copy);
    return s;
}

/* ---- packing ---------------------------------------------------------------------- */

/* What nobody would train on has to be known, or meant. */
static pt_status report_left_out(const options *o, const pt_layout *l)
{
    const char *many = l->left_out.n == 1 ? "1 entry is no picture" : NULL;
    char text[PT_LEFT_OUT_TEXT], count[64];

    if (l->left_out.n == 0) return PT_OK;
    if (!many) {
        snprintf(count, sizeof count, "%zu entries are no pictures", l->left_out.n);
        many = count;
    }
    pt_left_out_text(&l->left_out, text);
    if (o->skip_bad) {
        pt_log_warn("%s: %s of a class, left out: %s", o->input, many, text);
        return PT_OK;
    }
    pt_fail_more(&(pt_status){PT_OK}, PT_ERR_DATA,
                 "%s: %s of a class: %s (move away what is not meant, or leave it out "
                 "with --only or --skip-bad)",
                 o->input, many, text);
    pt_log_error(pt_fail_text());
    return PT_ERR_DATA;
}

/* Reports what is wrong with images, in their order; PT_ERR_DATA if some are bad and are
 * not to be left out. */
static pt_status report_bad(const options *o, const pt_layout *l,
                            const pt_checked *checked)
{
    size_t bad = 0, n = l->n_images;
    pt_status s = report_left_out(o, l);

    for (size_t i = 0; i < n; i++) {
        const char *reason = checked[i].reason ? checked[i].reason : l->images[i].path;
        bad += checked[i].status != PT_OK;
        if (checked[i].status == PT_OK && checked[i].warning[0])
            pt_log_warn("%s: %s", l->images[i].path, checked[i].warning);
        else if (checked[i].status != PT_OK && o->skip_bad)
            pt_log_warn("%s: left out", reason);
        else if (checked[i].status != PT_OK)
            pt_log_error(reason);
    }
    if (s != PT_OK && bad == 0) pt_log_info("nothing was written");
    if (bad == 0) return s;
    if (!o->skip_bad) {
        pt_log_info(
            "%zu of %zu images are bad, nothing was written (--skip-bad leaves them out)",
            bad, n);
        return PT_ERR_DATA;
    }
    pt_log_warn("%zu of %zu images are bad and were left out", bad, n);
    return PT_OK;
}

/* The good images and splits of good images; what it points at stays with layout and
 * checked. */
typedef struct {
    pt_pack_image *images;
    pt_pack_split splits[PT_LAYOUT_MAX_SPLITS];
    pt_pack pack;
    size_t bytes;
} sifted;

/* Rewrites the splits of l in place. */
static pt_status sift(const options *o, pt_layout *l, const pt_checked *checked,
                      sifted *out)
{
    size_t n = l->n_images, kept = 0;
    uint32_t *number = malloc((n + 1) * sizeof *number);

    out->images = malloc((n + 1) * sizeof *out->images);
    if (!number || !out->images) {
        free(number);
        return pt_fail(PT_ERR_NOMEM, "%s: no memory for the index", o->output);
    }
    for (size_t i = 0; i < n; i++) {
        const pt_layout_image *im = &l->images[i];
        number[i] = UINT32_MAX;
        if (checked[i].status != PT_OK) continue;
        number[i] = (uint32_t)kept;
        out->bytes += checked[i].bytes;
        out->images[kept++] = (pt_pack_image){.path = im->path,
                                              .name = im->name,
                                              .label = im->label,
                                              .height = checked[i].height,
                                              .width = checked[i].width,
                                              .bytes = checked[i].bytes};
    }
    for (int k = 0; k < l->n_splits; k++) {
        pt_layout_split *split = &l->splits[k];
        size_t m = 0;
        for (size_t i = 0; i < split->n; i++)
            if (number[split->images[i]] != UINT32_MAX)
                split->images[m++] = number[split->images[i]];
        split->n = m;
        out->splits[k] = (pt_pack_split){split->name, split->images, m};
    }
    free(number);
    out->pack = (pt_pack){.images = out->images,
                          .n_images = kept,
                          .classes = (const char *const *)l->classes,
                          .n_classes = (int)l->n_classes,
                          .splits = out->splits,
                          .n_splits = (size_t)l->n_splits,
                          .source = o->source,
                          .licence = o->licence};
    return PT_OK;
}

/* Warns of classes that had images in a split and have none left; labels by images of l.
 */
static void warn_of_lost_classes(const options *o, const pt_layout *l,
                                 const pt_checked *checked, const pt_layout_split *split,
                                 size_t *had, size_t *left)
{
    for (size_t c = 0; c < l->n_classes; c++) had[c] = left[c] = 0;
    for (size_t i = 0; i < split->n; i++) {
        size_t image = split->images[i], label = (size_t)l->images[image].label;
        had[label]++;
        left[label] += checked[image].status == PT_OK;
    }
    for (size_t c = 0; c < l->n_classes; c++)
        if (had[c] > 0 && left[c] == 0)
            pt_log_warn("%s: class '%s' has no good image in split %s", o->input,
                        l->classes[c], split->name);
}

static pt_status report_lost_classes(const options *o, const pt_layout *l,
                                     const pt_checked *checked)
{
    size_t *counts = calloc(2 * l->n_classes + 1, sizeof *counts);

    if (!counts) return pt_fail(PT_ERR_NOMEM, "%s: no memory for the counts", o->input);
    for (int k = 0; k < l->n_splits; k++)
        warn_of_lost_classes(o, l, checked, &l->splits[k], counts, counts + l->n_classes);
    free(counts);
    return PT_OK;
}

static void print_result(const options *o, const pt_layout *l, const sifted *packed,
                         const char *checksum, double s)
{
    pt_log_info("%s: %zu images of %zu classes (layout %s)", o->output,
                packed->pack.n_images, l->n_classes, l->kind);
    for (int k = 0; k < l->n_splits; k++)
        pt_log_info("split %s: %zu images", l->splits[k].name, l->splits[k].n);
    if (l->n_splits == 1 && strcmp(l->splits[0].name, "all") == 0)
        pt_log_info("(--test-share 0.2 would make the splits train and test)");
    if (o->files.only)
        pt_log_info("left out by --only: %zu file%s", l->left_out.n_not_meant,
                    l->left_out.n_not_meant == 1 ? "" : "s");
    pt_log_info("size: %.1f MB in %.1f s", (double)packed->bytes / 1e6, s);
    pt_log_info("checksum: %s", checksum);
}

static bool is_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static bool has_layout_options(const pt_layout_options *f)
{
    return f->train || f->val || f->test || f->classes || f->test_every ||
           f->test_share || f->only || f->train_per_class || f->test_per_class ||
           f->n_classes || f->no_clutter || f->draw;
}

static pt_status repack(const options *o)
{
    if (o->layout || o->source || o->licence || o->skip_bad ||
        has_layout_options(&o->files))
        return pt_fail(PT_ERR_USAGE,
                       "pack: %s is a file, which is copied as it is: no option but "
                       "--overwrite may be given",
                       o->input);
    return pt_repack(o->input, o->output);
}

/* *reported: the failure has been printed, nothing is left to print. */
static pt_status pack(const options *o, bool *reported)
{
    char checksum[PT_DIGEST_HEX];
    double start = pt_clock();
    pt_checked *checked = NULL;
    sifted packed = {0};
    pt_layout l = {0};
    pt_status s = check_output(o);

    if (s == PT_OK && is_file(o->input)) return repack(o);
    if (s == PT_OK) s = pt_layout_read(o->layout, o->input, &o->files, &l);
    if (s != PT_OK) return s;
    checked = calloc(l.n_images + 1, sizeof *checked);
    if (!checked) {
        s = pt_fail(PT_ERR_NOMEM, "%s: no memory for %zu images", o->input, l.n_images);
        goto done;
    }
    s = pt_check_images(l.images, l.n_images, 0, checked);
    if (s != PT_OK) goto done;
    s = report_bad(o, &l, checked);
    *reported = s != PT_OK;
    if (s == PT_OK) s = report_lost_classes(o, &l, checked);
    if (s == PT_OK) s = pt_twins_report(o->input, &l, checked);
    if (s == PT_OK && l.n_classes == 1)
        pt_log_warn("%s: there is one class, '%s': nothing to classify", o->input,
                    l.classes[0]);
    if (s == PT_OK) s = sift(o, &l, checked, &packed);
    if (s == PT_OK) s = pt_dataset_write(o->output, &packed.pack, checksum);
    if (s == PT_OK) print_result(o, &l, &packed, checksum, pt_clock() - start);
done:
    free(packed.images);
    if (checked) pt_checked_fini(checked, l.n_images);
    free(checked);
    pt_layout_fini(&l);
    return s;
}

int pt_cmd_pack(int argc, char **argv)
{
    options o = {.files.test_seed = 1};
    bool reported = false;
    pt_status s;
    int code;

    if (!read_options(argc, argv, &o, &code)) return code;
    s = pack(&o, &reported);
    if (s != PT_OK && !reported) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}

#include "launch/bench/input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/clock.h"
#include "common/base/crc32c.h"
#include "common/base/log.h"
#include "common/data/dataset.h"
#include "launch/bench/measure.h"
#include "launch/bench/options.h"
#include "launch/support/probe.h"
#include "worker/input/feed.h"
#include "worker/input/picture.h"

typedef struct {
    const char *path, *config;
    pt_words sets;
    int images, rounds;
    bool json;
} options;

typedef struct {
    pt_dataset *data;
    size_t n;
    uint8_t **files;                  /* [n] */
    pt_augment view;                  /* of training */
    float *out;                       /* a view */
    uint32_t sum;                     /* of all checksums, so that none is left out */
    double check_s, decode_s, view_s; /* medians, of an image */
} bench;

/* The schema's defaults, or what a configuration has. */
static pt_status choose_view(const options *o, pt_augment *out)
{
    const pt_config nothing = PT__CONFIG__CONFIG__INIT;
    pt_config *c = NULL;
    pt_status s = o->config ? pt_config_load(o->config, o->sets.list, o->sets.n, &c)
                            : pt_config_copy(&nothing, &c);

    if (s == PT_OK) *out = pt_augment_of(c, &pt_preprocess_imagenet);
    pt_config_destroy(&c);
    return s;
}

static pt_status open_files(const char *path, int images, bench *b)
{
    size_t side = (size_t)b->view.crop;
    pt_status s = pt_probe_dataset(path);

    if (s == PT_OK) s = pt_dataset_open(path, &b->data);
    if (s != PT_OK) return s;
    b->n = pt_dataset_images(b->data);
    if (b->n > (size_t)images) b->n = (size_t)images;
    if (b->n == 0) return pt_fail(PT_ERR_DATA, "%s: no images", path);
    b->files = pt_calloc(b->n, sizeof *b->files);
    b->out = pt_calloc(side * side * 3, sizeof *b->out);
    if (!b->files || !b->out) return pt_fail(PT_ERR_NOMEM, "no memory for the images");
    for (size_t i = 0; i < b->n && s == PT_OK; i++) {
        b->files[i] = pt_calloc(pt_dataset_bytes(b->data, i), 1);
        if (!b->files[i]) return pt_fail(PT_ERR_NOMEM, "no memory for the images");
        s = pt_dataset_read(b->data, i, b->files[i]);
    }
    return s;
}

static void fini(bench *b)
{
    for (size_t i = 0; b->files && i < b->n; i++) free(b->files[i]);
    free(b->files);
    free(b->out);
    pt_dataset_destroy(&b->data);
}

/* Seconds of one round over the images, of each part. */
static pt_status one_round(bench *b, uint64_t epoch, double *check_s, double *decode_s,
                           double *view_s)
{
    *check_s = *decode_s = *view_s = 0;
    for (size_t i = 0; i < b->n; i++) {
        pt_image im;
        size_t bytes = pt_dataset_bytes(b->data, i);
        double begin = pt_cpu_clock(), start, middle;
        pt_status s;

        b->sum ^= pt_crc32c(0, b->files[i], bytes);
        start = pt_cpu_clock();
        s = pt_picture_decode(b->files[i], bytes, &im, NULL);
        middle = pt_cpu_clock();
        if (s == PT_OK) s = pt_augment_train(&b->view, &im, 1, epoch, i, b->out);
        pt_image_fini(&im);
        if (s != PT_OK) {
            char why[256];

            snprintf(why, sizeof why, "%s", pt_fail_text());
            return pt_fail(s, "%s: %s", pt_dataset_name(b->data, i), why);
        }
        *check_s += start - begin;
        *decode_s += middle - start;
        *view_s += pt_cpu_clock() - middle;
    }
    return PT_OK;
}

static pt_status measure(const options *o, bench *b)
{
    size_t rounds = (size_t)o->rounds;
    double *t = pt_calloc(3 * rounds, sizeof *t), first, second, third;
    pt_status s = PT_OK;

    if (!t) return pt_fail(PT_ERR_NOMEM, "no memory for the times");
    s = one_round(b, 0, &first, &second, &third); /* warms up */
    for (size_t r = 0; r < rounds && s == PT_OK; r++)
        s = one_round(b, r + 1, &t[r], &t[rounds + r], &t[2 * rounds + r]);
    b->check_s = pt_bench_median(t, o->rounds) / (double)b->n;
    b->decode_s = pt_bench_median(t + rounds, o->rounds) / (double)b->n;
    b->view_s = pt_bench_median(t + 2 * rounds, o->rounds) / (double)b->n;
    free(t);
    return s;
}

static pt_status print(const options *o, const bench *b)
{
    double all = b->check_s + b->decode_s + b->view_s;

    if (o->json)
        return pt_bench_print_json(
            json_pack("{s:s, s:I, s:i, s:f, s:f, s:f, s:f}", "bench", "input", "images",
                      (json_int_t)b->n, "rounds", o->rounds, "check_seconds", b->check_s,
                      "decode_seconds", b->decode_s, "view_seconds", b->view_s,
                      "images_per_s", 1 / all));
    pt_log_info("input     %zu images, %d rounds, one thread: %.0f images/s", b->n,
                o->rounds, 1 / all);
    pt_log_info("check     %.4f ms (CRC32C of the file: %.2f %% of decoding)",
                b->check_s * 1e3, 100 * b->check_s / b->decode_s);
    pt_log_info("decode    %.3f ms", b->decode_s * 1e3);
    pt_log_info("view      %.3f ms (resize, crop, augment, normalise)", b->view_s * 1e3);
    return PT_OK;
}

static pt_status check_args(const void *given)
{
    const options *o = given;

    return o->sets.n > 0 && !o->config
               ? pt_fail(PT_ERR_USAGE, "--set needs --config FILE.yaml")
               : PT_OK;
}

int pt_bench_input(int argc, char **argv)
{
    options o = {.images = 256, .rounds = 5};
    const pt_arg table[] = {
        PT_ARG_OPERAND("DATA.h5", &o.path),
        PT_ARG_TEXT("config", "FILE.yaml", &o.config,
                    "View images as this configuration does, augmentations included "
                    "(default: short side to 256 pixels, random crop of 224, half of "
                    "them mirrored)"),
        PT_ARG_SET(&o.sets),
        PT_ARG_NUMBER("images", "N", &o.images, 1, 1000000,
                      "The first N images of the data set (default: 256)"),
        PT_ARG_NUMBER("rounds", "N", &o.rounds, 1, 10000,
                      "Rounds over those images (default: 5)"),
        PT_BENCH_JSON(&o.json)};
    const pt_args args = {
        .command = "bench input",
        .about =
            "Times the path from the JPEG files of a packed data set to network "
            "input, on one thread, as in training: checksum, decoding, resize, crop, "
            "augmentations, normalisation. The files are read into memory first. "
            "Processor time of this thread, medians over the rounds.",
        .example = "ptrain bench input photos.h5 --config my.yaml",
        .check = check_args,
        .given = &o,
        PT_ARGS_TABLE(table)};
    bench b = {0};
    pt_status s;
    int code;

    if (!pt_args_read(&args, argc, argv, &code)) return code;
    s = choose_view(&o, &b.view);
    if (s == PT_OK) s = open_files(o.path, o.images, &b);
    if (s == PT_OK) s = measure(&o, &b);
    if (s == PT_OK) s = print(&o, &b);
    fini(&b);
    pt_words_fini(&o.sets);
    if (s != PT_OK) pt_log_error(pt_fail_text());
    return pt_status_exit_code(s);
}

/* What changes training images, byte for byte against torchvision and Pillow
 * (tests/oracle/augmentations.py). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "tests/worker/jpeg_files.h"
#include "tests/worker/noise.h"
#include "worker/input/augment.h"
#include "worker/input/colour.h"
#include "worker/input/picture.h"
#include "worker/input/tone.h"

static const pt_preprocess imagenet = {
    false, 1 / 255.0f, {0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
static const pt_preprocess caffe = {true, 1, {104, 117, 123}, {1, 1, 1}};

static pt_image new_image(int height, int width)
{
    pt_image im;

    assert_int_equal(pt_image_create(height, width, &im), PT_OK);
    return im;
}

/* Every fifth value of each channel. */
static pt_image lattice(void)
{
    enum { N = 52 };
    pt_image im = new_image(N, N * N);

    for (int i = 0; i < N * N * N; i++) {
        im.pixels[3 * i] = (uint8_t)(5 * (i / (N * N)));
        im.pixels[3 * i + 1] = (uint8_t)(5 * (i / N % N));
        im.pixels[3 * i + 2] = (uint8_t)(5 * (i % N));
    }
    return im;
}

static pt_image flat(int height, int width, const uint8_t colour[3])
{
    pt_image im = new_image(height, width);

    for (int i = 0; i < height * width; i++) memcpy(im.pixels + 3 * i, colour, 3);
    return im;
}

/* image() of the oracle. */
static pt_image image_of(const char *name)
{
    static const uint8_t colour[3] = {200, 17, 90};
    int height, width;
    uint8_t *file;
    size_t bytes;
    pt_image im;

    if (sscanf(name, "noise:%d:%d", &height, &width) == 2)
        return noise_image(1, height, width);
    if (strcmp(name, "lattice") == 0) return lattice();
    if (strcmp(name, "flat") == 0) return flat(7, 9, colour);
    file = read_file(PT_TEST_DATA "/jpeg", name, &bytes);
    assert_non_null(file);
    assert_int_equal(pt_picture_decode(file, bytes, &im, NULL), PT_OK);
    free(file);
    return im;
}

static unsigned checksum(const pt_image *im)
{
    return (unsigned)crc32(0, im->pixels, (unsigned)(im->height * im->width * 3));
}

/* A line of pixels.tsv done to *im; false: it is the heading. */
static bool operate(const char *line, pt_image *im, unsigned *expected)
{
    char op[64];
    pt_rand_augment ra = {.num_ops = 1};
    int number, minus;
    float x;

    if (line[0] == '#') return false;
    if (sscanf(line, "%*s op %d %d %d %d %x", &number, &ra.magnitude, &ra.bins, &minus,
               expected) == 5) {
        assert_int_equal(pt_rand_augment_op(&ra, (pt_ra_op)number, minus != 0, im),
                         PT_OK);
        return true;
    }
    assert_int_equal(sscanf(line, "%*s %63s %f %x", op, &x, expected), 3);
    if (strcmp(op, "brightness") == 0) pt_tone_brightness(im, x);
    if (strcmp(op, "contrast") == 0) pt_tone_contrast(im, x);
    if (strcmp(op, "saturation") == 0) pt_colour_saturation(im, x);
    if (strcmp(op, "hue") == 0) pt_colour_hue(im, x);
    return true;
}

static void test_operations_are_those_of_torchvision_and_pillow(void **state)
{
    FILE *f = fopen(PT_TEST_DATA "/pixels.tsv", "r");
    char line[256], name[64];
    int rows = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        unsigned expected;
        pt_image im;

        assert_int_equal(sscanf(line, "%63s", name), 1);
        if (line[0] == '#') continue;
        im = image_of(name);
        operate(line, &im, &expected);
        if (checksum(&im) != expected) fail_msg("differs: %s", line);
        pt_image_fini(&im);
        rows++;
    }
    fclose(f);
    assert_int_equal(rows, 1104);
}

/* A line of augmented.tsv; false: it is the heading. */
static bool read_view(const char *line, char name[64], pt_augment *a, uint64_t place[3],
                      unsigned *expected)
{
    int mode, crop, noise, bgr;
    pt_rand_augment *r = &a->rand_augment;
    pt_jitter *j = &a->jitter;
    pt_erasing *e = &a->erasing;

    memset(a, 0, sizeof *a);
    if (sscanf(line,
               "%63s %d %d %d %d %d %d %d %d %f %f %f %f %f %f %f %f %f %f %d %d "
               "%" SCNu64 " %" SCNu64 " %" SCNu64 " %x",
               name, &mode, &a->resize, &a->crop, &crop, &a->pad, &r->num_ops,
               &r->magnitude, &r->bins, &j->brightness, &j->contrast, &j->saturation,
               &j->hue, &e->probability, &e->min_area, &e->max_area, &e->min_aspect,
               &e->max_aspect, &e->value, &noise, &bgr, place, place + 1, place + 2,
               expected) != 25)
        return false;
    a->resize_mode = (pt_resize_mode)mode;
    a->train_crop = (pt_crop_mode)crop;
    a->min_area = 0.08f;
    a->flip = true;
    a->preprocess = bgr ? caffe : imagenet;
    e->noise = noise != 0;
    return true;
}

static void test_views_are_those_of_torchvision(void **state)
{
    FILE *f = fopen(PT_TEST_DATA "/augmented.tsv", "r");
    char line[512], name[64];
    int rows = 0;

    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        uint64_t place[3];
        unsigned expected;
        pt_augment a;
        pt_image im;
        float *out;

        if (!read_view(line, name, &a, place, &expected)) continue;
        im = image_of(name);
        out = pt_calloc((size_t)(a.crop * a.crop), 3 * sizeof *out);
        assert_int_equal(pt_augment_train(&a, &im, place[0], place[1], place[2], out),
                         PT_OK);
        if (crc32(0, (uint8_t *)out, (unsigned)(a.crop * a.crop) * 12) != expected)
            fail_msg("differs: %s", line);
        free(out);
        pt_image_fini(&im);
        rows++;
    }
    fclose(f);
    assert_int_equal(rows, 80);
}

enum { SIDE = 24, VIEW = SIDE * SIDE * 3 };

/* All of them on, of an image that fits. */
static pt_augment everything(void)
{
    return (pt_augment){.resize_mode = PT_RESIZE_NONE,
                        .crop = SIDE,
                        .train_crop = PT_CROP_CENTER,
                        .preprocess = imagenet,
                        .rand_augment = {2, 15, 31},
                        .jitter = {0.4f, 0.4f, 0.4f, 0.1f},
                        .erasing = {1, 0.02f, 0.33f, 0.3f, 3.3f, 0, false}};
}

static void test_test_views_are_never_augmented(void **state)
{
    pt_augment on = everything(), off = on;
    pt_image im = noise_image(3, SIDE, SIDE);
    float a[VIEW], b[VIEW];

    memset(&off.rand_augment, 0, sizeof off.rand_augment);
    memset(&off.jitter, 0, sizeof off.jitter);
    memset(&off.erasing, 0, sizeof off.erasing);
    for (int place = 0; place < PT_PLACES; place++)
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            assert_int_equal(pt_augment_at(&on, &im, (pt_place)place, mirrored, a),
                             PT_OK);
            assert_int_equal(pt_augment_at(&off, &im, (pt_place)place, mirrored, b),
                             PT_OK);
            assert_memory_equal(a, b, sizeof a);
        }
    assert_int_equal(pt_augment_train(&off, &im, 1, 1, 1, b), PT_OK);
    assert_int_equal(pt_augment_train(&on, &im, 1, 1, 1, a), PT_OK);
    assert_memory_not_equal(a, b, sizeof a);
    pt_image_fini(&im);
}

/* Each of them alone: another seed, epoch or sample, another view. */
static void test_each_depends_on_seed_epoch_and_sample_alone(void **state)
{
    static const uint64_t places[][3] = {{2, 2, 3}, {1, 3, 3}, {1, 2, 4}, {1, 2, 3}};
    pt_image im = noise_image(3, SIDE, SIDE);

    for (int which = 0; which < 3; which++) {
        pt_augment a = everything();
        float base[VIEW], out[VIEW];

        if (which != 0) a.rand_augment.num_ops = 0;
        if (which == 0) a.rand_augment = (pt_rand_augment){20, 15, 31};
        if (which != 1) memset(&a.jitter, 0, sizeof a.jitter);
        if (which != 2) a.erasing.probability = 0;
        assert_int_equal(pt_augment_train(&a, &im, 1, 2, 3, base), PT_OK);
        for (int i = 0; i < 4; i++) {
            const uint64_t *p = places[i];

            assert_int_equal(pt_augment_train(&a, &im, p[0], p[1], p[2], out), PT_OK);
            assert_int_equal(memcmp(out, base, sizeof out) == 0, i == 3);
        }
    }
    pt_image_fini(&im);
}

/* Each operation towards either side, as bytes; those with one side twice. */
enum { WAYS = 2 * PT_RA_OPS };

static void make_ways(const pt_rand_augment *ra, const pt_image *im, pt_image ways[WAYS])
{
    for (int w = 0; w < WAYS; w++) {
        ways[w] = new_image(SIDE, SIDE);
        memcpy(ways[w].pixels, im->pixels, VIEW);
        assert_int_equal(pt_rand_augment_op(ra, (pt_ra_op)(w / 2), w % 2 != 0, &ways[w]),
                         PT_OK);
    }
}

static void test_operations_and_their_sides_are_equally_likely(void **state)
{
    enum { N = 5600 }; /* 200 a way, deviation 14 */
    const pt_rand_augment ra = {1, 25, 31};
    pt_image im = noise_image(3, SIDE, SIDE), ways[WAYS], out = new_image(SIDE, SIDE);
    int seen[WAYS] = {0};

    for (int i = 0; i < VIEW; i++) im.pixels[i] = (uint8_t)(40 + im.pixels[i] / 2);
    make_ways(&ra, &im, ways);
    for (uint64_t i = 0; i < N; i++) {
        pt_rng r = pt_rng_stream(1, PT_RNG_TEST, i, 0);
        int w = 0;

        memcpy(out.pixels, im.pixels, VIEW);
        assert_int_equal(pt_rand_augment_apply(&ra, &r, &out), PT_OK);
        while (w < WAYS && memcmp(out.pixels, ways[w].pixels, VIEW) != 0) w++;
        assert_true(w < WAYS);
        seen[w]++;
    }
    for (int w = 0; w < WAYS; w++) {
        bool two = memcmp(ways[w].pixels, ways[w ^ 1].pixels, VIEW) != 0;

        if (two) assert_in_range(seen[w], 200 - 70, 200 + 70);
        if (!two && w % 2 == 0) assert_in_range(seen[w], 400 - 100, 400 + 100);
    }
    for (int w = 0; w < WAYS; w++) pt_image_fini(&ways[w]);
    pt_image_fini(&out);
    pt_image_fini(&im);
}

/* A quarter of the images, none or all of them, and no more than the largest share. */
static void test_erasing_takes_its_share_of_images_and_areas(void **state)
{
    enum { N = 2000 };
    static const float shares[] = {0, 0.25f, 1};
    static const int low[] = {0, 400, N}, high[] = {0, 600, N}; /* deviation 19 */
    pt_image im = noise_image(3, SIDE, SIDE);

    for (int s = 0; s < 3; s++) {
        pt_augment a = {.resize_mode = PT_RESIZE_NONE,
                        .crop = SIDE,
                        .train_crop = PT_CROP_CENTER,
                        .preprocess = caffe,
                        .erasing = {shares[s], 0.05f, 0.3f, 0.5f, 2, 7777, false}};
        int images = 0;

        for (uint64_t i = 0; i < N; i++) {
            float out[VIEW];
            int erased = 0;

            assert_int_equal(pt_augment_train(&a, &im, 1, 1, i, out), PT_OK);
            for (int k = 0; k < VIEW; k++) erased += out[k] == 7777;
            images += erased > 0;
            assert_int_equal(erased % 3, 0);
            /* both sides are rounded */
            if (erased) assert_in_range(erased / 3, 18, 190);
        }
        assert_in_range(images, low[s], high[s]);
    }
    pt_image_fini(&im);
}

static void test_noise_is_normal(void **state)
{
    pt_augment a = {.resize_mode = PT_RESIZE_NONE,
                    .crop = SIDE,
                    .train_crop = PT_CROP_CENTER,
                    .preprocess = caffe,
                    .erasing = {1, 0.5f, 0.6f, 1, 1, 0, true}};
    static const uint8_t gray[3] = {255, 255, 255};
    pt_image im = flat(SIDE, SIDE, gray);
    double sum = 0, squares = 0, n = 0;
    float out[VIEW];

    for (uint64_t i = 0; i < 20; i++) {
        assert_int_equal(pt_augment_train(&a, &im, 1, 1, i, out), PT_OK);
        for (int k = 0; k < VIEW; k++) {
            if (out[k] > 100) continue; /* the image */
            sum += (double)out[k];
            squares += (double)out[k] * (double)out[k];
            n++;
        }
    }
    assert_true(n > 15000 && fabs(sum / n) < 0.04 && fabs(squares / n - 1) < 0.06);
    pt_image_fini(&im);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operations_are_those_of_torchvision_and_pillow),
        cmocka_unit_test(test_views_are_those_of_torchvision),
        cmocka_unit_test(test_test_views_are_never_augmented),
        cmocka_unit_test(test_each_depends_on_seed_epoch_and_sample_alone),
        cmocka_unit_test(test_operations_and_their_sides_are_equally_likely),
        cmocka_unit_test(test_erasing_takes_its_share_of_images_and_areas),
        cmocka_unit_test(test_noise_is_normal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

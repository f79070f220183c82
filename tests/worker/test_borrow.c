/* Descriptors and neighbours against numpy (tests/data/borrow, made by oracle/borrow.py),
 * and that cutting the source set changes nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "launch/borrow/counts.h"
#include "worker/borrow/gabor.h"
#include "worker/borrow/neighbours.h"

enum { BINS = 8, TARGETS = 4, IMAGES = 7, MAPS = PT_GABOR_MAPS, ALL = MAPS * BINS };

static struct {
    pt_gabor *gabor;
    pt_bank bank;
    uint16_t counted[IMAGES][ALL];
    double shares[IMAGES][2 * ALL];
} found;

static pt_image picture(int k)
{
    pt_image im = {.height = 128 + 37 * (k % 3), .width = 128 + 50 * (k % 2)};

    im.pixels = malloc((size_t)im.height * (size_t)im.width * 3);
    assert_non_null(im.pixels);
    for (int y = 0; y < im.height; y++)
        for (int x = 0; x < im.width; x++)
            for (int c = 0; c < 3; c++)
                im.pixels[(y * im.width + x) * 3 + c] =
                    (uint8_t)(x * (3 + k) + y * (1 + 2 * k) + x * y / (9 + k) + 40 * c);
    return im;
}

static int prepare(void **state)
{
    uint64_t *counts = calloc((size_t)MAPS * PT_BANK_FINE, sizeof *counts);
    uint8_t *bin_of = malloc((size_t)MAPS * PT_BANK_FINE);

    if (!counts || !bin_of || pt_gabor_create(&found.gabor) != PT_OK) return -1;
    found.bank = pt_gabor_bank(found.gabor);
    for (int i = TARGETS - 1; i >= 0; i--) { /* the order of adding does not matter */
        pt_image im = picture(i);

        if (pt_bank_count(&found.bank, &im, counts) != PT_OK) return -1;
        pt_image_fini(&im);
    }
    pt_bank_bins(counts, MAPS, BINS, bin_of);
    for (int i = 0; i < IMAGES; i++) {
        pt_image im = picture(i);

        if (pt_bank_describe(&found.bank, &im, bin_of, BINS, found.counted[i]) != PT_OK)
            return -1;
        pt_shares(found.counted[i], found.bank.weight, MAPS, BINS, found.shares[i]);
        pt_image_fini(&im);
    }
    free(counts);
    free(bin_of);
    return 0;
}

static int tidy(void **state)
{
    pt_gabor_destroy(&found.gabor);
    return 0;
}

static void check_filter(FILE *f)
{
    int orientation, part, value;

    assert_int_equal(fscanf(f, "%d %d", &orientation, &part), 2);
    for (int i = 0; i < PT_GABOR_WIDTH * PT_GABOR_WIDTH; i++) {
        assert_int_equal(fscanf(f, "%d", &value), 1);
        assert_int_equal(pt_gabor_filter(found.gabor, orientation, part)[i], value);
    }
}

static void check_counts(FILE *f)
{
    int image, map, value;

    assert_int_equal(fscanf(f, "%d %d", &image, &map), 2);
    for (int b = 0; b < BINS; b++) {
        assert_int_equal(fscanf(f, "%d", &value), 1);
        assert_int_equal(found.counted[image][map * BINS + b], value);
    }
}

static void check_divergence(FILE *f)
{
    int a, b;
    double want, got;

    assert_int_equal(fscanf(f, "%d %d %lf", &a, &b, &want), 3);
    got = pt_divergence(found.shares[a], found.shares[b], ALL);
    assert_true(got >= want - 1e-12 && got <= want + 1e-12);
}

static void test_all_is_what_numpy_found(void **state)
{
    FILE *f = fopen(PT_TEST_DATA "/borrow/gabor.txt", "r");
    char word[16];
    int lines = 0;

    assert_non_null(f);
    for (; fscanf(f, "%15s", word) == 1; lines++) {
        if (strcmp(word, "filter") == 0)
            check_filter(f);
        else if (strcmp(word, "counts") == 0)
            check_counts(f);
        else
            check_divergence(f);
    }
    fclose(f);
    assert_int_equal(lines, 12 + IMAGES * MAPS + TARGETS * IMAGES);
}

static void test_bins_of_the_target_have_equal_mass(void **state)
{
    enum { MAP = 3 };
    static uint64_t counts[MAPS * PT_BANK_FINE];
    static uint8_t bin_of[MAPS * PT_BANK_FINE];
    uint64_t mass[BINS] = {0};

    for (int i = 0; i < 1000; i++) counts[MAP * PT_BANK_FINE + 20000 + 7 * i] = 3;
    pt_bank_bins(counts, MAPS, BINS, bin_of);
    for (int i = 0; i < PT_BANK_FINE; i++)
        mass[bin_of[MAP * PT_BANK_FINE + i]] += counts[MAP * PT_BANK_FINE + i];
    for (int b = 0; b < BINS; b++) assert_int_equal(mass[b], 3000 / BINS);
}

static void test_an_even_image_responds_nowhere(void **state)
{
    pt_image im = {.height = 40, .width = 60};
    uint64_t *counts = calloc((size_t)MAPS * PT_BANK_FINE, sizeof *counts);
    uint64_t middle = 0;

    im.pixels = malloc(40 * 60 * 3);
    assert_non_null(im.pixels);
    assert_non_null(counts);
    memset(im.pixels, 137, 40 * 60 * 3);
    assert_int_equal(pt_bank_count(&found.bank, &im, counts), PT_OK);
    for (int m = 0; m < MAPS; m++)
        middle += counts[m * PT_BANK_FINE + PT_BANK_FINE / 2 - 1];
    assert_int_equal(middle, 12 * (118 * 118 + 54 * 54 + 22 * 22 + 6 * 6));
    free(counts);
    pt_image_fini(&im);
}

static void test_a_divergence_is_symmetric_and_zero_of_itself(void **state)
{
    const double *p = found.shares[0], *q = found.shares[5];

    assert_true(pt_divergence(p, p, ALL) == 0);
    assert_true(pt_divergence(p, q, ALL) > 0);
    assert_true(pt_divergence(p, q, ALL) == pt_divergence(q, p, ALL));
}

static void test_lists_of_parts_merge_to_the_list_of_all(void **state)
{
    enum { N = 40, K = 6 };
    pt_neighbour whole[K], part[3][K], merged[K];

    pt_neighbours_clear(whole, K);
    pt_neighbours_clear(merged, K);
    for (int r = 0; r < 3; r++) pt_neighbours_clear(part[r], K);
    for (uint32_t i = 0; i < N; i++) { /* many are equally far */
        double d = (double)(i * 7 % 11);

        pt_neighbours_add(whole, K, d, i);
        pt_neighbours_add(part[i < 2 ? 0 : i < 25 ? 1 : 2], K, d, i);
    }
    for (int r = 2; r >= 0; r--)
        for (int i = 0; i < K && part[r][i].image != UINT32_MAX; i++)
            pt_neighbours_add(merged, K, part[r][i].distance, part[r][i].image);
    assert_memory_equal(merged, whole, sizeof whole);
    for (uint32_t i = 0; i < 4; i++) { /* 0, 11, 22, 33: distance 0, lower number first */
        assert_int_equal(whole[i].image, 11 * i);
        assert_true(whole[i].distance == 0);
    }
    assert_true(whole[4].distance == 1 && whole[5].distance == 1);
    assert_int_equal(part[0][2].image, UINT32_MAX);
}

static void test_a_hard_image_gets_more_neighbours(void **state)
{
    const float sure[] = {0, 20, 0, 1}, unsure[] = {2, 2.5f, 2, 1};

    assert_int_equal(pt_counts_more(sure, 4, 1), 0);
    assert_int_equal(pt_counts_more(unsure, 4, 1), 2);
    assert_int_equal(pt_counts_more(sure, 4, 0), 4);
    assert_int_equal(pt_counts_more(unsure, 4, 3), 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_is_what_numpy_found),
        cmocka_unit_test(test_bins_of_the_target_have_equal_mass),
        cmocka_unit_test(test_an_even_image_responds_nowhere),
        cmocka_unit_test(test_a_divergence_is_symmetric_and_zero_of_itself),
        cmocka_unit_test(test_lists_of_parts_merge_to_the_list_of_all),
        cmocka_unit_test(test_a_hard_image_gets_more_neighbours),
    };

    return cmocka_run_group_tests(tests, prepare, tidy);
}

/* Which images choose between models: of every class its share, never trained on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "common/run/held_out.h"
#include "common/run/plan.h"
#include "tests/support/temp_dir.h"

/* Classes of 10, 3 and 2 training images, mixed; 4 of other splits. */
enum { TRAIN = 15, OTHER = 4, ALL = TRAIN + OTHER };

static const int labels[ALL] = {0, 1, 0, 0, 2, 0, 1, 0, 0, 0, 2, 0, 1, 0, 0, 0, 1, 2, 2};
static pt_dataset *d;

static int set_up(void **state)
{
    static const char *const classes[] = {"ten", "three", "two"};
    static const uint32_t test[] = {15, 16}, val[] = {17, 18}, mixed[] = {18, 14, 15},
                          one[] = {1, 2, 3};
    uint32_t train[TRAIN];
    pt_pack_image images[ALL];
    const pt_pack_split splits[] = {{"train", train, TRAIN},
                                    {"test", test, 2},
                                    {"val", val, 2},
                                    {"mixed", mixed, 3},
                                    {"one", one, 3}};
    const pt_pack pack = {.images = images,
                          .n_images = ALL,
                          .classes = classes,
                          .n_classes = 3,
                          .splits = splits,
                          .n_splits = 5};
    char file[256], path[256];
    FILE *f;

    if (make_dir(state) != 0) return -1;
    snprintf(file, sizeof file, "%s", in_dir("image"));
    snprintf(path, sizeof path, "%s", in_dir("data.h5"));
    f = fopen(file, "w");
    if (!f || fputs("x", f) < 0 || fclose(f) != 0) return -1;
    for (uint32_t i = 0; i < TRAIN; i++) train[i] = TRAIN - 1 - i; /* not in order */
    for (int i = 0; i < ALL; i++)
        images[i] = (pt_pack_image){.path = file,
                                    .name = "image",
                                    .label = labels[i],
                                    .height = 1,
                                    .width = 1,
                                    .bytes = 1};
    if (pt_dataset_write(path, &pack, NULL) != PT_OK) return -1;
    return pt_dataset_open(path, &d) == PT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    pt_dataset_destroy(&d);
    unlink(in_dir("image"));
    unlink(in_dir("data.h5"));
    return remove_dir(state);
}

static Pt__Config__Data keys(double share, uint64_t seed)
{
    Pt__Config__Data c = PT__CONFIG__DATA__INIT;

    c.validation_share = share;
    c.validation_seed = seed;
    return c;
}

static void counts(const pt_held_out *h, int n[3])
{
    memset(n, 0, 3 * sizeof *n);
    for (size_t i = 0; i < h->n; i++) n[labels[h->images[i]]]++;
}

static void test_every_class_gives_its_share_at_least_one_and_not_all(void **state)
{
    static const struct {
        double share;
        int n[3];
    } cases[] = {
        {0.01, {1, 1, 1}}, {0.25, {3, 1, 1}}, {0.5, {5, 2, 1}}, {0.99, {9, 2, 1}}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Pt__Config__Data c = keys(cases[i].share, 1);
        pt_held_out h;
        int n[3];

        assert_int_equal(pt_held_out_init(&c, d, &h), PT_OK);
        counts(&h, n);
        assert_memory_equal(n, cases[i].n, sizeof n);
        for (size_t k = 0; k < h.n; k++) {
            assert_true(pt_held_out_has(&h, h.images[k]));
            if (k > 0) assert_true(h.images[k] < h.images[k - 1]); /* split order */
        }
        pt_held_out_fini(&h);
    }
}

static void test_the_seed_alone_decides_which(void **state)
{
    Pt__Config__Data c = keys(0.3, 1), other = keys(0.3, 2);
    pt_held_out a, b, same;

    assert_int_equal(pt_held_out_init(&c, d, &a), PT_OK);
    c.per_class = 2;
    c.batch = 7;
    assert_int_equal(pt_held_out_init(&c, d, &same), PT_OK);
    assert_int_equal(pt_held_out_init(&other, d, &b), PT_OK);
    assert_int_equal(a.n, same.n);
    assert_memory_equal(a.images, same.images, a.n * sizeof *a.images);
    assert_int_equal(a.n, b.n);
    assert_memory_not_equal(a.images, b.images, a.n * sizeof *a.images);
    pt_held_out_fini(&a);
    pt_held_out_fini(&b);
    pt_held_out_fini(&same);
}

/* The draw is part of what a run is. */
static void test_the_draw_stays_what_it_was(void **state)
{
    const uint32_t wanted[] = {14, 12, 9, 5, 4};
    Pt__Config__Data c = keys(0.25, 1);
    pt_held_out h;

    assert_int_equal(pt_held_out_init(&c, d, &h), PT_OK);
    assert_int_equal(h.n, 5);
    assert_memory_equal(h.images, wanted, sizeof wanted);
    pt_held_out_fini(&h);
}

static void test_what_is_held_out_is_not_trained_on(void **state)
{
    Pt__Config__Data c = keys(0.3, 1);
    uint32_t *images;
    pt_held_out h;
    size_t n;

    assert_int_equal(pt_held_out_init(&c, d, &h), PT_OK);
    assert_int_equal(pt_plan_select("train", 0, &h, d, &images, &n), PT_OK);
    assert_int_equal(n + h.n, TRAIN);
    for (size_t i = 0; i < n; i++) assert_false(pt_held_out_has(&h, images[i]));
    free(images);
    assert_int_equal(pt_plan_select("train", 1, &h, d, &images, &n), PT_OK);
    assert_int_equal(n, 3); /* the first of each class that are left */
    for (size_t i = 0; i < n; i++) assert_false(pt_held_out_has(&h, images[i]));
    free(images);
    assert_int_equal(pt_plan_select("train", 2, &h, d, &images, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "class two has 1 images in split train that "
                                           "are not held out, per_class is 2"));
    pt_held_out_fini(&h);
}

static void test_a_split_of_its_own_is_taken_as_it_is(void **state)
{
    Pt__Config__Data c = keys(0, 1);
    pt_held_out h;

    c.validation_split = "val";
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_OK);
    assert_int_equal(h.n, 2);
    assert_true(h.images[0] == 17 && h.images[1] == 18);
    pt_held_out_fini(&h);
    c.validation_split = NULL;
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_OK);
    assert_int_equal(h.n, 0);
    assert_false(pt_held_out_has(&h, 3));
    pt_held_out_fini(&h);
}

static void test_images_of_two_splits_and_classes_of_one_image_are_refused(void **state)
{
    Pt__Config__Data c = keys(0, 1);
    pt_held_out h;

    c.validation_split = "mixed";
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_ERR_DATA);
    assert_string_equal(
        pt_fail_text(),
        "data.validation_split: 1 of the 3 images of split mixed are also "
        "in split train (data.train_split)");
    c.train_split = "val";
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_ERR_DATA); /* 18 */
    c.train_split = "one";
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "in split test (data.test_split)"));
    c.validation_split = "nowhere";
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_ERR_DATA);
    c.validation_split = NULL;
    c.validation_share = 0.5;
    assert_int_equal(pt_held_out_init(&c, d, &h), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "class three has 1 image in split one: none "
                                           "can be held out"));
    assert_null(h.images);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_class_gives_its_share_at_least_one_and_not_all),
        cmocka_unit_test(test_the_seed_alone_decides_which),
        cmocka_unit_test(test_the_draw_stays_what_it_was),
        cmocka_unit_test(test_what_is_held_out_is_not_trained_on),
        cmocka_unit_test(test_a_split_of_its_own_is_taken_as_it_is),
        cmocka_unit_test(test_images_of_two_splits_and_classes_of_one_image_are_refused),
    };

    return cmocka_run_group_tests_name("common.held_out", tests, set_up, tear_down);
}

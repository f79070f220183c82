/* Small numbers: more workers than images in the batch, in the data set or in the test
 * set, a last batch of one image, classes without images. Each run has the bits of the
 * run with one worker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml" /* batch 16, 8 shards, 3 epochs */

static const char *const modes[] = {"network.batch_norm=sync", "network.batch_norm=shard",
                                    "network.batch_norm=frozen"};
static const int layouts[][3] = {{3, 2, 2}, {5, 1, 1}, {8, 2, 1}};

/* Plays n_train and n_test images, with what `set` lays over the configuration, in each
 * mode of batch norm: all layouts (workers, servers, threads) end in the same bits. */
static void same_on_all_layouts(int n_train, int n_test, const char *set)
{
    for (int m = 0; m < 3; m++) {
        whole_run_options o = {.config = CONFIG,
                               .sets = {modes[m], set},
                               .n_servers = 1,
                               .n_workers = 1,
                               .threads = 1,
                               .n_train = n_train,
                               .n_test = n_test,
                               .salt = 3};
        whole_run *one = whole_run_play_ok(&o);

        assert_non_null(one->logits);
        for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
            const char *what;
            whole_run *many;

            o.n_workers = layouts[i][0];
            o.n_servers = layouts[i][1];
            o.threads = layouts[i][2];
            o.shuffle = (unsigned)(1 + i + 8 * (size_t)m);
            many = whole_run_play_ok(&o);
            what = whole_run_difference(one, many);
            if (what) fail_msg("%s, %d workers: %s differ", modes[m], o.n_workers, what);
            whole_run_destroy(many);
        }
        whole_run_destroy(one);
    }
}

static void test_a_batch_smaller_than_the_number_of_workers(void **state)
{
    same_on_all_layouts(9, 40, "data.batch=3");
}

static void test_batches_of_one_image(void **state)
{
    same_on_all_layouts(3, 9, "data.batch=1");
}

static void test_a_data_set_smaller_than_the_number_of_workers(void **state)
{
    same_on_all_layouts(3, 40, NULL);
    same_on_all_layouts(1, 9, NULL);
}

static void test_a_last_batch_of_one_image(void **state)
{
    same_on_all_layouts(17, 9, NULL);
}

static void test_a_test_set_smaller_than_the_number_of_workers(void **state)
{
    same_on_all_layouts(21, 3, NULL);
    same_on_all_layouts(21, 1, NULL);
    same_on_all_layouts(21, 33, NULL); /* blocks of 32 and of one */
}

/* Image i has class i * i % 5: 2 and 3 have no images at all. */
static void test_classes_without_images(void **state)
{
    same_on_all_layouts(5, 1, NULL); /* trained: 0, 1 and 4; tested: 0 */
    same_on_all_layouts(2, 2, NULL); /* trained: 0 and 1; tested: 4 */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_batch_smaller_than_the_number_of_workers),
        cmocka_unit_test(test_batches_of_one_image),
        cmocka_unit_test(test_a_data_set_smaller_than_the_number_of_workers),
        cmocka_unit_test(test_a_last_batch_of_one_image),
        cmocka_unit_test(test_a_test_set_smaller_than_the_number_of_workers),
        cmocka_unit_test(test_classes_without_images),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

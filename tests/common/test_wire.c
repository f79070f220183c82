#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/run/wire.h"

static const Pt__Record__StepRecord sample = {
    PROTOBUF_C_MESSAGE_INIT(&pt__record__step_record__descriptor),
    .step = 70000,
    .verdict = PT__RECORD__VERDICT__SKIP,
    .w = 0.25,
    .gate = 1,
    .lr = 0.5f,
    .head_lr = 2,
    .has_last = 1,
    .last = 1};

static void refuse(const uint8_t bytes[PT_RECORD_BYTES], const char *words)
{
    Pt__Record__StepRecord r = {.step = 5};

    assert_int_equal(pt_record_unpack(bytes, &r), PT_ERR_COMM);
    assert_non_null(strstr(pt_fail_text(), words));
    assert_int_equal(r.step, 5); /* untouched */
}

static void test_a_record_comes_out_as_it_went_in(void **state)
{
    uint8_t bytes[PT_RECORD_BYTES];
    Pt__Record__StepRecord r;

    pt_record_pack(&sample, bytes);
    assert_int_equal(pt_record_unpack(bytes, &r), PT_OK);
    assert_int_equal(r.step, 70000);
    assert_int_equal(r.verdict, PT__RECORD__VERDICT__SKIP);
    assert_true(r.w == 0.25 && r.gate && r.lr == 0.5f && r.head_lr == 2 && r.last);
    assert_false(r.evaluate);
}

static void test_a_record_that_is_none_is_refused(void **state)
{
    uint8_t bytes[PT_RECORD_BYTES] = {0};

    refuse(bytes, "is damaged"); /* fields that must be there are not */
    bytes[0] = PT_RECORD_BYTES;
    refuse(bytes, "of 128 bytes");
}

static void test_a_record_of_another_version_is_refused(void **state)
{
    uint8_t bytes[PT_RECORD_BYTES], longer[PT_RECORD_BYTES];
    Pt__Record__StepRecord r = sample;

    pt_record_pack(&sample, bytes);
    memcpy(longer, bytes, sizeof longer);
    memcpy(longer + 1 + longer[0], "\x78\x01", 2); /* field 15: 1 */
    longer[0] += 2;
    refuse(longer, "another version");
    r.verdict = (Pt__Record__Verdict)7;
    pt_record_pack(&r, bytes);
    refuse(bytes, "another version");
}

/* Both ends are filled and read by name; the bytes between them are a format. */
static void test_numbers_travel_in_a_fixed_order(void **state)
{
    const pt_shard_sums sums = {.n = 1,
                                .ce = 2,
                                .correct = 3,
                                .g_ce = 4,
                                .g_ptr = 5,
                                .l_ptr = 6,
                                .rep = 7,
                                .cosine = 8,
                                .bad = 9,
                                .penalty = 10};
    const pt_image_norms norms = {.g_ce = 1, .g_ptr = 2, .cosine = 3, .rep = 4, .bad = 5};
    const double order[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};

    assert_int_equal(PT_SHARD_DOUBLES, 10);
    assert_int_equal(PT_IMAGE_DOUBLES, 5);
    assert_memory_equal(&sums, order, sizeof sums);
    assert_memory_equal(&norms, order, sizeof norms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_record_comes_out_as_it_went_in),
        cmocka_unit_test(test_a_record_that_is_none_is_refused),
        cmocka_unit_test(test_a_record_of_another_version_is_refused),
        cmocka_unit_test(test_numbers_travel_in_a_fixed_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

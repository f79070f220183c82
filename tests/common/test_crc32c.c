#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/base/crc32c.h"

/* RFC 3720, appendix B.4, and the check value of the catalogue of CRC algorithms. */
static void test_known_values(void **state)
{
    uint8_t zeros[32] = {0}, ones[32], rising[32];

    memset(ones, 0xff, sizeof ones);
    for (int i = 0; i < 32; i++) rising[i] = (uint8_t)i;
    assert_int_equal(pt_crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(pt_crc32c(0, zeros, 32), 0x8a9136aa);
    assert_int_equal(pt_crc32c(0, ones, 32), 0x62a8ab43);
    assert_int_equal(pt_crc32c(0, rising, 32), 0x46dd794e);
    assert_int_equal(pt_crc32c(0, NULL, 0), 0);
}

/* The definition, bit by bit. */
static uint32_t plain(const uint8_t *p, size_t n)
{
    uint32_t c = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int b = 0; b < 8; b++) c = c & 1 ? c >> 1 ^ 0x82f63b78 : c >> 1;
    }
    return ~c;
}

static void test_every_length_and_start_agrees_with_the_definition(void **state)
{
    enum { N = 40000 };
    static const size_t lengths[] = {0,    1,    7,     8,     9,     63,    4095,
                                     4096, 8192, 12287, 12288, 12289, 24576, 39000};
    uint8_t *data = malloc(N);

    assert_non_null(data);
    for (size_t i = 0; i < N; i++) data[i] = (uint8_t)(i * 2654435761u >> 13);
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++)
        for (size_t at = 0; at < 9; at++) {
            size_t n = lengths[l], half = n / 3;
            uint32_t want = plain(data + at, n);

            assert_int_equal(pt_crc32c(0, data + at, n), want);
            assert_int_equal(pt_crc32c_portable(0, data + at, n), want);
            assert_int_equal(
                pt_crc32c(pt_crc32c(0, data + at, half), data + at + half, n - half),
                want);
        }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_every_length_and_start_agrees_with_the_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

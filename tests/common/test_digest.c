#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/digest.h"

/* FIPS 180-2, appendix B, and the empty message of the NIST test vectors. */
static const char empty[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
static const char abc[] =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char two_blocks[] =
    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1";
static const char million_a[] =
    "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";

static void check(const char *message, const char *want)
{
    char hex[PT_DIGEST_HEX];
    pt_digest *d = NULL;

    assert_int_equal(pt_digest_create(&d), PT_OK);
    pt_digest_add(d, message, strlen(message));
    pt_digest_finish(&d, hex);
    assert_null(d);
    assert_string_equal(hex, want);
}

static void test_digests_are_those_of_the_standard(void **state)
{
    check("", empty);
    check("abc", abc);
    check("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", two_blocks);
}

static void test_pieces_of_any_size_give_one_digest(void **state)
{
    static char a[1000];

    memset(a, 'a', sizeof a);
    for (size_t piece = 1; piece <= sizeof a; piece = piece * 3 + 1) {
        char hex[PT_DIGEST_HEX];
        pt_digest *d = NULL;

        assert_int_equal(pt_digest_create(&d), PT_OK);
        for (size_t done = 0, n; done < 1000000; done += n) {
            n = piece < 1000000 - done ? piece : 1000000 - done;
            pt_digest_add(d, a, n);
            pt_digest_add(d, NULL, 0);
        }
        pt_digest_finish(&d, hex);
        assert_string_equal(hex, million_a);
    }
}

static void check_file(size_t n, const char *want)
{
    char path[] = "/tmp/pt_test_digest_XXXXXX", hex[PT_DIGEST_HEX];
    int fd = mkstemp(path);
    FILE *f;

    assert_true(fd >= 0);
    f = fdopen(fd, "w");
    assert_non_null(f);
    for (size_t i = 0; i < n; i++) assert_int_equal(fputc('a', f), 'a');
    assert_int_equal(fclose(f), 0);
    assert_int_equal(pt_digest_file(path, hex), PT_OK);
    assert_string_equal(hex, want);
    unlink(path);
}

static void test_files_longer_than_one_read_and_empty_ones_are_digested(void **state)
{
    check_file(1000000, million_a);
    check_file(0, empty);
}

static void test_a_file_that_cannot_be_read_is_named(void **state)
{
    char hex[PT_DIGEST_HEX];

    assert_int_equal(pt_digest_file("/nonexistent/x", hex), PT_ERR_IO);
    assert_string_equal(pt_fail_text(),
                        "/nonexistent/x: cannot open: No such file or directory");
    assert_int_equal(pt_digest_file("/", hex), PT_ERR_IO);
    assert_string_equal(pt_fail_text(), "/: cannot read: Is a directory");
}

static void test_destroy_allows_null_and_an_unfinished_digest(void **state)
{
    pt_digest *d = NULL;

    pt_digest_destroy(NULL);
    pt_digest_destroy(&d);
    assert_int_equal(pt_digest_create(&d), PT_OK);
    pt_digest_destroy(&d);
    assert_null(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests_are_those_of_the_standard),
        cmocka_unit_test(test_pieces_of_any_size_give_one_digest),
        cmocka_unit_test(test_files_longer_than_one_read_and_empty_ones_are_digested),
        cmocka_unit_test(test_a_file_that_cannot_be_read_is_named),
        cmocka_unit_test(test_destroy_allows_null_and_an_unfinished_digest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

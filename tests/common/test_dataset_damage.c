#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/digest.h"
#include "common/data/dataset.h"

/* One bit is flipped every this many bytes: coprime to all that HDF5 aligns to. All bytes
 * (STEP 1) were tried by hand. */
enum { N = 3, STEP = 29, SECONDS = 2, FOUND = 0, SAME = 1, UNNOTICED = 2 };

static const char *tiny = PT_TEST_DATA "/dataset/tiny.h5";
static char dir[] = "/tmp/ptrain-damage-XXXXXX", path[64];
static const char *const contents[N] = {"first", "the second", "3"};

/* Three small files, two splits, pairs. */
static int make_file(void **state)
{
    static const uint32_t train[2] = {2, 0}, test[1] = {1}, target[] = {7, 5},
                          borrowed[] = {2, 0, 1};
    static const uint64_t begin[] = {0, 2, 3};
    static const pt_pairs pairs = {"0123", target, 2, begin, borrowed};
    static const char *const classes[] = {"daisy", "tulip"};
    const pt_pack_split splits[] = {{"test", test, 1}, {"train", train, 2}};
    char files[N][64];
    pt_pack_image images[N];
    pt_pack pack = {.images = images,
                    .n_images = N,
                    .classes = classes,
                    .n_classes = 2,
                    .splits = splits,
                    .n_splits = 2,
                    .source = "here",
                    .licence = "none",
                    .pairs = &pairs};
    pt_status s;

    if (!mkdtemp(dir)) return -1;
    snprintf(path, sizeof path, "%s/x.h5", dir);
    for (int i = 0; i < N; i++) {
        FILE *f;

        snprintf(files[i], sizeof files[i], "%s/%d", dir, i);
        images[i] = (pt_pack_image){.path = files[i],
                                    .name = contents[i],
                                    .label = i == 1,
                                    .height = 10 + i,
                                    .width = 20 + i,
                                    .bytes = strlen(contents[i])};
        f = fopen(files[i], "w");
        if (!f || fputs(contents[i], f) < 0 || fclose(f) != 0) return -1;
    }
    s = pt_dataset_write(path, &pack, NULL);
    for (int i = 0; i < N; i++) unlink(files[i]);
    return s == PT_OK ? 0 : -1;
}

static int remove_file(void **state)
{
    unlink(path);
    return rmdir(dir);
}

static void flip(off_t at, int bit)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= (uint8_t)(1 << bit);
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

/* Where in the file the k bytes are. */
static off_t place_of(const char *bytes, size_t k)
{
    static char all[1 << 16];
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(all, 1, sizeof all, f);
    fclose(f);
    for (size_t i = 0; i + k <= n; i++)
        if (memcmp(all + i, bytes, k) == 0) return (off_t)i;
    fail_msg("'%.*s' is not in the file", (int)k, bytes);
    return 0;
}

static void test_a_damaged_image_is_named_with_both_sums(void **state)
{
    off_t at = place_of("firstthe second3", 16) + 7;
    char bytes[16] = "";
    pt_dataset *d = NULL;

    flip(at, 0);
    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_true(pt_dataset_has_sums(d));
    assert_int_equal(pt_dataset_read(d, 0, bytes), PT_OK);
    assert_int_equal(pt_dataset_read(d, 1, bytes), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), path));
    assert_non_null(strstr(pt_fail_text(),
                           "image 1 (the second) is damaged: the CRC32C of its bytes is "
                           "cbba97d6, expected 8286eaf1"));
    assert_int_equal(pt_dataset_verify(d), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "image 1 (the second) is damaged"));
    pt_dataset_destroy(&d);
    flip(at, 0);
}

static void test_a_damaged_index_is_refused_with_both_sums(void **state)
{
    off_t at = place_of("tulip", 5);
    pt_dataset *d = NULL;

    flip(at, 1);
    assert_int_equal(pt_dataset_open(path, &d), PT_ERR_DATA);
    assert_null(d);
    assert_non_null(strstr(pt_fail_text(), "its index is damaged: the CRC32C is "));
    assert_non_null(strstr(pt_fail_text(), ", expected "));
    flip(at, 1);
}

static void
test_a_file_that_lost_one_kind_of_sum_is_not_taken_for_an_old_one(void **state)
{
    const off_t names[] = {place_of("\0crc32c", 7) + 3, place_of("index_crc32c", 12)};
    pt_dataset *d = NULL;

    for (int i = 0; i < 2; i++) {
        flip(names[i], 0);
        assert_int_equal(pt_dataset_open(path, &d), PT_ERR_DATA);
        assert_non_null(strstr(pt_fail_text(), ": the file is damaged"));
        flip(names[i], 0);
    }
}

static void test_an_old_file_has_no_sums_and_is_read(void **state)
{
    char bytes[1024];
    pt_dataset *d = NULL;

    assert_int_equal(pt_dataset_open(tiny, &d), PT_OK);
    assert_false(pt_dataset_has_sums(d));
    assert_int_equal(pt_dataset_read(d, 0, bytes), PT_OK);
    assert_int_equal(pt_dataset_verify(d), PT_OK);
    pt_dataset_destroy(&d);
}

static void test_the_digest_is_of_the_index_and_not_of_where_it_lies(void **state)
{
    char a[PT_DIGEST_HEX], b[PT_DIGEST_HEX];
    pt_dataset *d = NULL, *old = NULL;

    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_int_equal(pt_dataset_open(tiny, &old), PT_OK);
    assert_int_equal(pt_dataset_digest(d, a), PT_OK);
    assert_int_equal(pt_dataset_digest(old, b), PT_OK);
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, pt_dataset_checksum(d));
    pt_dataset_destroy(&d);
    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_int_equal(pt_dataset_digest(d, b), PT_OK);
    assert_string_equal(a, b);
    pt_dataset_destroy(&d);
    pt_dataset_destroy(&old);
}

/* ---- every bit -------------------------------------------------------------------- */

/* What becomes of the file as it is: FOUND, SAME, UNNOTICED. */
static int outcome(const char *digest)
{
    char bytes[64], hex[PT_DIGEST_HEX];
    pt_dataset *d = NULL;
    int result = FOUND;

    if (pt_dataset_open(path, &d) != PT_OK) return FOUND;
    if (!pt_dataset_has_sums(d) || pt_dataset_digest(d, hex) != PT_OK ||
        strcmp(hex, digest) != 0) {
        result = UNNOTICED;
        goto done;
    }
    for (size_t i = 0; i < N; i++) {
        if (pt_dataset_read(d, i, bytes) != PT_OK) goto done;
        if (memcmp(bytes, contents[i], strlen(contents[i])) != 0) {
            result = UNNOTICED;
            goto done;
        }
    }
    result = SAME;
done:
    pt_dataset_destroy(&d);
    return result;
}

/* Flips bits from byte *at on in a child, since libhdf5 crashes on some
 * (launch/support/probe.c); one byte of the pipe for each outcome. */
static void try_flips(off_t at, off_t size, const char *digest, int out)
{
    signal(SIGSEGV, SIG_DFL); /* not cmocka's */
    signal(SIGABRT, SIG_DFL);
    signal(SIGFPE, SIG_DFL);
    signal(SIGBUS, SIG_DFL);
    for (; at < size; at += STEP) {
        int bit = (int)(at % 8);
        char r;

        alarm(SECONDS);
        flip(at, bit);
        r = (char)outcome(digest);
        flip(at, bit);
        if (write(out, &r, 1) != 1) _exit(1);
    }
    _exit(0);
}

/* Runs try_flips until its end or its crash; how many were tried. */
static off_t run_child(off_t at, off_t size, const char *digest, size_t count[3])
{
    int fd[2], status = 0;
    off_t n = 0;
    pid_t pid;
    char r;

    assert_int_equal(pipe(fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) try_flips(at, size, digest, fd[1]);
    close(fd[1]);
    while (read(fd[0], &r, 1) == 1) {
        if (r == UNNOTICED)
            print_message("bit %d of byte %lld\n", (int)((at + n * STEP) % 8),
                          (long long)(at + n * STEP));
        count[(int)r]++;
        n++;
    }
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return n;
    flip(at + n * STEP, (int)((at + n * STEP) % 8)); /* the crash was over this one */
    count[FOUND]++;
    return n + 1;
}

static void test_a_flipped_bit_is_found_or_changes_nothing(void **state)
{
    char digest[PT_DIGEST_HEX];
    pt_dataset *d = NULL;
    size_t count[3] = {0};
    struct stat st;

    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_int_equal(pt_dataset_digest(d, digest), PT_OK);
    pt_dataset_destroy(&d);
    assert_int_equal(stat(path, &st), 0);
    for (off_t at = 0; at < st.st_size;)
        at += STEP * run_child(at, st.st_size, digest, count);
    print_message("%lld bytes: %zu found, %zu without effect, %zu unnoticed\n",
                  (long long)st.st_size, count[FOUND], count[SAME], count[UNNOTICED]);
    assert_int_equal(count[UNNOTICED], 0);
    assert_true(count[FOUND] > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_damaged_image_is_named_with_both_sums),
        cmocka_unit_test(test_a_damaged_index_is_refused_with_both_sums),
        cmocka_unit_test(
            test_a_file_that_lost_one_kind_of_sum_is_not_taken_for_an_old_one),
        cmocka_unit_test(test_an_old_file_has_no_sums_and_is_read),
        cmocka_unit_test(test_the_digest_is_of_the_index_and_not_of_where_it_lies),
        cmocka_unit_test(test_a_flipped_bit_is_found_or_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}

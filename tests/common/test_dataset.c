#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/digest.h"
#include "common/data/dataset.h"
#include "common/data/h5file.h"

static const char *tiny = PT_TEST_DATA "/dataset/tiny.h5";
static char dir[] = "/tmp/ptrain-dataset-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[4][256];
    static int k;
    char *p = path[k++ % 4];

    snprintf(p, 256, "%s/%s", dir, name);
    return p;
}

static void put_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    fclose(f);
}

static size_t get_file(const char *path, char *bytes, size_t max)
{
    FILE *f = fopen(path, "rb");
    size_t n;

    assert_non_null(f);
    n = fread(bytes, 1, max, f);
    fclose(f);
    assert_true(n < max);
    return n;
}

static int make_dir(void **state)
{
    if (!mkdtemp(dir)) return -1;
    put_file(in_dir("a"), "first", 5);
    put_file(in_dir("b"), "the second", 10);
    put_file(in_dir("c"), "3", 1);
    return 0;
}

static int remove_dir(void **state)
{
    unlink(in_dir("a"));
    unlink(in_dir("b"));
    unlink(in_dir("c"));
    return rmdir(dir); /* fails when a test leaves a file behind */
}

/* Three files, two classes, splits given out of order. */
typedef struct {
    char path[3][256];
    pt_pack_image images[3];
    pt_pack_split splits[2];
    pt_pack pack;
} sample;

static const uint32_t train_images[2] = {2, 0}, test_images[1] = {1};
static const uint32_t pair_targets[] = {7, 5}, pair_images[] = {2, 0, 1};
static const uint64_t pair_begin[] = {0, 2, 3};
static const pt_pairs two_pairs = {"0123", pair_targets, 2, pair_begin, pair_images};
static const char *const two_classes[] = {"daisy", "gänseblümchen"};

static void fill(sample *s)
{
    static const char *const names[3] = {"a", "b", "c"};
    const size_t bytes[3] = {5, 10, 1};

    *s = (sample){0};
    for (int i = 0; i < 3; i++) {
        snprintf(s->path[i], 256, "%s/%s", dir, names[i]);
        s->images[i] = (pt_pack_image){.path = s->path[i],
                                       .name = names[i],
                                       .label = i == 1,
                                       .height = 10 + i,
                                       .width = 20 + i,
                                       .bytes = bytes[i]};
    }
    s->splits[0] = (pt_pack_split){"train", train_images, 2};
    s->splits[1] = (pt_pack_split){"test", test_images, 1};
    s->pack = (pt_pack){.images = s->images,
                        .n_images = 3,
                        .classes = two_classes,
                        .n_classes = 2,
                        .splits = s->splits,
                        .n_splits = 2,
                        .source = "here",
                        .licence = "none",
                        .pairs = &two_pairs};
}

static void test_pairs_read_back(void **state)
{
    const char *path = in_dir("x.h5");
    const pt_pairs *p;
    pt_dataset *d = NULL;
    sample s;

    fill(&s);
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_OK);
    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    p = pt_dataset_pairs(d);
    assert_non_null(p);
    assert_string_equal(p->of, two_pairs.of);
    assert_int_equal(p->n, 2);
    assert_memory_equal(p->target, two_pairs.target, 2 * sizeof *p->target);
    assert_memory_equal(p->begin, two_pairs.begin, 3 * sizeof *p->begin);
    assert_memory_equal(p->image, two_pairs.image, 3 * sizeof *p->image);
    pt_dataset_destroy(&d);
    s.pack.pairs = NULL;
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_OK);
    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_null(pt_dataset_pairs(d));
    pt_dataset_destroy(&d);
    unlink(path);
}

static void test_pairs_that_cannot_be_are_refused(void **state)
{
    static const struct {
        uint64_t begin[3];
        uint32_t image[3];
        const char *text;
    } bad[] = {{{0, 2, 3}, {0, 1, 3}, "'pairs' names image 3 of 3"},
               {{0, 3, 3}, {0, 1, 2}, "target 1 of 'pairs' has no images"},
               {{0, 4, 3}, {0, 1, 2}, "target 0 of 'pairs' has no images"}};
    const char *path = in_dir("x.h5");
    sample s;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pt_pairs pairs = two_pairs;

        fill(&s);
        pairs.begin = bad[i].begin;
        pairs.image = bad[i].image;
        s.pack.pairs = &pairs;
        assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_ERR_DATA);
        assert_non_null(strstr(pt_fail_text(), bad[i].text));
    }
}

static void test_what_h5py_wrote_is_read(void **state)
{
    const uint32_t *images;
    pt_dataset *d = NULL;
    uint8_t jpeg[1024];
    int h, w;
    size_t n;

    assert_int_equal(pt_dataset_open(tiny, &d), PT_OK);
    assert_int_equal(pt_dataset_images(d), 4);
    assert_int_equal(pt_dataset_classes(d), 2);
    assert_string_equal(pt_dataset_class_name(d, 1), "gänseblümchen");
    assert_null(pt_dataset_class_names(d)[2]);
    assert_string_equal(pt_dataset_name(d, 3), "a/3.jpg");
    assert_int_equal(pt_dataset_label(d, 3), 1);
    assert_int_equal(pt_dataset_bytes(d, 0), 632);
    pt_dataset_size(d, 2, &h, &w);
    assert_true(h == 8 && w == 10);
    assert_string_equal(
        pt_dataset_checksum(d),
        "18ac49cacfc9cdb131c743e4d88b76a4606fe155d7e41de1e38618ec7d4781e3");
    assert_string_equal(pt_dataset_source(d), "tests/oracle/dataset.py");
    assert_int_equal(pt_dataset_splits(d), 2);
    assert_string_equal(pt_dataset_split_name(d, 0), "test");
    assert_int_equal(pt_dataset_split(d, "train", &images, &n), PT_OK);
    assert_int_equal(n, 2);
    assert_true(images[0] == 3 && images[1] == 0);
    assert_int_equal(pt_dataset_read(d, 3, jpeg), PT_OK);
    assert_true(jpeg[0] == 0xff && jpeg[1] == 0xd8 && jpeg[630] == 0xff &&
                jpeg[631] == 0xd9);
    assert_int_equal(pt_dataset_verify(d), PT_OK);
    assert_int_equal(pt_dataset_split(d, "val", &images, &n), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "no split 'val'; it has: test, train"));
    pt_dataset_destroy(&d);
    assert_null(d);
}

static void test_what_was_packed_reads_back(void **state)
{
    const char *path = in_dir("x.h5");
    char sum[PT_DIGEST_HEX], bytes[11] = "";
    const uint32_t *images;
    pt_dataset *d = NULL;
    size_t n;
    sample s;

    fill(&s);
    assert_int_equal(pt_dataset_write(path, &s.pack, sum), PT_OK);
    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_string_equal(pt_dataset_checksum(d), sum);
    assert_int_equal(pt_dataset_verify(d), PT_OK);
    assert_int_equal(pt_dataset_bytes(d, 1), 10);
    assert_int_equal(pt_dataset_read(d, 1, bytes), PT_OK);
    assert_string_equal(bytes, "the second");
    assert_int_equal(pt_dataset_label(d, 1), 1);
    assert_int_equal(pt_dataset_split(d, "train", &images, &n), PT_OK);
    assert_memory_equal(images, train_images, sizeof train_images);
    pt_dataset_destroy(&d);
    unlink(path);
}

static void test_the_same_pack_is_the_same_file(void **state)
{
    static char a[1 << 16], b[1 << 16];
    size_t n, m;
    sample s;

    fill(&s);
    assert_int_equal(pt_dataset_write(in_dir("x.h5"), &s.pack, NULL), PT_OK);
    n = get_file(in_dir("x.h5"), a, sizeof a);
    assert_int_equal(pt_dataset_write(in_dir("x.h5"), &s.pack, NULL), PT_OK);
    m = get_file(in_dir("x.h5"), b, sizeof b);
    assert_int_equal(n, m);
    assert_memory_equal(a, b, n);
    unlink(in_dir("x.h5"));
}

static void test_h5py_finds_the_same_index_and_checksum(void **state)
{
    char command[1024], out[4096], sum[PT_DIGEST_HEX], expected[128];
    const char *path = in_dir("x.h5");
    sample s;
    FILE *p;

    if (system("/usr/bin/python3 -c 'import h5py' 2>/dev/null") != 0) {
        print_message("skip: python3-h5py is not here\n");
        skip();
    }
    fill(&s);
    assert_int_equal(pt_dataset_write(path, &s.pack, sum), PT_OK);
    snprintf(command, sizeof command,
             "/usr/bin/python3 " PT_TEST_DATA "/../oracle/dataset.py check %s", path);
    p = popen(command, "r");
    assert_non_null(p);
    out[fread(out, 1, sizeof out - 1, p)] = '\0';
    assert_int_equal(pclose(p), 0);
    snprintf(expected, sizeof expected,
             "checksum %s\nchecksum is right\nsums are right\n", sum);
    assert_non_null(strstr(out, expected));
    assert_non_null(strstr(out, "format ptrain-data 1\n"));
    assert_non_null(strstr(out, "layout uint8 None\n"));
    assert_non_null(strstr(out, "offset uint64 0 5 15 16\n"));
    assert_non_null(strstr(out, "label int32 0 1 0\n"));
    assert_non_null(strstr(out, "size (10, 20) (11, 21) (12, 22)\n"));
    assert_non_null(strstr(out, "names a b c\nclasses daisy gänseblümchen\n"));
    assert_non_null(strstr(out, "split test uint32 1\nsplit train uint32 2 0\n"));
    assert_non_null(strstr(out, "pairs of 0123 target 7 5 begin 0 2 3 image 2 0 1\n"));
    unlink(path);
}

static void test_one_flipped_bit_is_found_by_verify(void **state)
{
    static char file[1 << 16];
    size_t n = get_file(tiny, file, sizeof file), hit = 0;
    const char *path = in_dir("x.h5");
    pt_dataset *d = NULL;

    while (memcmp(file + hit, "\xff\xd8\xff", 3) != 0) hit++; /* the first JPEG file */
    file[hit + 100] ^= 1;
    put_file(path, file, n);
    assert_int_equal(pt_dataset_open(path, &d), PT_OK);
    assert_int_equal(pt_dataset_verify(d), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "the file is damaged"));
    pt_dataset_destroy(&d);
    unlink(path);
}

/* A packed file whose index the caller gives. */
static void write_index(const char *path, const uint64_t offset[4],
                        const int32_t label[3], const uint32_t train[2])
{
    const uint64_t three[1] = {3}, four[1] = {4}, two[1] = {2}, sixteen[1] = {16};
    const int32_t size[3] = {1, 1, 1};
    const char *const names[] = {"a", "b", "c"};
    pt_h5file *f = NULL;

    assert_int_equal(pt_h5file_create(path, &f), PT_OK);
    assert_int_equal(
        pt_h5file_write_u8(f, "images/bytes", 1, sixteen, (const uint8_t[16]){0}), PT_OK);
    assert_int_equal(pt_h5file_write_u64(f, "images/offset", 1, four, offset), PT_OK);
    assert_int_equal(pt_h5file_write_i32(f, "images/label", 1, three, label), PT_OK);
    assert_int_equal(pt_h5file_write_i32(f, "images/height", 1, three, size), PT_OK);
    assert_int_equal(pt_h5file_write_i32(f, "images/width", 1, three, size), PT_OK);
    assert_int_equal(pt_h5file_write_strings(f, "images/name", names, 3), PT_OK);
    assert_int_equal(pt_h5file_write_strings(f, "classes/name", two_classes, 2), PT_OK);
    assert_int_equal(pt_h5file_write_u32(f, "split/train", 1, two, train), PT_OK);
    assert_int_equal(pt_h5file_set_string(f, "/", "format", "ptrain-data"), PT_OK);
    assert_int_equal(pt_h5file_set_int(f, "/", "format_version", 1), PT_OK);
    assert_int_equal(pt_h5file_set_string(f, "/", "checksum", "0"), PT_OK);
    assert_int_equal(pt_h5file_commit(&f), PT_OK);
}

static void test_all_faults_of_an_index_are_listed(void **state)
{
    const char *path = in_dir("x.h5");
    pt_dataset *d = NULL;

    write_index(path, (const uint64_t[]){0, 8, 8, 17}, (const int32_t[]){0, -1, 2},
                (const uint32_t[]){2, 3});
    assert_int_equal(pt_dataset_open(path, &d), PT_ERR_DATA);
    assert_null(d);
    assert_non_null(strstr(pt_fail_text(), "image 1 begins at byte 8 and ends at 8\n"));
    assert_non_null(strstr(pt_fail_text(), "image 2 ends at byte 17 of 16\n"));
    assert_non_null(strstr(pt_fail_text(), "image 1 has label -1 of 2 classes\n"));
    assert_non_null(strstr(pt_fail_text(), "image 2 has label 2 of 2 classes\n"));
    assert_non_null(strstr(pt_fail_text(), "split 'train' names image 3 of 3"));
    assert_non_null(strstr(pt_fail_text(), "its checksum has 1 digits, expected 64\n"));
    unlink(path);
}

static void test_images_that_leave_bytes_over_are_refused(void **state)
{
    const char *path = in_dir("x.h5");
    pt_dataset *d = NULL;

    write_index(path, (const uint64_t[]){1, 2, 3, 4}, (const int32_t[]){0, 1, 1},
                (const uint32_t[]){2, 1});
    assert_int_equal(pt_dataset_open(path, &d), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "begins at byte 1, expected 0"));
    assert_non_null(strstr(pt_fail_text(), "images end at byte 4 of 16"));
    unlink(path);
}

static void test_other_hdf5_files_are_told_apart(void **state)
{
    pt_dataset *d = NULL;

    assert_int_equal(pt_dataset_open(PT_TEST_DATA "/h5file/foreign.h5", &d), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "is not packed data"));
    assert_int_equal(pt_dataset_open("/no/such/file.h5", &d), PT_ERR_IO);
    assert_null(d);
}

static void test_a_pack_that_is_not_sound_leaves_no_file(void **state)
{
    const char *path = in_dir("x.h5");
    sample s;

    fill(&s);
    s.images[1].bytes = 9; /* it grew */
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_ERR_DATA);
    assert_non_null(
        strstr(pt_fail_text(), "/b: had 9 bytes when it was checked, now more"));
    fill(&s);
    s.images[1].bytes = 11; /* it shrank */
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "now fewer"));
    fill(&s);
    s.images[2].label = 2;
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_ERR_DATA);
    fill(&s);
    s.splits[1].n = 0;
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_ERR_DATA);
    fill(&s);
    s.splits[1].name = "train";
    assert_int_equal(pt_dataset_write(path, &s.pack, NULL), PT_ERR_DATA);
    assert_int_equal(access(path, F_OK), -1);
}

enum { N_THREADS = 4, N_ROUNDS = 200 };

static void *read_many(void *context)
{
    const pt_dataset *d = context;
    uint8_t jpeg[1024];
    uintptr_t bad = 0;

    for (int k = 0; k < N_ROUNDS; k++) {
        size_t i = (size_t)k % pt_dataset_images(d), n = pt_dataset_bytes(d, i);
        if (pt_dataset_read(d, i, jpeg) != PT_OK || jpeg[0] != 0xff ||
            jpeg[n - 1] != 0xd9)
            bad++;
    }
    return (void *)bad;
}

static void test_threads_read_from_one_data_set(void **state)
{
    pthread_t threads[N_THREADS];
    pt_dataset *d = NULL;
    void *bad;

    assert_int_equal(pt_dataset_open(tiny, &d), PT_OK);
    for (int i = 0; i < N_THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, read_many, d), 0);
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(threads[i], &bad);
        assert_null(bad);
    }
    pt_dataset_destroy(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_h5py_wrote_is_read),
        cmocka_unit_test(test_pairs_read_back),
        cmocka_unit_test(test_pairs_that_cannot_be_are_refused),
        cmocka_unit_test(test_what_was_packed_reads_back),
        cmocka_unit_test(test_the_same_pack_is_the_same_file),
        cmocka_unit_test(test_h5py_finds_the_same_index_and_checksum),
        cmocka_unit_test(test_one_flipped_bit_is_found_by_verify),
        cmocka_unit_test(test_all_faults_of_an_index_are_listed),
        cmocka_unit_test(test_images_that_leave_bytes_over_are_refused),
        cmocka_unit_test(test_other_hdf5_files_are_told_apart),
        cmocka_unit_test(test_a_pack_that_is_not_sound_leaves_no_file),
        cmocka_unit_test(test_threads_read_from_one_data_set),
    };
    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}

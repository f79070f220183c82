/* What a checkpoint holds is what was saved, cut over servers in any way; whatever
 * happens to its bytes is noticed, and the one before it is used. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "common/base/crc32c.h"
#include "common/base/file.h"
#include "server/checkpoint/saver.h"
#include "tests/support/small_run.h"
#include "tests/support/temp_dir.h"

/* A run of the smallest network, arrays filled with numbers that differ. */
typedef struct {
    pt_run *run;
    pt_state state;
} fixture;

static void fill(float *x, size_t n, float first)
{
    for (size_t i = 0; i < n; i++) x[i] = first + (float)i;
}

static fixture make(int n_servers, float first)
{
    fixture f = {.run = make_small_run(n_servers)};
    const pt_graph *g = f.run->graph;
    size_t dims = (size_t)pt_run_rep_size(f.run);

    f.state = (pt_state){.run = f.run,
                         .flat = f.run->flat,
                         .optimizer.velocity = calloc(g->n_param_floats, sizeof(float)),
                         .feature_mean = calloc(dims, sizeof(float)),
                         .feature_std = calloc(dims, sizeof(float))};
    fill(f.state.flat, g->n_floats, first);
    fill(f.state.optimizer.velocity, g->n_param_floats, -first);
    fill(f.state.feature_mean, dims, first + 0.25f);
    fill(f.state.feature_std, dims, first + 0.75f);
    return f;
}

static void drop(fixture *f)
{
    free(f->state.optimizer.velocity);
    free(f->state.feature_mean);
    free(f->state.feature_std);
    pt_run_destroy(&f->run);
}

static char *root(void)
{
    static char path[256];

    snprintf(path, sizeof path, "%s", in_dir("run/checkpoints"));
    return path;
}

/* Saves f as the state before `step`, by all its servers. */
static void save(const fixture *f, uint64_t step)
{
    const pt_progress p = {.step = step,
                           .ema = 1.0 / 3 + (double)step,
                           .gate_started = true,
                           .skipped = 3,
                           .skipped_in_a_row = 1,
                           .tally = {.gate_opened = 5,
                                     .w_sum = 1.0 / 3,
                                     .w_steps = 6,
                                     .best = {7, 8, 24, 9, 30, "abc"},
                                     .early = {3, 6, 4, -1.0 / 3, -0.5, 2}}};
    char *path = pt_checkpoint_path(root(), step), part[320];
    json_t *identity = json_pack("{s:s}", "network", "resnet_small");

    assert_int_equal(pt_checkpoint_begin(path), PT_OK);
    for (int k = 0; k < f->run->n_servers; k++) {
        snprintf(part, sizeof part, "%s/part-%d.h5", path, k);
        assert_int_equal(pt_part_write(part, &f->state, k), PT_OK);
        assert_int_equal(pt_checkpoint_record_part(path, k, NULL), PT_OK);
    }
    assert_int_equal(pt_checkpoint_seal(path, f->run->n_servers, &p, identity), PT_OK);
    json_decref(identity);
    free(path);
}

static void clean(void)
{
    pt_checkpoint_prune(root(), 0);
    assert_int_equal(rmdir(in_dir("run")), 0);
}

static bool same(const fixture *a, const fixture *b)
{
    const pt_graph *g = a->run->graph;
    size_t dims = (size_t)pt_run_rep_size(a->run) * sizeof(float);

    return memcmp(a->state.flat, b->state.flat, g->n_floats * sizeof(float)) == 0 &&
           memcmp(a->state.optimizer.velocity, b->state.optimizer.velocity,
                  g->n_param_floats * sizeof(float)) == 0 &&
           memcmp(a->state.feature_mean, b->state.feature_mean, dims) == 0 &&
           memcmp(a->state.feature_std, b->state.feature_std, dims) == 0;
}

static void test_any_number_of_servers_reads_what_any_number_wrote(void **state)
{
    for (int s = 1; s <= 4; s++) {
        fixture a = make(s, 1), b = make(1 + s % 3, 500);
        pt_checkpoint c;

        save(&a, 7);
        assert_int_equal(pt_checkpoint_find(root(), &c), PT_OK);
        assert_int_equal(c.n_parts, s);
        assert_int_equal(pt_checkpoint_load(&c, &b.state), PT_OK);
        assert_true(same(&a, &b));
        assert_int_equal(c.progress.step, 7);
        assert_true(c.progress.ema == 1.0 / 3 + 7);
        assert_true(c.progress.gate_started && !c.progress.gate_open);
        assert_int_equal(c.progress.skipped, 3);
        assert_int_equal(c.progress.skipped_in_a_row, 1);
        assert_true(c.progress.tally.known && c.progress.tally.w_sum == 1.0 / 3);
        assert_int_equal(c.progress.tally.gate_opened, 5);
        assert_int_equal(c.progress.tally.w_steps, 6);
        assert_int_equal(c.progress.tally.best.right, 8);
        assert_int_equal(c.progress.tally.best.test_right, 9);
        assert_string_equal(c.progress.tally.best.digest, "abc");
        assert_int_equal(c.progress.tally.early.tests, 3);
        assert_int_equal(c.progress.tally.early.last_step, 6);
        assert_int_equal(c.progress.tally.early.best_step, 4);
        assert_true(c.progress.tally.early.best == -1.0 / 3);
        assert_true(c.progress.tally.early.reference == -0.5);
        assert_int_equal(c.progress.tally.early.since, 2);
        assert_string_equal(json_string_value(json_object_get(c.identity, "network")),
                            "resnet_small");
        pt_checkpoint_fini(&c);
        drop(&a);
        drop(&b);
        clean();
    }
}

static void test_a_lost_part_and_another_network_are_refused(void **state)
{
    fixture a = make(2, 1), b = make(1, 2);
    pt_checkpoint c;

    save(&a, 7);
    assert_int_equal(pt_checkpoint_find(root(), &c), PT_OK);
    c.n_parts = 1;
    assert_int_equal(pt_checkpoint_load(&c, &b.state), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "the network needs"));
    pt_checkpoint_fini(&c);
    drop(&a);
    drop(&b);
    clean();
}

static void test_two_generations_stay_and_the_newest_is_found(void **state)
{
    fixture a = make(1, 1);
    pt_checkpoint c;
    struct stat st;

    for (uint64_t step = 1; step <= 4; step++) {
        save(&a, step);
        pt_checkpoint_prune(root(), 2);
    }
    assert_int_equal(pt_checkpoint_begin(in_dir("run/checkpoints/step-000000000009")),
                     PT_OK); /* one that was begun, and no more */
    assert_int_equal(pt_checkpoint_find(root(), &c), PT_OK);
    assert_int_equal(c.progress.step, 4);
    pt_checkpoint_fini(&c);
    pt_checkpoint_prune(root(), 2);
    assert_int_equal(stat(in_dir("run/checkpoints/step-000000000009"), &st), -1);
    assert_int_equal(stat(in_dir("run/checkpoints/step-000000000003"), &st), 0);
    assert_int_equal(stat(in_dir("run/checkpoints/step-000000000002"), &st), -1);
    drop(&a);
    clean();
}

static void test_the_saver_keeps_two_generations(void **state)
{
    fixture a = make(1, 1);
    json_t *identity = json_object();
    const pt_save_options o = {root(), identity, 60};
    pt_saver *saver = NULL;
    struct stat st;

    for (uint64_t step = 1; step <= 3; step++) {
        assert_int_equal(pt_saver_create(a.run, 0, &o, &saver), PT_OK);
        pt_saver_begin(saver, &(pt_progress){.step = step});
        pt_saver_destroy(&saver); /* waits for it */
    }
    assert_int_equal(stat(in_dir("run/checkpoints/step-000000000003"), &st), 0);
    assert_int_equal(stat(in_dir("run/checkpoints/step-000000000002"), &st), 0);
    assert_int_equal(stat(in_dir("run/checkpoints/step-000000000001"), &st), -1);
    json_decref(identity);
    drop(&a);
    clean();
}

/* ---- damage ----------------------------------------------------------------------- */

static void put(const char *path, const uint8_t *bytes, size_t n)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

/* The newest must be refused, and (checked now and then) the older one be found. */
static void older_is_used(const char *what, size_t at)
{
    char *newest = pt_checkpoint_path(root(), 5);
    pt_checkpoint c;

    if (pt_checkpoint_verify(newest, &c) == PT_OK)
        fail_msg("%s at byte %zu was not noticed", what, at);
    free(newest);
    if (at % 97 != 0) return;
    if (pt_checkpoint_find(root(), &c) != PT_OK || c.progress.step != 3)
        fail_msg("after %s at byte %zu the older one was not used", what, at);
    pt_checkpoint_fini(&c);
}

/* Flips a bit of, and cuts at, every stride-th byte of a file of the newest checkpoint.
 */
static void damage(const char *name, size_t stride)
{
    char path[320];
    uint8_t *bytes = NULL;
    size_t n;

    snprintf(path, sizeof path, "%s/step-000000000005/%s", root(), name);
    assert_int_equal(pt_file_load_path(path, 1 << 26, &bytes, &n), PT_OK);
    for (size_t i = 0; i < n; i += stride) {
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        uint8_t flipped = bytes[i] ^ (uint8_t)(1 << (i + i / 8) % 8);

        assert_int_equal(pwrite(fd, &flipped, 1, (off_t)i), 1);
        older_is_used("a flip", i);
        assert_int_equal(pwrite(fd, &bytes[i], 1, (off_t)i), 1);
        close(fd);
    }
    for (size_t i = 0; i < n; i += stride) {
        assert_int_equal(truncate(path, (off_t)i), 0);
        older_is_used("a cut", i);
        put(path, bytes, n);
    }
    unlink(path);
    older_is_used("the loss", strcmp(name, "manifest.json") == 0);
    put(path, bytes, n);
    free(bytes);
}

/* Every byte of the manifest; of a part every 97th, and every one with PT_ALL_BYTES set
 *. Warnings go to a file meanwhile: there are thousands. */
static void test_any_changed_byte_is_noticed_and_the_older_one_used(void **state)
{
    fixture a = make(2, 1);
    int err = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    size_t stride = getenv("PT_ALL_BYTES") ? 1 : 97;
    pt_checkpoint c;

    save(&a, 3);
    save(&a, 5);
    dup2(null, STDERR_FILENO);
    damage("manifest.json", 1);
    damage("part-0.h5", stride);
    damage("part-1.h5", stride);
    dup2(err, STDERR_FILENO);
    close(err);
    close(null);
    assert_int_equal(pt_checkpoint_find(root(), &c), PT_OK);
    assert_int_equal(c.progress.step, 5);
    pt_checkpoint_fini(&c);
    drop(&a);
    clean();
}

static void test_where_all_are_damaged_nothing_is_begun_afresh(void **state)
{
    fixture a = make(1, 1);
    pt_checkpoint c;

    save(&a, 5);
    assert_int_equal(truncate(in_dir("run/checkpoints/step-000000000005/part-0.h5"), 9),
                     0);
    assert_int_equal(pt_checkpoint_find(root(), &c), PT_ERR_DATA);
    assert_non_null(strstr(pt_fail_text(), "no checkpoint is usable"));
    assert_non_null(strstr(pt_fail_text(), "part-0.h5: has 9 bytes"));
    drop(&a);
    clean();
}

/* Replaces text in the manifest and mends its checksum: what another program, or a later
 * one, would have written. */
static void rewrite(const char *was, const char *is)
{
    const char *path = in_dir("run/checkpoints/step-000000000005/manifest.json");
    enum { PREFIX = 22 };
    uint8_t *bytes = NULL;
    char text[16384], *at;
    size_t n;

    assert_int_equal(pt_file_load_path(path, sizeof text - 64, &bytes, &n), PT_OK);
    at = strstr((char *)bytes, was);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - (char *)bytes), (char *)bytes, is,
             at + strlen(was));
    snprintf((char *)bytes, PREFIX + 1, "{\"crc32c\": \"%08x\",",
             pt_crc32c(0, text + PREFIX, strlen(text + PREFIX)));
    memcpy(text, bytes, PREFIX);
    put(path, (uint8_t *)text, strlen(text));
    free(bytes);
}

static void test_another_format_version_or_byte_order_is_named(void **state)
{
    static const char *const changes[][3] = {
        {"\"ptrain-checkpoint\"", "\"something else\"", "format is 'something else'"},
        {"\"format_version\": 1", "\"format_version\": 2", "format_version is 2"},
        {"\"little\"", "\"big\"", "byte_order is 'big'"}};

    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        fixture a = make(1, 1);
        pt_checkpoint c;

        save(&a, 5);
        rewrite(changes[i][0], changes[i][1]);
        assert_int_equal(pt_checkpoint_find(root(), &c), PT_ERR_DATA);
        if (!strstr(pt_fail_text(), changes[i][2])) fail_msg("%s", pt_fail_text());
        drop(&a);
        clean();
    }
}

static void test_a_manifest_without_a_tally_is_read(void **state)
{
    fixture a = make(1, 1);
    pt_checkpoint c;

    save(&a, 5);
    rewrite("\"journal\"", "\"unknown\"");
    assert_int_equal(pt_checkpoint_find(root(), &c), PT_OK);
    assert_int_equal(c.progress.step, 5);
    assert_false(c.progress.tally.known);
    assert_int_equal(c.progress.tally.best.images, 0);
    pt_checkpoint_fini(&c);
    drop(&a);
    clean();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_servers_reads_what_any_number_wrote),
        cmocka_unit_test(test_a_lost_part_and_another_network_are_refused),
        cmocka_unit_test(test_the_saver_keeps_two_generations),
        cmocka_unit_test(test_two_generations_stay_and_the_newest_is_found),
        cmocka_unit_test(test_any_changed_byte_is_noticed_and_the_older_one_used),
        cmocka_unit_test(test_where_all_are_damaged_nothing_is_begun_afresh),
        cmocka_unit_test(test_another_format_version_or_byte_order_is_named),
        cmocka_unit_test(test_a_manifest_without_a_tally_is_read),
    };

    return cmocka_run_group_tests_name("server.checkpoint", tests, make_dir, remove_dir);
}

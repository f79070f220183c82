#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "common/config/config.h"

static char file[] = "/tmp/pt_test_config_XXXXXX";

static int enter(void **state)
{
    int fd = mkstemp(file);

    return fd >= 0 ? close(fd) : -1;
}

static int leave(void **state)
{
    return unlink(file);
}

static pt_status try_bytes(const void *bytes, size_t n, pt_config **c)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
    return pt_config_load(file, NULL, 0, c);
}

static pt_config *load(const char *yaml)
{
    pt_config *c = NULL;

    if (try_bytes(yaml, strlen(yaml), &c) != PT_OK) fail_msg("%s", pt_fail_text());
    return c;
}

static char *print(const pt_config *c)
{
    char *text = NULL;

    assert_int_equal(pt_config_print(c, &text), PT_OK);
    return text;
}

/* Keys whose sections are all given, floats that need 9 and 17 digits, odd texts. */
static const char full[] =
    "seed: 12345678901234567890\n"
    "run: {dir: \"tab\\there: \\\"q\\\" \\\\ \\u0085 \\u2028 \\U0001F600 \\xe9\", "
    "watchdog_s: 0.1000000000000000055511151231257827}\n"
    "data:\n"
    "  train_split: \"null\"\n"
    "  test_split: \"# no comment\"\n"
    "  min_area: 0.333333343\n"
    "  crop: 33\n"
    "  resize: 40\n"
    "  preprocess: {mean: [0.485, 1e-30, 16777217], std: [1, 2, 987654321.5]}\n"
    "network: {name: squeezenet1_1, weights: \"-x\", bn_eps: 1.001e-5}\n"
    "optimizer: {lr: 0.1, head_lr: 1}\n"
    "schedule: {kind: step, at: [0.1, 0.30000000000000004, 0.9999999999999999]}\n"
    "stages:\n"
    "- {name: \"1\", epochs: 2.5, frozen: [trunk, \"a, b\", \"true\"]}\n"
    "- {steps: 4}\n";

static void test_what_is_printed_reads_back_to_the_same_values(void **state)
{
    pt_config *c = load(full), *again;
    char *text = print(c), *twice;

    again = load(text);
    twice = print(again);
    assert_string_equal(text, twice);
    assert_true(again->seed == c->seed);
    assert_string_equal(again->run->dir, c->run->dir);
    assert_string_equal(
        c->run->dir,
        "tab\there: \"q\" \\ \xc2\x85 \xe2\x80\xa8 \xf0\x9f\x98\x80 \xc3\xa9");
    assert_memory_equal(again->data->preprocess->mean, c->data->preprocess->mean, 12);
    assert_memory_equal(again->schedule->at, c->schedule->at, 3 * sizeof(double));
    assert_false(again->data->preprocess->has_scale);
    assert_false(again->data->preprocess->has_order);
    assert_string_equal(again->stages[0]->frozen[1], "a, b");
    assert_false(again->stages[0]->has_steps);
    pt_config_destroy(&c);
    pt_config_destroy(&again);
    free(text);
    free(twice);
}

static void test_the_resolved_configuration_shows_defaults_in_schema_order(void **state)
{
    pt_config *c =
        load("optimizer: {lr: 0.1, weight_decay: 1e-6}\nserver: {ranks: 1}\n"
             "stages: [{epochs: 3, frozen: [trunk]}, {steps: 5, name: two}]\n");
    char *text = print(c);

    assert_non_null(strstr(text, "format_version: 1\nseed: 1\nshards: 8\nrun:\n"));
    assert_non_null(strstr(text, "  watchdog_s: 300\n  log_every: 10\n"));
    assert_non_null(strstr(text, "optimizer:\n  lr: 0.1\n  momentum: 0.9\n"
                                 "  nesterov: false\n  weight_decay: 1.0e-06\n"));
    assert_non_null(strstr(text,
                           "stages:\n  - epochs: 3\n    frozen: [trunk]\n    rate: 1\n"
                           "  - name: two\n    steps: 5\n    rate: 1\nevaluation:\n"));
    assert_non_null(strstr(text, "resize_mode: short_side\n"));
    assert_null(strstr(text, "preprocess")); /* the weights' own */
    assert_null(strstr(text, "head_lr"));
    pt_config_destroy(&c);
    free(text);
}

static void add_line(void *context, const char *path, const char *value)
{
    if (strncmp(path, "data.p", 6) == 0 || strncmp(path, "optimizer.", 10) == 0 ||
        strncmp(path, "stages.", 7) == 0)
        fprintf(context, "%s=%s\n", path, value);
}

static void expect_each(const pt_config *c, pt_config_style style, const char *lines)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_int_equal(pt_config_each(c, style, add_line, out), PT_OK);
    assert_int_equal(fclose(out), 0);
    assert_string_equal(text, lines);
    free(text);
}

static void test_each_key_comes_as_in_yaml_or_plain(void **state)
{
    pt_config *c = load("data: {path: 'my data.h5'}\n"
                        "optimizer: {lr: 1e-6, weight_decay: 0.25}\n"
                        "stages: [{steps: 3, frozen: ['a b', trunk]}]\n");

    expect_each(c, PT_CONFIG_YAML,
                "data.path=\"my data.h5\"\ndata.per_class=0\ndata.pad=0\n"
                "optimizer.lr=1.0e-06\noptimizer.momentum=0.9\noptimizer.nesterov=false\n"
                "optimizer.weight_decay=0.25\noptimizer.kind=sgd\n"
                "optimizer.beta1=0.9\noptimizer.beta2=0.999\noptimizer.eps=1.0e-08\n"
                "optimizer.clip_norm=0\n"
                "stages.0.steps=3\n"
                "stages.0.frozen=[\"a b\", trunk]\nstages.0.rate=1\n");
    expect_each(c, PT_CONFIG_PLAIN,
                "data.path=my data.h5\ndata.per_class=0\ndata.pad=0\n"
                "optimizer.lr=1e-06\noptimizer.momentum=0.9\noptimizer.nesterov=false\n"
                "optimizer.weight_decay=0.25\noptimizer.kind=sgd\n"
                "optimizer.beta1=0.9\noptimizer.beta2=0.999\noptimizer.eps=1e-08\n"
                "optimizer.clip_norm=0\n"
                "stages.0.steps=3\n"
                "stages.0.frozen=[a b, trunk]\nstages.0.rate=1\n");
    pt_config_destroy(&c);
}

static void test_packing_keeps_the_message_and_what_was_given(void **state)
{
    pt_config *c = load(full), *again = NULL;
    char *text = print(c), *twice;
    uint8_t *bytes, *once_more;
    size_t n, m;

    assert_int_equal(pt_config_pack(c, &bytes, &n), PT_OK);
    assert_int_equal(pt_config_unpack(bytes, n, &again), PT_OK);
    twice = print(again);
    assert_string_equal(text, twice);
    assert_int_equal(pt_config_pack(again, &once_more, &m), PT_OK);
    assert_int_equal(m, n);
    assert_memory_equal(bytes, once_more, n);
    assert_false(again->optimizer->has_momentum);
    pt_config_destroy(&c);
    pt_config_destroy(&again);
    free(text);
    free(twice);
    free(bytes);
    free(once_more);
}

static void test_damaged_packed_bytes_are_refused(void **state)
{
    static const uint8_t future[] = {0xf8, 0x06, 0x01};     /* tag 111 */
    static const uint8_t shards[] = {0x18, 0x03};           /* shards = 3 */
    static const uint8_t loss[] = {0x3a, 0x02, 0x08, 0x09}; /* pseudo_task.loss = 9 */
    static const uint8_t text[] = {0x22, 0x02, 0x0a, 0x00}; /* run.dir = "" */
    static const uint8_t cut[] = {0x22, 0x03, 0x0a, 0x01, 0xc3}; /* half a letter */
    static const uint8_t nothing[1];
    pt_config *c = load(full), *d = NULL;
    uint8_t *bytes;
    size_t n;

    assert_int_equal(pt_config_unpack(future, sizeof future, &d), PT_ERR_CONFIG);
    assert_int_equal(pt_config_unpack(shards, sizeof shards, &d), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), "shards must be a power of two, not 3");
    assert_int_equal(pt_config_unpack(loss, sizeof loss, &d), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), "pseudo_task.loss has no value numbered 9");
    assert_int_equal(pt_config_unpack(text, sizeof text, &d), PT_ERR_CONFIG);
    assert_int_equal(pt_config_unpack(cut, sizeof cut, &d), PT_ERR_CONFIG);
    assert_string_equal(pt_fail_text(), "run.dir must be UTF-8 text");
    assert_int_equal(pt_config_unpack(nothing, 0, &d), PT_OK);
    assert_non_null(d->data->preprocess);
    pt_config_destroy(&d);
    assert_int_equal(pt_config_pack(c, &bytes, &n), PT_OK);
    for (size_t i = 0; i < n; i++) { /* cut short, one byte changed: no crash */
        pt_status s = pt_config_unpack(bytes, i, &d);

        assert_true(s == PT_OK || s == PT_ERR_CONFIG);
        pt_config_destroy(&d);
        bytes[i] ^= 0xff;
        s = pt_config_unpack(bytes, n, &d);
        assert_true(s == PT_OK || s == PT_ERR_CONFIG);
        pt_config_destroy(&d);
        bytes[i] ^= 0xff;
    }
    pt_config_destroy(&c);
    free(bytes);
}

static void test_the_schema_lists_every_key_with_its_comment(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(pt_config_schema(out, NULL, 0), PT_OK);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "  optimizer.lr  (number > 0, default 0.01)\n"
                                 "      per update\n"));
    assert_non_null(strstr(text, "optimizer: The update: v <- "));
    assert_null(strstr(text, "Next free tag"));
    assert_non_null(strstr(text,
                           "  network.batch_norm  (one of sync shard frozen, default "
                           "sync)\n        sync: statistics of the whole batch "));
    assert_non_null(
        strstr(text, "  stages.N.frozen  (list of strings)\n      `trunk`, "));
    assert_non_null(
        strstr(text, "  seed  (integer >= 0, default 1)\n      every random number"));
    free(text);
}

static void test_the_schema_of_one_key_or_section_has_only_that(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);

    assert_non_null(out);
    assert_int_equal(pt_config_schema(out, "stages.0.epochs", 0), PT_OK);
    assert_int_equal(pt_config_schema(out, "optimizer", 40), PT_OK);
    assert_int_equal(pt_config_schema(out, "optimize", 0), PT_ERR_CONFIG);
    assert_int_equal(fclose(out), 0);
    assert_ptr_equal(strstr(text, "  stages.N.epochs  ("), text);
    assert_non_null(strstr(text, "\noptimizer: The update: v <- momentum v +\n"));
    assert_non_null(strstr(text, "  optimizer.momentum  ("));
    assert_null(strstr(text, "seed"));
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (line[0] != ' ' && strlen(line) > 40) fail_msg("%s", line);
    free(text);
}

/* ---- the JSON Schema --------------------------------------------------------------- */

/* The schema's own object at "stages.0.epochs". */
static json_t *schema_at(json_t *root, const char *path)
{
    char name[80];

    while (*path) {
        size_t n = strcspn(path, ".");

        snprintf(name, sizeof name, "%.*s", (int)n, path);
        path += n + (path[n] == '.');
        if (name[0] >= '0' && name[0] <= '9')
            root = json_object_get(root, "items");
        else
            root = json_object_get(json_object_get(root, "properties"), name);
        if (json_object_get(root, "anyOf"))
            root = json_array_get(json_object_get(root, "anyOf"), 0);
    }
    return root;
}

static void expect_in_schema(void *root, const char *path, const char *value)
{
    if (!json_is_object(schema_at(root, path))) fail_msg("%s is not there", path);
}

static void test_the_json_schema_knows_every_key_and_its_range(void **state)
{
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    json_t *root;
    pt_config *c;

    assert_non_null(out);
    assert_int_equal(pt_config_json_schema(out), PT_OK);
    assert_int_equal(fclose(out), 0);
    root = json_loads(text, 0, NULL);
    assert_non_null(root);
    c = load("stages: [{epochs: 3}]\n");
    assert_int_equal(pt_config_each(c, PT_CONFIG_PLAIN, expect_in_schema, root), PT_OK);
    assert_true(json_is_object(schema_at(root, "base")));
    assert_true(json_is_real(
        json_object_get(schema_at(root, "optimizer.lr"), "exclusiveMinimum")));
    assert_int_equal(
        json_integer_value(json_object_get(schema_at(root, "data.batch"), "maximum")),
        65536);
    assert_true(
        json_is_false(json_object_get(schema_at(root, "data"), "additionalProperties")));
    json_decref(root);
    pt_config_destroy(&c);
    free(text);
}

static void expect_refusal(const void *bytes, size_t n, const char *words)
{
    pt_config *c = NULL;

    assert_int_equal(try_bytes(bytes, n, &c), PT_ERR_CONFIG);
    if (!strstr(pt_fail_text(), words)) fail_msg("%s: %s", words, pt_fail_text());
}

static void test_what_is_not_one_plain_yaml_document_is_refused(void **state)
{
    expect_refusal("", 0, ":1:1: error: the file has no keys");
    expect_refusal("# only this\n", 12, ":1:1: error: the file has no keys");
    expect_refusal("[1, 2]", 6, ":1:1: error: expected keys and values, found a list");
    expect_refusal("word", 4,
                   ":1:1: error: expected keys and values, found a single value");
    expect_refusal("seed: 1\n---\nseed: 2\n", 20, "a second document starts here");
    expect_refusal("seed: [1\nx: 2\n", 14, "flow sequence without a closing bracket");
    expect_refusal("seed:\n\t1: 2\n", 12, "tab character");
    expect_refusal("seed: !!int 3\n", 14, ": error: tags are not supported");
    expect_refusal("seed: &a 3\nshards: *a\n", 22, ": error: anchors and aliases");
    expect_refusal("run: {dir: \"a\\0b\"}", 18,
                   ":1:12: error: a string must not contain a zero");
    expect_refusal("{a: b}: c\n", 10, "a key must be a plain string");
    expect_refusal("seed: 1\ndir: \xff\xfe\n", 16, ":2:6: error: this is not UTF-8 text");
}

static void test_hostile_files_are_refused_and_do_no_harm(void **state)
{
    enum { BIG = 1 << 20 };
    char *big = malloc(BIG + 1);
    char laughs[4096] = "a0: &a0 [x, x]\n";
    uint32_t junk = 12345;

    assert_non_null(big);
    memset(big, '[', BIG);
    expect_refusal(big, BIG, "nested deeper than 16");
    for (int i = 0; i < BIG / 4; i++) memcpy(big + 4 * i, "{a: ", 4);
    expect_refusal(big, BIG, "nested deeper than 16");
    for (int i = 0; i < BIG / 2; i++) memcpy(big + 2 * i, "- ", 2);
    expect_refusal(big, BIG, "nested deeper than 16");
    memset(big, 'x', BIG + 1);
    expect_refusal(big, BIG, "found a single value");
    expect_refusal(big, BIG + 1, "is longer than 1048576 bytes");
    for (int i = 0; i < BIG / 16; i++) {
        char line[32];

        snprintf(line, sizeof line, "\nk%05d: 1              ", i);
        memcpy(big + 16 * i, line, 16);
    }
    expect_refusal(big, BIG, "more than 1024 items");
    for (int i = 1; i < 100; i++) {
        size_t at = strlen(laughs);

        snprintf(laughs + at, sizeof laughs - at, "a%d: &a%d [*a%d, *a%d]\n", i, i, i - 1,
                 i - 1);
    }
    expect_refusal(laughs, strlen(laughs), "anchors and aliases are not supported");
    for (int round = 0; round < 200; round++) {
        pt_config *c = NULL;

        for (int i = 0; i < 512; i++) {
            junk = junk * 1664525u + 1013904223u;
            /* half of the rounds ASCII, rich in YAML's own signs */
            big[i] = round % 2 ? "{}[]:,-?&*!|>'\"%@` \n\tae0#~"[(junk >> 16) % 27]
                               : (char)(junk >> 24);
        }
        assert_int_equal(try_bytes(big, 512, &c), PT_ERR_CONFIG);
    }
    free(big);
}

static void test_many_faults_are_counted_not_listed(void **state)
{
    char yaml[8192] = "";
    pt_config *c = NULL;
    int lines = 1;

    for (int i = 0; i < 300; i++)
        snprintf(yaml + strlen(yaml), sizeof yaml - strlen(yaml), "q%d: 1\n", i);
    assert_int_equal(try_bytes(yaml, strlen(yaml), &c), PT_ERR_CONFIG);
    for (const char *p = pt_fail_text(); *p; p++) lines += *p == '\n';
    assert_int_equal(lines, 101);
    assert_non_null(strstr(pt_fail_text(), "\n200 more faults"));
}

static void test_a_fault_stays_on_one_line_whatever_it_quotes(void **state)
{
    expect_refusal("\"se\\ned\": 1\n", 12, ":1:1: error: unknown key 'se?ed'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_printed_reads_back_to_the_same_values),
        cmocka_unit_test(test_the_resolved_configuration_shows_defaults_in_schema_order),
        cmocka_unit_test(test_each_key_comes_as_in_yaml_or_plain),
        cmocka_unit_test(test_packing_keeps_the_message_and_what_was_given),
        cmocka_unit_test(test_damaged_packed_bytes_are_refused),
        cmocka_unit_test(test_the_schema_lists_every_key_with_its_comment),
        cmocka_unit_test(test_the_schema_of_one_key_or_section_has_only_that),
        cmocka_unit_test(test_the_json_schema_knows_every_key_and_its_range),
        cmocka_unit_test(test_what_is_not_one_plain_yaml_document_is_refused),
        cmocka_unit_test(test_hostile_files_are_refused_and_do_no_harm),
        cmocka_unit_test(test_many_faults_are_counted_not_listed),
        cmocka_unit_test(test_a_fault_stays_on_one_line_whatever_it_quotes),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}

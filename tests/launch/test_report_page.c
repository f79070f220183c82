/* The page of a report: its template, and whether all of it is filled and escaped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/base/file.h"
#include "common/data/h5file.h"
#include "launch/report/page.h"
#include "launch/report/template.h"
#include "tests/launch/made_runs.h"

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* ---- the template ----------------------------------------------------------------- */

static pt_status print(const char *template, const char *values, char **text)
{
    json_t *j = json_loads(values, 0, NULL);
    size_t bytes;
    FILE *out = open_memstream(text, &bytes);
    pt_status s;

    assert_non_null(j);
    assert_non_null(out);
    s = pt_template_print(out, template, j);
    assert_int_equal(fclose(out), 0);
    json_decref(j);
    return s;
}

static void expect(const char *template, const char *values, const char *expected)
{
    char *text = NULL;

    if (print(template, values, &text) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_string_equal(text, expected);
    free(text);
}

static void expect_fault(const char *template, const char *values, const char *expected)
{
    char *text = NULL;

    assert_int_equal(print(template, values, &text), PT_ERR_BUG);
    assert_string_equal(pt_fail_text(), expected);
    free(text);
}

static void test_values_stand_in_the_places_of_their_names(void **state)
{
    expect("<p>{{a}} and {{n}}, {{a}}</p>\n", "{\"a\": \"x<'\", \"n\": 3}",
           "<p>x&lt;&#39; and 3, x&lt;&#39;</p>\n");
    expect("{{{a}}}", "{\"a\": \"<b>{{a}}</b>\"}", "<b>{{a}}</b>");
    expect("no place", "{}", "no place");
}

static void test_a_part_is_printed_for_each_item(void **state)
{
    expect("{{#a}}\n<li>{{n}}\n{{/a}}\nend", "{\"a\": [{\"n\": 1}, {\"n\": 2}]}",
           "<li>1\n<li>2\nend");
    expect("[{{#a}}{{.}};{{/a}}]", "{\"a\": [\"x\", 2]}", "[x;2;]");
    expect("[{{#a}}{{b}}{{#c}}{{.}}{{/c}}{{/a}}]", "{\"a\": {\"b\": 1, \"c\": [2, 3]}}",
           "[123]");
    expect("[{{#a}}x{{/a}}{{#b}}y{{/b}}{{#c}}z{{/c}}]",
           "{\"a\": null, \"b\": true, \"c\": []}", "[y]");
}

static void
test_a_place_without_a_value_and_a_value_without_a_place_are_faults(void **state)
{
    expect_fault("{{a}} {{b}}", "{\"a\": 1}", "template: no value for 'b'");
    expect_fault("{{a}}", "{\"a\": 1, \"b\": 2}", "template: no place for 'b'");
    expect_fault(
        "{{#a}}{{b}}{{/a}}{{b}}", "{\"a\": {}, \"b\": 1}",
        "template: no value for 'b'"); /* a part does not see what is around it */
    expect_fault("{{#a}}{{b}}{{/a}}", "{\"a\": {\"b\": 1}, \"b\": 1}",
                 "template: no place for 'b'");
    expect_fault("{{#a}}{{b}}", "{\"a\": 1}", "template: {{#a}} has no end");
    expect_fault("{{a b", "{}", "template: no name at '{{a b'");
    expect_fault("{{a}}", "{\"a\": 0.5}", "template: 'a' is no string or integer");
}

/* ---- the page --------------------------------------------------------------------- */

/* Every text from outside has "<x>" in it. */
#define DATA  "data: {path: 'd<x>.h5'}\n"
#define DELTA "regularizers: {delta: {weight: 0.01, attention: '%s<x>.h5'}}\n"

/* Answers to an image of each of three classes, or of the first of `n_classes`. */
static void write_answers(const char *dir, const int32_t answers[3], size_t n_classes)
{
    const uint32_t images[] = {0, 1, 2};
    const int32_t labels[] = {0, 1, 2};
    const char *names[] = {"a<x>.jpg", "b.jpg", "c.jpg"}, *classes[64];
    uint64_t n = 3, shape[] = {3, n_classes};
    float logits[3 * 64] = {0};
    char *path = pt_file_path(dir, "predictions.h5");
    pt_h5file *f = NULL;

    for (size_t i = 0; i < n_classes; i++) classes[i] = "class<x>";
    assert_int_equal(pt_h5file_create(path, &f), PT_OK);
    assert_int_equal(pt_h5file_write_u32(f, "image", 1, &n, images), PT_OK);
    assert_int_equal(pt_h5file_write_i32(f, "label", 1, &n, labels), PT_OK);
    assert_int_equal(pt_h5file_write_i32(f, "prediction", 1, &n, answers), PT_OK);
    for (size_t i = 0; i < n; i++) logits[i * n_classes + (size_t)answers[i]] = 1;
    assert_int_equal(pt_h5file_write_f32(f, "logits", 2, shape, logits), PT_OK);
    assert_int_equal(pt_h5file_write_strings(f, "name", names, n), PT_OK);
    assert_int_equal(pt_h5file_write_strings(f, "classes", classes, n_classes), PT_OK);
    assert_int_equal(pt_h5file_commit(&f), PT_OK);
    free(path);
}

static void write_steps(const char *dir, int workers)
{
    made_runs_file(dir, "metrics.jsonl",
                   "{\"step\": 0, \"ce\": 2, \"w\": 0.1}\n{\"step\": 1, \"ce\": 1}\n");
    made_runs_file(dir, "environment.json",
                   workers == 1 ? "{\"ranks\": [\"a: worker\"]}"
                                : "{\"ranks\": [\"a: worker\", \"b: worker\"]}");
}

static char *page_of_all_runs(void)
{
    pt_finished_run *r = NULL;
    pt_summary *u = made_runs_sum_up(&r);
    uint8_t *text = NULL;
    size_t n;

    if (pt_page_write(u, "no.h5", "page.html") != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(pt_file_load_path("page.html", 1 << 20, &text, &n), PT_OK);
    unlink("page.html");
    made_runs_release(&u, &r);
    return (char *)text;
}

static void
test_a_page_has_every_part_and_every_text_from_outside_is_escaped(void **state)
{
    char one[256], two[256];
    const made_run runs[] = {
        {"plain", DATA, 1, .5, 1, -1, 0, NULL},
        {"one", one, 1, .5, 1, -1, 0, NULL},
        {"two", two, 1, .5, 1, -1, 0, NULL},
        {"many", DATA "shards: 4\npseudo_task: {loss: sml1}\n", 1, .5, 1, -1, 0, NULL}};
    const int32_t answers[][3] = {{0, 0, 2}, {0, 1, 1}, {0, 1, 2}, {0, 1, 3}};
    const char *parts[] = {
        "<nav aria-label=",
        "<dd>One run: there is nothing to compare it with.</dd>",
        "1 seed: not judged",
        "2 of 3 test images are right",
        "c.jpg: <b>class&lt;x&gt;</b> (6.4 %); it is <b>class&lt;x&gt;</b> (2.3 %)",
        "<dt>ranks</dt><dd>0 servers, 1 worker</dd>",
        "<code>regularizers.delta.attention</code>",
        "<a href=\"one/\">one</a>",
        "<ul class=\"soft\">",
        "Cross-entropy",
        "Images per second",
        "Most often confused: class&lt;x&gt; as class&lt;x&gt; (1).",
        "class=\"matrix\"",
        "41 classes: too many",
        "there are names only",
        "More often right than plain: 1 test images",
        "only plain is right in 1 of 1 pairs, only DELTA with "
        "attention attention=one&lt;x&gt;.h5 in 0",
        "plain predicted <b>class&lt;x&gt;</b>",
        "<p class=\"verdict\">One seed: no gain can be named"};
    char *page;

    snprintf(one, sizeof one, DATA DELTA, "one");
    snprintf(two, sizeof two, DATA DELTA, "two");
    made_runs_make(runs, COUNT(runs));
    for (size_t i = 0; i < COUNT(runs); i++) {
        write_steps(runs[i].dir, i == 1 ? 2 : 1);
        write_answers(runs[i].dir, answers[i], i == 3 ? 41 : 3);
    }
    page = page_of_all_runs();
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(page, parts[i])) fail_msg("no '%s'", parts[i]);
    assert_null(strstr(page, "{{"));
    assert_null(strstr(page, "<x>"));
    assert_null(strstr(page, "+0.00 (-)")); /* the gain of one seed */
    assert_non_null(
        strstr(page, "only DELTA with attention attention=one&lt;x&gt;.h5 is"));
    free(page);
}

int main(void)
{
#define T(f) cmocka_unit_test_teardown(f, made_runs_remove)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_stand_in_the_places_of_their_names),
        cmocka_unit_test(test_a_part_is_printed_for_each_item),
        cmocka_unit_test(
            test_a_place_without_a_value_and_a_value_without_a_place_are_faults),
        T(test_a_page_has_every_part_and_every_text_from_outside_is_escaped),
    };

    return cmocka_run_group_tests(tests, made_runs_enter, made_runs_leave);
}

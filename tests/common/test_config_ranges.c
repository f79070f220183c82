/* Every number of a configuration has bounds, and those that its help states: the keys
 * and ranges are those of `ptrain config schema`. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/plan.h"
#include "tests/support/temp_dir.h"

typedef struct {
    char path[128]; /* as --set takes it: stages.0.epochs */
    bool list, integer;
    const char *range; /* what follows the type */
} number;

enum { MAX_NUMBERS = 128 };
static number numbers[MAX_NUMBERS];
static int n_numbers;
static char *schema, *config;

/* A line "  PATH  (TYPE RANGE, default X)" of the schema. */
static void take_key(char *line)
{
    number *k = &numbers[n_numbers];
    char *type = strstr(line, "  ("), *n;

    if (strncmp(line, "  ", 2) != 0 || !type || line[2] == ' ') return;
    *type = '\0';
    type += 3;
    k->list = strncmp(type, "list of ", 8) == 0;
    if (k->list) type += 8;
    k->integer = strncmp(type, "integer", 7) == 0;
    if (!k->integer && strncmp(type, "number", 6) != 0) return;
    assert_true(n_numbers + 1 < MAX_NUMBERS);
    snprintf(k->path, sizeof k->path, "%s", line + 2);
    n = strstr(k->path, ".N.");
    if (n) n[1] = '0';
    k->range = type + strcspn(type, " ,)");
    n_numbers++;
}

static int read_schema(void **state)
{
    size_t n;
    FILE *f = open_memstream(&schema, &n);
    char *save;

    if (!f || make_dir(state) != 0) return -1;
    assert_int_equal(pt_config_schema(f, NULL, 0), PT_OK);
    fclose(f);
    for (char *line = strtok_r(schema, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save))
        take_key(line);
    config = strdup(in_dir("a.yaml"));
    f = fopen(config, "w");
    return f && fputs("stages: [{frozen: [trunk]}]\n", f) >= 0 && fclose(f) == 0 ? 0 : -1;
}

static int forget_schema(void **state)
{
    unlink(config);
    free(config);
    free(schema);
    return remove_dir(state);
}

/* Is the value refused for itself? Faults of other keys do not count. */
static bool refused(const number *k, const char *value)
{
    char set[256], must[160], type[160];
    const char *sets[] = {set}, *index = k->list ? ".0" : "";
    pt_config *c = NULL;
    pt_status s;

    snprintf(set, sizeof set, k->list ? "%s=[%s]" : "%s=%s", k->path, value);
    snprintf(must, sizeof must, "error: %s%s must be ", k->path, index);
    snprintf(type, sizeof type, "error: %s%s: '", k->path, index);
    s = pt_config_load(config, sets, 1, &c);
    pt_config_destroy(&c);
    return s == PT_ERR_CONFIG &&
           (strstr(pt_fail_text(), must) || strstr(pt_fail_text(), type));
}

static void must_refuse(const number *k, const char *value)
{
    if (!refused(k, value)) fail_msg("%s=%s is not refused", k->path, value);
}

static void must_take(const number *k, double value)
{
    char text[64];

    snprintf(text, sizeof text, "%.12g", value);
    if (refused(k, text)) fail_msg("%s=%s: %s", k->path, text, pt_fail_text());
}

static void must_not_take(const number *k, double value)
{
    char text[64];

    snprintf(text, sizeof text, "%.12g", value);
    must_refuse(k, text);
}

/* Seeds have 64 bits. */
static bool is_seed(const number *k)
{
    size_t n = strlen(k->path);

    return n >= 4 && strcmp(k->path + n - 4, "seed") == 0;
}

static void test_no_number_is_without_bounds(void **state)
{
    static const char *const senseless[] = {"nan",
                                            ".nan",
                                            "inf",
                                            "-.inf",
                                            "1e30",
                                            "-1e30",
                                            "1e999",
                                            "18446744073709551616",
                                            "-18446744073709551616"};

    assert_true(n_numbers > 55);
    for (int i = 0; i < n_numbers; i++) {
        for (size_t v = 0; v < sizeof senseless / sizeof *senseless; v++)
            must_refuse(&numbers[i], senseless[v]);
        must_refuse(&numbers[i], numbers[i].integer ? "-1" : "1.1e9");
        if (!is_seed(&numbers[i])) must_refuse(&numbers[i], "4294967296");
    }
}

typedef struct {
    char left, right;
    double low, high;
} range;

/* " in [0, 1)", " > 0", " >= 0" or " 1", as the schema prints it after the type. */
static bool stated(const char *text, range *r)
{
    *r = (range){'[', ']', 0, INFINITY};
    if (sscanf(text, " in %1[[(]%lf, %lf%1[])]", &r->left, &r->low, &r->high,
               &r->right) == 4)
        return true;
    if (sscanf(text, " >= %lf", &r->low) == 1) return true;
    if (sscanf(text, " %lf", &r->low) == 1) {
        r->high = r->low;
        return true;
    }
    r->left = '(';
    return sscanf(text, " > %lf", &r->low) == 1;
}

static void check_low(const number *k, const range *r)
{
    double near = k->integer ? 1 : 1e-6;

    if (r->left == '(') {
        must_not_take(k, r->low);
        must_take(k, r->low + near);
        return;
    }
    must_take(k, r->low);
    if (!k->integer || r->low > 0) must_not_take(k, r->low - near);
}

static void check_high(const number *k, const range *r)
{
    double near = k->integer || r->high > 1 ? 1 : 1e-6;

    if (isinf(r->high)) return;
    if (r->right == ')') {
        must_not_take(k, r->high);
        must_take(k, r->high - near);
        return;
    }
    must_take(k, r->high);
    must_not_take(k, r->high + near);
}

static void test_the_ranges_of_the_help_are_those_that_hold(void **state)
{
    char free_ones[256] = "";

    for (int i = 0; i < n_numbers; i++) {
        const number *k = &numbers[i];
        range r;

        if (!stated(k->range, &r)) {
            strcat(strcat(free_ones, k->path), " ");
            continue;
        }
        check_low(k, &r);
        check_high(k, &r);
    }
    assert_string_equal(
        free_ones,
        "data.preprocess.scale data.preprocess.mean data.random_erasing.value ");
}

static pt_plan *plan_of(const char *const *sets, size_t n)
{
    uint32_t *images = calloc(3, sizeof *images);
    pt_config *c = NULL;
    pt_plan *p = NULL;

    if (pt_config_load(config, sets, n, &c) != PT_OK) fail_msg("%s", pt_fail_text());
    assert_int_equal(pt_plan_create(c, images, 3, &p), PT_OK);
    pt_config_destroy(&c);
    return p;
}

static void test_the_longest_run_has_the_steps_that_were_asked_for(void **state)
{
    const char *epochs[] = {"stages.0.epochs=1000000", "data.batch=1"};
    const char *steps[] = {"stages=[{steps: 4294967295}, {steps: 4294967295}]",
                           "data.batch=65536"};
    pt_plan *p = plan_of(epochs, 2);

    assert_true(p->total_steps == 3000000);
    pt_plan_destroy(&p);
    p = plan_of(steps, 2);
    assert_true(p->total_steps == 2 * (uint64_t)UINT32_MAX);
    assert_int_equal(p->batch, 65536);
    pt_plan_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_number_is_without_bounds),
        cmocka_unit_test(test_the_ranges_of_the_help_are_those_that_hold),
        cmocka_unit_test(test_the_longest_run_has_the_steps_that_were_asked_for),
    };

    return cmocka_run_group_tests_name("common.config_ranges", tests, read_schema,
                                       forget_schema);
}

/* What `ptrain plan` reads from its command line, and the bound that it prints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/run/traffic.h"
#include "launch/plan/forecast.h"
#include "launch/plan/options.h"

static void test_rates_are_read_in_bits_and_bytes(void **state)
{
    double rate = 0;

    assert_int_equal(pt_plan_link("25Gb/s", &rate), PT_OK);
    assert_true(rate == 25e9 / 8);
    assert_int_equal(pt_plan_link("940Mb/s", &rate), PT_OK);
    assert_true(rate == 940e6 / 8);
    assert_int_equal(pt_plan_link("3.5GB/s", &rate), PT_OK);
    assert_true(rate == 3.5e9);
}

static void test_what_is_no_rate_is_refused(void **state)
{
    static const char *const bad[] = {
        "",        "25",     "Gb/s",     "-1Gb/s",  "25 Gb/s", "25Gb/s ", "0Gb/s",
        "nanGb/s", "25gb/s", "1e99Gb/s", "infGb/s", "25Gbps",  "+1Gb/s"};
    double rate;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(pt_plan_link(bad[i], &rate), PT_ERR_USAGE);
        assert_non_null(strstr(pt_fail_text(), "--link"));
    }
}

/* "nodes/servers " of each row; ! where each node has a server. */
static const char *rows_of(const char *nodes, const char *servers, char *out, size_t size)
{
    pt_plan_options o = {.network = "vgg16", .nodes = nodes, .servers = servers};
    pt_forecast *rows;
    size_t n, at = 0;

    out[0] = '\0';
    if (pt_plan_rows(&o, &rows, &n) != PT_OK) return NULL;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, size - at, "%d/%d%s ", rows[i].trial.nodes,
                               rows[i].trial.servers, rows[i].all ? "!" : "");
    free(rows);
    return out;
}

static void test_ranges_double_and_lists_are_taken_as_they_are(void **state)
{
    char out[256];

    assert_string_equal(rows_of("4..20", "1", out, sizeof out), "4/1 8/1 16/1 20/1 ");
    assert_string_equal(rows_of("3,5", "1,n", out, sizeof out), "3/1 3/3! 5/1 5/5! ");
}

static void test_a_layout_has_no_more_servers_than_nodes_and_comes_once(void **state)
{
    char out[256];

    assert_string_equal(rows_of("4,8", "1,4,8,n", out, sizeof out),
                        "4/1 4/4! 8/1 8/4 8/8! ");
    assert_string_equal(rows_of("1", "1,n", out, sizeof out), "1/1! ");
}

static void test_lists_that_are_none_are_refused(void **state)
{
    static const char *const bad[][2] = {{"", "1"},        {"8..4", "1"}, {"4,", "1"},
                                         {"4,4", "1"},     {"0", "1"},    {"2000", "1"},
                                         {"8..2000", "1"}, {"4", "n,1"},  {"4", "1,,n"},
                                         {"4", "m"},       {"4", "2,1"},  {"4", "8"}};
    char out[256];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_null(rows_of(bad[i][0], bad[i][1], out, sizeof out));
        assert_non_null(strstr(pt_fail_text(), "--"));
    }
}

/* The first row of `ptrain plan ...`, and its options. */
static pt_trial asked(const char *option, const char *value)
{
    char *argv[] = {"plan",   "--nodes", "4", "--servers", "1",
                    "--link", "1Gb/s",   "",  "",          NULL};
    pt_plan_options o;
    pt_forecast *rows = NULL;
    pt_trial t;
    size_t n;
    int code = 0;

    argv[7] = (char *)(uintptr_t)option;
    argv[8] = (char *)(uintptr_t)value;
    assert_true(pt_plan_options_read(value ? 9 : option ? 8 : 7, argv, &o, &code));
    assert_int_equal(pt_plan_rows(&o, &rows, &n), PT_OK);
    assert_int_equal(n, 1);
    t = rows[0].trial;
    free(rows);
    return t;
}

static void test_what_is_not_asked_for_is_a_measured_link_with_sockets(void **state)
{
    pt_trial t = asked(NULL, NULL);

    assert_true(t.link == 1e9 / 8 && t.sockets && !t.apart);
    assert_int_equal(t.cores, 0);
    assert_float_equal(t.latency_s, 20e-6, 1e-12);
}

static void test_each_option_reaches_the_layouts(void **state)
{
    assert_false(asked("--rdma", NULL).sockets);
    assert_true(asked("--servers-apart", NULL).apart);
    assert_int_equal(asked("--machine", "2").cores, 2);
    assert_int_equal(asked("--batch", "5").batch, 5);
    assert_float_equal(asked("--latency", "3").latency_s, 3e-6, 1e-12);
    assert_float_equal(asked("--mtu", "1500").link, 1e9 / 8 * 1448 / 1538, 1e-3);
}

/* M bytes of parameters over links of one byte a second, but for the bytes of records,
 * payloads and checksums. With 100 images of a node no gradient goes as factors. */
static double in_models_of(int nodes, int servers, int batch)
{
    pt_trial t = {.network = "vgg16",
                  .nodes = nodes,
                  .servers = servers,
                  .batch = batch,
                  .link = 1};
    double bytes = 0;

    assert_int_equal(pt_forecast_link(&t, &bytes), PT_OK);
    return bytes / (4 * 138357544.0);
}

static double in_models(int nodes, int servers)
{
    return in_models_of(nodes, servers, 100);
}

static void test_servers_apart_carry_the_model_of_every_worker(void **state)
{
    pt_trial t = {.network = "vgg16",
                  .nodes = 4,
                  .servers = 1,
                  .apart = true,
                  .batch = 2,
                  .link = 1};
    double bytes = 0;

    assert_int_equal(pt_trial_places(&t), 5);
    assert_int_equal(pt_forecast_link(&t, &bytes), PT_OK);
    assert_float_equal(bytes / (4 * 138357544.0), 4, 1e-3);
    t.servers = 4;
    assert_int_equal(pt_trial_places(&t), 8);
    assert_int_equal(pt_forecast_link(&t, &bytes), PT_OK);
    assert_float_equal(bytes / (4 * 138357544.0), 1, 0.03);
}

static void test_headers_take_six_percent_of_ordinary_packets(void **state)
{
    assert_float_equal(pt_plan_payload(1500), 1448.0 / 1538, 1e-12);
    assert_float_equal(pt_plan_payload(9000), 8948.0 / 9038, 1e-12);
}

static void test_one_server_beside_a_worker_carries_the_model_of_all_others(void **state)
{
    assert_float_equal(in_models(4, 1), 3, 1e-3);
    assert_float_equal(in_models(8, 1), 7, 1e-3);
    assert_float_equal(in_models(1, 1), 0, 1e-9);
}

static void test_a_server_on_each_node_carries_what_a_ring_would(void **state)
{
    assert_float_equal(in_models(2, 2), 1, 0.03);
    assert_float_equal(in_models(4, 4), 1.5, 0.03);
}

/* 89 % of VGG-16's gradients: then the new weights are nearly all. */
static void test_factors_leave_little_more_than_half_of_what_a_ring_would(void **state)
{
    assert_float_equal(in_models_of(2, 2, 8), 0.55, 0.03);
    assert_float_equal(in_models_of(4, 4, 8), 0.83, 0.03);
}

static void test_the_busiest_direction_of_the_busiest_place_counts(void **state)
{
    pt_traffic t[] = {{.sent = 5, .received = 60}, {.sent = 40, .received = 8}};

    assert_float_equal(pt_traffic_seconds(t, 2, 10), 6, 1e-12);
    assert_float_equal(pt_traffic_seconds(t + 1, 1, 10), 4, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates_are_read_in_bits_and_bytes),
        cmocka_unit_test(test_what_is_no_rate_is_refused),
        cmocka_unit_test(test_ranges_double_and_lists_are_taken_as_they_are),
        cmocka_unit_test(test_a_layout_has_no_more_servers_than_nodes_and_comes_once),
        cmocka_unit_test(test_lists_that_are_none_are_refused),
        cmocka_unit_test(test_what_is_not_asked_for_is_a_measured_link_with_sockets),
        cmocka_unit_test(test_each_option_reaches_the_layouts),
        cmocka_unit_test(test_one_server_beside_a_worker_carries_the_model_of_all_others),
        cmocka_unit_test(test_servers_apart_carry_the_model_of_every_worker),
        cmocka_unit_test(test_headers_take_six_percent_of_ordinary_packets),
        cmocka_unit_test(test_a_server_on_each_node_carries_what_a_ring_would),
        cmocka_unit_test(test_factors_leave_little_more_than_half_of_what_a_ring_would),
        cmocka_unit_test(test_the_busiest_direction_of_the_busiest_place_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

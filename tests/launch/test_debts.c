/* What ranks owe in the simulator of `ptrain plan`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <cmocka.h>

#include <simgrid/actor.h>
#include <simgrid/engine.h>
#include <simgrid/host.h>

#include "launch/plan/sim/cost.h"

enum { DEBTS = 1000 };
static const double resolution = 1e-3, debt = 1.5e-3;
static const char platform[] =
    "<?xml version='1.0'?>\n"
    "<!DOCTYPE platform SYSTEM \"https://simgrid.org/simgrid.dtd\">\n"
    "<platform version=\"4.1\"><zone id=\"z\" routing=\"None\"><host id=\"h\" "
    "speed=\"1Gf\"/></zone></platform>\n";
static double owed, paid;

static void pay(int argc, char **argv)
{
    pt_cost_of(&owed);
    for (int i = 0; i < DEBTS; i++) {
        pt_cost_owe(debt);
        pt_cost_pay();
        pt_cost_of(&owed);
    }
    paid = simgrid_get_clock();
}

static void disturb(int argc, char **argv)
{
    for (int i = 0; i < 2 * DEBTS; i++) sg_actor_sleep_for(1.1e-3);
}

static void test_events_of_others_let_nobody_off(void **state)
{
    pt_cost_rates rates = {0};

    pt_cost_set(&rates, resolution);
    sg_actor_create("payer", sg_host_by_name("h"), pay, 0, NULL);
    sg_actor_create("other", sg_host_by_name("h"), disturb, 0, NULL);
    simgrid_run();
    assert_float_equal(paid + owed, DEBTS * debt, 1e-6);
    assert_true(owed < 2 * resolution);
}

/* SimGrid reads files only. */
static void load_platform(void)
{
    char path[32];
    int fd = memfd_create("platform", 0);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

    if (!f || fputs(platform, f) == EOF || fflush(f) != 0) exit(1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    simgrid_load_platform(path);
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_events_of_others_let_nobody_off),
    };
    char *words[] = {"debts", "--log=root.thres:error", "--cfg=surf/precision:1e-3",
                     NULL};
    int n = 3;

    simgrid_init(&n, words);
    load_platform();
    return cmocka_run_group_tests(tests, NULL, NULL);
}

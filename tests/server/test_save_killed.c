/* A save that is killed at any of its system calls leaves the checkpoint before it, or
 * the new one, whole: a child saves under ptrace and dies at its n-th call, for every n.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <cmocka.h>

#include "server/checkpoint/manifest.h"
#include "tests/support/temp_dir.h"

static pt_run *run;
static pt_state saved;
static char root[256];

static void save(uint64_t step)
{
    const pt_progress p = {.step = step};
    char *path = pt_checkpoint_path(root, step), part[320];
    json_t *identity = json_object();
    bool ok;

    snprintf(part, sizeof part, "%s/part-0.h5", path);
    ok = pt_checkpoint_begin(path) == PT_OK && pt_part_write(part, &saved, 0) == PT_OK &&
         pt_checkpoint_record_part(path, 0, NULL) == PT_OK &&
         pt_checkpoint_seal(path, 1, &p, identity) == PT_OK;
    pt_checkpoint_prune(root, 2);
    json_decref(identity);
    free(path);
    if (!ok) _exit(3);
}

/* true where the child was killed; false where it had ended before its n-th call. */
static bool save_killed_at(uint64_t step, int n)
{
    int status, stops = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(77);
        raise(SIGSTOP);
        save(step);
        _exit(0);
    }
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        if (++stops > 2 * n) kill(child, SIGKILL); /* a stop on entry, one on return */
        ptrace(PTRACE_SYSCALL, child, NULL, NULL);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skip: this machine does not let us trace a child\n");
        skip();
    }
    assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

static void test_a_save_killed_at_any_call_loses_nothing(void **state)
{
    pt_checkpoint c;
    bool killed = true;
    int n, old = 0;

    for (n = 1; killed; n++) {
        save(1);
        save(2);
        killed = save_killed_at(3, n);
        assert_int_equal(pt_checkpoint_find(root, &c), PT_OK);
        if (c.progress.step != 2 && c.progress.step != 3)
            fail_msg("killed at call %d: step %d", n, (int)c.progress.step);
        old += c.progress.step == 2;
        memset(saved.optimizer.velocity, 0, run->graph->n_param_floats * sizeof(float));
        assert_int_equal(pt_checkpoint_load(&c, &saved), PT_OK);
        assert_true(saved.optimizer.velocity[3] == 3);
        pt_checkpoint_fini(&c);
        pt_checkpoint_prune(root, 0);
    }
    print_message("%d system calls, the new checkpoint from the %dth on\n", n - 2, old);
    assert_true(old > 20 && old < n - 2);
}

static int set_up(void **state)
{
    const pt_graph_options options = {.side = 8, .n_classes = 5};
    pt_config *c = NULL;
    pt_graph *g = NULL;
    pt_plan *plan = NULL;

    if (make_dir(state) != 0) return -1;
    snprintf(root, sizeof root, "%s", in_dir("checkpoints"));
    if (pt_config_load(PT_TEST_DATA "/run/base.yaml", NULL, 0, &c) != PT_OK ||
        pt_graph_create("resnet_small", &options, &g) != PT_OK ||
        pt_plan_create(c, calloc(8, sizeof(uint32_t)), 8, &plan) != PT_OK ||
        pt_run_create(c, g, plan, 1, 1, &run) != PT_OK)
        return -1;
    saved = (pt_state){.run = run, .flat = run->flat};
    saved.optimizer.velocity = calloc(g->n_param_floats, sizeof(float));
    for (size_t i = 0; i < g->n_param_floats; i++) saved.optimizer.velocity[i] = (float)i;
    return 0;
}

static int tear_down(void **state)
{
    free(saved.optimizer.velocity);
    pt_run_destroy(&run);
    return remove_dir(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_save_killed_at_any_call_loses_nothing),
    };

    return cmocka_run_group_tests_name("server.save_killed", tests, set_up, tear_down);
}

/* A worker's side of the wire, on a carrier that fails where the test wants it to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/base/crc32c.h"
#include "common/run/window.h"
#include "tests/support/whole_run.h"
#include "worker/client.h"
#include "worker/step.h"

/* A clock on which every look is two milliseconds after the one before: each work item of
 * the net polls. */
double __wrap_pt_clock(void);
double __wrap_pt_clock(void)
{
    static double now;

    return now += 2e-3;
}

/* The carrier: all is done at once, new weights are zeros, but the first `fails` tests of
 * a message fail. As with MPI, a later test of such a message reports that it has ended.
 */
enum { SENT = 1, RECEIVED };

static int fails;
static bool withheld; /* new weights: a receive does not complete */
static int pushed;

static pt_status send(void *self, pt_channel channel, int peer, int tag, const void *data,
                      size_t bytes, uintptr_t *native)
{
    pushed += channel == PT_CHANNEL_CHECKSUMS && pt_msg_kind_of(tag) == PT_MSG_PUSH;
    *native = SENT;
    return PT_OK;
}

static pt_status recv(void *self, pt_channel channel, int peer, int tag, void *data,
                      size_t bytes, uintptr_t *native)
{
    static uint32_t crc; /* of the parts of the message */

    if (channel == PT_CHANNEL_CHECKSUMS) {
        memcpy(data, &crc, sizeof crc);
        crc = 0;
    } else {
        memset(data, 0, bytes);
        crc = pt_crc32c(crc, data, bytes);
    }
    *native = RECEIVED;
    return PT_OK;
}

static pt_status test(void *self, uintptr_t *native, bool *done)
{
    *done = !withheld || *native != RECEIVED;
    if (fails == 0) return PT_OK;
    fails--;
    return pt_fail(PT_ERR_COMM, "MPI_Test: the wire is cut");
}

static const pt_comm_ops ops = {.send = send, .recv = recv, .test = test};

typedef struct {
    pt_run *run;
    pt_comm comm;
    pt_threads *pool;
    pt_net *net;
    pt_client *client;
    float *images;
} fixture;

static whole_run_options options = {.config = PT_TEST_DATA "/run/base.yaml",
                                    .n_servers = 1,
                                    .n_workers = 1,
                                    .n_train = 16,
                                    .salt = 3};

static void init(fixture *f)
{
    pt_net_options o;

    *f = (fixture){.run = whole_run_make(&options),
                   .comm = {.ops = &ops, .rank = 1, .size = 2, .deadline_s = 60}};
    f->images = whole_run_images(&options, f->run);
    assert_int_equal(pt_threads_create(1, &f->pool), PT_OK);
    o = (pt_net_options){.graph = f->run->graph,
                         .pool = f->pool,
                         .weights = f->run->flat,
                         .max_images = 16,
                         .n_shards = 8,
                         .hi = 8,
                         .training = true};
    assert_int_equal(pt_net_create(&o, &f->net), PT_OK);
    assert_int_equal(pt_client_create(f->run, &f->comm, f->net, 0, &f->client), PT_OK);
}

static void fini(fixture *f)
{
    pt_client_destroy(&f->client);
    pt_net_destroy(&f->net);
    pt_threads_destroy(&f->pool);
    pt_run_destroy(&f->run);
    free(f->images);
}

/* One step; only its end counts: gradients [16][5] of zeros are gradients too. */
static pt_status step(fixture *f)
{
    static const float zeros[16 * WHOLE_RUN_CLASSES];
    pt_span span = pt_run_span(f->run, 0, 0);
    const float *drep;
    pt_status s = pt_client_begin_step(f->client, 0);

    if (s == PT_OK) s = pt_net_forward(f->net, &span, f->images, 0);
    if (s == PT_OK) s = pt_net_backward_head(f->net, zeros, &drep);
    if (s == PT_OK) s = pt_net_backward(f->net, drep);
    return s == PT_OK ? pt_client_end_step(f->client) : s;
}

static void test_a_step_without_failures_goes_through(void **state)
{
    fixture f;

    init(&f);
    assert_int_equal(step(&f), PT_OK);
    assert_int_equal(pt_client_begin_step(f.client, 1), PT_OK);
    fini(&f);
}

/* poll() returns nothing: the next call must report it, and all later ones. */
static void test_a_push_that_failed_while_computing_is_reported(void **state)
{
    pt_status s;
    fixture f;

    init(&f);
    fails = 1; /* the first test of all is poll's: the forward pass waits for nothing */
    s = step(&f);
    assert_int_equal(fails, 0);
    if (s == PT_OK) s = pt_client_begin_step(f.client, 1);
    assert_int_equal(s, PT_ERR_COMM);
    assert_string_equal(pt_fail_text(), "MPI_Test: the wire is cut");
    (void)!pt_fail(PT_ERR_BUG, "another text");
    assert_int_equal(pt_client_settle(f.client), PT_ERR_COMM);
    assert_string_equal(pt_fail_text(), "MPI_Test: the wire is cut");
    fini(&f);
}

/* The server has room for a window of keys: more leave when their weights have come. */
static void test_without_new_weights_no_more_than_a_window_is_pushed(void **state)
{
    fixture f;

    init(&f);
    pushed = 0;
    withheld = true;
    assert_int_equal(step(&f), PT_OK);
    assert_int_equal(pushed, pt_window_pushes(f.run, 0));
    assert_true(pushed < f.run->keys->n);
    withheld = false;
    assert_int_equal(pt_client_begin_step(f.client, 1), PT_OK);
    assert_int_equal(pushed, f.run->keys->n);
    fini(&f);
}

/* It sends no weights before it has them all. */
static void test_a_server_that_holds_gradients_gets_all_of_them(void **state)
{
    static const char *const holds[] = {"run.nonfinite=skip_all",
                                        "optimizer.clip_norm=1"};

    for (int i = 0; i < 2; i++) {
        fixture f;

        options.sets[0] = holds[i];
        init(&f);
        pushed = 0;
        withheld = true;
        assert_int_equal(step(&f), PT_OK);
        assert_int_equal(pushed, f.run->keys->n);
        withheld = false;
        fini(&f);
    }
    options.sets[0] = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_step_without_failures_goes_through),
        cmocka_unit_test(test_a_push_that_failed_while_computing_is_reported),
        cmocka_unit_test(test_without_new_weights_no_more_than_a_window_is_pushed),
        cmocka_unit_test(test_a_server_that_holds_gradients_gets_all_of_them),
    };

    return cmocka_run_group_tests_name("worker.client", tests, NULL, NULL);
}

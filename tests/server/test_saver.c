/* The writer of checkpoints when a call to the file system does not return, with fsync
 * and the clock in the test's hands (--wrap). */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "common/comm/comm.h"
#include "common/data/h5file.h"
#include "server/checkpoint/saver.h"
#include "tests/support/small_run.h"
#include "tests/support/temp_dir.h"

enum { DEADLINE = 300 };

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool closed, waiting, full; /* waiting: a thread is in fsync */
} door = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
static atomic_long now_s;

double __wrap_pt_clock(void);
int __wrap_fsync(int fd);

double __wrap_pt_clock(void)
{
    return (double)now_s;
}

int __wrap_fsync(int fd)
{
    bool full;

    pthread_mutex_lock(&door.mutex);
    while (door.closed) {
        door.waiting = true;
        pthread_cond_broadcast(&door.changed);
        pthread_cond_wait(&door.changed, &door.mutex);
    }
    door.waiting = false;
    full = door.full;
    pthread_mutex_unlock(&door.mutex);
    errno = ENOSPC;
    return full ? -1 : 0;
}

static void set_door(bool closed, bool full)
{
    pthread_mutex_lock(&door.mutex);
    door.closed = closed;
    door.full = full;
    pthread_cond_broadcast(&door.changed);
    pthread_mutex_unlock(&door.mutex);
}

static void wait_for_fsync(void)
{
    pthread_mutex_lock(&door.mutex);
    while (!door.waiting) pthread_cond_wait(&door.changed, &door.mutex);
    pthread_mutex_unlock(&door.mutex);
}

typedef struct {
    pt_run *run;
    json_t *identity;
    pt_saver *saver;
    char root[256];
} fixture;

static void begin(fixture *f)
{
    pt_save_options o = {f->root, NULL, DEADLINE};

    if (!pt_h5file_safe_for_threads()) skip(); /* there is no thread */
    f->run = make_small_run(1);
    f->identity = json_object();
    snprintf(f->root, sizeof f->root, "%s", in_dir("checkpoints"));
    o.identity = f->identity;
    assert_int_equal(pt_saver_create(f->run, 0, &o, &f->saver), PT_OK);
}

static void save(fixture *f, uint64_t step)
{
    pt_saver_begin(f->saver, &(pt_progress){.step = step});
}

static pt_status wait_end(fixture *f)
{
    pt_status how = PT_ERR_BUG;

    while (pt_saver_busy(f->saver))
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    assert_true(pt_saver_ended(f->saver, &how));
    return how;
}

static void end(fixture *f)
{
    pt_saver_destroy(&f->saver);
    pt_checkpoint_prune(f->root, 0);
    pt_run_destroy(&f->run);
    json_decref(f->identity);
}

static void test_a_call_that_does_not_return_is_named_after_the_deadline(void **state)
{
    fixture f;

    begin(&f);
    set_door(true, false);
    save(&f, 1);
    wait_for_fsync();
    now_s += DEADLINE;
    assert_int_equal(pt_saver_check(f.saver), PT_OK);
    now_s += 1;
    assert_int_equal(pt_saver_check(f.saver), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "fsync of "));
    assert_non_null(strstr(pt_fail_text(), " has not returned for 301 s"));
    set_door(false, false); /* it comes back: the save is as good as any */
    assert_int_equal(wait_end(&f), PT_OK);
    assert_int_equal(pt_saver_check(f.saver), PT_OK);
    end(&f);
}

static void test_silence_before_a_save_is_not_the_saves(void **state)
{
    fixture f;

    begin(&f);
    now_s += 10 * DEADLINE;
    set_door(true, false);
    save(&f, 1);
    assert_int_equal(pt_saver_check(f.saver), PT_OK);
    set_door(false, false);
    assert_int_equal(wait_end(&f), PT_OK);
    end(&f);
}

static void test_each_save_tells_once_how_it_ended(void **state)
{
    fixture f;
    pt_status how;

    begin(&f);
    assert_false(pt_saver_ended(f.saver, &how));
    save(&f, 1);
    assert_int_equal(wait_end(&f), PT_OK);
    assert_false(pt_saver_ended(f.saver, &how));
    set_door(false, true);
    save(&f, 2);
    assert_int_equal(wait_end(&f), PT_ERR_IO);
    assert_non_null(strstr(pt_fail_text(), "No space left"));
    set_door(false, false);
    save(&f, 3);
    assert_int_equal(wait_end(&f), PT_OK);
    end(&f);
}

/* Last: its thread stays where it is. */
static void test_nothing_waits_for_a_writer_that_hangs(void **state)
{
    static fixture f; /* the thread's until the process ends */
    static pt_saver *hung;

    begin(&f);
    set_door(true, false);
    save(&f, 1);
    wait_for_fsync();
    now_s += DEADLINE + 1;
    hung = f.saver;
    pt_saver_destroy(&f.saver); /* comes back */
    assert_null(f.saver);
    assert_true(pt_saver_busy(hung));
    pt_checkpoint_prune(f.root, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_call_that_does_not_return_is_named_after_the_deadline),
        cmocka_unit_test(test_silence_before_a_save_is_not_the_saves),
        cmocka_unit_test(test_each_save_tells_once_how_it_ended),
        cmocka_unit_test(test_nothing_waits_for_a_writer_that_hangs),
    };

    return cmocka_run_group_tests_name("server.saver", tests, make_dir, remove_dir);
}

/* The mailboxes of the simulator of `ptrain plan`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <simgrid/engine.h>

#include "launch/plan/sim/mailboxes.h"

enum { RANKS = 12, TAGS = 20 };

static void test_each_sender_receiver_and_tag_has_its_own_for_ever(void **state)
{
    static sg_mailbox_t box[RANKS * RANKS * TAGS];
    pt_mailboxes *m = pt_mailboxes_create();
    const int n = RANKS * RANKS * TAGS; /* more than the table has room for at first */

    assert_non_null(m);
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < n; i++) {
            sg_mailbox_t b = pt_mailboxes_find(m, i / TAGS / RANKS, i / TAGS % RANKS,
                                               30000 + i % TAGS);

            assert_non_null(b);
            if (again) assert_ptr_equal(b, box[i]);
            box[i] = b;
        }
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++) assert_ptr_not_equal(box[i], box[k]);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_sender_receiver_and_tag_has_its_own_for_ever),
    };

    simgrid_init(&argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}

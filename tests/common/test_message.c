/* Tags: few enough for every MPI, different where messages may overtake each other. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/message.h"
#include "common/graph/graph.h"
#include "common/run/keys.h"
#include "common/run/shards.h"

/* Indices of a kind that messages under way at once may have, in any order. */
static int indices(pt_msg_kind kind)
{
    switch (kind) {
    case PT_MSG_PUSH:
        return PT_MSG_MAX_KEYS * PT_MSG_COVERS;
    case PT_MSG_PULL:
        return PT_MSG_MAX_KEYS;
    case PT_MSG_MOMENTS:
        return 2 * PT_MSG_MAX_NODES;
    case PT_MSG_PROBE:
        return 2 * PT_MSG_COVERS;
    case PT_MSG_VOTE:
        return 2;
    default:
        return 1;
    }
}

static bool ordered(pt_msg_kind kind) /* sub-trees of one key or passes */
{
    return kind == PT_MSG_PUSH || kind == PT_MSG_PROBE;
}

static void test_each_tag_belongs_to_one_message(void **state)
{
    static int kind_of[PT_MSG_MAX_TAG + 1], index_of[PT_MSG_MAX_TAG + 1];

    memset(kind_of, 0, sizeof kind_of);
    for (int k = PT_MSG_NONE + 1; k < PT_MSG_KINDS; k++)
        for (int i = 0; i < indices((pt_msg_kind)k); i++) {
            int tag = pt_msg_tag((pt_msg_kind)k, i);
            int one = ordered((pt_msg_kind)k) ? i / PT_MSG_COVERS : i;

            assert_in_range(tag, 0, PT_MSG_MAX_TAG);
            assert_int_equal(pt_msg_kind_of(tag), k);
            assert_true(kind_of[tag] == 0 || index_of[tag] == one);
            kind_of[tag] = k;
            index_of[tag] = one;
        }
}

static void test_blocks_of_a_test_share_a_tag(void **state)
{
    assert_int_equal(pt_msg_tag(PT_MSG_ROWS, 0), pt_msg_tag(PT_MSG_ROWS, INT_MAX - 1));
}

static void test_a_tag_that_nobody_has_is_of_no_kind(void **state)
{
    assert_int_equal(pt_msg_kind_of(-1), PT_MSG_NONE);
    assert_int_equal(pt_msg_kind_of(PT_MSG_MAX_TAG), PT_MSG_NONE);
    assert_int_equal(pt_msg_kind_of(INT_MAX), PT_MSG_NONE);
}

/* With room to grow: the largest has 512 layers and 471 keys. */
static void test_every_network_has_few_enough_keys_and_layers(void **state)
{
    for (const char *const *name = pt_graph_names(); *name; name++) {
        pt_graph_options o = {.n_classes = 1000};
        pt_graph *g = NULL;
        pt_keys *k = NULL;

        assert_int_equal(pt_graph_create(*name, &o, &g), PT_OK);
        assert_int_equal(pt_keys_create(g, 1, &k), PT_OK);
        assert_in_range(k->n, 1, PT_MSG_MAX_KEYS / 8);
        assert_in_range(g->n_nodes, 1, PT_MSG_MAX_NODES / 4);
        pt_keys_destroy(&k);
        pt_graph_destroy(&g);
    }
}

static void test_sub_trees_of_the_widest_cover_have_numbers(void **state)
{
    pt_subtree cover[PT_MAX_COVER];

    assert_in_range(pt_tree_cover(1, PT_MAX_SHARDS - 1, PT_MAX_SHARDS, cover), 1,
                    PT_MSG_COVERS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_tag_belongs_to_one_message),
        cmocka_unit_test(test_blocks_of_a_test_share_a_tag),
        cmocka_unit_test(test_a_tag_that_nobody_has_is_of_no_kind),
        cmocka_unit_test(test_every_network_has_few_enough_keys_and_layers),
        cmocka_unit_test(test_sub_trees_of_the_widest_cover_have_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Every two methods of the configuration: they train together, and then both act, or they
 * are refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/support/whole_run.h"

#define CONFIG PT_TEST_DATA "/run/base.yaml"

enum { MAX_SETS = 3, N_BASE = 3 };

/* A method: its key, what switches it on. Those of one family are values of the same
 * keys, and no pair. */
typedef struct {
    const char *key, *sets[MAX_SETS];
    int family; /* 0: its own */
} method;

enum { PSEUDO_TASK = 1, CONFUSION, BATCH_NORM };

static const method methods[] = {
    {"pseudo_task", {"pseudo_task.loss=sml1"}, PSEUDO_TASK},
    {"pseudo_task", /* as far from the first as it goes */
     {"pseudo_task.loss=l2", "pseudo_task.target=matched", "pseudo_task.norm=batch"},
     PSEUDO_TASK},
    {"regularizers.fnp", {"regularizers.fnp.weight=0.01"}, 0},
    {"regularizers.confusion", {"regularizers.confusion.weight=0.5"}, CONFUSION},
    {"regularizers.confusion.different",
     {"regularizers.confusion.weight=0.5", "regularizers.confusion.different=true"},
     CONFUSION},
    {"regularizers.bss", {"regularizers.bss.weight=0.05"}, 0},
    {"regularizers.l2_sp", {"regularizers.l2_sp={alpha: 0.1, beta: 0.1}"}, 0},
    {"regularizers.adarand", {"regularizers.adarand.weight=0.5"}, 0},
    {"regularizers.lwf", {"regularizers.lwf.weight=1"}, 0},
    {"regularizers.co_tuning", {"regularizers.co_tuning.weight=1"}, 0},
    {"regularizers.joint",
     {"regularizers.joint.weight=1", "source.path=the second data set"},
     0},
    {"regularizers.delta",
     {"regularizers.delta={weight: 0.64, nodes: [layer1.0.relu2, layer2.0.relu2]}"},
     0},
    {"cross_entropy.label_smoothing", {"cross_entropy.label_smoothing=0.1"}, 0},
    {"cross_entropy.mixup", {"cross_entropy.mixup=0.5"}, 0},
    {"cross_entropy.cutmix", {"cross_entropy.cutmix=1"}, 0},
    {"cross_entropy.weights",
     {"cross_entropy={weights: listed, class_weights: [1, 2, 3, 4, 5]}"},
     0},
    {"network.stoch_norm", {"network.stoch_norm=0.5"}, 0},
    {"average.kind", {"average.kind=ema"}, 0},
    {"batch_norm is frozen", {"network.batch_norm=frozen"}, BATCH_NORM},
    {"network.batch_norm", {"network.batch_norm=shard"}, BATCH_NORM},
    {"stages", {"stages=[{steps: 1, frozen: [trunk]}, {steps: 1}]"}, 0}, /* LP-FT */
};
enum { N = sizeof methods / sizeof *methods };

/* Those that contradict each other, and what else than the first's key the refusal may
 * name; all others train. */
static const char *const refusals[][3] = {
    {"cross_entropy.mixup", "regularizers.lwf"},
    {"cross_entropy.mixup", "regularizers.co_tuning"},
    {"cross_entropy.mixup", "regularizers.adarand"},
    {"cross_entropy.mixup", "regularizers.confusion.different"},
    {"cross_entropy.mixup", "regularizers.joint"},
    {"cross_entropy.cutmix", "regularizers.lwf"},
    {"cross_entropy.cutmix", "regularizers.co_tuning"},
    {"cross_entropy.cutmix", "regularizers.adarand"},
    {"cross_entropy.cutmix", "regularizers.confusion.different"},
    {"cross_entropy.cutmix", "regularizers.joint"},
    {"cross_entropy.weights", "regularizers.joint"},
    {"regularizers.co_tuning", "regularizers.lwf"},
    {"regularizers.lwf", "regularizers.joint"},
    {"regularizers.co_tuning", "regularizers.joint"},
    {"regularizers.delta", "regularizers.joint"},
    {"regularizers.confusion", "regularizers.joint"},
    {"regularizers.confusion.different", "regularizers.joint", "regularizers.confusion"},
    {"regularizers.bss", "regularizers.joint"},
    {"regularizers.adarand", "regularizers.joint"},
    {"network.stoch_norm", "batch_norm is frozen"},
};
enum { N_REFUSALS = sizeof refusals / sizeof *refusals };

static int add(const method *m, const char **sets, int n)
{
    for (int i = 0; i < MAX_SETS && m && m->sets[i]; i++) sets[n++] = m->sets[i];
    return n;
}

/* Two steps of plain fine-tuning with a and b; NULL: no method. */
static int choose(const method *a, const method *b, whole_run_options *o)
{
    static const char *const base[N_BASE] = {"pseudo_task={loss: none, gate: always}",
                                             "stages=[{steps: 2}]",
                                             "evaluation.train_split=false"};

    _Static_assert(N_BASE + 2 * MAX_SETS <= WHOLE_RUN_MAX_SETS, "the sets fit");
    *o = (whole_run_options){.config = CONFIG,
                             .n_servers = 1,
                             .n_workers = 2,
                             .threads = 1,
                             .n_train = 21,
                             .n_test = 1,
                             .salt = 3};
    for (int i = 0; i < N_BASE; i++) o->sets[i] = base[i];
    return add(b, o->sets, add(a, o->sets, N_BASE));
}

/* The parameters after the run, a method's second set of them if it has one; malloc'd. */
static float *train(const method *a, const method *b, size_t *bytes)
{
    whole_run_options o;
    whole_run *r;
    float *flat;

    choose(a, b, &o);
    r = whole_run_play(&o);
    for (int i = 0; i < r->n_ranks; i++)
        if (r->ends[i].status != PT_OK)
            fail_msg("%s with %s: %s", a ? a->key : "nothing", b ? b->key : "nothing",
                     r->ends[i].text);
    whole_run_assert_ok(r);
    *bytes = r->run->graph->n_param_floats * sizeof *flat;
    flat = malloc(*bytes);
    assert_non_null(flat);
    memcpy(flat, r->second ? r->second : r->run->flat, *bytes);
    whole_run_destroy(r);
    return flat;
}

/* The refusal that is of these two, or NULL. */
static const char *const *refusal_of(const method *a, const method *b)
{
    for (int i = 0; i < N_REFUSALS; i++)
        if ((strcmp(a->key, refusals[i][0]) == 0 &&
             strcmp(b->key, refusals[i][1]) == 0) ||
            (strcmp(b->key, refusals[i][0]) == 0 && strcmp(a->key, refusals[i][1]) == 0))
            return refusals[i];
    return NULL;
}

/* true if a and b must be refused; then they are, and the line names both. */
static bool refused(const method *a, const method *b)
{
    const char *const *of = refusal_of(a, b), *first;
    whole_run_options o;
    int n = choose(a, b, &o);
    pt_config *c = NULL;
    pt_status s = pt_config_load(o.config, o.sets, (size_t)n, &c);

    pt_config_destroy(&c);
    if (s != PT_OK && !of) fail_msg("%s, %s: %s", a->key, b->key, pt_fail_text());
    if (!of) return false;
    if (s != PT_ERR_CONFIG) fail_msg("%s and %s are not refused", a->key, b->key);
    first = of[2] ? of[2] : of[0];
    if (!strstr(pt_fail_text(), first) || !strstr(pt_fail_text(), of[1]))
        fail_msg("%s, %s: '%s'", a->key, b->key, pt_fail_text());
    return true;
}

/* A source head has tensors of its own: another length is another result. */
static void assert_acts(const method *m, const float *with, size_t n,
                        const float *without, size_t n_without, const method *other)
{
    if (n == n_without && memcmp(with, without, n) == 0)
        fail_msg("%s changes nothing with %s", m->key, other ? other->key : "nothing");
}

static void test_every_pair_trains_and_acts_or_is_refused_by_name(void **state)
{
    float *alone[N], *plain;
    size_t bytes[N], n_plain;
    int n_refused = 0;

    plain = train(NULL, NULL, &n_plain);
    for (int i = 0; i < N; i++) {
        alone[i] = train(&methods[i], NULL, &bytes[i]);
        assert_acts(&methods[i], alone[i], bytes[i], plain, n_plain, NULL);
    }
    for (int i = 0; i < N; i++)
        for (int j = i + 1; j < N; j++) {
            const method *a = &methods[i], *b = &methods[j];
            float *both;
            size_t n;

            if (a->family > 0 && a->family == b->family) continue;
            if (refused(a, b)) {
                n_refused++;
                continue;
            }
            both = train(a, b, &n);
            assert_acts(b, both, n, alone[i], bytes[i], a);
            assert_acts(a, both, n, alone[j], bytes[j], b);
            free(both);
        }
    assert_int_equal(n_refused, N_REFUSALS);
    for (int i = 0; i < N; i++) free(alone[i]);
    free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_pair_trains_and_acts_or_is_refused_by_name),
    };

    return cmocka_run_group_tests_name("worker.method_pairs", tests, NULL, NULL);
}

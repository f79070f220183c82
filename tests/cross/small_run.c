/* small_run [-f] [CASE...]: two steps of training for each case, on every path of its
 * matrix products that this CPU has, in one process without MPI. Prints, a line a case,
 *
 *     CASE WEIGHT-HASH LOGITS-HASH
 *
 * The paths must agree (exit 1); that machines agree is for the scripts beside this file
 * to find out, which run it on other CPUs. -f: only on the fastest path. Without names
 * the short cases; `all`: all of them. Paths that this CPU has not are named on stderr.
 */
#include <stdio.h>
#include <string.h>

#include "common/base/digest.h"
#include "common/gemm/gemm_path.h"
#include "tests/support/gemm_wide.h"
#include "tests/support/whole_run.h"

enum { IMAGES = 6, TESTS = 3, MAX_PATHS = PT_MAX_BF16_PATHS + 1, DEADLINE_S = 600 };

typedef struct {
    const char *name;
    const char *sets[6];
} run_case;

/* Every kind of layer, the ways through a convolution and both kinds of statistics. */
static const run_case cases[] = {
    {"winograd", {"network.name=resnet_small", "data.crop=16"}},
    {"direct",
     {"network.name=resnet_small", "data.crop=8", "engine.winograd=false",
      "network.batch_norm=shard", "pseudo_task.loss=l2"}},
    {"depthwise", {"network.name=mobilenet_v1", "data.crop=32"}},
    {"pools", {"network.name=squeezenet1_1", "data.crop=40"}},
    {"bf16",
     {"network.name=resnet_small", "data.crop=16", "engine.precision=bf16",
      "engine.winograd=false"}},
    {"bf16_winograd",
     {"network.name=resnet_small", "data.crop=8", "engine.precision=bf16"}},
    {"bf16_depthwise",
     {"network.name=mobilenet_v1", "data.crop=32", "engine.precision=bf16"}},
    {"bf16_pools",
     {"network.name=squeezenet1_1", "data.crop=40", "engine.precision=bf16"}},
};
enum { N_CASES = sizeof cases / sizeof *cases, N_SHORT = N_CASES - 2 };

typedef struct {
    char weights[PT_DIGEST_HEX], logits[PT_DIGEST_HEX];
} hashes;

static pt_status hash_logits(const whole_run *r, char hex[PT_DIGEST_HEX])
{
    pt_digest *d = NULL;
    pt_status s = pt_digest_create(&d);

    if (s != PT_OK) return s;
    pt_digest_add(d, r->logits, TESTS * WHOLE_RUN_CLASSES * sizeof *r->logits);
    pt_digest_finish(&d, hex);
    return PT_OK;
}

static pt_status play(const run_case *c, hashes *out)
{
    whole_run_options o = {.config = PT_TEST_DATA "/run/base.yaml",
                           .n_servers = 1,
                           .n_workers = 2,
                           .threads = 1,
                           .n_train = IMAGES,
                           .n_test = TESTS,
                           .salt = 5,
                           .deadline_s = DEADLINE_S};
    static const char *const all[] = {"shards=4",
                                      "data.batch=6",
                                      "data.resize=64",
                                      "stages=[{steps: 2}]",
                                      "pseudo_task.gate_epoch=0.5",
                                      "evaluation.train_split=false"};
    size_t n = sizeof all / sizeof *all;

    memcpy(o.sets, all, sizeof all);
    for (size_t i = 0; i < sizeof c->sets / sizeof *c->sets; i++)
        o.sets[n + i] = c->sets[i];
    whole_run *r = whole_run_play(&o);
    pt_status s = PT_OK;
    for (int i = 0; i < r->n_ranks && s == PT_OK; i++)
        if (r->ends[i].status != PT_OK)
            s = pt_fail(r->ends[i].status, "rank %d: %s", i, r->ends[i].text);
    if (s == PT_OK) s = pt_graph_hash(r->run->graph, r->run->flat, out->weights);
    if (s == PT_OK) s = hash_logits(r, out->logits);
    whole_run_destroy(r);
    return s;
}

/* The i-th path of both kinds of product; its name, or NULL after the last one. Products
 * of floats stay on their last path while those of bf16 operands have more. */
static const char *use_path(int i)
{
    const pt_gemm_path *paths[MAX_PATHS];
    const pt_gemm_bf16_path *bf16[MAX_PATHS];
    int n = pt_gemm_paths(paths), m = pt_gemm_bf16_paths(bf16);

    paths[n++] = &pt_gemm_wide;
    bf16[m++] = &pt_gemm_wide_bf16;
    if (i >= n && i >= m) return NULL;
    pt_gemm_use(paths[i < n ? i : n - 1]);
    pt_gemm_bf16_use(bf16[i < m ? i : m - 1]);
    return i < n ? paths[i]->name : bf16[i]->name;
}

static pt_status run_paths(const run_case *c, bool fastest)
{
    hashes first = {"", ""};
    const char *name;

    for (int i = 0; (i == 0 || !fastest) && (name = use_path(i)); i++) {
        hashes h = {"", ""};
        pt_status s = play(c, &h);

        if (s != PT_OK) return s;
        if (i == 0) first = h;
        if (strcmp(h.weights, first.weights) != 0 || strcmp(h.logits, first.logits) != 0)
            return pt_fail(PT_ERR_BUG, "%s: the fastest path gives %s %s, %s %s %s",
                           c->name, first.weights, first.logits, name, h.weights,
                           h.logits);
    }
    printf("%s %s %s\n", c->name, first.weights, first.logits);
    fflush(stdout);
    return PT_OK;
}

/* Of the products of bf16 operands; those of floats have no path besides. */
static void name_absent_paths(void)
{
#if defined(__x86_64__)
    static const char *const all[] = {"avx512_bf16", "avx512", "avx2"};
    const pt_gemm_bf16_path *bf16[PT_MAX_BF16_PATHS];
    int n = pt_gemm_bf16_paths(bf16);

    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        bool found = false;

        for (int k = 0; k < n; k++) found = found || strcmp(bf16[k]->name, all[i]) == 0;
        if (!found) fprintf(stderr, "skip: %s, which this CPU has not\n", all[i]);
    }
#endif
}

static bool is_wanted(int i, char **names, int n)
{
    for (int k = 0; k < n; k++)
        if (strcmp(names[k], cases[i].name) == 0 || strcmp(names[k], "all") == 0)
            return true;
    return n == 0 && i < N_SHORT;
}

int main(int argc, char **argv)
{
    bool fastest = argc > 1 && strcmp(argv[1], "-f") == 0;
    int first = fastest ? 2 : 1;

    name_absent_paths();
    for (int i = 0; i < N_CASES; i++) {
        if (!is_wanted(i, argv + first, argc - first)) continue;
        if (run_paths(&cases[i], fastest) == PT_OK) continue;
        fprintf(stderr, "error: %s\n", pt_fail_text());
        return 1;
    }
    return 0;
}

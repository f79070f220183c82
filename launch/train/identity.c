#include "launch/train/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/crc32c.h"
#include "common/graph/packed.h"
#include "common/run/method.h"
#include "launch/support/version.h"
#include "worker/input/fingerprint.h"
#include "worker/step.h"

/* Keys that cannot change the weights, whole or as the first characters of a key: where
 * things are, who computes, what is measured and written. All other keys are part of the
 * run's identity. */
static const char *const free_keys[] = {"data.path",
                                        "source.path",
                                        "data.input_threads",
                                        "network.graph",
                                        "network.weights",
                                        "network.weights_entry",
                                        "evaluation.",
                                        "server.ranks",
                                        "server.placement",
                                        "server.shared_memory",
                                        "server.factors",
                                        "engine.threads",
                                        "engine.workers",
                                        "run.dir",
                                        "run.watchdog_s",
                                        "run.log_every",
                                        "run.gradient_ratio_every",
                                        "run.checkpoint",
                                        "run.resume",
                                        "run.trace",
                                        "run.tensorboard",
                                        "run.keep_best"};

bool pt_identity_is_free(const char *key)
{
    for (size_t i = 0; i < sizeof free_keys / sizeof *free_keys; i++)
        if (strncmp(key, free_keys[i], strlen(free_keys[i])) == 0) return true;
    for (int m = 0; m < PT_N_METHODS; m++) /* where a method's file is */
        if (pt_run_methods[m] && strcmp(key, pt_run_methods[m]->key) == 0) return true;
    return false;
}

static void add_setting(void *context, const char *path, const char *value)
{
    if (!pt_identity_is_free(path))
        json_object_set_new((json_t *)context, path, json_string(value));
}

/* All of them that can change the weights; how often it is tested can where that may end
 * the run. NULL without memory. */
static json_t *settings_of(const pt_config *c)
{
    json_t *all = json_object();

    if (!all || pt_config_each(c, PT_CONFIG_YAML, add_setting, all) != PT_OK) {
        json_decref(all);
        return NULL;
    }
    if (c->early_stopping->patience > 0) {
        char text[16];

        snprintf(text, sizeof text, "%u", c->evaluation->every_epochs);
        json_object_set_new(all, "evaluation.every_epochs", json_string(text));
    }
    return all;
}

static json_t *preprocess_of(const pt_preprocess *p)
{
    char text[160];

    snprintf(text, sizeof text, "%s * %.9g - (%.9g, %.9g, %.9g), / (%.9g, %.9g, %.9g)",
             p->bgr ? "bgr" : "rgb", (double)p->scale, (double)p->mean[0],
             (double)p->mean[1], (double)p->mean[2], (double)p->std[0], (double)p->std[1],
             (double)p->std[2]);
    return json_string(text);
}

/* The field of what a method's file holds, "WHAT_checksum". */
static void field_of_file(const pt_run_method *m, char name[64])
{
    snprintf(name, 64, "%s_checksum", m->what);
}

static void add_file(json_t *all, const pt_run *r, const pt_run_method *m)
{
    char name[64], text[16];
    size_t n;
    const float *values = m->values(r, &n);

    if (!values) return;
    field_of_file(m, name);
    snprintf(text, sizeof text, "%08x", pt_crc32c(0, values, n * sizeof *values));
    json_object_set_new(all, name, json_string(text));
}

/* What libjpeg and libwebp make of pictures (worker/input/fingerprint.h). */
static const char decoders[] = "picture_decoders";

static void add_decoders(json_t *all)
{
    char text[16];
    uint32_t crc;

    if (pt_input_fingerprint(&crc) != PT_OK) return; /* it has been asked before */
    snprintf(text, sizeof text, "%08x", crc);
    json_object_set_new(all, decoders, json_string(text));
}

json_t *pt_identity_create(const pt_setup *u)
{
    const pt_run *r = u->run;
    json_t *settings = settings_of(r->config), *all;
    char graph[65];
    bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;

    if (!settings) return NULL;
    all = json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:s, s:s, s:s, s:o, s:o}", "program",
                    "ptrain " PT_VERSION, "byte_order", little ? "little" : "big",
                    "network", r->graph->network, "seed", (json_int_t)r->config->seed,
                    "shards", r->plan->n_shards, "batch", r->plan->batch, "data_checksum",
                    pt_dataset_checksum(u->data), "start_weights_hash", u->start_hash,
                    "gemm", pt_kernels_identity(pt_worker_kernels(r->config)),
                    "preprocess", preprocess_of(&u->preprocess), "settings", settings);
    if (all && u->network.like && pt_graph_digest(r->graph, graph) == PT_OK)
        json_object_set_new(all, "graph_hash", json_string(graph));
    if (all && u->source)
        json_object_set_new(all, "source_checksum",
                            json_string(pt_dataset_checksum(u->source)));
    for (int m = 0; m < PT_N_METHODS && all; m++)
        if (pt_run_methods[m]) add_file(all, r, pt_run_methods[m]);
    if (all) add_decoders(all);
    return all;
}

/* ---- comparison ------------------------------------------------------------------- */

enum { MAX_SHOWN = 5 };

typedef struct {
    char text[1024];
    size_t at;
    int n;
} differences;

/* The value as people read it; `text` [64] is for numbers. */
static const char *shown(const json_t *j, char *text)
{
    if (json_is_string(j)) return json_string_value(j);
    if (!json_is_integer(j)) return "not given";
    snprintf(text, 64, "%lld", (long long)json_integer_value(j));
    return text;
}

static void differ(differences *d, const char *name, const json_t *was, const json_t *is)
{
    char a[64], b[64];
    int n;

    if (was == is || json_equal(was, is) || d->n++ >= MAX_SHOWN ||
        d->at + 1 >= sizeof d->text)
        return;
    n = snprintf(d->text + d->at, sizeof d->text - d->at, "%s%s was %s, is %s",
                 d->at ? "; " : "", name, shown(was, a), shown(is, b));
    d->at += n > 0 ? (size_t)n : 0;
}

/* A complete configuration that gives nothing but `stages: [{steps: 1}]`. */
static pt_status plainest(pt_config **out)
{
    pt_config given = PT__CONFIG__CONFIG__INIT;
    Pt__Config__Stage stage = PT__CONFIG__STAGE__INIT, *stages[] = {&stage};

    stage.has_steps = true;
    stage.steps = 1;
    given.stages = stages;
    given.n_stages = 1;
    return pt_config_copy(&given, out);
}

/* The value of every key that has one by default, stages by their first. NULL without
 * memory. */
static json_t *defaults(void)
{
    json_t *all = json_object();
    pt_config *c = NULL;
    pt_status s = plainest(&c);

    if (s == PT_OK) s = pt_config_each(c, PT_CONFIG_YAML, add_setting, all);
    pt_config_destroy(&c);
    if (s == PT_OK) json_object_del(all, "stages.0.steps"); /* this one was given */
    if (s == PT_OK) return all;
    json_decref(all);
    return NULL;
}

/* A key that only one of two runs has: was it added to the program since, and is its
 * value the old behaviour? */
static bool is_default(const json_t *all, const char *key, const json_t *value)
{
    const char *stage = "stages.", *rest = strncmp(key, stage, strlen(stage)) == 0
                                               ? strchr(key + strlen(stage), '.')
                                               : NULL;
    char first[96];

    snprintf(first, sizeof first, "stages.0%s", rest ? rest : "");
    return json_equal(json_object_get(all, rest ? first : key), value);
}

/* Settings first: a key explains more than a number derived from it. */
static void compare_settings(differences *d, const json_t *was, const json_t *is)
{
    json_t *all = defaults(), *value;
    const char *key;

    json_object_foreach((json_t *)is, key, value) if (json_object_get(was, key) ||
                                                      !is_default(all, key, value))
        differ(d, key, json_object_get(was, key), value);
    json_object_foreach((json_t *)was, key, value) if (!json_object_get(is, key) &&
                                                       !is_default(all, key, value))
        differ(d, key, value, NULL);
    json_decref(all);
}

static bool is_blas(const json_t *identity)
{
    const char *gemm = json_string_value(json_object_get(identity, "gemm"));

    return gemm && strncmp(gemm, "exact", 5) != 0;
}

static pt_status refuse(const differences *d, const char *where, const char *advice)
{
    return pt_fail(PT_ERR_USAGE, "%s: belongs to another run (%s%s): %s", where, d->text,
                   d->n > MAX_SHOWN ? "; and more" : "", advice);
}

pt_status pt_identity_compare_settings(const json_t *was, const pt_config *c,
                                       const char *where)
{
    differences d = {{0}, 0, 0};
    json_t *settings = settings_of(c);
    pt_status s = settings ? PT_OK : pt_fail(PT_ERR_NOMEM, "no memory for settings");

    if (s == PT_OK) compare_settings(&d, json_object_get(was, "settings"), settings);
    json_decref(settings);
    return s == PT_OK && d.n > 0
               ? refuse(&d, where, "choose another dir, or remove the run")
               : s;
}

pt_status pt_identity_compare(const json_t *was, const json_t *is, const char *where)
{
    static const char *const fields[] = {
        "program",       "byte_order",
        "data_checksum", "source_checksum",
        "graph_hash",    "start_weights_hash",
        "gemm",          "preprocess"}; /* the others are settings */
    bool blas = is_blas(was) && is_blas(is);
    differences d = {{0}, 0, 0};

    compare_settings(&d, json_object_get(was, "settings"),
                     json_object_get(is, "settings"));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (!blas || strcmp(fields[i], "gemm") != 0)
            differ(&d, fields[i], json_object_get(was, fields[i]),
                   json_object_get(is, fields[i]));
    for (int m = 0; m < PT_N_METHODS; m++) {
        char name[64];

        if (!pt_run_methods[m] || !pt_run_methods[m]->what) continue;
        field_of_file(pt_run_methods[m], name);
        differ(&d, name, json_object_get(was, name), json_object_get(is, name));
    }
    if (json_object_get(was, decoders)) /* older versions did not look */
        differ(&d, decoders, json_object_get(was, decoders),
               json_object_get(is, decoders));
    if (d.n == 0) return PT_OK;
    return refuse(&d, where, "choose another run.dir, or use --overwrite to replace it");
}

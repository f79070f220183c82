#include "tests/support/whole_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/comm/segments.h"
#include "common/comm/stop.h"
#include "server/methods/methods.h"
#include "tests/support/loopback.h"
#include "tests/support/pattern.h"
#include "worker/step.h"

/* One rank's side of the play. */
typedef struct {
    const whole_run_options *o;
    whole_run *result;
    pt_run *run;
    float *all;    /* images of the data set, shared */
    float *pixels; /* batch or block handed out */
    int32_t *labels;
    uint32_t *ids, *test;
    size_t held;    /* floats of pixels that are handed out */
    pt_state state; /* resumed */
    pt_progress progress;
} player;

typedef struct {
    player *players;
    pt_loopback *loopback;
} play;

/* ---- data ------------------------------------------------------------------------- */

static uint64_t salt_of(const char *name)
{
    uint32_t h = 0x811c9dc5;

    for (; *name; name++) h = (h ^ (uint8_t)*name) * 0x01000193;
    return h >> 1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);

    return n >= k && strcmp(text + n - k, end) == 0;
}

void whole_run_start_value(const pt_tensor *t, float *file)
{
    float scale = 0.25f, shift = 0;

    if (t->n_dims > 1) {
        float fan_in = (float)(t->count / (size_t)t->dims[0]);

        for (scale = 1; scale * scale * fan_in > 4;) scale /= 2;
    } else if (ends_with(t->name, "running_var")) {
        scale = 0.5f;
        shift = 1;
    } else if (ends_with(t->name, "weight")) {
        shift = 1;
    }
    pattern_fill(salt_of(t->name), t->count, file);
    for (size_t i = 0; i < t->count; i++) file[i] = file[i] * scale + shift;
}

void whole_run_start(const pt_graph *g, float *flat)
{
    for (int i = 0; i < g->n_tensors; i++) {
        const pt_tensor *t = &g->tensors[i];
        float *file = malloc(t->count * sizeof *file);

        assert_non_null(file);
        whole_run_start_value(t, file);
        pt_tensor_to_memory(t, file, flat + t->offset);
        free(file);
    }
}

static size_t image_floats(const pt_run *r)
{
    const pt_node *in = &r->graph->nodes[0];

    return (size_t)in->h * (size_t)in->w * (size_t)in->c;
}

float *whole_run_images(const whole_run_options *o, const pt_run *r)
{
    size_t one = image_floats(r),
           n = one * (size_t)(o->n_train + o->n_test + WHOLE_RUN_SOURCE_IMAGES);
    float *all = malloc(n * sizeof *all);

    assert_non_null(all);
    pattern_fill(o->salt, n, all);
    if (o->spoilt)
        all[(size_t)(o->spoilt - 1) * one] = o->spoilt_value != 0 ? o->spoilt_value : NAN;
    return all;
}

static void hand_out(player *p, const uint32_t *images, size_t n, const float **pixels)
{
    size_t one = image_floats(p->run);

    for (size_t i = 0; i < n; i++) {
        memcpy(p->pixels + i * one, p->all + images[i] * one, one * sizeof *p->pixels);
        p->labels[i] = whole_run_label(p->o, (int)images[i]);
    }
    p->held = n * one;
    *pixels = p->pixels;
}

static pt_status batch(void *context, uint64_t step, const pt_span *span,
                       const float **pixels, const int32_t **labels)
{
    player *p = context;
    int n = pt_span_images(span);

    if (n < 1 || p->held > 0)
        return pt_fail(PT_ERR_BUG, "%d images wanted while %zu floats are out", n,
                       p->held);
    n = pt_plan_span_images(p->run->plan, step, span, p->run->asks & PT_ASKS_MIRROR,
                            p->ids);
    hand_out(p, p->ids, (size_t)n, pixels);
    *labels = p->labels;
    return PT_OK;
}

static pt_status block(void *context, const uint32_t *images, size_t n,
                       const uint32_t *next, size_t n_next, const float **pixels)
{
    player *p = context;

    if (n < 1 || n > PT_EVAL_BLOCK || p->held > 0)
        return pt_fail(PT_ERR_BUG, "%zu images wanted while %zu floats are out", n,
                       p->held);
    hand_out(p, images, n, pixels);
    return PT_OK;
}

/* Whoever reads a released image reads NaN. */
static void release(void *context)
{
    player *p = context;

    for (size_t i = 0; i < p->held; i++) p->pixels[i] = NAN;
    p->held = 0;
}

/* ---- rank 0's reports ------------------------------------------------------------- */

static void *copy_of(const void *data, size_t bytes)
{
    void *p = malloc(bytes + 1);

    if (p) memcpy(p, data, bytes);
    return p;
}

static pt_status on_step(void *context, const pt_step_report *report)
{
    player *p = context;
    whole_run *r = p->result;
    whole_run_step *s = &r->steps[r->n_steps];

    if ((int)report->step + 1 == p->o->stop_after) pt_stop_ask(true);
    if (r->n_steps == r->cap_steps || report->step != (uint64_t)r->n_steps)
        return pt_fail(PT_ERR_BUG, "step %llu is reported as number %d of %d",
                       (unsigned long long)report->step, r->n_steps, r->cap_steps);
    s->report = *report;
    s->report.times = NULL;
    s->report.skipped = report->skipped ? "skipped" : NULL;
    s->report.costs = (pt_server_costs){0};
    s->report.seconds = 0;
    s->report.norms =
        copy_of(report->norms, (size_t)report->images * sizeof *report->norms);
    s->flat = copy_of(p->run->flat, p->run->graph->n_floats * sizeof(float));
    if (!s->report.norms || !s->flat) return pt_fail(PT_ERR_NOMEM, "report");
    r->n_steps++;
    return PT_OK;
}

static pt_status on_rows(void *context, pt_rows_of set, uint64_t step, bool last,
                         const float *logits, size_t n)
{
    player *p = context;
    float **to = set == PT_ROWS_TEST ? &p->result->logits : &p->result->train_logits;

    if (set == PT_ROWS_VALIDATION) {
        assert_int_equal(n, p->o->n_validation);
        assert_int_equal(p->result->n_validations++, p->result->n_tests);
        return PT_OK;
    }
    p->result->n_tests += set == PT_ROWS_TEST;
    free(*to);
    *to = copy_of(logits, n * WHOLE_RUN_CLASSES * sizeof *logits);
    return *to ? PT_OK : pt_fail(PT_ERR_NOMEM, "rows");
}

static pt_status on_second(void *context, const pt_second *second, pt_rows_of set,
                           uint64_t step, bool last, const float *logits, size_t n)
{
    player *p = context;
    whole_run *r = p->result;

    if (set != PT_ROWS_TEST) return PT_OK;
    free(r->second_logits);
    free(r->second);
    r->second_logits = copy_of(logits, n * WHOLE_RUN_CLASSES * sizeof *logits);
    r->second =
        copy_of(second->weights, p->run->graph->n_param_floats * sizeof *second->weights);
    return r->second_logits && r->second ? PT_OK : pt_fail(PT_ERR_NOMEM, "rows");
}

static pt_test_verdict on_tested(void *context, uint64_t step)
{
    const player *p = context;
    int done = (int)step + 1;

    return (pt_test_verdict){done <= p->o->best_after, done == p->o->over_after};
}

/* ---- ranks ------------------------------------------------------------------------ */

static pt_status serve(player *p, pt_comm *comm, bool *agreed)
{
    const pt_config *c = p->run->config;
    pt_test_sizes tests = {(size_t)p->o->n_test,
                           c->evaluation->train_split ? (size_t)p->o->n_train : 0,
                           (size_t)p->o->n_validation};
    pt_server_hooks hooks = {p, on_step, on_rows, on_second, NULL, on_tested, NULL};
    json_t *identity = json_pack("{s:s}", "network", c->network->name);
    pt_save_options save = {p->o->root, identity, 60};
    pt_server *server = NULL;
    pt_status s = pt_server_create(p->run, comm, &tests, comm->rank == 0 ? &hooks : NULL,
                                   p->o->root ? &save : NULL, &server);

    if (s == PT_OK && p->run->first_step > 0)
        pt_server_restore(server, &p->state, &p->progress);
    if (s == PT_OK) s = pt_server_run(server, agreed);
    pt_server_destroy(&server);
    json_decref(identity);
    return s;
}

static pt_status work(player *p, pt_comm *comm, bool *agreed)
{
    const pt_plan *plan = p->run->plan;
    bool train = p->run->config->evaluation->train_split;
    pt_test_sets tests = {p->test,
                          (size_t)p->o->n_test,
                          train ? plan->images : NULL,
                          train ? plan->n_images : 0,
                          p->test,
                          (size_t)p->o->n_validation};
    pt_source source = {p, batch, block, release};
    pt_worker *worker = NULL;
    pt_threads *pool = NULL;
    pt_status s = pt_threads_create(p->o->threads, &pool);

    if (s == PT_OK)
        s = pt_worker_create(p->run, comm, comm->rank - p->o->n_servers, pool, &source,
                             &tests, &worker);
    if (s == PT_OK) s = pt_worker_run(worker, agreed);
    pt_worker_destroy(&worker);
    pt_threads_destroy(&pool);
    return s;
}

static void rank_body(void *context, int rank)
{
    play *all = context;
    player *p = &all->players[rank];
    whole_run_end *end = &p->result->ends[rank];
    pt_comm *comm = pt_loopback_comm(all->loopback, rank);

    end->status = rank < p->o->n_servers ? serve(p, comm, &end->agreed)
                                         : work(p, comm, &end->agreed);
    if (end->status != PT_OK) snprintf(end->text, sizeof end->text, "%s", pt_fail_text());
    end->sent = comm->sent;
    end->received = comm->received;
}

/* ---- set-up ----------------------------------------------------------------------- */

static void init_player(player *p, const whole_run_options *o, whole_run *result)
{
    size_t max_images;

    *p = (player){.o = o, .result = result, .run = whole_run_make(o)};
    max_images = p->run->config->data->batch;
    if (max_images < PT_EVAL_BLOCK) max_images = PT_EVAL_BLOCK;
    max_images *= 2; /* the mirror */
    p->pixels = malloc(max_images * image_floats(p->run) * sizeof *p->pixels);
    p->labels = malloc(max_images * sizeof *p->labels);
    p->ids = malloc(max_images * sizeof *p->ids);
    p->test = whole_run_numbers((size_t)o->n_train, (size_t)o->n_test);
    assert_true(p->pixels && p->labels && p->ids);
}

/* Each rank's segment, which the others of its host find at its own address. */
static void share_memory(play *all, whole_run *r)
{
    for (int i = 0; i < r->n_ranks; i++) {
        pt_run *run = all->players[i].run;
        size_t bytes = i < r->n_servers ? pt_server_lent_bytes(run)
                                        : pt_worker_lent_bytes(run, i - r->n_servers);

        run->lends = run->config->server->shared_memory;
        if (!run->lends) continue;
        assert_int_equal(pt_segments_create(i, r->n_ranks, bytes, &r->segments[i]),
                         PT_OK);
        pt_loopback_comm(all->loopback, i)->segments = r->segments[i];
    }
    for (int i = 0; i < r->n_ranks; i++)
        for (int k = 0; k < r->n_ranks && r->segments[i]; k++)
            if (pt_run_lends(all->players[i].run, i, k))
                pt_segments_join(r->segments[i], k, r->segments[k]);
}

/* What launch does on every rank of a resumed run. */
static void resume(player *p)
{
    pt_checkpoint c;
    pt_run *r = p->run;

    p->state = (pt_state){.run = r,
                          .flat = r->flat,
                          .feature_mean = r->given.feature_mean,
                          .feature_std = r->given.feature_std,
                          .responses = r->given.responses};
    assert_int_equal(pt_optimizer_state_init(r, &p->state.optimizer), PT_OK);
    assert_int_equal(pt_kept_init(r, &p->state.kept), PT_OK);
    if (r->asks & PT_ASKS_SECOND)
        p->state.second = pt_calloc(r->graph->n_param_floats, sizeof(float));
    p->state.n_method = pt_server_methods_floats(r);
    if (p->state.n_method > 0)
        p->state.method = pt_calloc(p->state.n_method, sizeof(float));
    if (pt_checkpoint_find(p->o->root, &c) != PT_OK || !c.path ||
        pt_checkpoint_load(&c, &p->state) != PT_OK)
        fail_msg("%s: %s", p->o->root, pt_fail_text());
    p->progress = c.progress;
    r->first_step = c.progress.step;
    r->test_owed = c.progress.test_owed;
    pt_checkpoint_fini(&c);
}

static void fini_player(player *p)
{
    pt_optimizer_state_fini(&p->state.optimizer);
    free(p->state.second);
    pt_kept_fini(&p->state.kept);
    free(p->state.method);
    pt_run_destroy(&p->run);
    free(p->pixels);
    free(p->labels);
    free(p->ids);
    free(p->test);
}

/* ---- the end ---------------------------------------------------------------------- */

static bool weights_agree(const play *all, const whole_run *r)
{
    const pt_run *first = all->players[r->n_servers].run;
    size_t bytes = first->graph->n_param_floats * sizeof(float);

    for (int i = r->n_servers + 1; i < r->n_ranks; i++)
        if (memcmp(all->players[i].run->flat, first->flat, bytes) != 0) return false;
    for (int k = 0; k < first->keys->n; k++) {
        const pt_key *key = &first->keys->keys[k];
        const float *owner = all->players[key->server].run->flat;

        if (memcmp(owner + key->offset, first->flat + key->offset,
                   key->count * sizeof(float)) != 0)
            return false;
    }
    return true;
}

/* Worker 0's run, rank 0's run, and the statistics of rank 0 after the parameters. */
static void keep(play *all, whole_run *r)
{
    const pt_graph *g;

    r->weights_agree = weights_agree(all, r);
    r->first = all->players[0].run;
    r->run = all->players[r->n_servers].run;
    all->players[0].run = all->players[r->n_servers].run = NULL;
    g = r->run->graph;
    memcpy(r->run->flat + g->n_param_floats, r->first->flat + g->n_param_floats,
           (g->n_floats - g->n_param_floats) * sizeof(float));
}

whole_run *whole_run_play(const whole_run_options *o)
{
    int n = o->n_servers + o->n_workers;
    whole_run *r = calloc(1, sizeof *r);
    player *players = calloc((size_t)n, sizeof *players);
    play all = {players, pt_loopback_create(n, o->shuffle)};
    float *images;

    assert_true(r && players && all.loopback && n <= WHOLE_RUN_MAX_RANKS);
    r->n_ranks = n;
    r->n_servers = o->n_servers;
    r->n_train = o->n_train;
    r->n_test = o->n_test;
    r->over_after = o->over_after;
    for (int i = 0; i < n; i++) {
        init_player(&players[i], o, r);
        pt_loopback_comm(all.loopback, i)->deadline_s =
            o->deadline_s > 0 ? o->deadline_s : 20;
        pt_loopback_comm(all.loopback, i)->part_bytes = o->part_bytes;
    }
    share_memory(&all, r);
    images = whole_run_images(o, players[0].run);
    for (int i = 0; i < n; i++) players[i].all = images;
    for (int i = 0; i < n && o->resume; i++) resume(&players[i]);
    if (o->resume) r->first_step = r->n_steps = (int)players[0].run->first_step;
    r->cap_steps = (int)players[0].run->plan->total_steps;
    r->steps = calloc((size_t)r->cap_steps + 1, sizeof *r->steps);
    assert_non_null(r->steps);
    pt_loopback_run(all.loopback, rank_body, &all);
    pt_stop_ask(false);
    keep(&all, r);
    for (int i = 0; i < n; i++) fini_player(&players[i]);
    pt_loopback_destroy(all.loopback);
    free(players);
    free(images);
    return r;
}

void whole_run_destroy(whole_run *r)
{
    for (int i = r->first_step; i < r->n_steps; i++) {
        free((void *)r->steps[i].report.norms);
        free(r->steps[i].flat);
    }
    free(r->steps);
    free(r->logits);
    free(r->train_logits);
    free(r->second_logits);
    free(r->second);
    pt_run_destroy(&r->run);
    pt_run_destroy(&r->first);
    for (int i = 0; i < r->n_ranks; i++) pt_segments_destroy(&r->segments[i]);
    free(r);
}

void whole_run_assert_ok(const whole_run *r)
{
    for (int i = 0; i < r->n_ranks; i++)
        if (r->ends[i].status != PT_OK) fail_msg("rank %d: %s", i, r->ends[i].text);
    assert_int_equal(r->n_steps, r->over_after ? r->over_after : r->cap_steps);
    assert_true(r->weights_agree);
}

whole_run *whole_run_play_ok(const whole_run_options *o)
{
    whole_run *r = whole_run_play(o);

    whole_run_assert_ok(r);
    return r;
}

void whole_run_assert_stopped(const whole_run *r)
{
    for (int i = 0; i < r->n_ranks; i++)
        if (r->ends[i].status != PT_STOPPED || !r->ends[i].agreed)
            fail_msg("rank %d: %s", i, r->ends[i].text);
}

pt_traffic whole_run_traffic(const pt_run *run, int worker, uint64_t step)
{
    pt_traffic ranks[WHOLE_RUN_MAX_RANKS] = {{0}};

    assert_true(run->n_servers + run->n_workers <= WHOLE_RUN_MAX_RANKS);
    assert_int_equal(pt_traffic_of_places(run, step, NULL, ranks), PT_OK);
    return ranks[run->n_servers + worker];
}

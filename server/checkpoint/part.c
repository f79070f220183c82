#include "server/checkpoint/part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/data/h5file.h"
#include "server/methods/methods.h"

enum { PATH_BYTES = PT_NAME_MAX + 64 };

/* A set of tensors of a part. */
typedef struct {
    const char *group;
    float *flat;
    int n_tensors; /* the first n of the graph */
} tensor_set;

static void sets_of(const pt_state *s, tensor_set out[PT_PART_SETS])
{
    const char *second = pt_server_methods_second_name(s->run);
    const pt_optimizer_state *o = &s->optimizer;
    int n = s->run->graph->n_params;

    out[0] = (tensor_set){"weights", s->flat, s->run->graph->n_tensors};
    out[1] = (tensor_set){o->squares ? "first_moment" : "momentum", o->velocity, n};
    out[2] = (tensor_set){"second_moment", o->squares, o->squares ? n : 0};
    out[3] = (tensor_set){second, s->second, s->second ? n : 0};
    out[4] =
        (tensor_set){"best", s->kept.flat, s->kept.flat ? s->run->graph->n_tensors : 0};
    out[5] = (tensor_set){"best_second", s->kept.second, s->kept.second ? n : 0};
}

/* Keys of tensor t that `server` owns; *all: are they the whole tensor? */
static int owned_keys(const pt_run *r, int t, int server, bool *all)
{
    int first = r->keys->first_of_tensor[t], end = r->keys->first_of_tensor[t + 1], n = 0;

    for (int k = first; k < end; k++) n += r->keys->keys[k].server == server;
    *all = n == end - first;
    return n;
}

/* A header and links for every tensor, or every piece of one, with its momentum. */
uint64_t pt_part_margin(const pt_run *r)
{
    enum { LIBRARY_BYTES = 1 << 16, OBJECT_BYTES = 1 << 10, OF_THE_BEST = 2 };
    uint64_t sets = PT_PART_SETS - (pt_run_may_end_early(r) ? 0 : OF_THE_BEST);

    return LIBRARY_BYTES +
           sets * OBJECT_BYTES * (uint64_t)(r->graph->n_tensors + r->keys->n);
}

uint64_t pt_part_bytes(const pt_run *r, int server)
{
    bool second = pt_server_methods_second_name(r) != NULL;
    uint64_t best = pt_run_may_end_early(r);
    uint64_t sets = (1 + best) * (1 + second) + pt_optimizer_floats(r);
    uint64_t n = sets * (uint64_t)pt_keys_bytes(r->keys, server);

    if (server == 0)
        n +=
            (1 + best) * (r->graph->n_floats - r->graph->n_param_floats) * sizeof(float) +
            (uint64_t)r->graph->n_params * sizeof(uint64_t) +
            (2 * (uint64_t)pt_run_rep_size(r) + pt_server_methods_floats(r) +
             pt_run_response_floats(r)) *
                sizeof(float);
    return n + pt_part_margin(r);
}

/* ---- writing ---------------------------------------------------------------------- */

static pt_status write_whole(pt_h5file *f, const tensor_set *set, const pt_tensor *t,
                             float *scratch)
{
    char path[PATH_BYTES];
    uint64_t dims[4];

    snprintf(path, sizeof path, "%s/%s", set->group, t->name);
    for (int i = 0; i < t->n_dims; i++) dims[i] = (uint64_t)t->dims[i];
    pt_tensor_to_file(t, set->flat + t->offset, scratch);
    return pt_h5file_write_f32(f, path, t->n_dims, dims, scratch);
}

static pt_status write_piece(pt_h5file *f, const tensor_set *set, const pt_tensor *t,
                             const pt_key *key)
{
    char path[PATH_BYTES];
    uint64_t count = key->count;

    snprintf(path, sizeof path, "pieces/%s/%s/%zu", set->group, t->name,
             key->offset - t->offset);
    return pt_h5file_write_f32(f, path, 1, &count, set->flat + key->offset);
}

static pt_status write_tensor(pt_h5file *f, const pt_run *r, const tensor_set *set, int i,
                              int server, float *scratch)
{
    const pt_tensor *t = &r->graph->tensors[i];
    bool all = server == 0;
    int n = t->running ? all : owned_keys(r, i, server, &all);
    pt_status st = PT_OK;

    if (n == 0) return PT_OK;
    if (all) return write_whole(f, set, t, scratch);
    for (int k = r->keys->first_of_tensor[i];
         k < r->keys->first_of_tensor[i + 1] && st == PT_OK; k++)
        if (r->keys->keys[k].server == server)
            st = write_piece(f, set, t, &r->keys->keys[k]);
    return st;
}

static pt_status write_names(pt_h5file *f, const pt_graph *g)
{
    const char **names = pt_calloc((size_t)g->n_tensors, sizeof *names);
    pt_status st;

    if (!names) return pt_fail(PT_ERR_NOMEM, "no memory for the names of tensors");
    for (int i = 0; i < g->n_tensors; i++) names[i] = g->tensors[i].name;
    st = pt_h5file_write_strings(f, "tensors", names, (size_t)g->n_tensors);
    free(names);
    return st;
}

static pt_status write_features(pt_h5file *f, const pt_state *s)
{
    uint64_t n = (uint64_t)pt_run_rep_size(s->run);
    pt_status st = pt_h5file_write_f32(f, "features/mean", 1, &n, s->feature_mean);

    return st == PT_OK ? pt_h5file_write_f32(f, "features/std", 1, &n, s->feature_std)
                       : st;
}

/* What server 0's part has beside tensors. */
static pt_status write_first(pt_h5file *f, const pt_state *s)
{
    const uint64_t *updates = s->optimizer.updates;
    uint64_t n_params = (uint64_t)s->run->graph->n_params, n_method = s->n_method;
    uint64_t n_responses = pt_run_response_floats(s->run);
    pt_status st = s->feature_mean ? write_features(f, s) : PT_OK;

    if (st == PT_OK && updates)
        st = pt_h5file_write_u64(f, "updates", 1, &n_params, updates);
    if (st == PT_OK && s->responses)
        st = pt_h5file_write_f32(f, "responses", 1, &n_responses, s->responses);
    if (st == PT_OK && s->method)
        st = pt_h5file_write_f32(f, "method", 1, &n_method, s->method);
    return st;
}

static float *largest_tensor(const pt_graph *g)
{
    size_t max = 1;

    for (int i = 0; i < g->n_tensors; i++)
        if (g->tensors[i].count > max) max = g->tensors[i].count;
    return pt_calloc(max, sizeof(float));
}

pt_status pt_part_write(const char *path, const pt_state *s, int server)
{
    const pt_graph *g = s->run->graph;
    float *scratch = largest_tensor(g);
    pt_h5file *f = NULL;
    tensor_set sets[PT_PART_SETS];
    pt_status st;

    if (!scratch) return pt_fail(PT_ERR_NOMEM, "no memory for a tensor of %s", path);
    sets_of(s, sets);
    st = pt_file_check_space(path, pt_part_bytes(s->run, server));
    if (st == PT_OK) st = pt_h5file_create(path, &f);
    if (st == PT_OK) st = write_names(f, g);
    for (int k = 0; k < PT_PART_SETS; k++)
        for (int i = 0; i < sets[k].n_tensors && st == PT_OK; i++)
            st = write_tensor(f, s->run, &sets[k], i, server, scratch);
    if (st == PT_OK && server == 0) st = write_first(f, s);
    if (st == PT_OK) st = pt_h5file_commit(&f);
    pt_h5file_destroy(&f);
    free(scratch);
    return st;
}

/* ---- reading ---------------------------------------------------------------------- */

/* Pieces of tensor t in the group `path`. */
static pt_status read_pieces(const pt_h5file *f, const char *path, const pt_tensor *t,
                             float *memory, size_t *floats)
{
    char **names = NULL, member[PATH_BYTES + 32], *end;
    size_t n = 0;
    pt_status st = pt_h5file_list(f, path, &names, &n);

    for (size_t i = 0; i < n && st == PT_OK; i++) {
        size_t at = strtoull(names[i], &end, 10);
        pt_h5_shape shape;

        snprintf(member, sizeof member, "%s/%s", path, names[i]);
        st = pt_h5file_shape(f, member, &shape);
        if (st == PT_OK && (*end || at > t->count || shape.count > t->count - at))
            st = pt_fail(PT_ERR_DATA, "%s: %s is not inside a tensor of %zu",
                         pt_h5file_path(f), member, t->count);
        if (st == PT_OK)
            st = pt_h5file_read_f32_into(f, member, memory + at, (size_t)shape.count);
        *floats += st == PT_OK ? (size_t)shape.count : 0;
    }
    free(names);
    return st;
}

static pt_status read_tensor(const pt_h5file *f, const tensor_set *set,
                             const pt_tensor *t, float *scratch, size_t *floats)
{
    char path[PATH_BYTES];
    pt_status st;

    snprintf(path, sizeof path, "%s/%s", set->group, t->name);
    if (pt_h5file_kind(f, path) == PT_H5_DATASET) {
        st = pt_h5file_read_f32_into(f, path, scratch, t->count);
        if (st == PT_OK) pt_tensor_to_memory(t, scratch, set->flat + t->offset);
        *floats += st == PT_OK ? t->count : 0;
        return st;
    }
    snprintf(path, sizeof path, "pieces/%s/%s", set->group, t->name);
    return pt_h5file_kind(f, path) == PT_H5_GROUP
               ? read_pieces(f, path, t, set->flat + t->offset, floats)
               : PT_OK;
}

static pt_status read_features(const pt_h5file *f, pt_state *s)
{
    size_t n = (size_t)pt_run_rep_size(s->run);
    pt_status st;

    if (!s->feature_mean || pt_h5file_kind(f, "features/mean") != PT_H5_DATASET)
        return PT_OK;
    st = pt_h5file_read_f32_into(f, "features/mean", s->feature_mean, n);
    return st == PT_OK ? pt_h5file_read_f32_into(f, "features/std", s->feature_std, n)
                       : st;
}

static pt_status read_updates(const pt_h5file *f, pt_state *s)
{
    size_t n = (size_t)s->run->graph->n_params, found = 0;
    uint64_t *updates = NULL;
    pt_status st = PT_OK;

    if (!s->optimizer.updates || pt_h5file_kind(f, "updates") != PT_H5_DATASET)
        return PT_OK;
    st = pt_h5file_read_u64(f, "updates", n, &updates, &found);
    if (st == PT_OK && found != n)
        st = pt_fail(PT_ERR_DATA, "%s: counts updates of %zu parameters, not %zu",
                     pt_h5file_path(f), found, n);
    if (st == PT_OK) memcpy(s->optimizer.updates, updates, n * sizeof *updates);
    free(updates);
    return st;
}

static pt_status read_method(const pt_h5file *f, pt_state *s)
{
    pt_status st = PT_OK;

    if (s->responses && pt_h5file_kind(f, "responses") == PT_H5_DATASET)
        st = pt_h5file_read_f32_into(f, "responses", s->responses,
                                     pt_run_response_floats(s->run));
    if (st != PT_OK || !s->method || pt_h5file_kind(f, "method") != PT_H5_DATASET)
        return st;
    return pt_h5file_read_f32_into(f, "method", s->method, s->n_method);
}

pt_status pt_part_read(const char *path, pt_state *s, size_t floats[PT_PART_SETS])
{
    float *scratch = largest_tensor(s->run->graph);
    pt_h5file *f = NULL;
    tensor_set sets[PT_PART_SETS];
    pt_status st;

    if (!scratch) return pt_fail(PT_ERR_NOMEM, "no memory for a tensor of %s", path);
    sets_of(s, sets);
    st = pt_h5file_open(path, &f);
    for (int k = 0; k < PT_PART_SETS; k++)
        for (int i = 0; i < sets[k].n_tensors && st == PT_OK; i++)
            st =
                read_tensor(f, &sets[k], &s->run->graph->tensors[i], scratch, &floats[k]);
    if (st == PT_OK) st = read_features(f, s);
    if (st == PT_OK) st = read_updates(f, s);
    if (st == PT_OK) st = read_method(f, s);
    pt_h5file_destroy(&f);
    free(scratch);
    return st;
}

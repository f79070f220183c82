#include "common/weights/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/graph/graph.h"
#include "common/weights/onnx_model.h"

enum { CONVS_MAX = 1024, LAYERS_MAX = 4096 /* that are named, or looked at */ };

static void onnx_fini(void *source)
{
    pt_onnx_model_fini(source);
}

static pt_status add_tensor(const pt_onnx_model *m, pt_table *t, const char *name,
                            pt_onnx_tensor *p)
{
    pt_table_entry *e;
    pt_status s = pt_table_add(t, name, strlen(name), p->n_dims, p->dims,
                               (size_t)(p - m->tensors), &e);

    if (s != PT_OK) return s;
    e->integers = pt_onnx_is_integers(p->type);
    e->spare = p->spare;
    s = pt_onnx_tensor_locate(m->file, p, e->count);
    return s == PT_OK ? pt_onnx_tensor_check(m->file, p, e) : s;
}

/* ---- initialisers without a name of their own -------------------------------------- */

/* torch.onnx.export calls what it made itself, such as a convolution into which it folded
 * a batch norm, after the number of a value: "onnx::Conv_497". */
static bool is_made(const char *name)
{
    return strncmp(name, "onnx::Conv_", 11) == 0;
}

/* The tensors of convolution `number` in the graph's order as "Conv.NUMBER/weight", and
 * "/bias". */
static pt_status add_conv(const pt_onnx_model *m, pt_table *t,
                          const pt_onnx_model_node *n, int number)
{
    pt_status s = PT_OK;

    for (size_t i = 1; i < 3 && s == PT_OK; i++) {
        const char *in = pt_onnx_in(n, i);
        pt_onnx_tensor *p = pt_onnx_model_find(m, in);
        char name[64];

        if (!p || !(is_made(in) || p->spare)) continue;
        snprintf(name, sizeof name, "Conv.%d/%s", number, i == 1 ? "weight" : "bias");
        s = add_tensor(m, t, name, p);
    }
    return s;
}

/* ---- merged initialisers ----------------------------------------------------------- */

/* Optimizers write equal initialisers once and have all nodes read that one, so that a
 * batch norm reads bn1.weight, bn2.bias, bn2.running_mean ...: it is bn2, the first layer
 * among the names that no earlier node is. */

/* The layer in the name of a tensor of this role; "" where it has another role. */
static void layer_of(const char *name, const char *role, char *out, size_t size)
{
    size_t n = strlen(name), k = strlen(role);
    bool fits = n > k && n - k < size && strcmp(name + n - k, role) == 0;

    snprintf(out, size, "%.*s", fits ? (int)(n - k) : 0, name);
}

/* Roles of the inputs from number 1 on; NULL ends them, and is all for other nodes. */
static const char *const *roles_of(const pt_onnx_model_node *n)
{
    static const char *const norm[] = {".weight", ".bias", ".running_mean",
                                       ".running_var", NULL};
    static const char *const layer[] = {".weight", ".bias", NULL};
    static const char *const none[] = {NULL};

    if (pt_onnx_is(n, "BatchNormalization")) return norm;
    return pt_onnx_is(n, "Conv") || pt_onnx_is(n, "Gemm") ? layer : none;
}

typedef struct {
    char names[LAYERS_MAX][PT_NAME_MAX];
    int n;
} layers;

static bool is_taken(const layers *l, const char *name)
{
    for (int i = 0; i < l->n; i++)
        if (strcmp(l->names[i], name) == 0) return true;
    return false;
}

/* Adds what the node reads under its own layer's names, where no tensor has them. */
static pt_status add_merged(const pt_onnx_model *m, pt_table *t,
                            const pt_onnx_model_node *n, layers *l)
{
    const char *const *roles = roles_of(n);
    char *own = l->names[l->n], name[PT_NAME_MAX + 16];
    pt_status s = PT_OK;

    *own = '\0';
    for (size_t i = 0; roles[i] && !*own; i++) {
        layer_of(pt_onnx_in(n, i + 1), roles[i], own, PT_NAME_MAX);
        if (*own && is_taken(l, own)) *own = '\0';
    }
    if (!*own) return PT_OK;
    l->n++;
    for (size_t i = 0; roles[i] && s == PT_OK; i++) {
        pt_onnx_tensor *p = pt_onnx_model_find(m, pt_onnx_in(n, i + 1));

        snprintf(name, sizeof name, "%s%s", own, roles[i]);
        if (!p || pt_onnx_model_find(m, name)) continue;
        s = add_tensor(m, t, name, p);
        if (s == PT_OK) t->entries[t->n - 1].spare = true;
    }
    return s;
}

static pt_status add_all_merged(const pt_onnx_model *m, pt_table *t)
{
    layers *l = pt_calloc(1, sizeof *l);
    pt_status s = l ? PT_OK : pt_fail(PT_ERR_NOMEM, "%s: no memory", t->path);

    for (size_t i = 0; i < m->n_nodes && s == PT_OK && l->n < LAYERS_MAX; i++)
        s = add_merged(m, t, &m->nodes[i], l);
    free(l);
    return s;
}

static pt_status add_tensors(const pt_onnx_model *m, pt_table *t)
{
    pt_status s = PT_OK;
    int number = 0;

    for (size_t i = 0; i < m->n_tensors && s == PT_OK; i++) {
        const char *name = m->tensors[i].name;

        if (*name && !is_made(name)) s = add_tensor(m, t, name, &m->tensors[i]);
    }
    for (size_t i = 0; i < m->n_nodes && number < CONVS_MAX && s == PT_OK; i++)
        if (pt_onnx_is(&m->nodes[i], "Conv")) s = add_conv(m, t, &m->nodes[i], number++);
    if (s == PT_OK) s = add_all_merged(m, t);
    if (s != PT_OK) return s;
    if (t->n == 0) return pt_fail(PT_ERR_DATA, "%s: has no initialisers", t->path);
    return pt_table_finish(t);
}

static pt_status onnx_read(const pt_table *t, const pt_table_entry *e, size_t first,
                           size_t n, float *values)
{
    const pt_onnx_model *m = t->source;

    return pt_onnx_tensor_read(m->file, &m->tensors[e->where], first, n, values);
}

static pt_status onnx_fill(pt_table *t, void *source)
{
    pt_status s = pt_onnx_model_open(t->path, source);

    return s == PT_OK ? add_tensors(source, t) : s;
}

pt_status pt_onnx_open(const char *path, pt_table **out)
{
    static const pt_table_ops ops = {.source_bytes = sizeof(pt_onnx_model),
                                     .fill = onnx_fill,
                                     .read_part = onnx_read,
                                     .fini = onnx_fini};

    return pt_table_open(path, &ops, out);
}

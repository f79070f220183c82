#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/suggest.h"
#include "common/base/utf8.h"
#include "common/config/methods.h"
#include "common/config/parts.h"
#include "common/graph/graph.h"

/* The bound, of either sign, of a number whose range has none: far above any meaningful
 * value, and results computed from it stay finite. Integers are bounded by their type. */
static const double limit = 1e9;

typedef struct {
    pt_yaml *root;
    pt_faults *faults;
} checker;

/* The tree of the value at `path`; its parent's where it was not given. */
static pt_yaml *tree_of(const checker *k, const char *path)
{
    char part[PT_CONFIG_MAX_PATH];
    pt_yaml *t = NULL;

    snprintf(part, sizeof part, "%s", path);
    while (k->root && !(t = pt_yaml_at(k->root, part))) {
        char *dot = strrchr(part, '.');

        if (!dot) return k->root;
        *dot = '\0';
    }
    return t;
}

/* true if `path` was given but could not be read. */
static bool is_bad(const checker *k, const char *path)
{
    const pt_yaml *t = tree_of(k, path);

    return t && t->bad;
}

/* One fault where `path` was given, or else at its section. */
static void fault(checker *k, const char *path, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void fault(checker *k, const char *path, const char *fmt, ...)
{
    const pt_yaml *t = tree_of(k, path);
    pt_mark none = {0};
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    pt_faults_add(k->faults, t && t != k->root ? t->mark : none, "%s %s", path, text);
}

static double number_of(const ProtobufCFieldDescriptor *f, const void *at)
{
    switch (f->type) {
    case PROTOBUF_C_TYPE_UINT32:
        return *(const uint32_t *)at;
    case PROTOBUF_C_TYPE_UINT64:
        return (double)*(const uint64_t *)at;
    case PROTOBUF_C_TYPE_FLOAT:
        return *(const float *)at;
    case PROTOBUF_C_TYPE_DOUBLE:
        return *(const double *)at;
    default:
        return 0;
    }
}

/* A whole number has all its digits: 100000000, not 1e+08. */
static const char *digits(double x, char out[32])
{
    bool whole = fabs(x) < 1e15 && x == floor(x);

    snprintf(out, 32, whole ? "%.0f" : "%g", x);
    return out;
}

/* Is x in the range that the schema states? */
static bool is_in(const pt_range *r, double x)
{
    return (r->left == '[' ? x >= r->low : x > r->low) &&
           (r->right == ']' ? x <= r->high : x < r->high);
}

static bool is_real(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_FLOAT || f->type == PROTOBUF_C_TYPE_DOUBLE;
}

static void check_number(checker *k, const char *path, const char *message,
                         const ProtobufCFieldDescriptor *f, const void *at)
{
    const pt_range *r = &pt_key_help_of(message, f->name)->range;
    double x = number_of(f, at);
    char text[32];

    if (pt_value_is_auto(message, f, at)) return;
    if (!isfinite(x))
        fault(k, path, "must be a finite number, not %g", x);
    else if (!is_in(r, x))
        fault(k, path, "must be %s, not %s", r->text, digits(x, text));
    else if (is_real(f) && fabs(x) > limit)
        fault(k, path, "must be at %s %.0f, not %g", x < 0 ? "least" : "most",
              x < 0 ? -limit : limit, x);
}

/* Of a file it is UTF-8 already, of a message from elsewhere it may be anything. */
static void check_text(checker *k, const char *path, const char *text)
{
    if (!*text) fault(k, path, "must not be empty");
    if (!pt_utf8_is(text)) fault(k, path, "must be UTF-8 text");
}

static void check_message(checker *k, const char *path, const ProtobufCMessage *m);

static void check_value(checker *k, const char *path, const char *message,
                        const ProtobufCFieldDescriptor *f, const void *at)
{
    if (is_bad(k, path) && f->type != PROTOBUF_C_TYPE_MESSAGE) return;
    switch (f->type) {
    case PROTOBUF_C_TYPE_MESSAGE:
        check_message(k, path, *(ProtobufCMessage **)at);
        return;
    case PROTOBUF_C_TYPE_STRING:
        check_text(k, path, *(char **)at);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        if (!protobuf_c_enum_descriptor_get_value(f->descriptor, *(const int *)at))
            fault(k, path, "has no value numbered %d", *(const int *)at);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        return;
    default:
        check_number(k, path, message, f, at);
    }
}

/* Everything that was given in m, the message at `path`. */
static void check_message(checker *k, const char *path, const ProtobufCMessage *m)
{
    char sub[PT_CONFIG_MAX_PATH];

    for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
        const char *name = m->descriptor->short_name, *dot = path[0] ? "." : "";
        bool list = f->label == PROTOBUF_C_LABEL_REPEATED;
        size_t n = pt_field_count(m, f), at;

        at = (size_t)snprintf(sub, sizeof sub, "%s%s%s", path, dot, f->name);
        if (list && is_bad(k, sub)) continue; /* its elements may have moved up */
        if (n > PT_CONFIG_MAX_ITEMS)
            fault(k, sub, "has %zu items, limit %d", n, PT_CONFIG_MAX_ITEMS);
        for (size_t e = 0; e < n && e < PT_CONFIG_MAX_ITEMS; e++) {
            if (list) snprintf(sub + at, sizeof sub - at, ".%zu", e);
            check_value(k, sub, name, f, pt_field_element(m, f, e));
        }
    }
}

static bool is_known(const char *network)
{
    const char *const *names = pt_graph_names();

    for (size_t i = 0; network && names[i]; i++)
        if (strcmp(names[i], network) == 0) return true;
    return false;
}

static void check_network(checker *k, const Pt__Config__Network *n)
{
    char near[PT_DID_YOU_MEAN];

    if (n->name && n->graph && !is_bad(k, "network.name") && !is_bad(k, "network.graph"))
        fault(k, "network.graph",
              "and network.name are both given: the graph of the file is the network, "
              "which needs no name (`name: null` takes back that of a base)");
    if (!n->name || is_bad(k, "network.name") || is_known(n->name)) return;
    fault(k, "network.name", "'%.60s' is not a network%s", n->name,
          pt_did_you_mean(n->name, pt_graph_names(), "", near));
}

/* The crop is the network's input. */
static void check_side(checker *k, const pt_config *c)
{
    pt_graph_options o = {.side = (int)c->data->crop, .n_classes = 1};
    pt_graph *g;

    if (!is_known(c->network->name) || is_bad(k, "network.name") ||
        is_bad(k, "data.crop") || c->data->crop < 1 || c->data->crop > 4096)
        return;
    if (pt_graph_create(c->network->name, &o, &g) == PT_ERR_CONFIG)
        fault(k, "data.crop", "%u does not fit the network: %s", c->data->crop,
              pt_fail_text());
    pt_graph_destroy(&g);
}

/* Models are chosen on images of their own, from one place. */
static void check_validation(checker *k, const Pt__Config__Data *d)
{
    const char *path = "data.validation_split", *split = d->validation_split;

    if (!split || is_bad(k, path)) return;
    if (d->validation_share > 0)
        fault(k, path, "and data.validation_share are both given: choose one");
    if (strcmp(split, d->train_split) == 0)
        fault(k, path, "'%.60s' is the training split (data.train_split)", split);
    if (strcmp(split, d->test_split) == 0)
        fault(
            k, path,
            "'%.60s' is also data.test_split: models would be chosen on the test images",
            split);
}

/* What two keys of the augmentations say together. */
static void check_augmentations(checker *k, const Pt__Config__Data *d)
{
    const Pt__Config__RandAugment *r = d->rand_augment;
    const Pt__Config__RandomErasing *e = d->random_erasing;

    if (is_bad(k, "data.rand_augment") || is_bad(k, "data.random_erasing")) return;
    if (r->magnitude >= r->num_magnitude_bins)
        fault(k, "data.rand_augment.magnitude",
              "%u is not below data.rand_augment.num_magnitude_bins %u", r->magnitude,
              r->num_magnitude_bins);
    if (e->min_area > e->max_area)
        fault(k, "data.random_erasing.min_area",
              "%g is above data.random_erasing.max_area %g", e->min_area, e->max_area);
    if (e->min_aspect > e->max_aspect)
        fault(k, "data.random_erasing.min_aspect",
              "%g is above data.random_erasing.max_aspect %g", e->min_aspect,
              e->max_aspect);
}

static void check_data(checker *k, const Pt__Config__Data *d)
{
    bool resizes = d->resize_mode != PT__CONFIG__RESIZE__NO_RESIZE;

    check_validation(k, d);
    check_augmentations(k, d);
    if (is_bad(k, "data.resize_mode") || is_bad(k, "data.resize") ||
        is_bad(k, "data.crop"))
        return;
    if (!resizes || d->crop <= d->resize) return;
    if (d->has_crop)
        fault(k, "data.crop", "%u is larger than data.resize %u", d->crop, d->resize);
    else
        fault(k, "data.resize", "%u is smaller than data.crop %u", d->resize, d->crop);
}

static void check_preprocess(checker *k, const Pt__Config__Preprocess *p)
{
    if (p->n_mean != 0 && p->n_mean != 3 && !is_bad(k, "data.preprocess.mean"))
        fault(k, "data.preprocess.mean", "must have 3 numbers, not %zu", p->n_mean);
    if (p->n_std != 0 && p->n_std != 3 && !is_bad(k, "data.preprocess.std"))
        fault(k, "data.preprocess.std", "must have 3 numbers, not %zu", p->n_std);
}

static void check_cross_entropy(checker *k, const Pt__Config__CrossEntropy *c)
{
    bool listed = c->weights == PT__CONFIG__CROSS_ENTROPY__WEIGHTS__LISTED;

    if (is_bad(k, "cross_entropy.weights") || is_bad(k, "cross_entropy.class_weights"))
        return;
    if (listed && c->n_class_weights == 0)
        fault(k, "cross_entropy.weights", "is listed, but class_weights is empty");
    if (!listed && c->n_class_weights > 0)
        fault(k, "cross_entropy.class_weights", "is given, but weights is not listed");
}

static void take_conflict(void *context, const pt_conflict *x)
{
    checker *k = context;

    if (!is_bad(k, x->key) && !is_bad(k, x->other)) fault(k, x->key, "%s", x->why);
}

static void check_methods(checker *k, const pt_config *c)
{
    pt_method_id source = pt_methods_first(c, PT_ASKS_SOURCE);

    pt_methods_conflicts(c, take_conflict, k);
    if (source == PT_N_METHODS || is_bad(k, "source")) return;
    if (!c->source->path)
        fault(k, pt_methods[source].key, "needs source.path, the second data set");
    if (c->source->draw == PT__CONFIG__SOURCE_DRAW__NEIGHBOURS &&
        c->source->per_class > 0)
        fault(k, "source.per_class", "cannot be combined with source.draw: neighbours");
}

static void check_schedule(checker *k, const Pt__Config__Schedule *s)
{
    if (is_bad(k, "schedule") || is_bad(k, "schedule.kind") || is_bad(k, "schedule.at"))
        return;
    for (size_t i = 1; i < s->n_at; i++)
        if (!(s->at[i] > s->at[i - 1]) && isfinite(s->at[i]) && isfinite(s->at[i - 1])) {
            fault(k, "schedule.at", "must be ascending, but %g follows %g", s->at[i],
                  s->at[i - 1]);
            break;
        }
    if (s->kind == PT__CONFIG__SCHEDULE_KIND__STEP && s->n_at == 0)
        fault(k, "schedule.kind", "is step, but schedule.at is empty");
}

/* A run that may end early has to be tested on images of its own. */
static void check_early_stopping(checker *k, const pt_config *c)
{
    const char *path = "early_stopping.patience";

    if (c->early_stopping->patience == 0 || is_bad(k, path) || is_bad(k, "data")) return;
    if (!c->data->validation_split && !(c->data->validation_share > 0) &&
        !is_bad(k, "data.validation_split") && !is_bad(k, "data.validation_share"))
        fault(
            k, path,
            "needs validation images to judge by: set data.validation_share: 0.1 (of the "
            "training images), or data.validation_split");
    if (c->evaluation->every_epochs == 0 && !is_bad(k, "evaluation.every_epochs"))
        fault(k, path, "needs tests during the run: set evaluation.every_epochs: 1");
}

static void check_stages(checker *k, const pt_config *c)
{
    char path[PT_CONFIG_MAX_PATH], epochs[PT_CONFIG_MAX_PATH], steps[PT_CONFIG_MAX_PATH];

    if (is_bad(k, "stages")) return;
    for (size_t i = 0; i < c->n_stages && i < PT_CONFIG_MAX_ITEMS; i++) {
        const Pt__Config__Stage *s = c->stages[i];

        snprintf(path, sizeof path, "stages.%zu", i);
        snprintf(epochs, sizeof epochs, "stages.%zu.epochs", i);
        snprintf(steps, sizeof steps, "stages.%zu.steps", i);
        if (is_bad(k, path) || is_bad(k, epochs) || is_bad(k, steps)) continue;
        if (s->has_epochs == s->has_steps)
            fault(k, path, "needs epochs or steps, %s",
                  s->has_epochs ? "not both" : "neither is given");
    }
}

static void check_engine(checker *k, const Pt__Config__Engine *e)
{
    if (is_bad(k, "engine") || is_bad(k, "engine.precision") || is_bad(k, "engine.gemm"))
        return;
    if (e->precision == PT__CONFIG__PRECISION__BF16 && e->gemm == PT__CONFIG__GEMM__BLAS)
        fault(k, "engine.precision",
              "bf16 needs our kernels, but engine.gemm is blas; leave one of them out");
}

static void check_numbers_of_ranks(checker *k, const pt_config *c)
{
    bool shards_known = !is_bad(k, "shards") && c->shards >= 1 && c->shards <= 1024;

    if (shards_known && (c->shards & (c->shards - 1)) != 0)
        fault(k, "shards", "must be a power of two, not %u", c->shards);
    if (shards_known && !is_bad(k, "engine.workers") && c->engine->workers > c->shards)
        fault(k, "engine.workers", "%u is above shards %u", c->engine->workers,
              c->shards);
}

void pt_config_ranges(const pt_config *c, pt_yaml *root, pt_faults *f)
{
    checker k = {root, f};

    check_message(&k, "", &c->base);
    check_numbers_of_ranks(&k, c);
    check_network(&k, c->network);
    check_data(&k, c->data);
    check_side(&k, c);
    check_preprocess(&k, c->data->preprocess);
    check_cross_entropy(&k, c->cross_entropy);
    check_methods(&k, c);
    check_schedule(&k, c->schedule);
    check_engine(&k, c->engine);
    check_stages(&k, c);
    check_early_stopping(&k, c);
}

pt_status pt_config_check_train(const pt_config *c)
{
    pt_status s = PT_OK;

    if (!c->run->dir)
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "run.dir is not given: the directory for results");
    else if (strncmp(c->run->dir, "~/", 2) == 0) /* no shell reads it */
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "run.dir '%.100s' would be a directory named ~: write the home "
                     "directory in full",
                     c->run->dir);
    if (!c->data->path)
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "data.path is not given: the file that `ptrain pack` wrote");
    if (!c->network->name && !c->network->graph)
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "network.name is not given: for example resnet50 (network.graph: an "
                     "ONNX model)");
    if (c->network->keep_head && !c->network->weights && !c->network->graph)
        pt_fail_more(&s, PT_ERR_CONFIG,
                     "network.keep_head is the head of network.weights, which is not "
                     "given");
    return s;
}

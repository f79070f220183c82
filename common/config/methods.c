#include "common/config/methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FUNCTIONS(NAME, name, run, worker, server, key, on, title, asks, image, rest)    \
    static bool name##_is_on(const pt_config *c)                                         \
    {                                                                                    \
        return on;                                                                       \
    }                                                                                    \
    static const char *name##_title(const pt_config *c)                                  \
    {                                                                                    \
        return title;                                                                    \
    }                                                                                    \
    static unsigned name##_asks(const pt_config *c)                                      \
    {                                                                                    \
        return asks;                                                                     \
    }                                                                                    \
    static size_t name##_terms(const pt_config *c, size_t classes, size_t dims,          \
                               size_t n)                                                 \
    {                                                                                    \
        return n * (image) + (rest);                                                     \
    }
PT_METHOD_LIST(FUNCTIONS)

#define ROW(NAME, name, run, worker, server, key, ...)                                   \
    [PT_METHOD_##                                                                        \
        NAME] = {#name, key, name##_is_on, name##_title, name##_asks, name##_terms},
const pt_method_facts pt_methods[PT_N_METHODS] = {PT_METHOD_LIST(ROW)};

unsigned pt_methods_ask(const pt_config *c)
{
    unsigned all = 0;

    for (int m = 0; m < PT_N_METHODS; m++)
        if (pt_methods[m].is_on(c)) all |= pt_methods[m].asks(c);
    return all;
}

pt_method_id pt_methods_first(const pt_config *c, unsigned what)
{
    int m = 0;

    while (m < PT_N_METHODS && !(pt_methods[m].is_on(c) && pt_methods[m].asks(c) & what))
        m++;
    return (pt_method_id)m;
}

char *pt_methods_title(const pt_config *c)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    bool failed, any = false;

    if (!out) return NULL;
    for (int m = 0; m < PT_N_METHODS; m++) {
        if (!pt_methods[m].is_on(c)) continue;
        fprintf(out, "%s%s", any ? " + " : "", pt_methods[m].title(c));
        any = true;
    }
    failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) return text;
    free(text);
    return NULL;
}

/* ---- what does not go together ---------------------------------------------------- */

/* Settings that contradict a method and are none. */
enum { DIFFERENT_PAIRS = PT_N_METHODS, FROZEN_STATISTICS };

/* The fault is at the first's key. Every other pair can be trained together
 * (tests/worker/test_method_pairs.c), but for what takes every image for a target's and
 * a method that brings source images. */
static const struct {
    int method, other;
    const char *why;
} contradictions[] = {
    {PT_METHOD_MIXUP, PT_METHOD_LWF,
     "mixes images, but regularizers.lwf has outputs for unmixed images only"},
    {PT_METHOD_MIXUP, PT_METHOD_CO_TUNING,
     "gives an image two labels, but regularizers.co_tuning relates only one of them to "
     "the source classes"},
    {PT_METHOD_MIXUP, PT_METHOD_ADARAND,
     "gives an image two labels, but regularizers.adarand pulls it towards one class"},
    {PT_METHOD_MIXUP, DIFFERENT_PAIRS,
     "gives an image two labels, but regularizers.confusion.different compares only one "
     "of them"},
    {PT_METHOD_CUTMIX, PT_METHOD_LWF,
     "mixes images, but regularizers.lwf has outputs for unmixed images only"},
    {PT_METHOD_CUTMIX, PT_METHOD_CO_TUNING,
     "gives an image two labels, but regularizers.co_tuning relates only one of them to "
     "the source classes"},
    {PT_METHOD_CUTMIX, PT_METHOD_ADARAND,
     "gives an image two labels, but regularizers.adarand pulls it towards one class"},
    {PT_METHOD_CUTMIX, DIFFERENT_PAIRS,
     "gives an image two labels, but regularizers.confusion.different compares only one "
     "of them"},
    {PT_METHOD_CO_TUNING, PT_METHOD_LWF,
     "and regularizers.lwf use the same classifier: choose one"},
    {PT_METHOD_STOCH_NORM, FROZEN_STATISTICS,
     "needs the batch's statistics, but batch_norm is frozen"},
};

static bool is_set(const pt_config *c, int setting)
{
    const Pt__Config__Confusion *pairs = c->regularizers->confusion;

    if (setting == DIFFERENT_PAIRS) return pairs->weight > 0 && pairs->different;
    if (setting == FROZEN_STATISTICS)
        return c->network->batch_norm == PT__CONFIG__BATCH_NORM__FROZEN;
    return pt_methods[setting].is_on(c);
}

static const char *key_of(int setting)
{
    return setting == DIFFERENT_PAIRS     ? "regularizers.confusion.different"
           : setting == FROZEN_STATISTICS ? "network.batch_norm"
                                          : pt_methods[setting].key;
}

/* Methods that would take a source image for a target. */
static void find_targets_alone(const pt_config *c, int source,
                               void (*found)(void *context, const pt_conflict *x),
                               void *context)
{
    const char *other = pt_methods[source].key;
    char why[128];

    snprintf(why, sizeof why, "cannot be combined with %.*s",
             (int)(strrchr(other, '.') - other), other);
    for (int m = 0; m < PT_N_METHODS; m++)
        if (pt_methods[m].is_on(c) && pt_methods[m].asks(c) & PT_ASKS_TARGETS)
            found(context, &(pt_conflict){pt_methods[m].key, other, why});
}

void pt_methods_conflicts(const pt_config *c,
                          void (*found)(void *context, const pt_conflict *x),
                          void *context)
{
    pt_method_id source = pt_methods_first(c, PT_ASKS_SOURCE);

    for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; i++) {
        int a = contradictions[i].method, b = contradictions[i].other;
        pt_conflict x = {key_of(a), key_of(b), contradictions[i].why};

        if (is_set(c, a) && is_set(c, b)) found(context, &x);
    }
    if (source < PT_N_METHODS) find_targets_alone(c, source, found, context);
}

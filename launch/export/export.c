#include "launch/export/export.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "launch/support/version.h"

void pt_export_needed(const pt_graph *g, bool *needed)
{
    memset(needed, 0, (size_t)g->n_nodes * sizeof *needed);
    needed[g->logits] = true;
    for (int i = g->n_nodes - 1; i >= 0; i--)
        for (int k = 0; k < 2 && needed[i]; k++)
            if (g->nodes[i].in[k] >= 0) needed[g->nodes[i].in[k]] = true;
}

static void set_text(json_t *o, const char *key, const char *text)
{
    json_object_set_new(o, key, json_string(text));
}

/* Three floats, shortest texts that read back the same. */
static void set_floats(json_t *o, const char *key, const float v[3])
{
    char text[64];

    snprintf(text, sizeof text, "[%.9g, %.9g, %.9g]", (double)v[0], (double)v[1],
             (double)v[2]);
    set_text(o, key, text);
}

static void set_number(json_t *o, const char *key, double number)
{
    char text[32];

    snprintf(text, sizeof text, "%.9g", number);
    set_text(o, key, text);
}

static void set_view(json_t *o, const pt_export *e)
{
    set_text(o, "preprocess_order", e->preprocess->bgr ? "bgr" : "rgb");
    set_number(o, "preprocess_scale", (double)e->preprocess->scale);
    set_floats(o, "preprocess_mean", e->preprocess->mean);
    set_floats(o, "preprocess_std", e->preprocess->std);
    set_text(o, "resize_mode", pt_resize_mode_names[e->geometry->mode]);
    if (e->geometry->mode != PT_RESIZE_NONE) set_number(o, "resize", e->geometry->resize);
    set_number(o, "crop", e->graph->nodes[0].h);
}

static void set_classes(json_t *o, const pt_export *e)
{
    json_t *names = json_array();
    char *text;

    for (int i = 0; i < e->graph->n_classes; i++)
        json_array_append_new(names, json_string(e->classes[i]));
    text = json_dumps(names, JSON_COMPACT);
    if (text) set_text(o, "classes", text);
    free(text);
    json_decref(names);
}

json_t *pt_export_metadata(const pt_export *e)
{
    json_t *o = json_object();
    char hash[65];

    set_text(o, "producer", "ptrain " PT_VERSION);
    set_text(o, "network", e->graph->network);
    if (pt_graph_hash(e->graph, e->flat, hash) == PT_OK) set_text(o, "weight_hash", hash);
    set_view(o, e);
    if (e->classes) set_classes(o, e);
    return o;
}

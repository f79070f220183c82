#include "common/run/outer.h"

#include <string.h>

#include "common/base/sizes.h"

size_t pt_outer_packed(size_t n_out, size_t n)
{
    return pt_gemm_packed_floats(n, n_out);
}

void pt_outer_pack(size_t n_out, size_t n, const float *dy, size_t ld, float *packed)
{
    pt_gemm_pack(PT_N, n, n_out, dy, ld, 0, pt_gemm_panels(n_out), n * PT_PANEL, packed);
}

void pt_outer_copy(const float *from, size_t ld_from, size_t floats, size_t n, float *to,
                   size_t ld_to)
{
    for (size_t i = 0; i < n; i++)
        memcpy(to + i * ld_to, from + i * ld_from, floats * sizeof *to);
}

static void add_node(const pt_span *span, pt_subtree t, pt_outer_tree *s)
{
    pt_subtree left = {t.level - 1, 2 * t.index}, right = {t.level - 1, 2 * t.index + 1};
    size_t begin, end;

    if (pt_node_size(span, t.level, t.index) == 0) return;
    if (t.level == 0) {
        pt_shard_images(span, t.index, &begin, &end);
        if (s->n_leaves == 0) s->first = (int)begin;
        s->terms[s->n_leaves] = (int)(end - begin);
        s->merges[s->n_leaves++] = 0;
        return;
    }
    add_node(span, left, s);
    add_node(span, right, s);
    if (pt_node_size(span, left.level, left.index) > 0 &&
        pt_node_size(span, right.level, right.index) > 0)
        s->merges[s->n_leaves - 1]++;
}

void pt_outer_plan(const pt_span *span, pt_subtree t, pt_outer_tree *out)
{
    out->n_leaves = 0;
    add_node(span, t, out);
}

size_t pt_outer_rows(void)
{
    return (size_t)pt_gemm_kernels_in_use()->rows;
}

void pt_outer_form(const pt_outer *o, const pt_outer_tree *tree, size_t row, size_t n,
                   float *out)
{
    const pt_gemm_path *path = pt_gemm_kernels_in_use();
    size_t first = (size_t)tree->first;
    size_t panel_floats = (size_t)pt_span_images(&o->span) * PT_PANEL;
    pt_gemm_outer t = {.n_leaves = tree->n_leaves,
                       .terms = tree->terms,
                       .merges = tree->merges,
                       .x = o->x + first * o->ldx + row,
                       .ldx = o->ldx,
                       .bf16 = o->span.bf16};

    for (size_t c = 0; c < o->n_out; c += PT_PANEL) {
        float edge[PT_MAX_TILE_ROWS][PT_PANEL];
        bool ragged = o->n_out - c < PT_PANEL;

        t.dy = o->dy + c / PT_PANEL * panel_floats + first * PT_PANEL;
        t.out = ragged ? edge[0] : out + c;
        t.ldo = ragged ? PT_PANEL : o->n_out;
        path->outer[n - 1](&t);
        for (size_t i = 0; ragged && i < n; i++)
            memcpy(out + i * o->n_out + c, edge[i], (o->n_out - c) * sizeof *out);
    }
}

void pt_outer_form_range(const pt_outer *o, const pt_outer_tree *t, size_t begin,
                         size_t end, float *out, float *edge)
{
    size_t rows = pt_outer_rows();

    while (begin < end) {
        size_t row = begin / o->n_out, at = begin % o->n_out, n;

        if (at == 0 && end - begin >= o->n_out) {
            n = pt_min_size(rows, (end - begin) / o->n_out);
            pt_outer_form(o, t, row, n, out);
            n *= o->n_out;
        } else { /* a part of a row */
            n = pt_min_size(o->n_out - at, end - begin);
            pt_outer_form(o, t, row, 1, edge);
            memcpy(out, edge + at, n * sizeof *out);
        }
        begin += n;
        out += n;
    }
}

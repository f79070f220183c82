/* A line chart as an SVG file of its own, both axes logarithmic: what scales is a
 * straight line. */
#ifndef PT_LAUNCH_SUPPORT_FIGURE_H
#define PT_LAUNCH_SUPPORT_FIGURE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/status.h"

/* One line; values that are not above 0 (NAN, too) are left out. */
typedef struct {
    const char *label;
    bool dashed; /* a limit, not a measurement: no marks */
    size_t n;
    const double *x, *y; /* [n], x rising */
    const bool *hollow;  /* [n]: marks that are calculated, not measured; NULL: none */
} pt_curve;

typedef struct {
    const char *title, *x_label, *y_label;
    const pt_curve *curves; /* [n_curves]; from the ninth on, colours repeat */
    size_t n_curves;
} pt_figure;

/* Writes it to path in one move (pt_file_replace). PT_ERR_IO, PT_ERR_NOMEM; PT_ERR_DATA
 * where no curve has a value. */
PT_MUST_USE pt_status pt_figure_write(const pt_figure *f, const char *path);

#endif

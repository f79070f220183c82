#include "launch/scale/chart.h"

#include <math.h>

#include "launch/scale/table_file.h"
#include "launch/support/figure.h"

pt_status pt_scale_draw(const char *title, const pt_scale_point *points, size_t n,
                        const char *path)
{
    double workers[PT_SCALE_MAX_JOBS], reached[PT_SCALE_MAX_JOBS];
    double ideal[PT_SCALE_MAX_JOBS], bound[PT_SCALE_MAX_JOBS];
    const pt_curve curves[] = {
        {.label = "measured", .n = n, .x = workers, .y = reached},
        {.label = "in proportion", .dashed = true, .n = n, .x = workers, .y = ideal},
        {.label = "bound", .dashed = true, .n = n, .x = workers, .y = bound}};
    pt_figure f = {.title = title,
                   .x_label = "workers",
                   .y_label = "images per second",
                   .curves = curves,
                   .n_curves = 2};

    for (size_t i = 0; i < n; i++) {
        workers[i] = points[i].of.workers;
        reached[i] = points[i].of.images_per_s;
        ideal[i] = reached[i] / points[i].efficiency;
        bound[i] = reached[i] / points[i].of_bound;
        if (!isnan(bound[i])) f.n_curves = 3;
    }
    return pt_figure_write(&f, path);
}

#include "common/weights/weights.h"
#include "launch/support/class_names.h"

#include <stdlib.h>
#include <string.h>

static pt_status differ(int i, const char *a, const char *in_a, const char *b,
                        const char *in_b)
{
    return pt_fail(PT_ERR_USAGE, "class %d is '%.80s' in %s, and '%.80s' in %s", i, in_a,
                   a, in_b, b);
}

pt_status pt_class_names_check(const char *weights, pt_format format, int n,
                               const char *data, const pt_dataset *d)
{
    char **names = NULL;
    size_t n_names = 0;
    pt_status s;

    if (pt_dataset_classes(d) != n)
        return pt_fail(PT_ERR_USAGE, "%s has %d class%s, %s has %d", weights, n,
                       n == 1 ? "" : "es", data, pt_dataset_classes(d));
    s = pt_weights_class_names(weights, format, &names, &n_names);
    for (int i = 0; i < n && (size_t)i < n_names && s == PT_OK; i++)
        if (strcmp(names[i], pt_dataset_class_name(d, i)) != 0)
            s = differ(i, weights, names[i], data, pt_dataset_class_name(d, i));
    free(names);
    return s;
}

pt_status pt_class_names_check_models(const char *a, const char *b, int n)
{
    char **in_a = NULL, **in_b = NULL;
    size_t n_a = 0, n_b = 0;
    pt_status s = pt_weights_class_names(a, PT_FORMAT_MODEL, &in_a, &n_a);

    if (s == PT_OK) s = pt_weights_class_names(b, PT_FORMAT_MODEL, &in_b, &n_b);
    for (int i = 0; i < n && (size_t)i < n_a && (size_t)i < n_b && s == PT_OK; i++)
        if (strcmp(in_a[i], in_b[i]) != 0) s = differ(i, a, in_a[i], b, in_b[i]);
    free(in_a);
    free(in_b);
    return s;
}

/* Pictures of the data set as they stand in a page: small JPEG files, base64. */
#ifndef PT_LAUNCH_REPORT_PICTURES_H
#define PT_LAUNCH_REPORT_PICTURES_H

#include <stdio.h>

#include "common/data/dataset.h"

/* Writes <img> of image `number`, its longer side at most 144 pixels, with `alt`. Where
 * it cannot be read, a text stands in its place. */
void pt_picture(FILE *out, const pt_dataset *d, size_t number, const char *alt);

/* The first training image of a class (split `split`, else of all), or -1. */
long pt_picture_of_class(const pt_dataset *d, const char *split, int label);

#endif

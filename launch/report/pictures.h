/* Pictures of the data set for a page: small JPEG files, base64. */
#ifndef PT_LAUNCH_REPORT_PICTURES_H
#define PT_LAUNCH_REPORT_PICTURES_H

#include <stddef.h>

#include "common/data/dataset.h"

/* <img> with image `number`, its longer side at most 144 pixels, and `alt`, malloc'd;
 * where it cannot be read, the text alone. NULL without memory. */
char *pt_picture(const pt_dataset *d, size_t number, const char *alt);

/* The first training image of a class (split `split`, else of all), or -1. */
long pt_picture_of_class(const pt_dataset *d, const char *split, int label);

#endif

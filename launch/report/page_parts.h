/* The sections of a block in the page. Private to page*.c. */
#ifndef PT_LAUNCH_REPORT_PAGE_PARTS_H
#define PT_LAUNCH_REPORT_PAGE_PARTS_H

#include <stdio.h>

#include "common/data/dataset.h"
#include "launch/report/summary.h"

/* How a page is laid out; defined in page_style.c. */
extern const char pt_page_style[];

/* The class of a method's lines, by its place in the block: 0..15. */
int pt_page_style_of(const pt_block *b, const pt_method *m);

PT_MUST_USE pt_status pt_page_curves(FILE *out, const pt_block *b);
void pt_page_scaling(FILE *out, const pt_block *b);
PT_MUST_USE pt_status pt_page_confusion(FILE *out, const pt_block *b);
/* data: NULL, no pictures. */
PT_MUST_USE pt_status pt_page_changes(FILE *out, const pt_block *b,
                                      const pt_dataset *data);

#endif

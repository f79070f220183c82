/* What page.html is filled with. Private to page*.c. A function that returns a JSON value
 * returns NULL without memory; so does json_pack for what has such a value in it. */
#ifndef PT_LAUNCH_REPORT_PAGE_VALUES_H
#define PT_LAUNCH_REPORT_PAGE_VALUES_H

#include <jansson.h>

#include "common/data/dataset.h"
#include "launch/report/summary.h"

/* Any bytes as a string. */
json_t *pt_page_text(const char *text);

/* The same for a malloc'd text, which it frees; NULL: there was no memory for it. */
json_t *pt_page_take(char *text);

json_t *pt_page_texts(const char *const *texts, size_t n);

/* Appends an item, which it takes. On failure *array is NULL. */
void pt_page_append(json_t **array, json_t *item);

/* The sample of a method's line. */
json_t *pt_page_key(const pt_method_runs *m);

/* Parts of a block; *out is NULL without memory. data: NULL, no pictures. page: the file
 * that is written. */
PT_MUST_USE pt_status pt_page_tables(const pt_block *b, json_t **out);
PT_MUST_USE pt_status pt_page_course(const pt_block *b, json_t **out);
PT_MUST_USE pt_status pt_page_training(const pt_block *b, json_t **out);
json_t *pt_page_scaling(const pt_block *b);
PT_MUST_USE pt_status pt_page_single(const pt_block *b, const pt_dataset *data,
                                     json_t **out);
PT_MUST_USE pt_status pt_page_confusion(const pt_block *b, json_t **out);
PT_MUST_USE pt_status pt_page_changes(const pt_block *b, const pt_dataset *data,
                                      json_t **out);
PT_MUST_USE pt_status pt_page_runs(const pt_block *b, const char *page, json_t **out);

#endif

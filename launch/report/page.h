/* The report as one HTML file that needs nothing else: tables, curves, confusion
 * matrices, pictures that a method got right and plain fine-tuning wrong, and the
 * reverse. */
#ifndef PT_LAUNCH_REPORT_PAGE_H
#define PT_LAUNCH_REPORT_PAGE_H

#include "launch/report/summary.h"

/* Writes the page to path in one move. data: the packed data set for pictures; NULL: the
 * one that the runs name, where it can be opened from here. Without it there are tables
 * of names instead of pictures. Reads metrics.jsonl and predictions.h5 of all runs.
 */
PT_MUST_USE pt_status pt_page_write(const pt_summary *s, const char *data,
                                    const char *path);

#endif

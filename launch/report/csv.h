/* The runs themselves, one line each. */
#ifndef PT_LAUNCH_REPORT_CSV_H
#define PT_LAUNCH_REPORT_CSV_H

#include <stdio.h>

#include "launch/report/summary.h"

/* RFC 4180 with a header line; every run that counts, in the order of the tables. Numbers
 * that do not exist are empty. A text that begins with = + - @, a tab or the end of a
 * line has an apostrophe before it: spreadsheets would run it as a formula. PT_ERR_IO
 * where `out` cannot be written. */
PT_MUST_USE pt_status pt_csv_print(const pt_summary *s, FILE *out);

#endif

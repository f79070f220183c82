/* Text from anywhere as HTML. */
#ifndef PT_LAUNCH_REPORT_HTML_H
#define PT_LAUNCH_REPORT_HTML_H

#include <stdio.h>

/* Prints the text with what HTML and XML would read as markup escaped; bytes that are not
 * UTF-8 become U+FFFD. */
void pt_html_print(FILE *out, const char *text);

#endif

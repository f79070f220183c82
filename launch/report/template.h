/* Fills an HTML template with values, in the manner of Mustache. */
#ifndef PT_LAUNCH_REPORT_TEMPLATE_H
#define PT_LAUNCH_REPORT_TEMPLATE_H

#include <jansson.h>
#include <stdio.h>

#include "common/base/status.h"

/* Prints the template with the values of an object in the places of their names:
 *
 *     {{name}}               a string, escaped, or an integer
 *     {{{name}}}             a string that is HTML already
 *     {{#name}}...{{/name}}  a part: once for each item of an array, filled with the
 *                            item; left out for null; once with anything else
 *     {{.}}                  in a part: the item itself
 *
 * A part sees its own item and nothing around it. The line break after {{#name}} and
 * {{/name}} is left out. PT_ERR_BUG naming it: a place without a value, a value without a
 * place, a part without an end. Local. */
PT_MUST_USE pt_status pt_template_print(FILE *out, const char *template, json_t *values);

#endif

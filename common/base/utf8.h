/* Strings from outside: whether they are UTF-8, and how to print them if not. */
#ifndef PT_COMMON_BASE_UTF8_H
#define PT_COMMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 character at text [n], or 0. */
size_t pt_utf8_bytes(const char *text, size_t n);

/* Is all of the text UTF-8? */
bool pt_utf8_is(const char *text);

/* The position of the first byte that a name must not have (not UTF-8, or a control
 * character), or -1. */
long pt_utf8_name_fault(const char *text);

/* The text with each such byte as \xHH, malloc'd; NULL without memory. */
char *pt_utf8_escape(const char *text);

#endif

/* Texts that come from outside: are they UTF-8, and how are they shown if not? */
#ifndef PT_COMMON_BASE_UTF8_H
#define PT_COMMON_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 character at text [n], or 0. */
size_t pt_utf8_bytes(const char *text, size_t n);

/* Is all of the text UTF-8? */
bool pt_utf8_is(const char *text);

/* The place of the first byte that a name cannot have, -1 without one: what is not UTF-8,
 * control characters. */
long pt_utf8_name_fault(const char *text);

/* The text with each such byte as \xHH, malloc'd; NULL without memory. */
char *pt_utf8_escape(const char *text);

#endif

/* Fields of a protobuf message in a file, one after another, without reading what they
 * hold: a file of half a gigabyte is looked through in a few pages of memory. */
#ifndef PT_COMMON_WEIGHTS_WIRE_H
#define PT_COMMON_WEIGHTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/file.h"

typedef enum {
    PT_WIRE_VARINT = 0,
    PT_WIRE_I64 = 1,
    PT_WIRE_LEN = 2,
    PT_WIRE_I32 = 5
} pt_wire_type;

typedef struct {
    uint32_t number;
    pt_wire_type type;
    uint64_t value;    /* VARINT */
    uint64_t at, size; /* bytes of the value in the file; LEN: without its length */
} pt_wire_field;

enum { PT_WIRE_BUFFER = 512 };

typedef struct {
    const pt_file *file;
    uint64_t at, end;
    uint64_t from; /* the bytes [from, from + n) of the file are in the buffer */
    size_t n;
    uint8_t buffer[PT_WIRE_BUFFER];
} pt_wire;

/* The message in bytes [at, at + size) of the file, which outlives w. */
void pt_wire_init(pt_wire *w, const pt_file *file, uint64_t at, uint64_t size);

/* The next field; false at the end, and once *s is not PT_OK: a failure of the caller's
 * ends the loop as well. PT_ERR_DATA with the byte where the message is not valid or cut
 * short. */
bool pt_wire_next(pt_wire *w, pt_wire_field *field, pt_status *s);

/* The same where there are only varints, one after another: a packed field. */
bool pt_wire_next_varint(pt_wire *w, uint64_t *value, pt_status *s);

#endif

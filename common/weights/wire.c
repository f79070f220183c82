#include "common/weights/wire.h"

static pt_status invalid(const pt_wire *w, uint64_t at)
{
    return pt_fail(PT_ERR_DATA, "%s: is not a valid protobuf message at byte %llu",
                   w->file->path, (unsigned long long)at);
}

void pt_wire_init(pt_wire *w, const pt_file *file, uint64_t at, uint64_t size)
{
    w->file = file;
    w->at = at;
    w->end = at + size;
    w->from = at;
    w->n = 0;
}

static pt_status byte(pt_wire *w, uint8_t *out)
{
    uint64_t left = w->end - w->at;

    if (left == 0) return invalid(w, w->at);
    if (w->at < w->from || w->at >= w->from + w->n) {
        size_t n = left < PT_WIRE_BUFFER ? (size_t)left : PT_WIRE_BUFFER;
        pt_status s = pt_file_read(w->file, w->at, w->buffer, n);

        if (s != PT_OK) return s;
        w->from = w->at;
        w->n = n;
    }
    *out = w->buffer[w->at++ - w->from];
    return PT_OK;
}

static pt_status varint(pt_wire *w, uint64_t *out)
{
    uint64_t begin = w->at;
    uint8_t b = 0x80;

    *out = 0;
    for (int shift = 0; b & 0x80; shift += 7) {
        pt_status s = byte(w, &b);

        if (s != PT_OK) return s;
        if (shift > 63 || (shift == 63 && b > 1)) return invalid(w, begin);
        *out |= (uint64_t)(b & 0x7f) << shift;
    }
    return PT_OK;
}

static pt_status next_field(pt_wire *w, pt_wire_field *field)
{
    uint64_t tag, begin = w->at;
    pt_status s = varint(w, &tag);

    *field = (pt_wire_field){0};
    if (s != PT_OK) return s;
    field->number = (uint32_t)(tag >> 3);
    field->type = (pt_wire_type)(tag & 7);
    if (tag >> 32 || field->number == 0) return invalid(w, begin);
    field->at = w->at;
    switch (field->type) {
    case PT_WIRE_VARINT:
        s = varint(w, &field->value);
        field->size = w->at - field->at;
        return s;
    case PT_WIRE_LEN:
        s = varint(w, &field->size);
        field->at = w->at;
        break;
    case PT_WIRE_I64:
        field->size = 8;
        break;
    case PT_WIRE_I32:
        field->size = 4;
        break;
    default:
        return invalid(w, begin);
    }
    if (s == PT_OK && field->size > w->end - w->at) s = invalid(w, begin);
    if (s == PT_OK) w->at += field->size;
    return s;
}

bool pt_wire_next(pt_wire *w, pt_wire_field *field, pt_status *s)
{
    if (*s != PT_OK || w->at == w->end) return false;
    *s = next_field(w, field);
    return *s == PT_OK;
}

bool pt_wire_next_varint(pt_wire *w, uint64_t *value, pt_status *s)
{
    if (*s != PT_OK || w->at == w->end) return false;
    *s = varint(w, value);
    return *s == PT_OK;
}

#include "common/weights/onnx_tensor.h"

#include <stdlib.h>
#include <string.h>

#include "common/weights/beside.h"
#include "common/weights/half.h"

/* Fields of TensorProto and of StringStringEntryProto. */
enum {
    DIMS = 1,
    DATA_TYPE = 2,
    FLOAT_DATA = 4,
    INT32_DATA = 5,
    INT64_DATA = 7,
    NAME = 8,
    RAW_DATA = 9,
    DOUBLE_DATA = 10,
    EXTERNAL_DATA = 13,
    DATA_LOCATION = 14,
    KEY = 1,
    VALUE = 2
};

static const struct {
    int type, bytes, list; /* list: the field in place of raw_data */
    pt_number number;
} types[] = {{PT_ONNX_FLOAT, 4, FLOAT_DATA, PT_NUMBER_F32},
             {PT_ONNX_HALF, 2, INT32_DATA, PT_NUMBER_F16},
             {PT_ONNX_DOUBLE, 8, DOUBLE_DATA, PT_NUMBER_F64},
             {PT_ONNX_BFLOAT16, 2, INT32_DATA, PT_NUMBER_BF16}};

static int find_type(int type)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].type == type) return (int)i;
    return -1;
}

size_t pt_onnx_number_bytes(int type)
{
    int i = find_type(type);

    return i < 0 ? 0 : (size_t)types[i].bytes;
}

bool pt_onnx_is_integers(int type)
{
    return (type >= 2 && type <= 9) || type == 12 || type == 13;
}

void pt_onnx_tensor_fini(pt_onnx_tensor *t)
{
    free(t->name);
    free(t->external);
    *t = (pt_onnx_tensor){0};
}

pt_status pt_onnx_tensor_text(const pt_file *file, const pt_wire_field *field,
                              char **text)
{
    size_t n = (size_t)field->size;
    pt_status s;

    *text = NULL;
    if (field->type != PT_WIRE_LEN || field->size > PT_TABLE_NAME_MAX)
        return pt_fail(PT_ERR_DATA,
                       "%s: a name of %llu bytes at byte %llu, the limit is %d",
                       file->path, (unsigned long long)field->size,
                       (unsigned long long)field->at, PT_TABLE_NAME_MAX);
    *text = calloc(1, n + 1);
    if (!*text) return pt_fail(PT_ERR_NOMEM, "%s: no memory for a name", file->path);
    s = pt_file_read(file, field->at, *text, n);
    if (s == PT_OK && strlen(*text) != n)
        s = pt_fail(PT_ERR_DATA, "%s: a name with a zero in it at byte %llu", file->path,
                    (unsigned long long)field->at);
    return s;
}

/* ---- the message ------------------------------------------------------------------- */

static pt_status add_dim(const pt_file *file, pt_onnx_tensor *t, uint64_t dim)
{
    if (t->n_dims == PT_TABLE_DIMS_MAX)
        return pt_fail(PT_ERR_DATA,
                       "%s: %.80s has more dimensions than %d, which is the limit",
                       file->path, t->name ? t->name : "a tensor", PT_TABLE_DIMS_MAX);
    t->dims[t->n_dims++] = (int64_t)dim;
    return PT_OK;
}

static pt_status add_dims(const pt_file *file, pt_onnx_tensor *t,
                          const pt_wire_field *field)
{
    uint64_t dim;
    pt_wire w;
    pt_status s = PT_OK;

    if (field->type == PT_WIRE_VARINT) return add_dim(file, t, field->value);
    if (field->type != PT_WIRE_LEN) return PT_OK;
    pt_wire_init(&w, file, field->at, field->size);
    while (pt_wire_next_varint(&w, &dim, &s)) s = add_dim(file, t, dim);
    return s;
}

static void set_place(pt_onnx_tensor *t, const pt_wire_field *field)
{
    bool varints = field->number == INT32_DATA || field->number == INT64_DATA;

    if (t->place == PT_ONNX_EXTERNAL ||
        (t->place != PT_ONNX_NO_VALUES && field->size == 0))
        return;
    if (t->place != PT_ONNX_NO_VALUES || field->type != PT_WIRE_LEN)
        t->place = PT_ONNX_SCATTERED;
    else
        t->place = varints ? PT_ONNX_VARINTS : PT_ONNX_PLAIN;
    t->field = field->number;
    t->at = field->at;
    t->size = field->size;
}

/* Are the values where those of its type belong? */
static bool has_values(const pt_onnx_tensor *t)
{
    return t->place == PT_ONNX_EXTERNAL || t->field == RAW_DATA ||
           (find_type(t->type) >= 0 &&
            t->field == (uint32_t)types[find_type(t->type)].list);
}

static pt_status number_of(const pt_file *file, const char *key, const char *text,
                           uint64_t *out)
{
    size_t n = strspn(text, "0123456789");

    if (n == 0 || n > 18 || text[n] != '\0')
        return pt_fail(PT_ERR_DATA, "%s: the %s '%.40s' of external data is no number",
                       file->path, key, text);
    *out = strtoull(text, NULL, 10);
    return PT_OK;
}

/* location, offset or length; all else (a checksum) is passed over. */
static pt_status add_external(const pt_file *file, pt_onnx_tensor *t,
                              const pt_wire_field *entry)
{
    char *key = NULL, *value = NULL;
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, entry->at, entry->size);
    while (pt_wire_next(&w, &field, &s)) {
        char **to = field.number == KEY ? &key : &value;

        if (field.number != KEY && field.number != VALUE) continue;
        free(*to);
        s = pt_onnx_tensor_text(file, &field, to);
    }
    if (s == PT_OK && key && value && strcmp(key, "location") == 0) {
        free(t->external);
        s = pt_beside_path(file->path, "the file of values", value, &t->external);
    } else if (s == PT_OK && key && value && strcmp(key, "offset") == 0) {
        s = number_of(file, key, value, &t->at);
    } else if (s == PT_OK && key && value && strcmp(key, "length") == 0) {
        s = number_of(file, key, value, &t->size);
        t->has_size = true;
    }
    free(key);
    free(value);
    return s;
}

/* External data replaces what else there is, wherever it stands in the message. */
static pt_status find_external(const pt_file *file, uint64_t at, uint64_t size,
                               pt_onnx_tensor *t)
{
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    t->place = PT_ONNX_EXTERNAL;
    t->at = t->size = 0;
    pt_wire_init(&w, file, at, size);
    while (pt_wire_next(&w, &field, &s))
        if (field.number == EXTERNAL_DATA && field.type == PT_WIRE_LEN)
            s = add_external(file, t, &field);
    if (s == PT_OK && !t->external)
        s = pt_fail(PT_ERR_DATA, "%s: %.80s has external data, but no location",
                    file->path, t->name);
    return s;
}

static pt_status parse_field(const pt_file *file, const pt_wire_field *field,
                             pt_onnx_tensor *t, bool *external)
{
    switch (field->number) {
    case DIMS:
        return add_dims(file, t, field);
    case DATA_TYPE:
        t->type = field->value > INT32_MAX ? -1 : (int)field->value;
        return PT_OK;
    case NAME:
        free(t->name);
        return pt_onnx_tensor_text(file, field, &t->name);
    case FLOAT_DATA:
    case INT32_DATA:
    case INT64_DATA:
    case DOUBLE_DATA:
    case RAW_DATA:
        set_place(t, field);
        return PT_OK;
    case DATA_LOCATION:
        *external = field->value == 1;
        return PT_OK;
    default:
        return PT_OK;
    }
}

pt_status pt_onnx_tensor_parse(const pt_file *file, uint64_t at, uint64_t size,
                               pt_onnx_tensor *t)
{
    bool external = false;
    pt_wire_field field;
    pt_wire w;
    pt_status s = PT_OK;

    *t = (pt_onnx_tensor){0};
    pt_wire_init(&w, file, at, size);
    while (pt_wire_next(&w, &field, &s)) s = parse_field(file, &field, t, &external);
    if (s == PT_OK && !t->name) {
        t->name = calloc(1, 1);
        if (!t->name) s = pt_fail(PT_ERR_NOMEM, "%s: no memory", file->path);
    }
    return s == PT_OK && external ? find_external(file, at, size, t) : s;
}

/* ---- what can be read -------------------------------------------------------------- */

pt_status pt_onnx_tensor_locate(const pt_file *file, pt_onnx_tensor *t, size_t count)
{
    static const char what[] = "its file of values";
    pt_file *other = NULL;
    uint64_t need = count * pt_onnx_number_bytes(t->type);
    pt_status s;

    if (t->place != PT_ONNX_EXTERNAL) return PT_OK;
    if (!t->has_size) t->size = need;
    s = pt_beside_check(file->path, what, t->external);
    if (s == PT_OK) s = pt_file_open(t->external, &other);
    if (s == PT_OK && (t->size > other->size || t->at > other->size - t->size))
        s = pt_fail(PT_ERR_DATA, "%s: has %llu bytes, %.80s of %s ends at %llu",
                    t->external, (unsigned long long)other->size, t->name, file->path,
                    (unsigned long long)(t->at + t->size));
    pt_file_destroy(&other);
    return s;
}

/* How many integers a list has; all of them are bits of 16 where `e` is given. */
static pt_status count_varints(const pt_file *file, const pt_onnx_tensor *t,
                               pt_table_entry *e, size_t *n)
{
    uint64_t value;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, t->at, t->size);
    for (*n = 0; pt_wire_next_varint(&w, &value, &s); ++*n)
        if (value > 0xffff)
            pt_table_trouble(e, "value %zu is %lld, not a float16", *n, (long long)value);
    return s;
}

pt_status pt_onnx_tensor_check(const pt_file *file, const pt_onnx_tensor *t,
                               pt_table_entry *e)
{
    size_t bytes = pt_onnx_number_bytes(t->type), n = 0;
    pt_status s = PT_OK;

    if (bytes == 0) {
        pt_table_trouble(e,
                         "data type %d is not supported, only 1 (float), 10 (float16), "
                         "11 (double) and 16 (bfloat16)",
                         t->type);
    } else if (t->place == PT_ONNX_SCATTERED) {
        pt_table_trouble(e, "its values are not stored in one piece");
    } else if (!has_values(t) && e->count > 0) {
        pt_table_trouble(e, "has no values of its type, but its shape needs %zu",
                         e->count);
    } else if (t->place == PT_ONNX_VARINTS) {
        s = count_varints(file, t, e, &n);
        if (s == PT_OK && n != e->count)
            pt_table_trouble(e, "has %zu values, but its shape needs %zu", n, e->count);
    } else if (t->size != e->count * bytes) {
        pt_table_trouble(e, "has %llu bytes, but its shape needs %zu",
                         (unsigned long long)t->size, e->count * bytes);
    }
    return s;
}

/* ---- values ------------------------------------------------------------------------ */

static pt_status read_varints(const pt_file *file, const pt_onnx_tensor *t, size_t first,
                              size_t n, float *values)
{
    uint64_t value;
    pt_wire w;
    pt_status s = PT_OK;

    pt_wire_init(&w, file, t->at, t->size);
    for (size_t i = 0; i < first + n && pt_wire_next_varint(&w, &value, &s); i++) {
        uint32_t wide = (uint32_t)value << 16;

        if (i < first) continue;
        if (t->type == PT_ONNX_HALF)
            values[i - first] = pt_half_to_float((uint16_t)value);
        else
            memcpy(&values[i - first], &wide, sizeof wide);
    }
    return s;
}

pt_status pt_onnx_tensor_read(const pt_file *file, const pt_onnx_tensor *t, size_t first,
                              size_t n, float *values)
{
    const size_t bytes = pt_onnx_number_bytes(t->type);
    pt_number number = types[find_type(t->type)].number;
    pt_file *other = NULL;
    pt_status s;

    if (n == 0) return PT_OK;
    if (t->place == PT_ONNX_VARINTS) return read_varints(file, t, first, n, values);
    if (t->place == PT_ONNX_PLAIN)
        return pt_number_read_file(number, file, t->at + first * bytes, n, values);
    s = pt_file_open(t->external, &other);
    if (s == PT_OK)
        s = pt_number_read_file(number, other, t->at + first * bytes, n, values);
    pt_file_destroy(&other);
    return s;
}

pt_status pt_onnx_tensor_integers(const pt_file *file, const pt_onnx_tensor *t,
                                  size_t max, int64_t *values, size_t *n)
{
    uint64_t value;
    pt_wire w;
    pt_status s = PT_OK;

    *n = 0;
    if (t->type == PT_ONNX_INT64 && t->place == PT_ONNX_PLAIN && t->size % 8 == 0 &&
        t->size / 8 <= max) {
        *n = (size_t)t->size / 8;
        return pt_file_read(file, t->at, values, (size_t)t->size);
    }
    if (t->type != PT_ONNX_INT64 || t->place != PT_ONNX_VARINTS)
        return pt_fail(PT_ERR_DATA, "%s: '%.80s' is no list of at most %zu integers",
                       file->path, t->name, max);
    pt_wire_init(&w, file, t->at, t->size);
    for (; pt_wire_next_varint(&w, &value, &s); ++*n) {
        if (*n == max)
            return pt_fail(PT_ERR_DATA, "%s: '%.80s' has more than %zu integers",
                           file->path, t->name, max);
        values[*n] = (int64_t)value;
    }
    return s;
}

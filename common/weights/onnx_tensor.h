/* A tensor of an ONNX model: what its message says, and where its values are. They stay
 * there until they are read: in the model's own file, or in one beside it (external
 * data). */
#ifndef PT_COMMON_WEIGHTS_ONNX_TENSOR_H
#define PT_COMMON_WEIGHTS_ONNX_TENSOR_H

#include "common/weights/numbers.h"
#include "common/weights/table.h"
#include "common/weights/wire.h"

/* TensorProto.DataType: those that are read. */
enum {
    PT_ONNX_FLOAT = 1,
    PT_ONNX_INT64 = 7,
    PT_ONNX_HALF = 10,
    PT_ONNX_DOUBLE = 11,
    PT_ONNX_BFLOAT16 = 16
};

typedef enum {
    PT_ONNX_NO_VALUES,
    PT_ONNX_PLAIN,     /* numbers one after another */
    PT_ONNX_VARINTS,   /* a list of integers: float16 as their bits, or int64 */
    PT_ONNX_SCATTERED, /* in several pieces, which nobody writes: not read */
    PT_ONNX_EXTERNAL   /* plain, in another file */
} pt_onnx_place;

typedef struct {
    char *name; /* "" without one */
    bool spare; /* of a Constant node, or another name of a tensor */
    int n_dims;
    int64_t dims[PT_TABLE_DIMS_MAX];
    int type;
    pt_onnx_place place;
    uint32_t field;    /* of the message that holds the values */
    uint64_t at, size; /* bytes of the values in their file; of external data after
                          pt_onnx_tensor_locate */
    bool has_size;     /* external data: the model says how many bytes */
    char *external;    /* the other file, whole path; or NULL */
} pt_onnx_tensor;

/* The message in bytes [at, at + size) of the file. *t is to be ended by fini, also after
 * a failure. */
PT_MUST_USE pt_status pt_onnx_tensor_parse(const pt_file *file, uint64_t at,
                                           uint64_t size, pt_onnx_tensor *t);
void pt_onnx_tensor_fini(pt_onnx_tensor *t);

/* uint8 to bool, uint32, uint64 */
bool pt_onnx_is_integers(int type);

/* Bytes of one of its numbers; 0: they are not read. */
size_t pt_onnx_number_bytes(int type);

/* Looks at the file of external data, whose tensor has `count` numbers: PT_ERR_DATA where
 * it is too short for them, with both sizes; or as pt_beside_check. Nothing for others.
 */
PT_MUST_USE pt_status pt_onnx_tensor_locate(const pt_file *file, pt_onnx_tensor *t,
                                            size_t count);

/* Notes in e what prevents the values from being read: their type, or their number. */
PT_MUST_USE pt_status pt_onnx_tensor_check(const pt_file *file, const pt_onnx_tensor *t,
                                           pt_table_entry *e);

/* Values [first, first + n) of one that has been checked. */
PT_MUST_USE pt_status pt_onnx_tensor_read(const pt_file *file, const pt_onnx_tensor *t,
                                          size_t first, size_t n, float *values);

/* The values of an int64 tensor: at most `max`, *n of them; PT_ERR_DATA for more, or
 * where it is of another type. */
PT_MUST_USE pt_status pt_onnx_tensor_integers(const pt_file *file,
                                              const pt_onnx_tensor *t, size_t max,
                                              int64_t *values, size_t *n);

/* A string of the message, malloc'd: PT_ERR_DATA where it is too long for a name, or
 * holds a zero. */
PT_MUST_USE pt_status pt_onnx_tensor_text(const pt_file *file, const pt_wire_field *field,
                                          char **text);

#endif

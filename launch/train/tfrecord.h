/* Files of records as TensorFlow writes them: length (u64), its checksum (u32), bytes,
 * their checksum (u32), little-endian. A checksum is a CRC32C, masked. */
#ifndef PT_LAUNCH_TRAIN_TFRECORD_H
#define PT_LAUNCH_TRAIN_TFRECORD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { PT_TFRECORD_HEAD = 12, PT_TFRECORD_TAIL = 4, PT_TFRECORD_MAX = 1 << 26 };

uint32_t pt_tfrecord_mask(uint32_t crc);

/* Makes a record of the n bytes that stand at record + PT_TFRECORD_HEAD; record
 * [PT_TFRECORD_HEAD + n + PT_TFRECORD_TAIL]. Pure. */
void pt_tfrecord_close(uint8_t *record, size_t n);

/* The next record's bytes [*n] into *bytes, malloc'd or NULL, which is freed and
 * replaced. false: at the end of the file, where a record is cut or damaged, or longer
 * than PT_TFRECORD_MAX, or without memory. */
bool pt_tfrecord_read(FILE *f, uint8_t **bytes, size_t *n);

#endif

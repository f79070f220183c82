/* A graph as bytes, for other ranks and for files (proto/graph.proto). */
#ifndef PT_COMMON_GRAPH_PACKED_H
#define PT_COMMON_GRAPH_PACKED_H

#include "common/graph/graph.h"

enum { PT_GRAPH_PACKED_MAX = 1 << 22 }; /* bytes */

/* The way from the input to the logits of a graph that a file described; a source head is
 * left out. The same graph gives the same bytes. *bytes is malloc'd. */
PT_MUST_USE pt_status pt_graph_pack(const pt_graph *g, uint8_t **bytes, size_t *n);

/* The graph that was packed, its initial layouts and all. PT_ERR_DATA for bytes that are
 * no graph, whatever they hold; `what` begins the line. */
PT_MUST_USE pt_status pt_graph_unpack(const uint8_t *bytes, size_t n, const char *what,
                                      pt_graph **out);

/* SHA-256 of the packed graph. */
PT_MUST_USE pt_status pt_graph_digest(const pt_graph *g, char hex[65]);

#endif

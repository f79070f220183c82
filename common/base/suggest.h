/* "did you mean": the word that was probably meant. */
#ifndef PT_COMMON_BASE_SUGGEST_H
#define PT_COMMON_BASE_SUGGEST_H

/* The closest of `names` (NULL-terminated) to `word`, within distance 2 or a third of its
 * length, and less than the whole word; upper and lower case are equal. NULL if none. */
const char *pt_suggest(const char *word, const char *const *names);

enum { PT_DID_YOU_MEAN = 96 };

/* "; did you mean '--NAME'?" of the closest, with `dashes` before it, for the end of a
 * message; "" if there is none. Returns out. */
const char *pt_did_you_mean(const char *word, const char *const *names,
                            const char *dashes, char out[PT_DID_YOU_MEAN]);

#endif

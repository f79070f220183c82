/* "did you mean": the word that somebody meant. */
#ifndef PT_COMMON_BASE_SUGGEST_H
#define PT_COMMON_BASE_SUGGEST_H

/* The closest of `names` (NULL-terminated) to `word`, within distance 2 or a third of its
 * length, and less than the whole word; upper and lower case are equal. NULL if none. */
const char *pt_suggest(const char *word, const char *const *names);

#endif

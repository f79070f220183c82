/* Command lines: a command has one table of what it takes; argp parses the words by it
 * and prints its help. Every command answers -h, --help, -V and --version, and takes
 * abbreviations of its options.
 *
 * Local. */
#ifndef PT_LAUNCH_SUPPORT_ARGS_H
#define PT_LAUNCH_SUPPORT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/base/status.h"

/* The values of an option or operand that may be repeated, in order. */
typedef struct {
    const char **list; /* [n], borrowed from argv */
    size_t n;
} pt_words;

void pt_words_fini(pt_words *words);

/* One row of the table. */
typedef struct {
    const char *option;  /* "seed" for --seed; NULL in the row of an operand */
    const char *operand; /* "FILE.yaml"; operands are read in the order of the table */
    const char *value;   /* an option's value in the help, "N"; NULL: it takes none */
    const char *help;    /* NULL: works, and is not shown */
    char letter;         /* 's' for -s too */
    bool required;       /* an option that must be given; operands all must ... */
    bool optional;       /* ... but this one */

    /* Where it goes. All may be NULL but one; `flag` may go with another. */
    bool *flag;     /* true once the option is given */
    int *number;    /* a whole number in [min, max] */
    int min, max;   /* of number; 0 <= min */
    uint64_t *seed; /* a whole number of 64 bits */
    const char **text;
    pt_words *words; /* repeatable; an operand's takes all that is left */
} pt_arg;

/* Rows; further members may follow the help, as .letter = 's'. */
#define PT_ARG_OPERAND(name, to)                                                         \
    {                                                                                    \
        .operand = (name), .text = (to)                                                  \
    }
#define PT_ARG_REST(name, to, ...)                                                       \
    {                                                                                    \
        .operand = (name), .words = (to), __VA_ARGS__                                    \
    }
#define PT_ARG_FLAG(name, to, about, ...)                                                \
    {                                                                                    \
        .option = (name), .flag = (to), .help = (about), __VA_ARGS__                     \
    }
#define PT_ARG_TEXT(name, arg, to, about, ...)                                           \
    {                                                                                    \
        .option = (name), .value = (arg), .text = (to), .help = (about), __VA_ARGS__     \
    }
#define PT_ARG_WORDS(name, arg, to, about)                                               \
    {                                                                                    \
        .option = (name), .value = (arg), .words = (to), .help = (about)                 \
    }
#define PT_ARG_NUMBER(name, arg, to, low, high, about)                                   \
    {                                                                                    \
        .option = (name), .value = (arg), .number = (to), .min = (low), .max = (high),   \
        .help = (about)                                                                  \
    }
#define PT_ARG_SEED(name, arg, to, about, ...)                                           \
    {                                                                                    \
        .option = (name), .value = (arg), .seed = (to), .help = (about), __VA_ARGS__     \
    }

/* Rows that mean the same in several commands. */
#define PT_ARG_SET(to)                                                                   \
    PT_ARG_WORDS("set", "KEY=VALUE", to,                                                 \
                 "Override a key of the configuration, as in optimizer.lr=0.01 or "      \
                 "stages.0.epochs=3 (repeatable)")
#define PT_ARG_OVERWRITE(to) PT_ARG_FLAG("overwrite", to, "Replace OUT.h5 if it exists")
#define PT_ARG_RANKS(to)                                                                 \
    PT_ARG_NUMBER("ranks", "N", to, 1, 100000,                                           \
                  "Ranks to start, without mpirun (default: one per core)")

enum { PT_ARGS_MAX = 32 };

typedef struct {
    const char *command; /* "bench step"; "" for ptrain itself */
    const char *about;   /* before the options */
    const char *notes;   /* after them; may be NULL */
    const char *example; /* command lines to type; the reader adds "Example:" */
    const pt_arg *table; /* [n], n <= PT_ARGS_MAX */
    size_t n;
    /* Checks what the rows cannot express, after all words are read: PT_ERR_USAGE. May be
     * NULL. */
    pt_status (*check)(const void *given);
    const void *given;
} pt_args;

/* The members table and n for an array. */
#define PT_ARGS_TABLE(rows) .table = (rows), .n = sizeof(rows) / sizeof *(rows)

/* Reads argv[1..argc), which it may reorder. True: the command can run, and the caller
 * ends the words. False: *code is its exit code, 0 after help or the version (stdout), 2
 * after one error line, and there are no words. In a job that mpirun or srun started only
 * the first rank prints. */
PT_MUST_USE bool pt_args_read(const pt_args *a, int argc, char **argv, int *code);

/* What --help prints. */
void pt_args_print_help(const pt_args *a, FILE *out);

#endif

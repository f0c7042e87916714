/* options.h: a subcommand's command line as one table, from which it is read and its --help printed.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_OPTIONS_H
#define ASSAY_OPTIONS_H

#include <stdint.h>

#define ASSAY_MAX_STRINGS  256
#define ASSAY_MOST_THREADS 1024 /* of one implementation */

/* An option that may come several times. */
typedef struct assay_strings {
    const char *at[ASSAY_MAX_STRINGS]; /* belong to argv */
    int count;
} assay_strings;

typedef enum assay_takes {
    ASSAY_TAKES_NOTHING, /* int: set to 1 */
    ASSAY_TAKES_TEXT,    /* const char * */
    ASSAY_TAKES_TEXTS,   /* assay_strings */
    ASSAY_TAKES_OUTPUT,  /* const char *: file to be written (paths.h) */
    ASSAY_TAKES_PAGE,    /* const char *: file for what else goes to standard output, which NULL and "-" stand for */
    ASSAY_TAKES_INPUT,   /* const char *: file to be read */
    ASSAY_TAKES_FOLDER,  /* const char *: folder to be written into, made if its parent is there */
    ASSAY_TAKES_PRIVATE, /* const char *: the same, for our eyes only */
    ASSAY_TAKES_STORE,   /* const char *: folder that is there */
    ASSAY_TAKES_COUNT,   /* int, >= 1 */
    ASSAY_TAKES_THREADS, /* int, 1 to ASSAY_MOST_THREADS */
    ASSAY_TAKES_SEED,    /* uint64_t, hexadecimal with 0x or decimal */
    ASSAY_TAKES_REAL     /* double, > 0 */
} assay_takes;

typedef struct assay_option {
    const char *name;     /* without the dashes; NULL ends the table */
    const char *argument; /* what the help calls it; NULL where it takes nothing */
    const char *text;     /* one line for the help */
    assay_takes takes;
    void *target; /* of the type that `takes` names; keeps its value where the option isn't given */
} assay_option;

typedef struct assay_usage {
    const char *command;    /* "check" */
    const char *positional; /* "OLD NEW"; NULL = none are taken */
    const char *text;       /* what it does, one or more lines */
    const char *example;    /* a command line */
} assay_usage;

/* Reads argv[1..argc), then tries out the files and folders that were given: targets must be NULL before. Returns -1 to
 * go on, or the exit status: 0 after --help (printed on stdout), 2 after an error (one line on stderr). Positional
 * arguments go to *positional (may be NULL if none are taken). */
int assay_options_read(const assay_usage *u, const assay_option *options, int argc, char **argv,
                       assay_strings *positional);

/* "0x1f", "31" -> *out; 0 where it isn't a number that fits. */
int assay_seed_parse(const char *text, uint64_t *out);

#endif

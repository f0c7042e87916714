/* options.c: getopt_long driven by the table of options.h.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/options.h"
#include "perf/cli/command.h"
#include "perf/cli/paths.h"
#include "perf/cli/print.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORD(x)     #x
#define WORD_OF(x)  WORD(x)
#define MAX_OPTIONS 32
#define MOST_COUNT  1000000
#define HELP        MAX_OPTIONS /* value of --help among the indices of the table */

static int has_argument(const assay_option *o)
{
    return o->takes == ASSAY_TAKES_NOTHING ? no_argument : required_argument;
}

static int count_options(const assay_option *options)
{
    int count = 0;
    while (options[count].name)
        count++;
    return count;
}

/* What holds without the option, as it stands in its target now: no text can say anything else. */
static void print_default(const assay_option *o)
{
    if (o->takes == ASSAY_TAKES_COUNT && *(const int *)o->target) printf("; default %d", *(const int *)o->target);
    if (o->takes == ASSAY_TAKES_REAL && *(const double *)o->target > 0)
        printf("; default %g", *(const double *)o->target);
}

static void print_help(const assay_usage *u, const assay_option *options)
{
    printf("usage: assay %s [options]%s%s\n\n%s\n\n", u->command, u->positional ? " " : "",
           u->positional ? u->positional : "", u->text);
    for (const assay_option *o = options; o->name; o++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
        printf("  %-22s %s%s", left, o->text, o->takes == ASSAY_TAKES_TEXTS ? " (may be repeated)" : "");
        print_default(o);
        printf("\n");
    }
    printf("  %-22s %s\n\nexample:\n  %s\n", "--help", "this text", u->example);
}

int assay_seed_parse(const char *text, uint64_t *out)
{
    char *end = NULL;
    const int hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    if (text[0] < '0' || text[0] > '9') return 0; /* strtoull would take a sign, or space and a sign */
    errno = 0;
    unsigned long long value = strtoull(text, &end, hexadecimal ? 16 : 10);
    if (*end != '\0' || errno) return 0;
    *out = value;
    return 1;
}

/* A number, or @FILE: several commands of one test run share a seed that way. */
static int read_seed(const char *text, uint64_t *out)
{
    char word[32] = "";
    if (text[0] != '@') return assay_seed_parse(text, out);
    FILE *f = fopen(text + 1, "r");
    int ok = f && fscanf(f, "%31s", word) == 1 && assay_seed_parse(word, out);
    if (f) fclose(f);
    return ok;
}

static int read_count(const char *text, long most, int *out)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);
    if (end == text || *end || value < 1 || value > most) return 0;
    *out = (int)value;
    return 1;
}

/* No two options name the same file if one of them writes it. */
static int try_others(const assay_usage *u, const assay_option *options, const assay_option *writes, const char *path)
{
    int status = -1;
    for (const assay_option *o = options; o->name && status < 0; o++) {
        if (o == writes || (o->takes != ASSAY_TAKES_OUTPUT && o->takes != ASSAY_TAKES_INPUT)) continue;
        const char *named = *(const char **)o->target;
        if (named) status = assay_path_other(u->command, writes->name, path, o->name, named);
    }
    return status;
}

/* Files and folders, once everything else is known to be good. What is read, `files`, is never written over. */
static int try_paths(const assay_usage *u, const assay_option *options, const assay_strings *files)
{
    static int (*const tries[])(const char *command, const char *option, const char *path) = {
        [ASSAY_TAKES_OUTPUT] = assay_path_output,   [ASSAY_TAKES_PAGE] = assay_path_output,
        [ASSAY_TAKES_INPUT] = assay_path_input,     [ASSAY_TAKES_FOLDER] = assay_path_folder,
        [ASSAY_TAKES_PRIVATE] = assay_path_private, [ASSAY_TAKES_STORE] = assay_path_store};
    int status = -1;
    for (const assay_option *o = options; o->name && status < 0; o++) {
        if ((size_t)o->takes >= sizeof tries / sizeof *tries || !tries[o->takes]) continue;
        const char *path = *(const char **)o->target;
        if (path) status = tries[o->takes](u->command, o->name, path);
        if (path && o->takes == ASSAY_TAKES_OUTPUT && status < 0) status = try_others(u, options, o, path);
        const int writes = o->takes == ASSAY_TAKES_OUTPUT || o->takes == ASSAY_TAKES_PAGE;
        for (int k = 0; path && writes && files && k < files->count && status < 0; k++)
            status = assay_path_unread(u->command, o->name, path, files->at[k]);
    }
    return status;
}

static int set(const assay_usage *u, const assay_option *o, const char *text)
{
    const char *expected = NULL;
    char *end = NULL;
    switch (o->takes) {
    case ASSAY_TAKES_NOTHING:
        *(int *)o->target = 1;
        break;
    case ASSAY_TAKES_TEXT:
    case ASSAY_TAKES_PAGE:
        *(const char **)o->target = strcmp(text, "-") ? text : NULL;
        break;
    case ASSAY_TAKES_OUTPUT:
    case ASSAY_TAKES_INPUT:
    case ASSAY_TAKES_FOLDER:
    case ASSAY_TAKES_PRIVATE:
    case ASSAY_TAKES_STORE:
        *(const char **)o->target = text;
        break;
    case ASSAY_TAKES_TEXTS: {
        assay_strings *list = o->target;
        if (list->count == ASSAY_MAX_STRINGS)
            expected = "at most 256 of them";
        else
            list->at[list->count++] = text;
        break;
    }
    case ASSAY_TAKES_COUNT:
        if (!read_count(text, MOST_COUNT, o->target)) expected = "a whole number from 1 to " WORD_OF(MOST_COUNT);
        break;
    case ASSAY_TAKES_THREADS:
        if (!read_count(text, ASSAY_MOST_THREADS, o->target))
            expected = "a whole number from 1 to " WORD_OF(ASSAY_MOST_THREADS);
        break;
    case ASSAY_TAKES_SEED:
        if (!read_seed(text, o->target))
            expected = "a number below 2^64, as 0x5eed or decimal, or @FILE that holds one";
        break;
    case ASSAY_TAKES_REAL: {
        double value = strtod(text, &end);
        if (end == text || *end || !(value > 0) || isinf(value))
            expected = "a number above 0";
        else
            *(double *)o->target = value;
        break;
    }
    }
    if (!expected) return -1;
    assay_print_error("%s: --%s '%s': expected %s", u->command, o->name, text, expected);
    return ASSAY_EXIT_USAGE;
}

/* The argument that getopt_long() has just refused. A letter that it does not know may stand in the middle of an
 * argument that optind has not passed yet; values of long options are below MAX_OPTIONS, which no letter is. */
static const char *refused(char **argv, char letter[3])
{
    if (optopt > MAX_OPTIONS) {
        snprintf(letter, 3, "-%c", optopt);
        return letter;
    }
    return argv[optind > 1 ? optind - 1 : 1];
}

int assay_options_read(const assay_usage *u, const assay_option *options, int argc, char **argv,
                       assay_strings *positional)
{
    struct option table[MAX_OPTIONS + 2] = {0};
    int count = count_options(options);
    for (int k = 0; k < count; k++) {
        table[k] = (struct option){options[k].name, has_argument(&options[k]), NULL, k};
    }
    table[count] = (struct option){"help", no_argument, NULL, HELP};

    opterr = 0;
    optind = 0; /* glibc: forget what an earlier command line left unread */
    for (int k; (k = getopt_long(argc, argv, ":h", table, NULL)) != -1;) {
        if (k == HELP || k == 'h') {
            print_help(u, options);
            return ASSAY_EXIT_HELD;
        }
        if (k == '?' || k == ':') {
            const char *what = k == ':' ? "an argument after it" : "one of the options of --help";
            char letter[3];
            assay_print_error("%s: '%s': expected %s", u->command, refused(argv, letter), what);
            return ASSAY_EXIT_USAGE;
        }
        int bad = set(u, &options[k], optarg);
        if (bad >= 0) return bad;
    }
    for (int k = optind; k < argc; k++) {
        if (!u->positional || !positional || positional->count == ASSAY_MAX_STRINGS) {
            assay_print_error("%s: '%s': expected options only; see assay %s --help", u->command, argv[k], u->command);
            return ASSAY_EXIT_USAGE;
        }
        positional->at[positional->count++] = argv[k];
    }
    return try_paths(u, options, positional);
}

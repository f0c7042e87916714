/* main.c: the program `assay`: picks the subcommand.
 * SPDX-License-Identifier: MIT */
#include "conformance/session.h"
#include "perf/cli/command.h"
#include "perf/cli/print.h"

#include <sodium.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const assay_command commands[] = {
#define COMMAND(name, summary) {#name, summary, assay_command_##name},
#include "perf/cli/commands.inc"
#undef COMMAND
};
#define COMMANDS ((int)(sizeof commands / sizeof *commands))

static void print_help(void)
{
    printf(
        "usage: assay COMMAND [options]\n\n"
        "Checks that implementations of recurrent networks compute the stated function, and times those that do.\n\n");
    for (int k = 0; k < COMMANDS; k++)
        printf("  %-9s %s\n", commands[k].name, commands[k].summary);
    printf("\nexit status: 0 all held, 1 something failed or nothing passed, 2 bad usage or input,\n"
           "             3 the suite itself could not work or was interrupted, 77 nothing but skipped\n\n"
           "example:\n  assay check --impl blas --quick\n  assay check --help\n");
}

/* How many letters one word is from another: changed, left out, put in, or two neighbours exchanged. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 16 };
    int d[LONGEST + 1][LONGEST + 1];
    const int m = (int)strnlen(a, LONGEST + 1), n = (int)strnlen(b, LONGEST + 1);
    if (m > LONGEST || n > LONGEST) return LONGEST;
    for (int i = 0; i <= m; i++)
        for (int j = 0; j <= n; j++) {
            int least = i && j ? d[i - 1][j - 1] + (a[i - 1] != b[j - 1]) : i + j;
            if (i && d[i - 1][j] + 1 < least) least = d[i - 1][j] + 1;
            if (j && d[i][j - 1] + 1 < least) least = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < least)
                least = d[i - 2][j - 2] + 1;
            d[i][j] = least;
        }
    return d[m][n];
}

static void print_unknown(const char *name)
{
    const char *nearest = NULL;
    int least = 3; /* further away it is another word */
    for (int k = 0; k < COMMANDS && *name; k++) {
        const int far = distance(name, commands[k].name);
        if (far < least && far < (int)strlen(name)) least = far, nearest = commands[k].name;
    }
    assay_print_error("'%s': expected a command%s%s; assay --help lists them", name, nearest ? ", perhaps " : "",
                      nearest ? nearest : "");
}

static int perform(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* a log of a long run is read while it grows */
    assay_parent_seal();              /* the truth is in this process, and its workers are not to look */
    if (sodium_init() < 0) {
        assay_print_error("libsodium does not start: no source of random numbers");
        return ASSAY_EXIT_UNABLE;
    }
    const char *name = argc > 1 ? argv[1] : "";
    if (!strcmp(name, "--help") || !strcmp(name, "-h") || !strcmp(name, "help")) {
        print_help();
        return ASSAY_EXIT_HELD;
    }
    if (!strcmp(name, "--version")) {
        printf("assay %s\n", ASSAY_VERSION);
        return ASSAY_EXIT_HELD;
    }
    for (int k = 0; k < COMMANDS; k++) {
        if (!strcmp(name, commands[k].name)) return commands[k].run(argc - 1, argv + 1);
    }
    print_unknown(name);
    return ASSAY_EXIT_USAGE;
}

/* A caller may have closed them: whatever is opened next would take their numbers, and be printed over. Standard output
 * is opened for reading, so that printing still fails. */
static void hold_standard_files(void)
{
    static const int modes[] = {O_RDONLY, O_RDONLY, O_WRONLY};
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", modes[fd]) != fd) exit(ASSAY_EXIT_UNABLE);
}

/* What was to be read but could not be written is no success. */
int main(int argc, char **argv)
{
    hold_standard_files();
    signal(SIGCHLD, SIG_DFL); /* a caller may ignore it: then nobody could tell how a worker ended, or that it has */
    signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error like a full disk, and told as one */
    const int status = perform(argc, argv), flushed = fflush(stdout) == 0;
    if (flushed && !ferror(stdout)) return status;
    if (!flushed && errno == EPIPE) return status; /* the reader had enough */
    assay_print_error("standard output: %s", flushed ? "not everything could be written" : strerror(errno));
    return status == ASSAY_EXIT_HELD ? ASSAY_EXIT_UNABLE : status;
}

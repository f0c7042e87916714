/* command.h: a subcommand of the program, and the exit codes that all of them share.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_COMMAND_H
#define ASSAY_COMMAND_H

/* What the program's exit status says. */
enum {
    ASSAY_EXIT_HELD = 0,    /* all held */
    ASSAY_EXIT_BROKEN = 1,  /* FAIL, CRASHED, TIMEOUT, MISTRUSTED, or nothing passed */
    ASSAY_EXIT_USAGE = 2,   /* bad usage or input */
    ASSAY_EXIT_UNABLE = 3,  /* the suite itself could not work, or was interrupted before its end */
    ASSAY_EXIT_SKIPPED = 77 /* nothing but SKIPPED */
};

typedef struct assay_command {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand; returns the exit status */
} assay_command;

/* One function a row of commands.inc, each in a file of its name. */
#define COMMAND(name, summary) int assay_command_##name(int argc, char **argv);
#include "perf/cli/commands.inc"
#undef COMMAND

#endif

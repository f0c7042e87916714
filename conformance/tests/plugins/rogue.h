/* rogue.h: the ways in which the plugin rogue.so misbehaves; a problem asks for one by its dialect's bptt_steps.
 * SPDX-License-Identifier: MIT */
#ifndef ASSAY_ROGUE_H
#define ASSAY_ROGUE_H

enum rogue {
    ROGUE_HONEST, /* y = x[0] everywhere, hn = 1; packs, keeps, unpacks its first parameter */
    ROGUE_NULL_WRITE,
    ROGUE_DIVIDE,
    ROGUE_ABORT,
    ROGUE_STACK,
    ROGUE_HANG,
    ROGUE_STOP, /* itself, by a signal that nobody can handle */
    ROGUE_KILL_ITSELF,
    ROGUE_EXIT,
    ROGUE_WRITE_INPUT,
    ROGUE_UNPROTECT_INPUT, /* ASSAY_FAILED if it could */
    ROGUE_PAST_Y,
    ROGUE_BEFORE_Y,
    ROGUE_READ_PAST_X,
    ROGUE_PAST_WORKSPACE,  /* by one byte */
    ROGUE_BEFORE_RESERVE,  /* by one byte */
    ROGUE_FAR_PAST_PACKED, /* by a page */
    ROGUE_PRINT,
    ROGUE_PRINT_MUCH, /* more than a pipe holds */
    ROGUE_ALLOCATE,   /* three times */
    ROGUE_ROUND_UP,
    ROGUE_FLUSH_SUBNORMALS,
    ROGUE_LEAVE_THREAD,
    ROGUE_FORK,
    ROGUE_EXEC,
    ROGUE_SOCKET,
    ROGUE_TRACE,
    ROGUE_KILL_PARENT,
    ROGUE_TIMER,
    ROGUE_READ_PARENT,   /* process_vm_readv() */
    ROGUE_PARENT_MEMORY, /* /proc/PPID/mem */
    ROGUE_REOPEN_INPUT,  /* x through /proc/self/map_files, for writing */
    ROGUE_MAP_INPUT,     /* x in a second place, to be written there */
    ROGUE_RAISE_LIMIT,   /* of the size of files */
    ROGUE_LEAVE_GROUP,   /* that the parent ends, for the parent's own */
    ROGUE_OTHER_ABI,     /* a call by the numbers of x32 */
    ROGUE_RING,          /* io_uring, whose operations pass no filter */
    ROGUE_QUEUE,         /* of messages, that outlives the process */
    ROGUE_HANDLER,       /* in place of the one that reports a forbidden call */
    ROGUE_SEARCH_MEMORY, /* for 2 x + 1, which the test knows */
    ROGUE_OPEN_FILE,     /* ASSAY_FAILED if it could, as all of these from ROGUE_FORK on */
    ROGUE_LOOK_AROUND,   /* ASSAY_FAILED if it is root or finds the secret in its environment */
    ROGUE_USER,          /* y[0] = its user's number */
    ROGUE_BAD_STATUS,
    ROGUE_GARBAGE,     /* writes to the worker's socket */
    ROGUE_HANG_UP,     /* closes the worker's socket and waits */
    ROGUE_CHANGE_ARGS, /* writes into the struct that it is given */
    ROGUE_HUGE,        /* states a workspace that no machine has */
    ROGUE_NO_PLAN,     /* ASSAY_OK without a plan */
    ROGUE_PLAN_CRASH,
    ROGUE_UNSUPPORTED /* with a reason that holds an escape sequence */
};

/* A variable that a parent has, but no worker. */
#define ROGUE_SECRET "ASSAY_TEST_SECRET"

/* What rogue.so prints. */
#define ROGUE_TEXT "rogue was here"

#endif

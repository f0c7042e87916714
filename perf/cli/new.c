/* new.c: `assay new`: the source of a plugin that compiles, and the command that builds it.
 * SPDX-License-Identifier: MIT */
#include "conformance/file.h"
#include "perf/cli/command.h"
#include "perf/cli/options.h"
#include "perf/cli/paths.h"
#include "perf/cli/print.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_BYTES (1 << 16)
#define LONGEST    32 /* name: it stands in records and tables */

/* Words of the template: what `@if` asks for. The ops come first. */
static const char *const words[] = {"rnn", "xent", "ctc", "network", "host", "cuda"};
static const char *const enumerators[] = {"ASSAY_OP_RNN", "ASSAY_OP_XENT", "ASSAY_OP_CTC", "ASSAY_OP_NETWORK"};
enum { OPS = sizeof enumerators / sizeof *enumerators, WORDS = sizeof words / sizeof *words, HOST = OPS, CUDA };

typedef struct request {
    const char *name;
    int has[WORDS];
    char file[64], ops[64], others[256]; /* what stands for @file@, @ops@, @others@ */
} request;

static int refuse(const char *what, const char *given, const char *expected)
{
    assay_print_error("new: %s'%s': expected %s", what, given, expected);
    return ASSAY_EXIT_USAGE;
}

static int word_of(const char *text, size_t length)
{
    for (int k = 0; k < WORDS; k++)
        if (strlen(words[k]) == length && !strncmp(words[k], text, length)) return k;
    return -1;
}

static int read_ops(request *q, const char *list)
{
    for (const char *at = list; *at; at += *at == ',') {
        const size_t length = strcspn(at, ",");
        const int k = word_of(at, length);
        if (k < 0 || k >= OPS) return refuse("--ops ", list, "some of rnn,xent,ctc,network");
        q->has[k] = 1;
        at += length;
    }
    for (int k = 0; k < OPS; k++) {
        if (!q->has[k]) continue;
        const size_t ops = strlen(q->ops), others = strlen(q->others);
        snprintf(q->ops + ops, sizeof q->ops - ops, "%s%s", ops ? ", " : "", words[k]);
        snprintf(q->others + others, sizeof q->others - others, "%sp->op != %s", others ? " && " : "", enumerators[k]);
    }
    return *q->ops ? -1 : refuse("--ops ", list, "some of rnn,xent,ctc,network");
}

static int read_request(request *q, const assay_strings *names, const char *place, const char *ops)
{
    if (names->count != 1) return refuse("", names->count ? names->at[1] : "", "one NAME");
    q->name = names->at[0];
    const size_t length = strlen(q->name);
    if (!length || length > LONGEST || strspn(q->name, "abcdefghijklmnopqrstuvwxyz0123456789-") != length)
        return refuse("", q->name, "a name of 1 to 32 of a-z, 0-9 and -, as it will stand in tables");
    const int where = word_of(place, strlen(place));
    if (where != HOST && where != CUDA) return refuse("--place ", place, "host or cuda");
    q->has[where] = 1;
    snprintf(q->file, sizeof q->file, "%s.%s", q->name, where == CUDA ? "cu" : "c");
    return read_ops(q, ops);
}

/* Does a line "@if WORD..." ask for something that is wanted? */
static int wanted(const request *q, const char *line, size_t length)
{
    for (size_t at = strlen("@if "); at < length;) {
        const size_t word = strcspn(line + at, " \n");
        const int k = word_of(line + at, word);
        if (k >= 0 && q->has[k]) return 1;
        at += word + 1;
    }
    return 0;
}

/* One line with its @name@ and the like replaced. */
static void fill(const request *q, const char *line, size_t length, FILE *out)
{
    const char *const values[][2] = {
        {"@name@", q->name}, {"@file@", q->file}, {"@ops@", q->ops}, {"@others@", q->others}};
    for (size_t at = 0; at < length;) {
        const char *value = NULL;
        for (size_t k = 0; k < sizeof values / sizeof *values && !value; k++) {
            const size_t size = strlen(values[k][0]);
            if (size > length - at || strncmp(line + at, values[k][0], size)) continue;
            value = values[k][1];
            at += size;
        }
        if (value)
            fputs(value, out);
        else
            fputc(line[at++], out);
    }
}

static void fill_all(const request *q, const char *text, FILE *out)
{
    int on = 1;
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        length += line[length] == '\n';
        if (!strncmp(line, "@if ", 4))
            on = wanted(q, line, length);
        else if (!strncmp(line, "@end", 4))
            on = 1;
        else if (on)
            fill(q, line, length, out);
        line += length;
    }
}

static int write_source(const request *q, const char *template)
{
    char *made = NULL, why[PATH_MAX + 128];
    size_t size = 0;
    FILE *out = open_memstream(&made, &size);
    if (out) fill_all(q, template, out);
    const int whole = out && !ferror(out);
    assay_status status = ASSAY_NO_MEMORY;
    if ((!out || !fclose(out)) && whole) status = assay_file_write(q->file, made, size, why, sizeof why);
    if (status == ASSAY_NO_MEMORY) snprintf(why, sizeof why, "%s: no memory", q->file);
    free(made);
    if (status == ASSAY_OK) return -1;
    assay_print_error("new: %s", why);
    return ASSAY_EXIT_UNABLE;
}

static void say(const request *q, const char *include)
{
    printf("%s: where it says \"yours\" it is yours. Build, and check:\n", q->file);
    if (q->has[CUDA])
        printf("  nvcc -std=c++20 -O2 -arch=native -shared -Xcompiler -fPIC,-fvisibility=hidden -I %s %s -o %s.so\n",
               include, q->file, q->name);
    else
        printf("  cc -std=c11 -O2 -shared -fPIC -fvisibility=hidden -I %s %s -o %s.so -lm\n", include, q->file,
               q->name);
    printf("  assay check --impl ./%s.so --quick\n", q->name);
}

int assay_command_new(int argc, char **argv)
{
    static const assay_usage usage = {
        "new", "NAME",
        "Writes NAME.c, or NAME.cu, into this folder: a plugin that compiles and says UNSUPPORTED until it is filled\n"
        "in. Prints the command that builds it. A file that is there stays as it is: exit status 2.",
        "assay new mine --ops ctc"};
    const char *place = "host", *ops = "rnn,xent,ctc,network";
    char include[PATH_MAX], folder[PATH_MAX], path[PATH_MAX + 16], why[PATH_MAX + 128], *template = NULL;
    request q = {0};
    assay_strings names = {{0}, 0};
    size_t size;
    const assay_option options[] = {
        {"place", "PLACE", "host (C, default) or cuda (CUDA C++)", ASSAY_TAKES_TEXT, &place},
        {"ops", "OP,...", "what it will offer, of rnn, xent, ctc, network; default all", ASSAY_TAKES_TEXT, &ops},
        {0}};
    int status = assay_options_read(&usage, options, argc, argv, &names);
    if (status >= 0 || (status = read_request(&q, &names, place, ops)) >= 0) return status;
    if (access(q.file, F_OK) == 0) return refuse("", q.file, "no such file: what is there stays");
    assay_path_own("include", NULL, include, sizeof include);
    snprintf(path, sizeof path, "%s/plugin.in", assay_path_own("share", "new", folder, sizeof folder));
    if (assay_file_read(path, MOST_BYTES, &template, &size, why, sizeof why) != ASSAY_OK) {
        assay_print_error("new: %s", why);
        return ASSAY_EXIT_UNABLE;
    }
    status = write_source(&q, template);
    free(template);
    if (status >= 0) return status;
    say(&q, include);
    return ASSAY_EXIT_HELD;
}

/* test_options.c: the command line is read as its table says, and bad input never slips through.
 * SPDX-License-Identifier: MIT */
#include "perf/cli/options.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct values {
    int flag, count;
    uint64_t seed;
    double real;
    int threads;
    const char *text, *output, *second, *page, *input, *folder, *private, *store;
    assay_strings texts, positional;
} values;

/* Reads a NULL-terminated command line. */
static int read_line(values *v, const char *positional, char **argv)
{
    const assay_usage usage = {"test", positional, "Tests.", "assay test"};
    const assay_option options[] = {{"flag", NULL, "a flag", ASSAY_TAKES_NOTHING, &v->flag},
                                    {"count", "N", "a count", ASSAY_TAKES_COUNT, &v->count},
                                    {"seed", "SEED", "a seed", ASSAY_TAKES_SEED, &v->seed},
                                    {"real", "X", "a number", ASSAY_TAKES_REAL, &v->real},
                                    {"text", "TEXT", "a text", ASSAY_TAKES_TEXT, &v->text},
                                    {"threads", "N", "threads", ASSAY_TAKES_THREADS, &v->threads},
                                    {"output", "FILE", "a file", ASSAY_TAKES_OUTPUT, &v->output},
                                    {"second", "FILE", "a file", ASSAY_TAKES_OUTPUT, &v->second},
                                    {"page", "FILE", "a file", ASSAY_TAKES_PAGE, &v->page},
                                    {"input", "FILE", "a file", ASSAY_TAKES_INPUT, &v->input},
                                    {"private", "DIR", "a folder", ASSAY_TAKES_PRIVATE, &v->private},
                                    {"folder", "DIR", "a folder", ASSAY_TAKES_FOLDER, &v->folder},
                                    {"store", "DIR", "a folder", ASSAY_TAKES_STORE, &v->store},
                                    {"texts", "TEXT", "texts", ASSAY_TAKES_TEXTS, &v->texts},
                                    {0}};
    int argc = 0;
    while (argv[argc])
        argc++;
    return assay_options_read(&usage, options, argc, argv, &v->positional);
}
#define LINE(...) ((char *[]){"test", __VA_ARGS__, NULL})

static void every_kind_is_read(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL,
                               LINE("--flag", "--count", "3", "--seed=0xffffffffffffffff", "--real", "0.5", "--text",
                                    "a", "--texts", "b", "--texts", "c")),
                     -1);
    assert_int_equal(v.flag, 1);
    assert_int_equal(v.count, 3);
    assert_true(v.seed == UINT64_MAX);
    assert_true(v.real == 0.5);
    assert_string_equal(v.text, "a");
    assert_int_equal(v.texts.count, 2);
    assert_string_equal(v.texts.at[1], "c");
}

static void absent_options_keep_their_values(void **state)
{
    (void)state;
    values v = {.count = 7};
    assert_int_equal(read_line(&v, NULL, LINE("--flag")), -1);
    assert_int_equal(v.count, 7);
}

static void a_count_is_a_whole_number_from_one(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--count", "0")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--count", "-1")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--count", "2.5")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--count", "99999999999")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--count", "")), 2);
}

static void threads_have_a_bound(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--threads", "0")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--threads", "1025")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--threads", "1024")), -1);
    assert_int_equal(v.threads, 1024);
}

static void an_output_can_be_written_and_is_not_yet(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--output", "no/such/folder/file")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--output", "/proc/file")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--output", ".")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--output", "")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--output", "test_options.tmp")), -1);
    assert_int_not_equal(access("test_options.tmp", F_OK), 0);
}

static void a_dash_is_standard_output_or_refused(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--output", "-")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "-")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--private", "-")), 2);
    assert_int_not_equal(access("-", F_OK), 0);
    v = (values){0};
    assert_int_equal(read_line(&v, NULL, LINE("--output", "./-")), -1);
    assert_int_equal(read_line(&v, NULL, LINE("--page", "test_options.tmp", "--page", "-")), -1);
    assert_null(v.page);
    assert_int_equal(read_line(&v, NULL, LINE("--page", "test_options.tmp")), -1);
    assert_string_equal(v.page, "test_options.tmp");
    assert_int_equal(read_line(&v, NULL, LINE("--page", "no/such/file")), 2);
}

static void two_options_do_not_name_one_file(void **state)
{
    (void)state;
    values v = {0};
    FILE *f = fopen("test_options.tmp", "w");
    assert_non_null(f);
    fclose(f);
    assert_int_equal(read_line(&v, NULL, LINE("--output", "test_options.tmp", "--input", "test_options.tmp")), 2);
    assert_int_equal(remove("test_options.tmp"), 0);
    v = (values){0};
    assert_int_equal(read_line(&v, NULL, LINE("--output", "test_options.tmp", "--second", "test_options.tmp")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--output", "test_options.tmp", "--second", "test_options.2")), -1);
    assert_int_equal(read_line(&v, NULL, LINE("--output", "/dev/null", "--second", "/dev/null")), -1);
}

static void an_input_is_a_file_that_is_there(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--input", "no/such/file")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--input", ".")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--input", "/proc/self/exe")), -1);
}

static void a_folder_is_made_in_one_that_is_there(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "no/such")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "/dev/null")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "/proc")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "test_options.folder")), -1);
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "test_options.folder")), -1);
    assert_int_equal(rmdir("test_options.folder"), 0); /* empty: what was tried out is gone */
}

static void a_store_is_there_already(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--store", "test_options.folder")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--store", "/dev/null")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--store", "/proc")), -1);
}

/* A file that a bad line names is not touched: paths come after everything else. */
static void paths_are_tried_last(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--folder", "test_options.folder", "--count", "0")), 2);
    assert_int_not_equal(rmdir("test_options.folder"), 0);
}

static void a_real_is_finite_and_positive(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--real", "nan")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--real", "inf")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--real", "0")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--real", "1x")), 2);
}

static void a_seed_fits_in_64_bits(void **state)
{
    (void)state;
    uint64_t seed = 5;
    assert_false(assay_seed_parse("0x10000000000000000", &seed));
    assert_false(assay_seed_parse("-1", &seed));
    assert_false(assay_seed_parse("", &seed));
    assert_false(assay_seed_parse("12 ", &seed));
    assert_false(assay_seed_parse(" -1", &seed));
    assert_true(seed == 5);
    assert_true(assay_seed_parse("010", &seed)); /* decimal, as the help says */
    assert_true(seed == 10);
    assert_true(assay_seed_parse("0x5eed", &seed));
    assert_true(seed == 0x5eed);
}

static void unknown_and_incomplete_options_are_refused(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("--nothing")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--count")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("--flag=1")), 2);
    assert_int_equal(read_line(&v, NULL, LINE("-x")), 2);
}

static void positional_arguments_go_where_they_are_taken(void **state)
{
    (void)state;
    values v = {0};
    assert_int_equal(read_line(&v, NULL, LINE("old")), 2);
    assert_int_equal(read_line(&v, "OLD NEW", LINE("old", "--flag", "new")), -1);
    assert_int_equal(v.positional.count, 2);
    assert_string_equal(v.positional.at[1], "new");
}

/* Defaults come from where the program takes them. */
static void help_tells_the_defaults_that_hold(void **state)
{
    (void)state;
    values v = {.count = 7, .real = 2.5};
    char text[2048] = "";
    FILE *kept = tmpfile();
    fflush(stdout);
    int terminal = dup(STDOUT_FILENO);
    assert_true(kept && terminal >= 0 && dup2(fileno(kept), STDOUT_FILENO) >= 0);
    int status = read_line(&v, NULL, LINE("--help"));
    fflush(stdout);
    dup2(terminal, STDOUT_FILENO);
    close(terminal);
    rewind(kept);
    assert_true(fread(text, 1, sizeof text - 1, kept) > 0);
    fclose(kept);
    assert_int_equal(status, 0);
    assert_non_null(strstr(text, "a count; default 7\n"));
    assert_non_null(strstr(text, "a number; default 2.5\n"));
    assert_non_null(strstr(text, "threads\n"));
}

/* What a line makes the program say, in one line. */
static void told(char **argv, char *said, size_t size)
{
    values v = {0};
    FILE *t = tmpfile();
    const int saved = dup(STDERR_FILENO);
    assert_true(t && saved >= 0 && dup2(fileno(t), STDERR_FILENO) >= 0);
    const int status = read_line(&v, NULL, argv);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    rewind(t);
    assert_non_null(fgets(said, (int)size, t));
    fclose(t);
    assert_int_equal(status, 2);
}

static void a_refusal_names_the_argument_that_is_wrong(void **state)
{
    char said[256];
    (void)state;
    told(LINE("--flag", "--flog"), said, sizeof said);
    assert_non_null(strstr(said, "'--flog'"));
    told(LINE("--flag", "-xy"), said, sizeof said); /* a letter, with more behind it */
    assert_non_null(strstr(said, "'-x'"));
    told(LINE("--flag", "-x"), said, sizeof said);
    assert_non_null(strstr(said, "'-x'"));
    told(LINE("--flag=3", "--count", "4"), said, sizeof said);
    assert_non_null(strstr(said, "'--flag=3'"));
    told(LINE("--flag", "--count"), said, sizeof said);
    assert_non_null(strstr(said, "'--count'"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read),
        cmocka_unit_test(absent_options_keep_their_values),
        cmocka_unit_test(a_count_is_a_whole_number_from_one),
        cmocka_unit_test(threads_have_a_bound),
        cmocka_unit_test(an_output_can_be_written_and_is_not_yet),
        cmocka_unit_test(a_dash_is_standard_output_or_refused),
        cmocka_unit_test(two_options_do_not_name_one_file),
        cmocka_unit_test(an_input_is_a_file_that_is_there),
        cmocka_unit_test(a_folder_is_made_in_one_that_is_there),
        cmocka_unit_test(a_store_is_there_already),
        cmocka_unit_test(paths_are_tried_last),
        cmocka_unit_test(a_real_is_finite_and_positive),
        cmocka_unit_test(a_seed_fits_in_64_bits),
        cmocka_unit_test(unknown_and_incomplete_options_are_refused),
        cmocka_unit_test(positional_arguments_go_where_they_are_taken),
        cmocka_unit_test(a_refusal_names_the_argument_that_is_wrong),
        cmocka_unit_test(help_tells_the_defaults_that_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

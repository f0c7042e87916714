/* test_file.c: files are whole or untouched, whatever fails; hashes are those of sha256sum.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/file.h"
#include "conformance/hash.h"
#include "conformance/worker/mapped.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every test runs in an empty folder of its own, as the working directory. */
static int enter(void **state)
{
    char folder[] = "/tmp/assay-test-XXXXXX";
    *state = mkdtemp(folder) ? strdup(folder) : NULL;
    return *state && chdir(*state) == 0 ? 0 : -1;
}

static int leave(void **state)
{
    static const char *const names[] = {"a", "b", "link", "pipe"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        unlink(names[k]);
    int left = chdir("/") != 0 || rmdir(*state) != 0; /* a temporary file left behind shows here */
    free(*state);
    return left;
}

static assay_status put(const char *path, const char *text, char *why)
{
    return assay_file_write(path, text, strlen(text), why, 256);
}

static void holds(const char *path, const char *text)
{
    char *bytes, why[256] = "";
    size_t size;
    assert_int_equal(assay_file_read(path, 1 << 20, &bytes, &size, why, sizeof why), ASSAY_OK);
    assert_int_equal(size, strlen(text));
    assert_string_equal(bytes, text);
    free(bytes);
}

static int files_here(void)
{
    DIR *folder = opendir(".");
    int count = -2; /* . and .. */
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(put("a", "one\n", why), ASSAY_OK);
    holds("a", "one\n");
    assert_int_equal(put("a", "", why), ASSAY_OK);
    holds("a", "");
    assert_int_equal(files_here(), 1);
}

static void rights_of_the_old_file_are_kept(void **state)
{
    (void)state;
    char why[256];
    struct stat st;
    put("a", "one", why);
    chmod("a", 0640);
    put("a", "two", why);
    assert_int_equal(stat("a", &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void a_link_stays_a_link(void **state)
{
    (void)state;
    char why[256];
    struct stat st;
    put("a", "one", why);
    assert_int_equal(symlink("a", "link"), 0);
    assert_int_equal(put("link", "two", why), ASSAY_OK);
    assert_int_equal(lstat("link", &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    holds("a", "two");
}

static void no_room_leaves_the_old_content(void **state)
{
    (void)state;
    struct rlimit before, small;
    char why[256], *large = calloc(1, 100000);
    memset(large, 'x', 99999);
    put("a", "one", why);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = 5000;
    setrlimit(RLIMIT_FSIZE, &small);
    assay_status st = put("a", large, why);
    setrlimit(RLIMIT_FSIZE, &before);
    free(large);
    assert_int_equal(st, ASSAY_FAILED);
    assert_string_equal(why, "a: could not be written: File too large");
    holds("a", "one");
    assert_int_equal(files_here(), 1);
}

static void a_full_disk_is_told(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(put("/dev/full", "one", why), ASSAY_FAILED);
    assert_string_equal(why, "/dev/full: could not be written: No space left on device");
}

static void a_device_stays_a_device(void **state)
{
    (void)state;
    char why[256];
    struct stat st;
    assert_int_equal(put("/dev/null", "one", why), ASSAY_OK);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void a_missing_folder_is_told(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(put("nowhere/a", "one", why), ASSAY_FAILED);
    assert_string_equal(why, "nowhere/a: could not be written: No such file or directory");
}

static void a_folder_is_not_overwritten(void **state)
{
    (void)state;
    char why[256];
    assert_int_equal(put("/", "one", why), ASSAY_FAILED);
    assert_string_equal(why, "/: could not be written: Is a directory");
}

static void a_long_path_is_told(void **state)
{
    (void)state;
    char why[8192], path[5000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = '\0';
    assert_int_equal(assay_file_write(path, "x", 1, why, sizeof why), ASSAY_FAILED);
    assert_non_null(strstr(why, "could not be written: File name too long"));
}

static void a_probe_says_what_writing_would_and_leaves_nothing(void **state)
{
    (void)state;
    char why[256] = "", name[300];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(assay_file_probe("a", why, sizeof why), ASSAY_OK);
    assert_int_equal(files_here(), 0);
    assert_int_equal(assay_file_probe("/dev/null", why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_file_probe("no/such", why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "no/such: could not be written: No such file or directory");
    assert_int_equal(assay_file_probe(".", why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, ".: could not be written: Is a directory");
    assert_int_equal(assay_file_probe("", why, sizeof why), ASSAY_FAILED);
    assert_int_equal(assay_file_probe(name, why, sizeof why), ASSAY_FAILED);
    put("a", "one", why);
    assert_int_equal(assay_file_probe("a", why, sizeof why), ASSAY_OK);
    holds("a", "one");
}

static void reading_has_a_limit(void **state)
{
    (void)state;
    char why[256], *bytes;
    size_t size;
    put("a", "12345", why);
    assert_int_equal(assay_file_read("a", 5, &bytes, &size, why, sizeof why), ASSAY_OK);
    free(bytes);
    assert_int_equal(assay_file_read("a", 4, &bytes, &size, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, "a: longer than 4 bytes, the most that is expected here");
    assert_null(bytes);
}

static void large_files_are_read_whole(void **state)
{
    (void)state;
    char why[256], *large = calloc(1, 100001), *bytes;
    size_t size;
    memset(large, 'x', 100000);
    put("a", large, why);
    assert_int_equal(assay_file_read("a", 100000, &bytes, &size, why, sizeof why), ASSAY_OK);
    assert_int_equal(size, 100000);
    assert_string_equal(bytes, large);
    free(bytes);
    free(large);
}

static void a_missing_file_is_told(void **state)
{
    (void)state;
    char why[256], *bytes;
    size_t size;
    assert_int_equal(assay_file_read("a", 9, &bytes, &size, why, sizeof why), ASSAY_FAILED);
    assert_string_equal(why, "a: could not be read: No such file or directory");
}

static void a_pipe_is_not_waited_for(void **state)
{
    (void)state;
    char why[256], *bytes;
    size_t size;
    assert_int_equal(mkfifo("pipe", 0600), 0);
    assert_int_equal(assay_file_read("pipe", 9, &bytes, &size, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, "pipe: not an ordinary file");
}

/* FIPS 180-2, appendix B.1. */
static const char abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

static void hashes_are_those_of_the_standard(void **state)
{
    (void)state;
    char hex[ASSAY_HEX];
    assay_hash_bytes("abc", 3, hex);
    assert_string_equal(hex, abc);
    assay_hash_bytes("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_changed_file_has_another_hash(void **state)
{
    (void)state;
    char first[ASSAY_HEX], again[ASSAY_HEX], second[ASSAY_HEX], why[256];
    put("a", "abc", why);
    assert_int_equal(assay_hash_file("a", first, why, sizeof why), ASSAY_OK);
    assert_int_equal(assay_hash_file("a", again, why, sizeof why), ASSAY_OK);
    put("a", "abd", why);
    assert_int_equal(assay_hash_file("a", second, why, sizeof why), ASSAY_OK);
    assert_string_equal(first, abc);
    assert_string_equal(again, abc);
    assert_string_not_equal(second, abc);
}

static void what_cannot_be_hashed_is_told(void **state)
{
    (void)state;
    char hex[ASSAY_HEX], why[256];
    assert_int_equal(assay_hash_file("a", hex, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, "a: No such file or directory");
    assert_int_equal(assay_hash_file("/", hex, why, sizeof why), ASSAY_BAD_ARGUMENT);
    assert_string_equal(why, "/: Is a directory");
    assert_int_equal(assay_hash_file("/dev/zero", hex, why, sizeof why), ASSAY_BAD_ARGUMENT);
}

static void a_list_hashes_as_a_set_of_contents(void **state)
{
    (void)state;
    char one[ASSAY_HEX], two[ASSAY_HEX], three[ASSAY_HEX], why[256];
    put("a", "abc", why);
    put("b", "abd", why);
    assay_mapped_hash("a\nb\n", one);
    assay_mapped_hash("b\na\nb\n", two);
    assay_mapped_hash("a\n", three);
    assert_string_equal(one, two);
    assert_string_not_equal(one, three);
    assay_mapped_hash("a\nnowhere\n", three);
    assert_string_equal(three, "");
}

static void own_mappings_are_listed(void **state)
{
    (void)state;
    char *list = assay_mapped_list((int)getpid());
    assert_non_null(list);
    assert_non_null(strstr(list, "libc"));
    free(list);
    assert_null(assay_mapped_list(-1));
}

static void seeds_differ(void **state)
{
    (void)state;
    assert_true(assay_seed_fresh() != assay_seed_fresh());
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(what_was_written_is_read),
        HERE(rights_of_the_old_file_are_kept),
        HERE(a_link_stays_a_link),
        HERE(no_room_leaves_the_old_content),
        HERE(a_full_disk_is_told),
        HERE(a_device_stays_a_device),
        HERE(a_missing_folder_is_told),
        HERE(a_folder_is_not_overwritten),
        HERE(a_long_path_is_told),
        HERE(a_probe_says_what_writing_would_and_leaves_nothing),
        HERE(reading_has_a_limit),
        HERE(large_files_are_read_whole),
        HERE(a_missing_file_is_told),
        HERE(a_pipe_is_not_waited_for),
        HERE(hashes_are_those_of_the_standard),
        HERE(a_changed_file_has_another_hash),
        HERE(what_cannot_be_hashed_is_told),
        HERE(a_list_hashes_as_a_set_of_contents),
        cmocka_unit_test(own_mappings_are_listed),
        cmocka_unit_test(seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

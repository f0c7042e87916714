/* test_memory.c: memory files: placement, canaries, seals.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/session.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 100 };

static assay_memory make(size_t bytes, assay_placement placement, int input)
{
    assay_memory m;
    assert_int_equal(assay_memory_make(bytes, placement, input, &m), ASSAY_OK);
    return m;
}

static int writable_mapping(const assay_memory *m)
{
    void *map = mmap(NULL, m->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
    if (map == MAP_FAILED) return 0;
    munmap(map, m->map_bytes);
    return 1;
}

static void start_is_aligned_to_64_bytes(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_START, 0);
    assert_int_equal((uintptr_t)assay_memory_data(&m) % 64, 0);
    assert_int_equal(m.offset, 0);
    assay_memory_free(&m);
}

static void end_is_flush_with_the_last_page(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_END, 0);
    assert_int_equal(m.offset + m.bytes, m.map_bytes);
    assert_int_equal(m.map_bytes % (size_t)sysconf(_SC_PAGESIZE), 0);
    assay_memory_free(&m);
}

static void odd_is_aligned_to_so_many_bytes_and_no_more(void **state)
{
    static const assay_placement odd[] = {ASSAY_PLACE_ODD_4, ASSAY_PLACE_ODD_8};
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        const size_t by = 4 << k;
        assay_memory m = make(page, odd[k], 0); /* a whole page, which is one no longer */
        assert_int_equal((uintptr_t)assay_memory_data(&m) % (2 * by), by);
        assert_int_equal(m.map_bytes, 2 * page);
        assert_int_equal(assay_memory_canary_broken(&m), -1);
        ((unsigned char *)assay_memory_data(&m))[-1] = 0;
        assert_int_equal(assay_memory_canary_broken(&m), -2);
        assay_memory_free(&m);
    }
}

static void new_memory_is_nan_between_canaries(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_END, 0);
    const unsigned char *data = assay_memory_data(&m);
    assert_int_equal(data[0], 0xFF);
    assert_int_equal(data[BYTES - 1], 0xFF);
    assert_int_not_equal(data[-1], 0xFF);
    assert_int_equal(assay_memory_canary_broken(&m), -1);
    assay_memory_free(&m);
}

static void the_nearest_broken_byte_behind_is_told(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_START, 0);
    unsigned char *data = assay_memory_data(&m);
    data[BYTES + 200] = 0;
    assert_int_equal(assay_memory_canary_broken(&m), BYTES + 200);
    data[BYTES] = 0;
    assert_int_equal(assay_memory_canary_broken(&m), BYTES);
    assay_memory_free(&m);
}

static void the_nearest_broken_byte_in_front_is_told(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_END, 0);
    unsigned char *data = assay_memory_data(&m);
    data[-300] = 0;
    assert_int_equal(assay_memory_canary_broken(&m), -1 - 300);
    data[-1] = 0;
    assert_int_equal(assay_memory_canary_broken(&m), -1 - 1);
    assay_memory_free(&m);
}

static void poison_restores_everything(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_START, 1);
    unsigned char *data = assay_memory_data(&m);
    data[0] = data[BYTES] = 0;
    assay_memory_poison(&m);
    assert_int_equal(data[0], 0xFF);
    assert_int_equal(assay_memory_canary_broken(&m), -1);
    assay_memory_free(&m);
}

static void no_bytes_are_a_page_of_canaries(void **state)
{
    (void)state;
    assay_memory m = make(0, ASSAY_PLACE_START, 0);
    assert_int_equal(m.map_bytes, sysconf(_SC_PAGESIZE));
    m.map[0] = 0;
    assert_int_equal(assay_memory_canary_broken(&m), 0);
    assay_memory_free(&m);
}

static void whole_pages_have_no_slack(void **state)
{
    (void)state;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    assay_memory m = make(2 * page, ASSAY_PLACE_END, 0);
    assert_int_equal(m.map_bytes, 2 * page);
    assert_int_equal(assay_memory_canary_broken(&m), -1);
    assay_memory_free(&m);
}

static void an_input_is_sealed_against_others(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_END, 1);
    assert_false(writable_mapping(&m));
    assert_int_equal(pwrite(m.fd, "x", 1, 0), -1);
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", m.fd);
    int again = open(path, O_RDWR); /* another description of the same file, with the same seals */
    assert_true(again >= 0);
    assert_int_equal(pwrite(again, "x", 1, 0), -1);
    assert_ptr_equal(mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0), MAP_FAILED);
    close(again);
    ((unsigned char *)assay_memory_data(&m))[0] = 1; /* the parent goes on writing */
    assay_memory_free(&m);
}

static void an_output_can_be_written_but_not_resized(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_END, 0);
    assert_true(writable_mapping(&m));
    assert_int_equal(ftruncate(m.fd, 0), -1);
    assert_int_equal(ftruncate(m.fd, 1 << 20), -1);
    assay_memory_free(&m);
}

static void more_than_the_machine_has_is_no_memory(void **state)
{
    (void)state;
    assay_memory m;
    assert_int_equal(assay_memory_make((size_t)1 << 60, ASSAY_PLACE_END, 0, &m), ASSAY_NO_MEMORY);
    assert_int_equal(m.fd, -1);
    assert_null(assay_memory_data(&m));
    assert_int_equal(assay_memory_canary_broken(&m), -1);
}

static void freeing_twice_is_fine(void **state)
{
    (void)state;
    assay_memory m = make(BYTES, ASSAY_PLACE_END, 0), zeroed = {0};
    assay_memory_free(&m);
    assay_memory_free(&m);
    assay_memory_poison(&m);
    assay_memory_free(&zeroed); /* and doesn't close descriptor 0 */
    assert_int_equal(m.fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(start_is_aligned_to_64_bytes),
        cmocka_unit_test(end_is_flush_with_the_last_page),
        cmocka_unit_test(odd_is_aligned_to_so_many_bytes_and_no_more),
        cmocka_unit_test(new_memory_is_nan_between_canaries),
        cmocka_unit_test(the_nearest_broken_byte_behind_is_told),
        cmocka_unit_test(the_nearest_broken_byte_in_front_is_told),
        cmocka_unit_test(poison_restores_everything),
        cmocka_unit_test(no_bytes_are_a_page_of_canaries),
        cmocka_unit_test(whole_pages_have_no_slack),
        cmocka_unit_test(an_input_is_sealed_against_others),
        cmocka_unit_test(an_output_can_be_written_but_not_resized),
        cmocka_unit_test(more_than_the_machine_has_is_no_memory),
        cmocka_unit_test(freeing_twice_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

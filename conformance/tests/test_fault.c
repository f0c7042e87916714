/* test_fault.c: what a fault report says: the signal, the call, and the byte of which tensor.
 * SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conformance/worker/fault.h"
#include "conformance/worker/sandbox.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

/* An input x of 40 bytes at 0x10001000 and a workspace of 100 bytes at 0x20001f80, each in one page between guards. */
static const assay_region regions[] = {{.base = (unsigned char *)0x10000000,
                                        .reserved = 0x3000,
                                        .low = (unsigned char *)0x10001000,
                                        .room = 0x1000,
                                        .data = (unsigned char *)0x10001000,
                                        .bytes = 40,
                                        .input = 1,
                                        .name = "x"},
                                       {.base = NULL},
                                       {.base = (unsigned char *)0x20000000,
                                        .reserved = 0x3000,
                                        .low = (unsigned char *)0x20001000,
                                        .room = 0x1000,
                                        .data = (unsigned char *)0x20001f80,
                                        .bytes = 100,
                                        .name = "workspace"},
                                       {.device = (unsigned char *)0x30000000, .device_room = 0x1000, .name = "y"}};

static void says(int number, int code, uintptr_t address, int writes, const char *expected)
{
    const assay_scene scene = {.doing = "run (train)", .regions = regions, .count = 4};
    char what[ASSAY_WIRE_WHAT] = "";
    siginfo_t info;
    ucontext_t context;
    memset(&info, 0, sizeof info);
    memset(&context, 0, sizeof context);
    info.si_signo = number;
    info.si_code = code;
    info.si_addr = (void *)address;
#ifdef __x86_64__
    context.uc_mcontext.gregs[REG_ERR] = writes ? 2 : 0;
    context.uc_mcontext.gregs[REG_RSP] = 0x7fff0000;
#else
    (void)writes;
    skip(); /* the lines name the access, which only that machine's context tells here */
#endif
    assay_fault_describe(&scene, &info, &context, what, sizeof what);
    assert_string_equal(what, expected);
}

static void a_pointer_of_the_device_is_named(void **state)
{
    (void)state;
    says(SIGSEGV, SEGV_MAPERR, 0x30000010, 0,
         "SIGSEGV in run (train): read at 0x30000010 (y, which lies on the device)");
}

static void a_write_to_an_input_is_named(void **state)
{
    (void)state;
    says(SIGSEGV, SEGV_ACCERR, 0x10001004, 1, "SIGSEGV in run (train): write to input x: offset 4 of 40 bytes");
}

static void both_ends_of_a_tensor_are_named(void **state)
{
    (void)state;
    says(SIGSEGV, SEGV_ACCERR, 0x10002000, 0,
         "SIGSEGV in run (train): read past the end of x: offset 4096 of 40 bytes");
    says(SIGBUS, BUS_ADRERR, 0x10000fff, 0, "SIGBUS in run (train): read before the start of x: offset -1 of 40 bytes");
}

static void a_block_is_named(void **state)
{
    (void)state;
    says(SIGSEGV, SEGV_ACCERR, 0x20002000, 1,
         "SIGSEGV in run (train): write past the end of workspace: offset 128 of 100 bytes");
    says(SIGSEGV, SEGV_ACCERR, 0x20001f80, 1, "SIGSEGV in run (train): write of workspace: offset 0 of 100 bytes");
}

static void other_addresses_are_given(void **state)
{
    (void)state;
    says(SIGSEGV, SEGV_MAPERR, 0x18, 0, "SIGSEGV in run (train): read at 0x18 (a null pointer)");
    says(SIGSEGV, SEGV_MAPERR, 0xdeadbeef, 1,
         "SIGSEGV in run (train): write at 0xdeadbeef (no tensor or block of the plan)");
    says(SIGSEGV, SEGV_MAPERR, 0x7ffefff8, 1, "SIGSEGV in run (train): write at 0x7ffefff8 (the stack overflowed)");
}

static void an_instruction_is_named_by_its_address(void **state)
{
    (void)state;
    says(SIGILL, ILL_ILLOPN, 0x401000, 0, "SIGILL in run (train): instruction at 0x401000");
    says(SIGFPE, FPE_INTDIV, 0x401000, 0, "SIGFPE in run (train): instruction at 0x401000");
}

static void signals_without_a_fault_are_told_apart(void **state)
{
    (void)state;
    says(SIGSEGV, SI_USER, 0, 0, "SIGSEGV in run (train): sent by a process");
    says(SIGABRT, SI_TKILL, 0, 0, "SIGABRT in run (train): abort() or an assertion");
}

static void a_forbidden_call_is_named(void **state)
{
    (void)state;
    const assay_scene scene = {.doing = "plan"};
    char what[ASSAY_WIRE_WHAT] = "";
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGSYS;
    info.si_syscall = SYS_execve;
    assay_fault_describe(&scene, &info, NULL, what, sizeof what);
    assert_string_equal(what, "SIGSYS in plan: system call execve is forbidden");
    info.si_syscall = 99999;
    assay_fault_describe(&scene, &info, NULL, what, sizeof what);
    assert_string_equal(what, "SIGSYS in plan: system call 99999 is forbidden");
    assert_null(assay_sandbox_call_name(99999));
}

static void a_long_line_is_cut(void **state)
{
    (void)state;
    const assay_scene scene = {.doing = "run (train)"};
    char what[16];
    siginfo_t info;
    memset(&info, 0, sizeof info);
    info.si_signo = SIGABRT;
    assay_fault_describe(&scene, &info, NULL, what, sizeof what);
    assert_string_equal(what, "SIGABRT in run ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pointer_of_the_device_is_named),
        cmocka_unit_test(a_write_to_an_input_is_named),
        cmocka_unit_test(both_ends_of_a_tensor_are_named),
        cmocka_unit_test(a_block_is_named),
        cmocka_unit_test(other_addresses_are_given),
        cmocka_unit_test(an_instruction_is_named_by_its_address),
        cmocka_unit_test(signals_without_a_fault_are_told_apart),
        cmocka_unit_test(a_forbidden_call_is_named),
        cmocka_unit_test(a_long_line_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

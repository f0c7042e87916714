/* fiber.cc: stacks with guard pages, and the switch from one to another.
 * SPDX-License-Identifier: MIT */
#include "impl/cuda/emulator/fiber.hpp"

#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#define TOLD 1
#else
#define TOLD 0
#endif

#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulator
{

enum { PAGE = 4096 };

char *stacks_open(size_t count)
{
    const size_t bytes = (count + 1) * FIBER_BYTES;
    void *got = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (got == MAP_FAILED) return nullptr;
    char *raw = static_cast<char *>(got);
    const uintptr_t first = (reinterpret_cast<uintptr_t>(raw) + FIBER_BYTES - 1) & ~uintptr_t{FIBER_BYTES - 1};
    char *stacks = reinterpret_cast<char *>(first);
    if (stacks > raw) munmap(raw, stacks - raw);
    munmap(stacks + count * FIBER_BYTES, raw + bytes - (stacks + count * FIBER_BYTES));
    for (size_t k = 0; k < count; k++)
        if (mprotect(stacks + k * FIBER_BYTES + PAGE, PAGE, PROT_NONE) != 0) {
            munmap(stacks, count * FIBER_BYTES);
            return nullptr;
        }
    return stacks;
}

void stacks_close(char *stacks, size_t count)
{
    if (stacks) munmap(stacks, count * FIBER_BYTES);
}

#if defined(__x86_64__)

/* Saves what a function must keep, and the stack pointer to *from; takes all of it from `to`. */
extern "C" void assay_emulator_jump(void **from, void *to);

asm(".text\n"
    ".hidden assay_emulator_jump\n"
    ".globl assay_emulator_jump\n"
    ".type assay_emulator_jump,@function\n"
    "assay_emulator_jump:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size assay_emulator_jump,.-assay_emulator_jump\n");

struct start {
    void (*enter)(void *);
};

/* Where a new fiber begins: its foot says which function is its own. */
static void begin()
{
    void *foot = fiber_foot();
    start s;
    memcpy(&s, static_cast<char *>(foot) + PAGE - sizeof s, sizeof s);
    s.enter(foot);
    __builtin_trap();
}

static void jump(context *from, context *to)
{
    assay_emulator_jump(&from->top, to->top);
}

static void prepare(context *out, char *foot, void (*enter)(void *))
{
    const start s = {enter};
    void (*first)() = begin;
    memcpy(foot + PAGE - sizeof s, &s, sizeof s);
    /* From the top: an address that nobody returns to, the first instruction, six registers. */
    char *top = foot + FIBER_BYTES - 16;
    memset(top - 48, 0, 64);
    memcpy(top, &first, sizeof first);
    out->top = top - 48;
}

#else

struct start {
    ucontext_t at;
    void (*enter)(void *);
};

static void begin()
{
    void *foot = fiber_foot();
    reinterpret_cast<start *>(static_cast<char *>(foot) + PAGE - sizeof(start))->enter(foot);
    __builtin_trap();
}

static void jump(context *from, context *to)
{
    ucontext_t here;
    from->top = &here;
    swapcontext(&here, static_cast<ucontext_t *>(to->top));
}

static void prepare(context *out, char *foot, void (*enter)(void *))
{
    start *s = reinterpret_cast<start *>(foot + PAGE - sizeof(start));
    getcontext(&s->at);
    s->at.uc_stack.ss_sp = foot + 2 * PAGE;
    s->at.uc_stack.ss_size = FIBER_BYTES - 2 * PAGE;
    s->at.uc_link = nullptr;
    s->enter = enter;
    makecontext(&s->at, begin, 0);
    out->top = &s->at;
}

#endif

void context_make(context *out, char *foot, void (*enter)(void *foot))
{
    *out = context{};
    out->stack_foot = foot + 2 * PAGE;
    out->stack_bytes = FIBER_BYTES - 2 * PAGE;
#if TOLD
    __asan_unpoison_memory_region(out->stack_foot, out->stack_bytes); /* its last tenant may have left in the middle */
#endif
    prepare(out, foot, enter);
}

void context_switch(context *from, context *to, bool last)
{
#if TOLD
    __sanitizer_start_switch_fiber(last ? nullptr : &from->shadow, to->stack_foot, to->stack_bytes);
#else
    (void)last;
#endif
    jump(from, to);
}

void context_arrived(context *self, context *other)
{
#if TOLD
    __sanitizer_finish_switch_fiber(self->shadow, &other->stack_foot, &other->stack_bytes);
#else
    (void)self;
    (void)other;
#endif
}

} // namespace emulator

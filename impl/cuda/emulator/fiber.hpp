/* fiber.hpp: a stack and a place in it: what one emulated thread is between two of its turns.
 * SPDX-License-Identifier: MIT
 *
 * A fiber's own data stand at the foot of its stack, whose address is a multiple of its size: so whoever runs on it
 * finds them by the address of a local variable, and no global says who runs. */
#ifndef ASSAY_CUDA_FIBER_HPP
#define ASSAY_CUDA_FIBER_HPP

#include <stddef.h>
#include <stdint.h>

#define FIBER_BYTES 65536u /* foot (one page), guard page, stack */

namespace emulator
{

/* Where a side of a switch stood. */
struct context {
    void *top = nullptr;              /* stack pointer; of a ucontext_t where the machine has no switch of its own */
    void *shadow = nullptr;           /* what AddressSanitizer keeps of it */
    const void *stack_foot = nullptr; /* of its stack, for AddressSanitizer */
    size_t stack_bytes = 0;
};

/* `count` stacks in one piece; NULL if there is no memory. */
char *stacks_open(size_t count);
void stacks_close(char *stacks, size_t count);

/* Prepares a fiber at `foot` to run enter(foot) when first switched to. enter must never return. */
void context_make(context *out, char *foot, void (*enter)(void *foot));

/* Leaves `from` for `to`; returns when somebody switches back. last: `from` is never run again. */
void context_switch(context *from, context *to, bool last);

/* First thing on a side that was switched to: tells the sanitizer, and learns where the other side's stack lies. */
void context_arrived(context *self, context *other);

/* The foot of the stack that the caller runs on, which must be a fiber's. */
inline void *fiber_foot()
{
    return reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(__builtin_frame_address(0)) &
                                    ~uintptr_t{FIBER_BYTES - 1});
}

} // namespace emulator

#endif

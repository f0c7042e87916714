/* image.c: the kernels of kernels.cu as nvcc made them, for every architecture that the build names; none where the
 * build had no nvcc. SPDX-License-Identifier: MIT */
#include "perf/device/image.h"

#include <stddef.h>

#ifdef ASSAY_DEVICE_IMAGE
__asm__(".pushsection .rodata\n"
        ".balign 16\n"
        "device_image:\n"
        ".incbin \"" ASSAY_DEVICE_IMAGE "\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const unsigned char device_image[];

const void *assay_device_image(void)
{
    return device_image;
}
#else
const void *assay_device_image(void)
{
    return NULL;
}
#endif

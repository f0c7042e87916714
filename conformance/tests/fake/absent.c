/* absent.c: a library of NVIDIA's, of a major version that no machine has: there to link with, not to be found.
 * SPDX-License-Identifier: MIT */
__attribute__((visibility("default"))) int cudnn_of_another_major(void);

int cudnn_of_another_major(void)
{
    return 0;
}

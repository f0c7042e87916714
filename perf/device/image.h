/* image.h: the kernels that measure a device, as the driver loads them. SPDX-License-Identifier: MIT */
#ifndef ASSAY_DEVICE_IMAGE_H
#define ASSAY_DEVICE_IMAGE_H

/* Static; NULL in a build without nvcc. */
const void *assay_device_image(void);

#endif

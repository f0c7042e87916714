/* host.c: a program other than assay-worker that serves an implementation, as an interpreter would.
 * SPDX-License-Identifier: MIT */
#include "conformance/worker/worker.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    const assay_worker_options options = {.struct_size = sizeof options, .sandbox = 1};
    int socket = argc == 3 ? atoi(argv[1]) : -1;
    assay_worker_begin(socket, &options);
    return assay_worker_serve(socket, assay_impl_entry(), &options) != 0;
}

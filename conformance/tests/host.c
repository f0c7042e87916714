/* host.c: a program other than assay-worker that serves an implementation, as an interpreter would; HOST_LEVEL 0 gives
 * up nothing, to see what can be done then. SPDX-License-Identifier: MIT */
#include "conformance/worker/worker.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    const assay_worker_options options = {.struct_size = sizeof options, .sandbox = HOST_LEVEL};
    int socket = argc == 3 ? atoi(argv[1]) : -1;
    if (HOST_LEVEL > 0) assay_worker_settle();
    assay_worker_begin(socket, &options);
    if (HOST_LEVEL > 0 && !assay_worker_drop_root()) return 1;
    return assay_worker_serve(socket, assay_impl_entry(), &options) != 0;
}

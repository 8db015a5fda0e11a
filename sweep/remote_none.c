/* A build without MPI. */
#include "sweep/remote.h"

enum status sweep_remote_begin(int *rank, int *ranks, struct error *err)
{
    *rank = 0;
    *ranks = 1;
    return RAISE(err, ERR_USAGE,
                 "this program was built without MPI (cmake -DFAASCAST_MPI=ON, libopenmpi-dev)");
}

void sweep_remote_end(void)
{
}

enum status remote_open(uint64_t scenario, struct remote **out, struct error *err)
{
    (void)scenario;
    *out = NULL;
    return RAISE(err, ERR_USAGE, "built without MPI");
}

bool remote_give(struct remote *r, struct chunk *c)
{
    (void)r;
    (void)c;
    return false;
}

struct chunk *remote_take(struct remote *r, struct error *err)
{
    (void)r;
    (void)err;
    return NULL;
}

void remote_close(struct remote *r)
{
    (void)r;
}

enum status sweep_remote_serve(const struct scenario *s, const struct sweep_options *o,
                               struct error *err)
{
    (void)s;
    (void)o;
    return RAISE(err, ERR_USAGE, "built without MPI");
}
